"""Messages: every byte kept, every field found where HL7 says it is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigurationError, UnreadableMessage
from gateway.hl7 import message as room
from gateway.hl7.message import NULL, Message

MSH = b"MSH|^~\\&|IRIS|OSP^1.2.3^ISO|ICARO|REG|202603021000+0100||ADT^A01^ADT_A01|42|P^T| 2.5^ITA "
BIRTH = (
    MSH + b"\rEVN|A01\rPID|||1^^^A&1.2&ISO^PI~RSS^^^MEF^NNITA||ROSSI&DE^ANNA\rZNE|a\rNK1|1\rNK1|2\r"
)


def names(raw: bytes) -> list[str]:
    return [segment.name for segment in Message.parse(raw)]


def test_msh_is_read_into_names() -> None:
    """The header's fields are there by name, blanks and lesser components aside."""
    message = Message.parse(BIRTH)
    assert (message.sending_application, message.sending_facility) == ("IRIS", "OSP")
    assert (message.receiving_application, message.receiving_facility) == ("ICARO", "REG")
    assert (message.code, message.event, message.structure) == ("ADT", "A01", "ADT_A01")
    assert (message.control_id, message.control_id_raw) == ("42", b"42")
    assert (message.processing_id, message.version) == ("P", "2.5")
    assert message.msh is message.segments[0]


def test_an_empty_header_reads_as_empty_texts() -> None:
    """A field that is not there is '', not an error."""
    message = Message.parse(b"MSH|^~\\&")
    assert (message.code, message.event, message.structure, message.version) == ("",) * 4
    assert (message.control_id, message.control_id_raw, message.sending_application) == (
        "",
        b"",
        "",
    )


def test_an_event_that_msh_9_does_not_say_is_evn_1() -> None:
    """Version 2.1 feeds write the type alone."""
    assert Message.parse(b"MSH|^~\\&|||||||ADT\rEVN| A08 \r").event == "A08"
    assert Message.parse(b"MSH|^~\\&|||||||ADT\rEVN|\r").event == ""


def test_control_id_keeps_its_bytes() -> None:
    """Escapes and accents of MSH-10 are repeated as they were written."""
    message = Message.parse(b"MSH|^~\\&||||||||a\\T\\\xe8|P|2.5\r")
    assert message.control_id == "a&è"
    assert message.control_id_raw == b"a\\T\\\xe8"


def test_segments_are_found_by_name_and_place() -> None:
    """Look-up by name keeps the order; Z segments are segments."""
    message = Message.parse(BIRTH)
    assert [segment.text(1) for segment in message.all("NK1")] == ["1", "2"]
    assert message.occurrence(message.all("NK1")[1]) == 2
    assert message.all("PV1") == ()
    assert message.first("PV1") is None
    zne = message.first("ZNE")
    assert zne is not None
    assert zne.index == 3


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("PID-3", "1"),
        ("PID-3.4.2", "1.2"),
        ("PID-3[2].5", "NNITA"),
        ("PID-3[3]", None),
        ("PID-5.1.2", "DE"),
        ("PID-5.2", "ANNA"),
        ("PID-99", None),
        ("NK1[2]-1", "2"),
        ("NK1[3]-1", None),
        ("PV1-2", None),
        ("MSH-1", "|"),
        ("MSH-2", "^~\\&"),
    ],
)
def test_paths_find_their_text(path: str, text: str | None) -> None:
    """One path, one text; absent is None."""
    assert Message.parse(BIRTH).get(path) == text


@pytest.mark.parametrize("path", ["PID", "nonsense"])
def test_a_path_without_field_is_refused(path: str) -> None:
    """A segment has no one text."""
    with pytest.raises(ValueError, match=r"path|field"):
        Message.parse(BIRTH).get(path)


