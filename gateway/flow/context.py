"""What the gateway itself knows of a case, beside its dossier: facts, choices, findings.

Kept as JSON beside the dossier, under the case's key. Knows no storage.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

_CODE, _MARK = "codiceFiscale", "provvisorio"
_json = json.JSONEncoder(ensure_ascii=False).encode
DEATH = "morte"
"""The choice of a person who knows when the child died: BEFORE the declaration or AFTER it."""

BEFORE, AFTER = "prima", "dopo"

ALIVE, DEAD = "alive", "dead"

_PROVISIONAL = 11
"""Digits of a provisional number; a definitive codice fiscale has sixteen characters."""


@dataclass(frozen=True, slots=True)
class CaseFinding:
    """Something in the case's content that a person should see: a code, a place, a text."""

    code: str
    at: str
    text: str


@dataclass(slots=True)
class Context:
    """`facts` by step; `choice` of the family or an operator; `cancellation` when there is one.

    `overrides` are the inputs of single submissions: a reason, a candidate, a request type.
    `days` are what the terms are reckoned from, as the dossier says them (see `Account.days`).
    `merged_into`: the case that lives on instead of this one, `merged_from` the other way round;
    `cancelled_at`: the moment (`hl7.moment`) of the cancellation, `admitted_at` that of the newest
    admission. `life`: ALIVE or DEAD, '' where an earlier release stored it; `registered_alive`: how
    many documents of the declaration there were when it turned from ALIVE to DEAD, 0 if none was,
    or might be, at the Comune.
    `anonymous` once said stays said: a later message that forgets the mark names nobody.
    """

    facts: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    choice: dict[str, str] = field(default_factory=dict, repr=False)
    cancellation: dict[str, str] = field(default_factory=dict, repr=False)
    findings: list[CaseFinding] = field(default_factory=list)
    overrides: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict, repr=False)
    days: dict[str, str] = field(default_factory=dict, repr=False)
    merged_into: str = ""
    merged_from: list[str] = field(default_factory=list)
    cancelled_at: str = ""
    admitted_at: str = ""
    declared_by: str = ""
    anonymous: bool = False
    life: str = ""
    registered_alive: int = 0

    @property
    def asks_of_death(self) -> bool:
        """Whether a person must yet say if it died before the declaration or after it."""
        return self.registered_alive > 0 and DEATH not in self.choice

    def newer(self, step: str, facts: Mapping[str, str]) -> dict[str, str]:
        """`facts` as far as they are news. A provisional number of eleven digits says nothing new
        where a definitive code is known, because answers cross; and a definitive one ends it.
        """
        known, told = self.facts.get(step, {}).get(_CODE, ""), facts.get(_CODE, "")
        if len(told) == _PROVISIONAL and len(known) > _PROVISIONAL:
            return {name: value for name, value in facts.items() if name not in (_CODE, _MARK)}
        ends = len(known) == _PROVISIONAL and len(told) > _PROVISIONAL
        return {**({_MARK: "false"} if ends else {}), **facts}

    def learn(self, step: str, facts: Mapping[str, str]) -> bool:
        """Keep what a step's answer told; True if that changed anything."""
        known = self.facts.get(step, {})
        merged = {**known, **{name: value for name, value in facts.items() if value}}
        if merged == known:
            return False
        self.facts[step] = merged
        return True

    def forget(self, step: str) -> bool:
        """What a step had given is no longer true: it was annulled."""
        return self.facts.pop(step, None) is not None

    def unname(self) -> None:
        """The mother does not want to be named: what was told of the child while it had her name,
        such as its codice fiscale, goes. When it died names nobody.
        """
        self.anonymous = True
        kept = {DEATH: self.choice[DEATH]} if DEATH in self.choice else {}
        self.facts, self.choice, self.overrides = {}, kept, {}

    def encode(self) -> bytes:
        """As stored: what is empty is left out."""
        told = {name: each for name in _NAMES if (each := getattr(self, name))}
        if self.findings:
            told["findings"] = [[f.code, f.at, f.text] for f in self.findings]
        return _json(told).encode()

    @classmethod
    def decode(cls, stored: bytes) -> Context:
        """From what was stored; nothing stored is an empty context."""
        tree = json.loads(stored) if stored else {}
        known = {name: tree[name] for name in _NAMES if name in tree}
        if "findings" in known:
            known["findings"] = [CaseFinding(*entry) for entry in known["findings"]]
        return cls(**known)


_NAMES = tuple(each.name for each in fields(Context))
