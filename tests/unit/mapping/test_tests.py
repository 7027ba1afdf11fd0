"""The tests that mappings carry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError
from gateway.mapping import Library
from gateway.mapping.tests import run_tests

from .conftest import HEAD

Write = Callable[..., Library]
EMIT = "inputs:\n  flow: {now: dateTime}\nemit:\n  testo: PID-5\n  momento: flow.now\n"


def failures(library: Library, name: str = "m.yaml") -> list[str]:
    return [failure for result in run_tests(library, name) for failure in result.failures]


def test_the_example_of_the_language_passes(library: Library) -> None:
    """Both of its tests, the one that expects an error too."""
    results = run_tests(library, "comune/nascita.yaml")
    assert [result.name for result in results] == ["girl, single birth", "twin without order"]
    assert all(result.passed for result in results)
    assert results[0].position.line == 56


@pytest.mark.parametrize(
    ("test", "failure"),
    [
        ("expect: {testo: ROSSI, giorno: absent}", None),
        ("expect: {testo: VERDI}", "testo: expected VERDI, found ROSSI"),
        ("expect: {giorno: x}", "giorno: expected x, found absent"),
        ("expect: {'@versione': absent}", None),
        ("expect: {momento: '2026-03-02T10:00:00+01:00'}", None),
        ("now: '2030-01-01T00:00:00Z'\n    expect: {momento: '2030-01-01T00:00:00+00:00'}", None),
        ("inputs: {flow: {now: absent}}\n    expect: {momento: absent}", None),
        ("patch: {PID-5: VERDI}\n    expect: {testo: VERDI}", None),
        ("patch: {PID-5: A~B}\n    expect: {testo: A}", "unexpected: VALUE testo m.yaml:8: PID-5"),
        ("patch: {PID-5: A~B}\n    expect_errors: [VALUE testo]", None),
        ("expect_errors: [VALUE testo]", "expected and not there: VALUE testo"),
        ("patch: {nonsense: x}\n    expect: {testo: x}", "is not a path"),
        ("patch:\n      NK1[9]: x\n    expect: {testo: x}", "the message has 2 of them"),
        ("expect: {persona//b: x}", "found absent"),
        ("profile: nobody\n    expect: {testo: x}", "no such file"),
        ("expect_xml: samples/doc.xml", None),
        (
            "patch: {PID-5: VERDI}\n    expect_xml: samples/doc.xml",
            "doc.xml: testo: expected ROSSI",
        ),
    ],
)
def test_what_a_test_expects(written: Write, folder: Path, test: str, failure: str | None) -> None:
    """Partial expectations: what is named is compared, what is not is not."""
    (folder / "mappings/samples/doc.xml").write_text(
        '<x:doc xmlns:x="urn:test:doc">\n  <testo>ROSSI</testo>\n'
        "  <momento>2026-03-02T10:00:00+01:00</momento>\n</x:doc>".replace("x:", "ns:").replace(
            "xmlns:x", "xmlns:ns"
        )
    )
    text = f"{HEAD}{EMIT}tests:\n  - given: samples/femmina.hl7\n    {test}\n"
    told = failures(written(m=text))
    assert bool(told) == bool(failure), told
    assert failure is None or any(failure in one for one in told), told


def test_answers_are_tested_too(written: Write, folder: Path) -> None:
    """A sample document, patched; facts expected."""
    (folder / "mappings/samples/answer.xml").write_text(
        '<d:doc xmlns:d="urn:test:doc" versione="1"><testo>a</testo>'
        "<persona><cognome>A</cognome><nome>B</nome></persona></d:doc>"
    )
    library = written(
        m="lang: 1\nmapping: m\nsource: {xsd: doc.xsd, root: doc}\n"
        "target: {facts: {a: text, v: text}}\n"
        "emit:\n  a: persona/nome\n  v: '@versione'\ntests:\n"
        "  - {given: samples/answer.xml, expect: {a: B, v: '1'}}\n"
        "  - given: samples/answer.xml\n    patch: {persona/nome: C, '@versione': '2'}\n"
        "    expect: {a: C, v: '2'}\n"
        "  - given: samples/answer.xml\n    patch: {persona/nome: absent, '@versione': absent}\n"
        "    expect: {a: absent, v: absent}\n"
        "  - {given: samples/answer.xml, patch: {persona/eta: '1'}, expect: {a: B}}\n"
        "  - {given: samples/answer.xml, patch: {nobody/@x: '1'}, expect: {a: B}}\n"
        "  - {given: samples/answer.xml, expect_xml: samples/answer.xml}\n"
    )
    told = failures(library)
    assert told == [
        "persona/eta: is not in the sample",
        "nobody/@x: is not in the sample",
        "samples/answer.xml: expect_xml is for documents",
    ]


def test_messages_are_tested_too(written: Write) -> None:
    """Paths of the message that was built."""
    library = written(
        m="lang: 1\nmapping: m\nsource: {hl7: '2.5'}\ntarget: {hl7: '2.5', message: ADT_A05}\n"
        "emit:\n  PID-5.1: PID-5.1\ntests:\n"
        "  - {given: samples/femmina.hl7, expect: {PID-5.1: ROSSI, PID-8: absent}}\n"
        "  - {given: samples/femmina.hl7, expect: {what: x}}\n"
    )
    assert failures(library) == ["'what' is not a path such as PID-3[2].1"]


def test_a_mapping_may_name_the_profile_of_its_tests(written: Write) -> None:
    """`source: {profile: …}`; a test's own wins."""
    library = written(
        profiles__p="lang: 1\nprofile: p\ndefine:\n  nome: PID-5.2\n",
        m="lang: 1\nmapping: m\nsource: {hl7: '2.5', profile: p}\n"
        "target: {xsd: doc.xsd, root: doc}\nemit:\n  testo: nome\ntests:\n"
        "  - {given: samples/femmina.hl7, expect: {testo: Laura}}\n"
        "  - {given: samples/femmina.hl7, profile: default, expect: {testo: Laura}}\n",
    )
    first, second = run_tests(library, "m.yaml")
    assert first.passed
    assert "unknown name nome" in second.failures[0]


def test_a_mapping_that_cannot_be_read_has_no_tests(written: Write) -> None:
    """All its mistakes are told instead."""
    with pytest.raises(ConfigurationError, match="unknown key what"):
        run_tests(written(m=HEAD + EMIT + "what: x\n"), "m.yaml")
    library = written(m=HEAD + "emit:\n  tesot: PID-5\ntests:\n  - {given: a, expect: {a: b}}\n")
    assert "no element tesot" in failures(library)[0]
