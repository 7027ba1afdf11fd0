"""`rules:` as written: what is read, and what is told of a rule that cannot be."""

from __future__ import annotations

import pytest

from gateway.mapping.finding import Findings
from gateway.mapping.rules import read_rules
from gateway.mapping.tree import Table, read

GOOD = "- when: exists(a)\n  code: A1\n  at: a\n  refuse: no a\n"


def told(text: str) -> tuple[list[str], list[str]]:
    """The codes of the rules read, and the findings as `line:column CODE text`."""
    findings = Findings()
    tree = read(f"rules:\n{text}".encode(), "m.yaml", findings)
    assert isinstance(tree, Table)
    rules = read_rules(tree.get("rules"), findings)
    places = [f"{one.position.line}:{one.position.column} {one.code}" for one in findings.all]
    return [rule.code for rule in rules], places


def test_rules_come_in_the_order_of_the_file() -> None:
    """What is told first stands first."""
    assert told(GOOD + GOOD.replace("A1", "A0")) == (["A1", "A0"], [])


def test_no_rules_are_no_mistake() -> None:
    """Neither absent nor empty."""
    assert read_rules(None, Findings()) == ()
    assert told("") == ([], [])


@pytest.mark.parametrize("key", ["when", "code", "at", "refuse"])
def test_each_key_is_needed(key: str) -> None:
    """A rule without one of them is told at its place; the others are read."""
    lines = [line for line in GOOD.replace("- ", "  ").splitlines() if f"{key}:" not in line]
    text = "- " + "\n".join(lines)[2:] + "\n"
    assert told(text + GOOD.replace("A1", "A2")) == (["A2"], ["2:3 M06"])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("  a: b\n", "2:3 M06"),
        ("- exists(a)\n", "2:3 M06"),
        (GOOD + "  wen: b\n", "6:3 M06"),
        (GOOD.replace("no a", "[a]"), "2:3 M06"),
    ],
)
def test_a_misshapen_rule_is_a_finding(text: str, place: str) -> None:
    """At the key or the rule that is wrong."""
    assert told(text)[1] == [place]
