"""`icaro map lint`: what only the whole file tells."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.mapping import Library
from gateway.mapping.lint import (
    lint_mapping,
    lint_profile,
    mappings_in,
    profiles_in,
    waiting_in,
)

from .conftest import HEAD

Write = Callable[..., Library]
EMIT = "emit:\n  testo: PID-5\n"


def codes(library: Library, name: str = "m.yaml", profile: str = "default") -> list[str]:
    return [finding.code for finding in lint_mapping(library, name, profile)]


def test_mappings_are_found_and_libraries_are_none(library: Library) -> None:
    """Profiles, libraries and flows lie in the same folder."""
    assert mappings_in(library) == ["comune/nascita.yaml"]
    assert profiles_in(library) == ["default", "stretto"]


def test_a_mapping_that_waits_for_its_schema_is_not_among_them(written: Write) -> None:
    """Nobody can check it before the schema is there; it is listed apart."""
    header = HEAD.replace("root: doc", "root: doc, optional: true").replace("doc.xsd", "no.xsd")
    library = written(m=header + EMIT)
    assert "m.yaml" not in mappings_in(library)
    assert waiting_in(library) == {"m.yaml": "no.xsd"}


def test_a_good_mapping_has_no_finding_but_what_it_does_not_use(library: Library) -> None:
    """The example of the language declares an operation id and never writes it."""
    findings = lint_mapping(library, "comune/nascita.yaml")
    assert [str(finding) for finding in findings] == [
        "comune/nascita.yaml:10:10: warning M07 input flow.operationId is never used"
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("let:\n  a: PID-5\n" + EMIT, "M07"),
        ("inputs:\n  a: {b: text}\n" + EMIT, "M07"),
        ("blocks:\n  a():\n    nome: PID-5\n" + EMIT, "M07"),
        ("tables:\n  s: {file: sesso.csv, key: hl7}\n" + EMIT, "T04"),
        ("unmapped: ['']\n" + EMIT, "M06"),
        ("tests: {a: b}\n" + EMIT, "M06"),
        ("tests: [a]\n" + EMIT, "M06"),
        ("tests:\n  - name: x\n    expect: {testo: a}\n" + EMIT, "M06"),
        ("tests:\n  - given: samples/femmina.hl7\n" + EMIT, "M07"),
        ("tests:\n  - {given: a, expct: {testo: a}}\n" + EMIT, "M06"),
        ("mapping: again\n" + EMIT, "Y02"),
        ("what: x\n" + EMIT, "M06"),
        ("inputs: x\n" + EMIT, "M06"),
        ("inputs:\n  a: b\n" + EMIT, "M06"),
        ("inputs:\n  a: {b: string}\n" + EMIT, "M06"),
        ("tables:\n  s: x\n" + EMIT, "M06"),
        ("tables:\n  s: {file: sesso.csv, key: hl7, missing: maybe}\n" + EMIT, "M06"),
        ("tables:\n  s: {file: sesso.csv, key: hl7, valid: [a]}\n" + EMIT, "M06"),
        ("tables:\n  s: {file: [a], key: hl7}\n" + EMIT, "M06"),
        ("use: [lib/none.yaml]\n" + EMIT, "Y01"),
        ("", "M06"),
        ("emit:\n  testo:\n    - PID-5\n  corto:\n    - PID-5\n", "X07"),
        ("emit:\n  testo: {$value: PID-5, $text: x}\n", "M06"),
        ("emit:\n  testo: {$value: PID-5, altro: x}\n", "M06"),
        ("emit:\n  persona: {$required: x, nome: PID-5}\n", "M06"),
        ("emit:\n  testo: {$value: [a]}\n", "M06"),
        ("emit:\n  testo: {$value: PID-5, $on_null: no}\n", "M06"),
        ("emit:\n  corto: {$value: PID-5, $on_null: nil}\n", "X05"),
        ("emit:\n  testo: {$each: PID-3, $value: PID-5}\n", "M06"),
        ("emit:\n  testo: {$each: PID-5.1 as x, $value: x}\n", "M04"),
        ("emit:\n  testo: {$each: nobody as x, $value: x}\n", "M02"),
        ("emit:\n  persona: {$choose: x}\n", "M06"),
        ("emit:\n  persona:\n    $choose:\n      - nome: PID-5\n      - nome: PID-5\n", "M06"),
        ("emit:\n  persona:\n    $choose:\n      - {$each: NK1 as n, nome: n-2}\n", "M06"),
        ("emit:\n  persona: {$attr: x, nome: PID-5}\n", "M06"),
        ("emit:\n  persona: {$attr: {ruolo: {nome: PID-5}}, nome: PID-5}\n", "M06"),
        ("emit:\n  persona: {$use: nobody()}\n", "M02"),
        ("emit:\n  persona: {$use: 'a b'}\n", "M01"),
        ("emit:\n  persona: {$use: PID-5}\n", "M01"),
        ("blocks:\n  p(x): {nome: x}\nemit:\n  persona: {$use: p()}\n", "M04"),
        ("emit:\n  corto: PID-5\n  giorno: PID\n", "M04"),
        ("emit:\n  testo: PID-5[1][2]-3\n", "M01"),
        ("emit:\n  testo: PID-5.1.2.3\n", "M01"),
        ("emit:\n  testo: PID-3[PID-5].1\n", "M04"),
        ("emit:\n  testo: PROCEDURE\n", "M02"),
        ("emit:\n  testo: '@x'\n", "M01"),
        ("emit:\n  testo: flow.now\n", "M02"),
        ("inputs:\n  flow: {now: text}\nemit:\n  testo: flow.no\n", "M02"),
        ("inputs:\n  flow: {now: text}\nemit:\n  testo: flow\n", "M02"),
        ("let:\n  f(x): x\nemit:\n  testo: f\n", "M04"),
        ("let:\n  f(x): x\nemit:\n  testo: f(PID-5, PID-5)\n", "M04"),
        ("emit:\n  testo: exists()\n", "M04"),
        ("emit:\n  testo: is_null('x')\n", "M04"),
        ("emit:\n  testo: PID-5 | lookup(a)\n", "M04"),
        ("emit:\n  testo: PID-5 | lookup(a, b)\n", "M02"),
        (
            "tables:\n  s: {file: sesso.csv, key: hl7}\n"
            "emit:\n  testo: count(PID) | lookup(s, anpr)\n",
            "M04",
        ),
        (
            "tables:\n  s: {file: sesso.csv, key: hl7}\n"
            "emit:\n  testo: PID-5 | lookup(s, anpr, PID-7)\n",
            "M04",
        ),
        ("emit:\n  testo: join(PID-5, count(PID))\n", "M04"),
        ("emit:\n  testo: matches(PID-5, PID-3[1].1)\n", "M04"),
        ("emit:\n  testo: PID-5 ?? (PID-7 | date)\n", "M08"),
        ("emit:\n  vero: PID-5 in ('a', 1)\n", "M08"),
    ],
)
def test_each_mistake_has_its_code(written: Write, text: str, code: str) -> None:
    """The compiler goes on after a mistake and tells it once."""
    found = codes(written(m=HEAD + text))
    assert code in found
    assert found.count(code) <= 2


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        ("source: {hl7: '2.5'}\n", "M06"),
        ("source: x\ntarget: {xsd: doc.xsd, root: doc}\n", "M06"),
        ("source: {hl7: '2.5'}\ntarget: {root: doc}\n", "M06"),
        ("source: {hl7: '9.9'}\ntarget: {xsd: doc.xsd, root: doc}\n", "H04"),
        ("source: {hl7: '2.5', messages: [ADT_X]}\ntarget: {xsd: doc.xsd, root: doc}\n", "H04"),
        ("source: {hl7: '2.5'}\ntarget: {hl7: '2.5', message: ADT_X}\n", "H04"),
        ("source: {hl7: '2.5', mesages: [ADT_A01]}\ntarget: {xsd: doc.xsd, root: doc}\n", "M06"),
    ],
)
def test_each_mistake_of_the_ends_has_its_code(written: Write, ends: str, code: str) -> None:
    """Where it comes from and where it goes must be known."""
    assert code in codes(written(m="lang: 1\nmapping: m\n" + ends + EMIT))


@pytest.mark.parametrize(
    ("emit", "code"),
    [
        ("emit: PID-5\n", "X03"),
        ("emit:\n  PID-5: {$attr: {a: PID-5}, '1': PID-5}\n", None),
        ("emit:\n  $attr: {a: PID-5}\n  PID-5: PID-5\n", "X01"),
        ("emit:\n  PID-5: {'1': {'2': PID-5}}\n", "X03"),
        ("emit:\n  pid: PID-5\n", "X01"),
    ],
)
def test_mistakes_of_a_message_that_is_written(written: Write, emit: str, code: str | None) -> None:
    """Paths and parts, one value each."""
    ends = "lang: 1\nmapping: m\nsource: {hl7: '2.5'}\ntarget: {hl7: '2.5', message: ADT_A05}\n"
    found = codes(written(m=ends + emit))
    assert code in found if code else True


@pytest.mark.parametrize(
    ("emit", "code"),
    [
        ("emit: testo\n", "X03"),
        ("emit:\n  $attr: {a: giorno}\n  a: giorno\n", "X01"),
        ("emit:\n  a: [giorno, giorno]\n", "X03"),
        ("emit:\n  a: {b: giorno}\n", "X03"),
        ("emit:\n  g: giorno\n", "X03"),
        ("emit:\n  a: persona/@x\n", "X01"),
        ("emit:\n  a: '@x'\n", "X01"),
        ("emit:\n  a: PID-5\n", "M02"),
    ],
)
def test_mistakes_of_facts(written: Write, emit: str, code: str) -> None:
    """Names, groups and paths of an answer."""
    ends = (
        "lang: 1\nmapping: m\nsource: {xsd: doc.xsd, root: doc}\n"
        "target: {facts: {a: text, g: {b: text}}}\n"
    )
    assert code in codes(written(m=ends + emit))


def test_a_bad_profile_is_told_with_the_mapping(written: Write) -> None:
    """And by itself, with each of its definitions compiled."""
    library = written(
        profiles__p="lang: 1\nprofile: p\ndefine:\n  a: PID-99\n  f(x): x-1\n  b: nobody\n",
        profiles__q="lang: 2\n",
    )
    assert [finding.code for finding in lint_profile(library, "p")] == ["H02", "M02"]
    assert [finding.code for finding in lint_profile(library, "q")] == ["M06"]
    assert "M06" in codes(library, "comune/nascita.yaml", "q")
    assert [finding.code for finding in lint_profile(library, "nobody")] == ["Y01"]