@pytest.mark.parametrize(
    ("tail", "found"),
    [
        (b"\rPID|1\rPV1|1\r", ["MSH", "PID", "PV1"]),
        (b"\rPID|1\rPV1|1", ["MSH", "PID", "PV1"]),
        (b"\nPID|1\nPV1|1\n", ["MSH", "PID", "PV1"]),
        (b"\r\nPID|1\r\nPV1|1\r\n", ["MSH", "PID", "PV1"]),
        (b"\r\nPID|1\nPV1|1\n", ["MSH", "PID", "PV1"]),
        (b"\nPID|1\nPV1|1\r", ["MSH", "PID", "PV1"]),
        (b"\rPID|1\r\nPV1|1\r\n", ["MSH", "PID", "PV1"]),
        (b"\rPID|a\nPV1|1\r", ["MSH", "PID"]),
        (b"\r\rPID|1\r \r\x1c\r\x00", ["MSH", "PID"]),
        (b"\rPID|1\r}}\rPI|2\r", ["MSH", "PID", "}}", "PI"]),
    ],
)
def test_segment_ends(tail: bytes, found: list[str]) -> None:
    """CR ends; LF and CRLF only where no CR-only end is; blank lines hold no segment."""
    raw = MSH + tail
    assert names(raw) == found
    assert Message.parse(raw).encode() == raw


def test_a_line_feed_in_a_cr_message_is_part_of_its_field() -> None:
    """A text with line breaks stays one field, the last of a segment too."""
    message = Message.parse(MSH + b"\rOBX|1|TX|||a\nb\rNTE|||c\n\rNTE|||d\n")
    assert message.get("OBX-5") == "a\nb"
    assert [note.text(3) for note in message.all("NTE")] == ["c\n", "d"]


@pytest.mark.parametrize("head", [b"\xef\xbb\xbf", b"\r\n \x00", b""])
def test_what_stands_before_msh_is_passed_over_and_kept(head: bytes) -> None:
    """A byte-order mark and blank bytes do no harm and are written back."""
    raw = head + BIRTH
    message = Message.parse(raw)
    assert message.get("PID-5.2") == "ANNA"
    assert message.encode() == raw


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"", "MSH^1"),
        (b"GET / HTTP/1.1", "MSH^1"),
        (b"FHS|^~\\&|\rMSH|^~\\&|", "MSH^1"),
        (b"MSH", "MSH^1^1"),
        (b"MSHA^~", "MSH^1^1"),
        (b"MSH\r^~\\&", "MSH^1^1"),
        (b"MSH\x01^~", "MSH^1^1"),
        (b"MSH|", "MSH^1^2"),
        (b"MSH||A", "MSH^1^2"),
        (b"MSH|\rPID|", "MSH^1^2"),
    ],
)
def test_what_does_not_begin_with_a_usable_msh_is_unreadable(raw: bytes, place: str) -> None:
    """The refusal names the place, never the bytes."""
    with pytest.raises(UnreadableMessage) as refused:
        Message.parse(raw)
    assert refused.value.location == place


@pytest.mark.parametrize(
    ("field_18", "value", "text", "guessed"),
    [
        (b"8859/1", b"\xe8", "è", False),
        (b"", "è".encode(), "è", True),
        (b"", b"\xe8", "è", True),
        (b"UNICODE UTF-8~8859/1", "è".encode(), "è", False),
        (b"~ISO IR87", "日本".encode("iso2022_jp"), "日本", False),
        (b"BIG-5", "許功蓋".encode("big5"), "許功蓋", False),
        (b"GB 18030-2000", "乗侾".encode("gb18030"), "乗侾", False),
        (b"klingon", b"x", "x", True),
    ],
)
def test_msh_18_says_the_character_set(
    field_18: bytes, value: bytes, text: str, guessed: bool
) -> None:
    """The set is read before anything is split: bytes of a letter are never delimiters."""
    raw = MSH + b"||||||" + field_18 + b"\rPID|||||" + value + b"|end\r"
    message = Message.parse(raw)
    assert message.get("PID-5") == text
    assert message.get("PID-6") == "end"
    assert message.charset_guessed is guessed
    assert message.encode() == raw


def test_the_senders_setting_overrides_msh_18() -> None:
    """A feed known to lie is read as it really is; an unknown setting is refused."""
    raw = MSH + b"||||||8859/1\rPID|||||\xc3\xa8\r"
    assert Message.parse(raw, charset="UNICODE UTF-8").get("PID-5") == "è"
    with pytest.raises(ConfigurationError):
        Message.parse(raw, charset="klingon")


