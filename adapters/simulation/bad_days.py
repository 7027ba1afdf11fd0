"""Named misbehaviours of an administration: which are on, for which calls, how many times.

Pure: knows no sockets and no administration. Where each one bites is told in `CATALOGUE`; the
service and the listener do what it says. A bad day without a match bites every call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from typing import Final


class Bites(Enum):
    """At which moment a bad day shows."""

    LISTENER = "the port: closed, or with another certificate"
    JUDGEMENT = "what the administration decides"
    REPLY = "the reply, once the effect is stored (option before=true: without any effect)"


@dataclass(frozen=True, slots=True)
class Kind:
    """What one name means, and the options that it understands."""

    bites: Bites
    meaning: str
    options: frozenset[str] = frozenset()


_REPLY: Final = frozenset({"before"})

CATALOGUE: Final[Mapping[str, Kind]] = {
    "slow": Kind(Bites.REPLY, "waits `seconds` (5)", _REPLY | {"seconds"}),
    "refuse": Kind(
        Bites.JUDGEMENT,
        "refuses with `codice` and `campo`, as RESPINTA or, with `how`=fault, as a signed fault",
        frozenset({"codice", "campo", "how"}),
    ),
    "fault_after_storing": Kind(Bites.REPLY, "stores, then a signed undeclared fault", _REPLY),
    "drop_after_storing": Kind(Bites.REPLY, "stores, then cuts the connection", _REPLY),
    "garbage": Kind(Bites.REPLY, "bytes that are no XML, as text/xml", _REPLY),
    "wrong_signature": Kind(
        Bites.REPLY,
        "a reply changed after signing; `how`: body (default), timestamp, relates_to, unsigned, "
        "foreign",
        _REPLY | {"how"},
    ),
    "unsigned_fault": Kind(Bites.REPLY, "a declared fault that nobody signed", _REPLY),
    "outage": Kind(
        Bites.JUDGEMENT,
        "signed fault of being down; `how`=http: a 503 without SOAP, with `retry_after`",
        frozenset({"how", "retry_after"}),
    ),
    "refuse_connections": Kind(Bites.LISTENER, "nobody listens"),
    "expired_certificate": Kind(
        Bites.LISTENER, "TLS with the tls.pem and tls.key of `folder`", frozenset({"folder"})
    ),
    "other_host": Kind(
        Bites.LISTENER, "TLS with the tls.pem and tls.key of `folder`", frozenset({"folder"})
    ),
    "several_candidates": Kind(
        Bites.JUDGEMENT, "esito SCELTA with `count` (2) candidates", frozenset({"count"})
    ),
    "already_known": Kind(
        Bites.JUDGEMENT,
        "Agenzia delle Entrate: the family went to the counter; EAA30 to a request of type 1",
    ),
    "provisional": Kind(
        Bites.JUDGEMENT,
        "Agenzia delle Entrate: an 11-digit number now, the definitive code `after` (1) seconds by "
        "callback; null: at /callback-now",
        frozenset({"after"}),
    ),
    "answer_later": Kind(
        Bites.JUDGEMENT,
        "PRESA_IN_CARICO, the outcome `after` (1) seconds by callback; null: at /callback-now; "
        "`codice`: the outcome is a refusal",
        frozenset({"after", "codice"}),
    ),
    "callback_before_reply": Kind(
        Bites.JUDGEMENT, "the callback arrives, then PRESA_IN_CARICO", frozenset({"codice"})
    ),
    "callback_twice": Kind(
        Bites.JUDGEMENT,
        "as answer_later, and the same outcome comes twice",
        frozenset({"after", "codice"}),
    ),
    "html": Kind(Bites.REPLY, "200 with a page for people", _REPLY),
    "http_500": Kind(Bites.REPLY, "500 with a page for people", _REPLY),
    "empty": Kind(Bites.REPLY, "200 without a body", _REPLY),
    "endless": Kind(Bites.REPLY, "a body that never ends", _REPLY),
}


@dataclass(frozen=True, slots=True)
class BadDay:
    """One that is on: for `times` calls (None: until switched off) of those that match.

    `match` compares `operation`, or the text of the first element with that local name in the
    Body (`idOperazione`, `codDestinatario`, `cognome`…).
    """

    name: str
    times: int | None = None
    match: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError for a name or an option that nobody knows."""
        if self.name not in CATALOGUE:
            raise ValueError(f"no bad day is called {self.name}; see /state")
        unknown = set(self.options) - CATALOGUE[self.name].options
        if unknown:
            raise ValueError(f"{self.name} has no option {', '.join(sorted(unknown))}")
        if "folder" in CATALOGUE[self.name].options and "folder" not in self.options:
            raise ValueError(f"{self.name} needs the option folder")

    def number(self, option: str, default: float) -> float:
        """An option that is a number."""
        return float(str(self.options.get(option, default)))


Plan = Mapping[str, BadDay]
"""The bad days that bite one call, by name."""


class BadDays:
    """The bad days that are on, oldest first. `changed` is called after each change."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._on: list[BadDay] = []
        self.changed = changed

    def add(self, day: BadDay) -> None:
        """Switch one on; if it cannot be, what `changed` raises, and it stays off."""
        self._on.append(day)
        try:
            self.changed()
        except Exception:
            self._on.remove(day)
            raise

    def clear(self, name: str | None = None) -> None:
        """Switch all off, or all of one name."""
        self._on = [day for day in self._on if name is not None and day.name != name]
        self.changed()

    def listener(self) -> BadDay | None:
        """The one that the listening port shows, if any."""
        days = (day for day in self._on if CATALOGUE[day.name].bites is Bites.LISTENER)
        return next(days, None)

    def plan(self, value: Callable[[str], str]) -> Plan:
        """What bites the call whose values `value` gives by name; each counts one time less."""
        plan: dict[str, BadDay] = {}
        left = []
        for day in self._on:
            bites = CATALOGUE[day.name].bites is not Bites.LISTENER and day.name not in plan
            if bites and all(value(name) == text for name, text in day.match.items()):
                plan[day.name] = day
                day = day if day.times is None else replace(day, times=day.times - 1)
            left += [day] if day.times != 0 else []
        self._on = left
        return plan

    def state(self) -> list[dict[str, object]]:
        """What is on, as plain values."""
        return [asdict(day) for day in self._on]
