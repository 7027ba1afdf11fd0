"""Batches are cut where their headers say, lose no byte, and are answered in their own words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UnreadableMessage
from gateway.hl7.batch import Part, answer, header, is_envelope, parts, promised
from gateway.hl7.framing import wrap

AT = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)
FHS = b"FHS|^~\\&|HIS|OSP|ICARO|REG|20260306||lotto||F1\r"
BHS = b"BHS|^~\\&|HIS|OSP|ICARO|REG|20260306||lotto||B1\r"
ONE = b"MSH|^~\\&|HIS|OSP|ICARO|REG|20260306||ADT^A01|1|P|2.5\rPID|1||9\r"
TWO = b"MSH|^~\\&|HIS|OSP|ICARO|REG|20260306||ADT^A02|2|P|2.5\r"
END = b"BTS|2\r"
LAST = b"FTS|1\r"


def cut(payload: bytes) -> list[tuple[str, bytes]]:
    """Kind and bytes of each part."""
    return [(part.kind, part.raw) for part in parts(payload)]


def test_a_file_is_cut_into_its_parts() -> None:
    """Headers, messages and trailers in their order, each as its bytes were."""
    assert cut(FHS + BHS + ONE + TWO + END + LAST) == [
        ("FHS", FHS),
        ("BHS", BHS),
        ("MSH", ONE),
        ("MSH", TWO),
        ("BTS", END),
        ("FTS", LAST),
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_other_segment_ends_are_understood(end: bytes) -> None:
    """As in messages: LF and CR LF where no segment ends in CR alone."""
    whole = (BHS + ONE + TWO + END).replace(b"\r", end)
    assert [kind for kind, _ in cut(whole)] == ["BHS", "MSH", "MSH", "BTS"]
    assert b"".join(raw for _, raw in cut(whole)) == whole


def test_a_line_inside_a_field_is_no_header() -> None:
    """In a message that ends its segments in CR, an LF is part of its field."""
    note = ONE + b"OBX|1|TX|||first\nMSH|second\nBTS|third\r"
    assert cut(BHS + note + END) == [("BHS", BHS), ("MSH", note), ("BTS", END)]


def test_what_belongs_to_nothing_is_a_part_of_its_own() -> None:
    """Segments behind a header or a trailer, without an MSH, are not passed over."""
    stray = b"PID|1||9\r"
    assert cut(BHS + stray + ONE + END + stray) == [
        ("BHS", BHS),
        ("", stray),
        ("MSH", ONE),
        ("BTS", END),
        ("", stray),
    ]
    assert cut(stray) == [("", stray)]


def test_only_headers_and_trailers_make_a_batch() -> None:
    """A message is none, whatever it holds; blanks before it change nothing."""
    assert [is_envelope(each) for each in (FHS, b"\r\n" + BHS, END, LAST, ONE, b"")] == [
        *[True] * 4,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("said", "number"),
    [(b"BTS|2\r", 2), (b"BTS| 07 |x\r", 7), (b"BTS", None), (b"BTS|many", None), (b"BTS||", None)],
)
def test_the_promised_count_is_read(said: bytes, number: int | None) -> None:
    """Nothing that is no number is taken for one."""
    assert promised(Part("BTS", said)) == number


def test_a_header_is_read_with_its_own_delimiters() -> None:
    """Names where MSH has them; a header that cannot be read says so."""
    read = header(Part("BHS", BHS.replace(b"|", b"#")))
    assert (read.sending_application, read.sending_facility) == ("HIS", "OSP")
    with pytest.raises(UnreadableMessage):
        header(Part("BHS", b"BHS"))


def test_the_answer_is_the_batch_turned_round() -> None:
    """Sender and receiver swapped, its control id as the reference, the count in the trailer."""
    made = answer(Part("BHS", BHS), [b"MSH|a\r", b"MSH|b\r"], control_id="OURS", at=AT)
    head, *inside, tail, rest = made.split(b"\r")
    fields = head.split(b"|")
    assert fields[:6] == [b"BHS", b"^~\\&", b"ICARO", b"REG", b"HIS", b"OSP"]
    assert (fields[10], fields[11], inside) == (b"OURS", b"B1", [b"MSH|a", b"MSH|b"])
    assert (tail, rest) == (b"BTS|2|", b"")


def test_a_header_that_cannot_be_read_is_answered_too() -> None:
    """With standard delimiters and nothing copied."""
    made = answer(Part("FHS", b"FHS"), [], control_id="OURS", at=AT, comment="a|b")
    assert made.startswith(b"FHS|^~\\&|||||")
    assert made.endswith(b"FTS|0|a\\F\\b\r")


@given(st.lists(st.sampled_from([FHS, BHS, ONE, TWO, END, LAST, b"PID|1\r", b"\r", b"Z"])))
def test_no_byte_is_lost(pieces: list[bytes]) -> None:
    """Whatever the order: the parts are the payload, but for blanks."""
    whole = b"".join(pieces)
    joined = b"".join(part.raw for part in parts(whole))
    assert joined.translate(None, b"\r\n ") == whole.translate(None, b"\r\n ")
    assert len([part for part in parts(whole) if part.kind]) <= len(pieces)


@given(st.binary(max_size=300))
def test_any_bytes_can_be_cut_and_answered(payload: bytes) -> None:
    """Nothing hostile breaks the cutting, and no answer breaks the framing."""
    for part in parts(payload):
        wrap(answer(part, [], control_id="O", at=AT).replace(b"\x1c\x0b", b""))


@given(st.binary(max_size=60))
def test_any_header_can_be_answered(rest: bytes) -> None:
    """Also with delimiters that no hospital has; what is copied never ends the block."""
    (part, *_) = [*parts(b"BHS" + rest), Part("", b"")]
    made = answer(part, [], control_id="O", at=AT)
    assert b"\x1c\r" not in made


@pytest.mark.parametrize("field", range(2, 12))
def test_what_is_too_long_is_not_said_back(field: int) -> None:
    """Names and control ids of a header are repeated as an acknowledgment repeats them."""
    parts = BHS.rstrip().split(b"|")
    parts[field - 1] += b"x" * 50_000
    made = answer(Part("BHS", b"|".join(parts)), [], control_id="G1", at=AT)
    assert len(made) < 200