def test_the_senders_reading_of_hexadecimal_is_used() -> None:
    """The setting reaches every field."""
    raw = MSH + b"||||||8859/1\rPID|||||\\XC3A8\\\r"
    assert Message.parse(raw).get("PID-5") == "è"
    assert Message.parse(raw, hex_escapes="charset").get("PID-5") == "Ã¨"


def test_delimiters_are_what_msh_says() -> None:
    """A message with its own delimiters, or without some, is read by them."""
    message = Message.parse(b"MSH#$%*@#A\rPID###1$2%3@4##x*S*y~z\r")
    assert (message.get("PID-3.2"), message.get("PID-3[2].1.2")) == ("2", "4")
    assert message.get("PID-5") == "x$y~z"
    bare = Message.parse(b"MSH|^|A\rPID|||a~b^c&d\\\r")
    assert (bare.get("PID-3"), bare.get("PID-3.2")) == ("a~b", "c&d\\")
    pid = bare.first("PID")
    assert pid is not None
    assert pid.components(3) == [["a~b"], ["c&d\\"]]


def test_null_is_not_absent() -> None:
    """`""` deletes, empty says nothing."""
    message = Message.parse(MSH + b'\rPID|||""||""^A\r')
    assert message.get("PID-3") == message.get("PID-3.5") == NULL
    assert (message.get("PID-4"), message.get("PID-5"), message.get("PID-5.2")) == (None, NULL, "A")


@given(st.binary())
def test_any_bytes_are_read_or_refused_and_come_back(noise: bytes) -> None:
    """No bytes after a usable header break the reader, and all of them are written back."""
    raw = b"MSH|^~\\&|" + noise
    message = Message.parse(raw)
    assert message.encode() == raw
    for segment in message:
        for number in range(len(segment.fields)):
            for rep in range(1, segment.count(number) + 1):
                segment.text(number, rep)
                segment.whole(number, rep)


@given(st.binary(max_size=40))
def test_any_header_is_read_or_refused(noise: bytes) -> None:
    """The only error of a reader is its own."""
    try:
        message = Message.parse(b"MSH" + noise)
    except UnreadableMessage:
        return
    assert message.control_id_raw in message.raw


def test_personal_data_stays_out_of_reprs() -> None:
    """A message in a log line or a traceback shows nothing of a person."""
    message = Message.parse(BIRTH)
    assert "ROSSI" not in repr(message) + repr(message.segments)


@pytest.mark.parametrize(
    ("filler", "reason"),
    [
        (b"\r" * (room.MAX_SEGMENTS + 1), "segments"),
        (b"~" * (room.MAX_REPETITIONS + 1), "repetitions"),
        (b"^" * (room.MAX_COMPONENTS + 1), "components"),
        (b"&" * (room.MAX_COMPONENTS + 1), "components"),
    ],
)
def test_what_no_hospital_sends_is_refused(filler: bytes, reason: str) -> None:
    """Counts are capped before anything of their size is built."""
    with pytest.raises(UnreadableMessage, match=reason):
        Message.parse(MSH + b"\rPID|" + filler)


@pytest.mark.parametrize("unit", [b"|", b"\\", b"\\X41\\", b"x|", b"\n"])
def test_four_mebibytes_of_delimiters_are_read_in_linear_time(unit: bytes) -> None:
    """The largest message of the meanest sender costs seconds, not minutes."""
    raw = MSH + b"\rPID|||" + unit * (4 * 2**20 // len(unit)) + b"\r"
    started = time.process_time()
    message = Message.parse(raw)
    message.get("PID-3.2")
    message.get("PID-99")
    assert message.encode() == raw
    assert time.process_time() - started < 10


def test_reading_twenty_thousand_repetitions_is_not_quadratic() -> None:
    """Repetitions are split once, however often they are asked for."""
    message = Message.parse(MSH + b"\rPID|||" + b"a~" * 19_999 + b"\r")
    pid = message.first("PID")
    assert pid is not None
    started = time.process_time()
    assert sum(pid.text(3, rep) == "a" for rep in range(1, pid.count(3) + 1)) == 19_999
    assert time.process_time() - started < 5
