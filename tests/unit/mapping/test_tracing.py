"""The traced build: what is recorded while a message runs, and that the ordinary build is free."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from gateway.hl7.message import Message
from gateway.mapping import Library, Position, tracing
from gateway.mapping.seeing import Trace, traced, words
from gateway.mapping.tracing import CHOICE, EACH, EXPRESSION, LEAF, WHEN, Reading, Row, Step

HEAD = "lang: 1\nmapping: m\nsource: {hl7: '2.5'}\ntarget: {xsd: doc.xsd, root: doc}\n"
MSH = "MSH|^~\\&|HIS|BG|ICARO|ICARO|20260302090000||ADT^A01^ADT_A01|1|P|2.5"
Write = Callable[..., Library]


def message(*segments: str) -> Message:
    return Message.parse("\r".join([MSH, *segments]).encode())


def trace(library: Library, *segments: str, name: str = "m.yaml", inputs: Any = None) -> Trace:
    return traced(library, name, "default").run(message(*segments), inputs or {})[1]


def steps(found: Trace, kind: str) -> list[Step]:
    return [step for step in found.steps if step.site.kind == kind]


def test_the_ordinary_build_never_calls_the_tracer(library: Library) -> None:
    """A message that is delivered pays nothing for what an operator may want to see."""
    compiled = library.mapping("comune/nascita.yaml", library.profile("default"))
    sample = Message.parse(library.content("samples/femmina.hl7").replace(b"\n", b"\r"))
    called: set[str] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        called.add(frame.f_code.co_filename)

    sys.setprofile(note)
    try:
        compiled.run(sample, {"flow": {"operationId": "1", "now": "2026-03-02T10:00:00+01:00"}})
    finally:
        sys.setprofile(None)
    assert tracing.__file__ not in called
    assert any(name.endswith("xml_emit.py") for name in called)


def test_a_part_of_an_expression_has_its_own_place(written: Write) -> None:
    """File, line and column point inside the expression, not at its line."""
    library = written(m=HEAD + "emit:\n  testo: PID-8 | upper\n")
    found = steps(trace(library, "PID|1|||||||f"), EXPRESSION)
    assert [(words.expression(s.site.tree), s.site.position, s.value) for s in found] == [
        ("PID-8 | upper", Position("m.yaml", 6, 18), "F"),
        ("PID-8", Position("m.yaml", 6, 10), "f"),
    ]


def test_a_constant_is_not_watched(written: Write) -> None:
    """What says itself needs no step; the leaf that holds it has one."""
    found = trace(written(m=HEAD + "emit:\n  testo: {$text: ciao}\n"), "PID|1")
    assert steps(found, EXPRESSION) == []
    assert [leaf.value for leaf in found.leaves] == ["ciao"]


def test_a_fault_is_kept_at_the_step_that_raised_it(written: Write) -> None:
    """The reason names the path, as the problem does."""
    found = trace(written(m=HEAD + "emit:\n  testo: PID-3.1 | upper\n"), "PID|1||A~B")
    reason = "PID-3 repeats 2 times; the mapping must choose one"
    assert all(step.reason.endswith(reason) for step in steps(found, EXPRESSION))
    assert [leaf.reason for leaf in found.leaves] == [reason]


def test_what_is_read_once_a_run_is_seen_by_each_reader(written: Write) -> None:
    """A let that two leaves ask for shows both of them the field it comes from."""
    library = written(m=HEAD + "let:\n  n: PID-8 | upper\nemit:\n  testo: n\n  corto: n\n")
    found = trace(library, "PID|1|||||||f")
    for leaf in found.leaves:
        places = {words.place(one.location) for one in leaf.below if isinstance(one, Reading)}
        assert places == {"PID-8"}, leaf.target


def test_a_row_that_was_taken_has_its_line(library: Library) -> None:
    """File and line of the table, as an editor opens them."""
    found = trace(
        library,
        "PID|1||1^^^HIS^PI||ROSSI^GIULIA||202603011030|F",
        name="comune/nascita.yaml",
        inputs={"flow": {"operationId": "1", "now": "2026-03-02T10:00:00+01:00"}},
    )
    rows = [one for leaf in found.leaves for one in leaf.below if isinstance(one, Row)]
    assert [(row.file, row.line, row.code) for row in rows] == [("tables/sesso.csv", 3, "F")]
    assert found.rows == {("tables/sesso.csv", 3)}


def test_a_code_without_a_row_is_a_look_all_the_same(library: Library) -> None:
    """The line is missing, not the look."""
    found = trace(library, "PID|1|||||||X", name="comune/nascita.yaml")
    looks = [one for leaf in found.leaves for one in leaf.below if isinstance(one, Row)]
    assert [(row.line, row.code) for row in looks] == [(None, "X")]
    assert found.rows == set()


def test_conditions_and_choices_tell_how_they_went(written: Write) -> None:
    """True, not true, and which alternative."""
    text = (
        "emit:\n  testo:\n    $when: PID-8 == 'F'\n    $value: PID-5\n"
        "  corto:\n    $choose:\n      - {$when: PID-8 == 'F', $text: a}\n      - {$text: b}\n"
    )
    library = written(m=HEAD + text)
    girl, boy = (trace(library, f"PID|1||||ROSSI|||{sex}") for sex in "FM")
    assert [step.value for step in steps(girl, CHOICE)] == [0]
    assert [step.value for step in steps(boy, CHOICE)] == [1]
    assert [step.value for step in steps(girl, WHEN)] == [True, True]
    assert [step.value for step in steps(boy, WHEN)] == [False, False]
    assert [step.site.target or step.value for step in steps(boy, LEAF)] == ["b"]


def test_a_list_tells_what_it_goes_over(library: Library) -> None:
    """One step for the list, with all its items."""
    found = trace(library, "OBX|1|NM|9272-6||9", "OBX|2|NM|9274-2||10", name="comune/nascita.yaml")
    assert [len(step.value) for step in steps(found, EACH)] == [2]


def test_two_runs_do_not_mix(written: Write) -> None:
    """A trace holds what its own message said, also of what is remembered during a run."""
    library = written(m=HEAD + "let:\n  n: PID-8 | upper\nemit:\n  testo: n\n  corto: n\n")
    known = traced(library, "m.yaml", "default")
    first = known.run(message("PID|1|||||||f"), {})[1]
    second = known.run(message("PID|1|||||||m"), {})[1]
    assert [leaf.value for leaf in first.leaves] == ["F", "F"]
    assert [leaf.value for leaf in second.leaves] == ["M", "M"]
    assert set(second.readings.values()) == {"m"}


def test_what_a_message_says_is_in_no_repr(written: Write) -> None:
    """Steps, rows and readings may stand in an exception's frames and in logs of others."""
    library = written(m=HEAD + "emit:\n  testo: PID-5 | upper\n")
    found = trace(library, "PID|1||||SEGRETI")
    shown = repr(found) + "".join(map(repr, found.steps)) + repr(found.leaves)
    assert "SEGRETI" not in shown
