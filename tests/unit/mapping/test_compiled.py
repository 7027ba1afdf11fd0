"""What holds of every run: no exception, no value in an error, nothing left over."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.hl7.message import Message
from gateway.mapping import Library, ProblemKind
from gateway.mapping.samples import with_hl7_ends

from .conftest import CONTRACT, message

LIBRARY = Library(CONTRACT / "mappings", CONTRACT / "xsd")
COMPILED = LIBRARY.mapping("comune/nascita.yaml", LIBRARY.profile("default"))
SAMPLE = with_hl7_ends((CONTRACT / "mappings/samples/femmina.hl7").read_bytes())
INPUTS = {"flow": {"operationId": "1", "now": "2026-03-02T10:00:00+01:00"}}
FIELDS = st.text(alphabet="AB1~^&\\'\"|. \x01à<", max_size=12)
SEGMENTS = st.sampled_from(["PID", "NK1", "OBX", "PV1", "ZZZ"])


def translate(raw: bytes) -> Any:
    return COMPILED.run(Message.parse(raw), INPUTS)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(SEGMENTS, st.lists(FIELDS, max_size=30)), max_size=6))
def test_no_message_breaks_a_mapping(segments: list[tuple[str, list[str]]]) -> None:
    """Whatever a message says, there is a document that the schema takes, or reasons."""
    lines = ["|".join([name, *fields]) for name, fields in segments]
    result = COMPILED.run(message(*lines), INPUTS)
    assert (result.value is None) == bool(result.problems)


@settings(max_examples=100, deadline=None)
@given(st.integers(min_value=0, max_value=len(SAMPLE) - 1), st.sampled_from(b"|^~&X1\r"))
def test_a_changed_sample_is_translated_or_refused(at: int, byte: int) -> None:
    """One byte changed anywhere after MSH gives a document or problems, never an exception."""
    raw = SAMPLE[:at] + bytes([byte]) + SAMPLE[at + 1 :]
    if raw.startswith(b"MSH|^~\\&|"):
        result = translate(raw)
        assert (result.value is None) == bool(result.problems)


MARK = "QZXMARK"


@pytest.mark.parametrize("field", [*range(1, 40)])
def test_no_value_of_a_message_is_told(field: int) -> None:
    """A mark in any field of PID, alone or with a wrong type, appears in no problem."""
    fields = ["PID", "1", *[""] * 38]
    for value in (MARK, f"{MARK}^^^^NNITA^^N^^{MARK}", f"{MARK}~{MARK}"):
        fields[field] = value
        result = COMPILED.run(message("|".join(fields), f"NK1|1|{MARK * 9}^{MARK}|MTH"), INPUTS)
        assert result.problems
        assert all(MARK not in str(problem) for problem in result.problems)
        assert MARK not in repr(result)


def test_facts_are_in_no_repr_and_no_problem() -> None:
    """What earlier steps obtained is personal data too."""
    inputs = {"codice_fiscale": {"codiceFiscale": MARK}, "flow": {"now": MARK}}
    result = COMPILED.run(message("PID|1"), inputs)
    assert all(MARK not in str(problem) for problem in result.problems)


def test_runs_do_not_touch_each_other() -> None:
    """The same message gives the same document, whatever ran in between."""
    first = etree.tostring(translate(SAMPLE).value)
    translate(SAMPLE.replace(b"ROSSI", b"VERDI"))
    assert etree.tostring(translate(SAMPLE).value) == first


def test_escapes_and_accents_arrive_as_text() -> None:
    """Decoded at the leaf, written as XML."""
    raw = SAMPLE.replace(b"ROSSI^Laura", "D'Agrò \\T\\ Figli^Laura".encode())
    value = translate(raw).value
    assert value.findtext("{*}nato/{*}cognome") == "D'AGRÒ & FIGLI"


def test_a_schema_problem_names_the_line_that_writes_there() -> None:
    """Target path, mapping and line of the leaf."""
    raw = SAMPLE.replace(b"^Laura^Maria", b"^" + b"L" * 60)
    (problem,) = translate(raw).problems
    assert problem.kind is ProblemKind.SCHEMA
    assert (problem.target, problem.line) == ("nato/nome", 30)
    assert str(problem).startswith("SCHEMA nato/nome comune/nascita.yaml:30: value exceeds")


def test_a_problem_in_a_block_names_the_block_and_the_call() -> None:
    """Both lines, so that one knows which of three parents it was."""
    raw = SAMPLE.replace(b"19900512", b"19901399")
    (problem,) = translate(raw).problems
    assert (problem.target, problem.line) == ("madre/dataNascita", 23)
    assert problem.called_from == "comune/nascita.yaml:37"
