"""A test that expects what can never be there is found before it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.mapping import Library
from gateway.mapping.check.expectations import in_facts
from gateway.mapping.lint import lint_mapping

ROOT = Path(__file__).parents[4]
CONTRACT = ROOT / "tests" / "contract" / "mapping"
HEAD = "lang: 1\nmapping: m\nsource: {hl7: '2.5'}\n"
DOCUMENT = HEAD + "target: {xsd: doc.xsd, root: doc}\nemit:\n  testo: PID-8\n"
MESSAGE = HEAD + "target: {hl7: '2.5', message: ADT_A05}\nemit:\n  PID-8: PID-8\n"


def expected(tmp_path: Path, mapping: str, test: str) -> list[str]:
    """The findings about what the test expects: `line:column text`."""
    (tmp_path / "profiles").mkdir()
    shipped = CONTRACT / "mappings" / "profiles" / "default.yaml"
    (tmp_path / "profiles" / "default.yaml").write_bytes(shipped.read_bytes())
    text = f"{mapping}tests:\n  - given: s.hl7\n    {test}\n"
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    found = lint_mapping(Library(tmp_path, CONTRACT / "xsd"), "m.yaml")
    return [
        f"{each.position.line}:{each.position.column} {each.text}"
        for each in found
        if each.text.startswith("expected ")
    ]


@pytest.mark.parametrize(
    ("mapping", "test", "told"),
    [
        (DOCUMENT, "expect: {testo: F, persona/nome: absent}", []),
        (
            DOCUMENT,
            "expect: {persona/nme: absent}",
            ["9:14 expected nme: persona has none; did you mean nome?"],
        ),
        (
            DOCUMENT,
            "expect: {'@versone': absent}",
            ["9:14 expected @versone: doc has none; did you mean versione?"],
        ),
        (
            DOCUMENT,
            "expect_errors: [VALUE teso]",
            ["9:21 expected teso: doc has none; did you mean testo?"],
        ),
        (DOCUMENT, "expect_errors: [REQUIRED persona/nome]", []),
        (MESSAGE, "expect: {PID-8: F, 'NK1[2]-3': absent}", []),
        (MESSAGE, "expect: {PID8: F}", ["9:14 expected PID8: no path such as PID-5.1"]),
    ],
)
def test_a_path_that_can_never_be_there_is_a_finding(
    tmp_path: Path, mapping: str, test: str, told: list[str]
) -> None:
    """At its place, with a guess."""
    assert expected(tmp_path, mapping, test) == told


def test_facts_and_groups_of_facts_are_known_by_name() -> None:
    """The number of a group's item aside."""
    known = in_facts({"esito": "text", "candidato": {"codiceFiscale": "cf"}})
    assert known("esito") is None
    assert known("candidato[2].codiceFiscale") is None
    assert known("candidato[1].zz") == "candidato.zz: no such fact"
