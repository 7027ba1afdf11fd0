"""`rules:` as written: what no schema can say of a document, and the code it is refused with.

Each rule has a condition over the finished document, a code, a sentence and a place in the
target. Reads shapes only; `rule_checks` says what a condition means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.mapping.finding import Findings, Position, did_you_mean
from gateway.mapping.tree import Scalar, Sequence, Table, Tree

_KEYS: Final = ("when", "code", "refuse", "at")


@dataclass(frozen=True, slots=True)
class Rule:
    """Where `when` is true the document is refused: with `code`, because of `refuse`, at `at`."""

    code: str
    when: Scalar
    refuse: str
    at: Scalar
    position: Position


def read_rules(tree: Tree | None, findings: Findings) -> tuple[Rule, ...]:
    """The rules of a file, in their order; one that cannot be read is a finding and left out."""
    if tree is None or (isinstance(tree, Scalar) and not tree.text):
        return ()
    if not isinstance(tree, Sequence):
        findings.error(tree.position, "M06", "rules must be a list")
        return ()
    read = (_rule(item, findings) for item in tree.items)
    return tuple(rule for rule in read if rule is not None)


def _rule(tree: Tree, findings: Findings) -> Rule | None:
    if not isinstance(tree, Table):
        findings.error(tree.position, "M06", f"a rule is a table of {', '.join(_KEYS)}")
        return None
    for key, _ in tree.pairs:
        if key.text not in _KEYS:
            text = f"unknown key {key.text}{did_you_mean(key.text, _KEYS)}"
            findings.error(key.position, "M06", text)
    said = {key: value for key in _KEYS if isinstance(value := tree.get(key), Scalar)}
    missing = [key for key in _KEYS if key not in said or not said[key].text.strip()]
    if missing:
        findings.error(tree.position, "M06", f"a rule needs {', '.join(missing)}, one text each")
        return None
    return Rule(said["code"].text, said["when"], said["refuse"].text, said["at"], tree.position)
