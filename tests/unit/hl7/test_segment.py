"""Segments: parts of fields by HL7's rules for what is not there."""

from __future__ import annotations

import pytest

from gateway.hl7.message import Message
from gateway.hl7.segment import MAX_FIELDS, NULL, ONLY, Repeats, Segment

HEADER = b"MSH|^~\\&|A~B&C\r"


def pid(line: bytes) -> Segment:
    return Message.parse(HEADER + line).segments[1]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((1,), "plain"),
        ((1, 1, 1, 1), "plain"),
        ((1, 2), None),
        ((1, 1, 2), None),
        ((1, 1, 1, 2), None),
        ((2, 1, 2), "b"),
        ((2, 1, 2, 2), None),
        ((2, 1, 3), "s"),
        ((2, 1, 3, 2), "t"),
        ((2, 2), None),
        ((2, 3, 1), "z"),
        ((2, 4), None),
        ((1, ONLY), "plain"),
        ((3, ONLY), None),
        ((2, 1, 0), None),
        ((3,), None),
        ((4,), "a|b"),
        ((0,), None),
        ((-1,), None),
        ((99,), None),
    ],
)
def test_text_of_a_part(arguments: tuple[int, ...], text: str | None) -> None:
    """Component 1 of a plain field is the field; anything else not there is absent."""
    assert pid(b"PID|plain|a^b^s&t~~z||a\\F\\b").text(*arguments) == text


def test_the_only_one_of_several_is_none_of_them() -> None:
    """Who asks for the one repetition of a field that has three hears so, not the first."""
    with pytest.raises(Repeats) as told:
        pid(b"PID|plain|a~~z").text(2, ONLY)
    assert told.value.count == 3


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((1,), NULL),
        ((1, 1, 3), NULL),
        ((1, 1, 1, 2), NULL),
        ((1, 1, 2, 2), NULL),
        ((2, 1, 1), NULL),
        ((2, 1, 1, 2), None),
        ((2, 1, 2), "x"),
        ((2, 1, 3), None),
        ((3, 2, 4), NULL),
        ((3, 1, 4), None),
    ],
)
def test_null_is_null_in_all_its_parts(arguments: tuple[int, ...], text: str | None) -> None:
    """Only a field, or a repetition, that is null and nothing else deletes all parts of it."""
    segment = pid(b'PID|""|""^x|a~""')
    assert segment.text(*arguments) == text
    assert segment.text(*arguments) == text


def test_counts_and_raw_texts() -> None:
    """An empty field has no repetitions; raw texts keep their escapes."""
    segment = pid(b"PID|x|a~~b||a\\F\\b^c")
    assert [segment.count(n) for n in range(6)] == [0, 1, 3, 0, 1, 0]
    assert segment.repetitions(2) == ["a", "", "b"]
    assert segment.repetitions(2) is segment.repetitions(2)
    assert segment.raw(4) == "a\\F\\b^c"
    assert segment.whole(4) == "a|b^c"
    assert segment.whole(2, 2) is None
    assert segment.whole(2, 9) is None
    assert segment.components(2, 9) == []
    assert segment.components(4) == [["a\\F\\b"], ["c"]]


def test_the_delimiters_of_msh_are_not_split() -> None:
    """MSH-1 and MSH-2 are one text each, though they are made of delimiters."""
    msh = Message.parse(HEADER).msh
    assert (msh.text(1), msh.text(2), msh.text(2, 2), msh.text(2, 1, 2)) == (
        "|",
        "^~\\&",
        None,
        None,
    )
    assert (msh.count(2), msh.components(2), msh.whole(1)) == (1, [["^~\\&"]], "|")
    assert (msh.text(3, 2), msh.text(3, 2, 1, 2)) == ("B", "C")
    assert msh.components(1) == [["|"]]


def test_a_name_is_three_letters_or_the_whole_first_field() -> None:
    """`PIDX|` is no PID."""
    assert pid(b"PID").name == "PID"
    assert pid(b"PIDX|1").name == "PIDX"
    assert pid(b"PI|1").name == "PI"


def test_fields_beyond_a_thousand_are_not_split() -> None:
    """A line of separators builds no list of its size."""
    assert len(pid(b"PID" + b"|" * 5000).fields) == MAX_FIELDS + 1
