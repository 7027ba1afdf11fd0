"""Acknowledgments: asked for or not, in which words, and byte for byte."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import (
    BlockTooLarge,
    GatewayError,
    MessageRefused,
    PeerError,
    SenderNotAllowed,
    UnreadableMessage,
)
from gateway.hl7.acknowledgment import (
    Ask,
    Mode,
    Verdict,
    acknowledge,
    acknowledge_on_return_channel,
    asked,
    nak_for,
    read_acknowledgment,
)
from gateway.hl7.finding import Finding
from gateway.hl7.framing import BlockReader, wrap
from gateway.hl7.location import Location
from gateway.hl7.message import Message

AT = datetime(2026, 3, 2, 10, 4, 5, tzinfo=timezone(timedelta(hours=1)))
MISSING = Finding(Location("PID", 1, 3), 101, "E", "is required and missing")
EVENT = Finding(Location("MSH", 1, 9, 1, 2), 201, "E", "this event is not supported")
WARNING = Finding(Location("EVN"), 100, "W", "unknown")


def header(version: str = "2.5", ack: str = "", control_id: str = "42") -> Message:
    text = f"MSH|^~\\&|IRIS|OSP^1^ISO|ICARO|REG|2026||ADT^A01|{control_id}|P^T|{version}|||{ack}"
    return Message.parse(text.encode() + b"\rPID|1\r")


def answer(message: Message, verdict: Verdict, *findings: Finding) -> str:
    found = acknowledge(message, verdict, control_id="G1", at=AT, findings=findings)
    assert found is not None
    return found.decode()


@pytest.mark.parametrize(
    ("ack", "forced", "ask"),
    [
        ("", None, Ask(None, "AL")),
        ("|", None, Ask(None, "AL")),
        ("NE|AL", None, Ask(None, "AL")),
        ("|AL", None, Ask(None, "AL")),
        (" | ", None, Ask(None, "AL")),
        ("0|junk", None, Ask(None, "AL")),
        ("AL|AL", None, Ask("AL", "AL")),
        ("AL|", None, Ask("AL", "NE")),
        ("ER|", None, Ask("ER", "NE")),
        ("|ER", None, Ask("NE", "ER")),
        ("NE|NE", None, Ask("NE", "NE")),
        ("SU|ER", None, Ask("SU", "ER")),
        ("AL|AL", "original", Ask(None, "AL")),
        ("NE|NE", "original", Ask(None, "AL")),
        ("", "enhanced", Ask("AL", "NE")),
        ("NE|AL", "enhanced", Ask("NE", "AL")),
        ("AL|ER", "enhanced", Ask("AL", "ER")),
    ],
)
def test_msh_15_and_16_say_what_is_asked(ack: str, forced: Mode | None, ask: Ask) -> None:
    """Both empty, or NE and AL: original; otherwise each as asked; a setting may force."""
    assert asked(header(ack=ack), forced) == ask


@pytest.mark.parametrize(
    ("ack", "accepted", "refused"),
    [
        ("", "AA", "AE"),
        ("NE|AL", "AA", "AE"),
        ("AL|NE", "CA", "CE"),
        ("ER|NE", None, "CE"),
        ("SU|NE", "CA", None),
        ("NE|NE", None, None),
    ],
)
def test_this_connection_answers_as_asked(
    ack: str, accepted: str | None, refused: str | None
) -> None:
    """AL always, ER on error, SU on success, NE never; in the letters of the mode."""
    message = header(ack=ack)
    for verdict, code in ((Verdict.ACCEPTED, accepted), (Verdict.ERROR, refused)):
        found = acknowledge(message, verdict, control_id="G1", at=AT)
        assert (found and read_acknowledgment(found).code) == code


@pytest.mark.parametrize(
    ("ack", "accepted", "refused"),
    [("", None, None), ("AL|AL", "AA", "AR"), ("AL|ER", None, "AR"), ("NE|SU", "AA", None)],
)
def test_the_return_channel_answers_as_asked(
    ack: str, accepted: str | None, refused: str | None
) -> None:
    """The application acknowledgment of the enhanced mode goes its own way, if asked for."""
    for verdict, code in ((Verdict.ACCEPTED, accepted), (Verdict.REJECTED, refused)):
        found = acknowledge_on_return_channel(header(ack=ack), verdict, control_id="G1", at=AT)
        assert (found and read_acknowledgment(found).code) == code


def test_the_header_is_the_senders_turned_round() -> None:
    """MSH-3 to 6 swapped, MSH-11 and 12 copied, MSA-2 the sender's MSH-10."""
    assert answer(header("2.5^ITA"), Verdict.ACCEPTED) == (
        "MSH|^~\\&|ICARO|REG|IRIS|OSP^1^ISO|20260302100405+0100||ACK^A01^ACK|G1|P^T|2.5^ITA\r"
        "MSA|AA|42\r"
    )


FAULTS = {
    "2.1": "MSA|AR|42|MSH-9.2: this event is not supported\r"
    "ERR|MSH^1^9^201&Unsupported event code&HL70357~PID^1^3^101&Required field missing&HL70357\r",
    "2.5": "MSA|AR|42|MSH-9.2: this event is not supported\r"
    "ERR||MSH^1^9^1^2|201^Unsupported event code^HL70357|E|||MSH-9.2|this event is not supported\r"
    "ERR||PID^1^3|101^Required field missing^HL70357|E|||PID-3|is required and missing\r",
}
FAULTS |= dict.fromkeys(("2.2", "2.3", "2.3.1", "2.4"), FAULTS["2.1"])
FAULTS |= dict.fromkeys(("2.5.1", "2.6", "pizza", ""), FAULTS["2.5"])
FAULTS["2.7"] = "MSA|AR|42\r" + FAULTS["2.5"].partition("\r")[2]
FAULTS |= dict.fromkeys(("2.7.1", "2.8", "2.8.2", "2.9"), FAULTS["2.7"])


@pytest.mark.parametrize("version", FAULTS)
def test_faults_are_told_in_the_form_of_the_version(version: str) -> None:
    """ERR-1 up to 2.4, ERR-2 and following from 2.5, no MSA-3 from 2.7."""
    text = answer(header(version), Verdict.REJECTED, EVENT, MISSING)
    first, _, rest = text.partition("\r")
    assert rest == FAULTS[version]
    kind = "ACK" if version in ("2.1", "2.2", "2.3") else "ACK^A01^ACK"
    assert f"|{kind}|G1|P^T|{version}" in first + "|"


def test_an_accepted_message_is_told_nothing_more() -> None:
    """Warnings stay with us."""
    assert answer(header(), Verdict.ACCEPTED, WARNING).endswith("MSA|AA|42\r")


def test_the_senders_delimiters_and_character_set_are_used() -> None:
    """The answer is written as the question was, MSH-18 included."""
    raw = "MSH#$%*@#È#B#C#D#2026##ADT$A08#a*F*@#P#2.4######8859/1\r".encode("latin-1")
    message = Message.parse(raw)
    found = acknowledge(message, Verdict.ERROR, control_id="G#1", at=AT, findings=[MISSING])
    assert found is not None
    assert found.decode("latin-1") == (
        "MSH#$%*@#C#D#È#B#20260302100405+0100##ACK$A08$ACK#G*F*1#P#2.4######8859/1\r"
        "MSA#AE#a*F*@#PID-3: is required and missing\r"
        "ERR#PID$1$3$101@Required field missing@HL70357\r"
    )


def test_a_message_without_all_delimiters_is_answered_without_them() -> None:
    """What the sender cannot split is not written together."""
    message = Message.parse(b"MSH|^|A|B|C|D|||ADT^A01|1|P|2.3\r")
    text = answer(message, Verdict.REJECTED, EVENT, MISSING)
    assert text.endswith("ERR|MSH^1^9^201\r")


def test_a_junk_event_is_not_repeated() -> None:
    """MSH-9 of the answer never carries what is no event."""
    message = Message.parse(b"MSH|^~\\&|||||||ADT^ROSSI ANNA|1|P|2.5\r")
    assert "|ACK|G1|" in answer(message, Verdict.REJECTED, EVENT)


# No payload holds FS VT: it ends a block.
@given(st.binary(max_size=20).filter(lambda raw: not re.search(rb"[\r\n|]|\x1c\x0b", raw)))
def test_msa_2_is_msh_10_byte_for_byte(control_id: bytes) -> None:
    """Whatever the control id is, the sender finds it again; and the answer stays one block."""
    raw = b"MSH|^~\\&|A|B|C|D|||ADT^A01|" + control_id + b"|P|2.5\rPID|1\r"
    found = acknowledge(Message.parse(raw), Verdict.ACCEPTED, control_id="1", at=AT)
    assert found is not None
    (payload,) = BlockReader().feed(wrap(found))
    assert payload.split(b"\r")[1].split(b"|")[2] == control_id


def test_the_verdict_is_the_worst_finding() -> None:
    """2xx rejects, 1xx is an error, warnings accept."""
    assert Verdict.of([]) is Verdict.of([WARNING]) is Verdict.ACCEPTED
    assert Verdict.of([WARNING, MISSING]) is Verdict.ERROR
    assert Verdict.of([MISSING, EVENT]) is Verdict.REJECTED


def nak(raw: bytes, error: PeerError, forced: Mode | None = None) -> str | None:
    found = nak_for(raw, error, control_id="G1", at=AT, forced=forced)
    return None if found is None else found.decode()


def test_bytes_that_are_no_message_are_answered_with_empty_names() -> None:
    """Even rubbish gets an AE that says what is wrong."""
    text = nak(b"GET / HTTP/1.1", UnreadableMessage("no MSH", location="MSH^1"))
    assert text == (
        "MSH|^~\\&|||||20260302100405+0100||ACK|G1|P|2.5\rMSA|AE||MSH: no MSH\r"
        "ERR||MSH^1|100^Segment sequence error^HL70357|E|||MSH|no MSH\r"
    )


def test_a_header_that_can_be_read_is_answered_to_its_sender() -> None:
    """A block too large, cut in its second segment, is refused under its own control id."""
    head = b"\nMSH|^~\\&|A|B|C|D|||ADT^A01|42|P|2.5\nPID|||" + b"x" * 99
    text = nak(head, BlockTooLarge("block is larger than 64 bytes", head=head))
    assert text is not None
    reply = read_acknowledgment(text.encode())
    assert (reply.code, reply.control_id) == ("AR", "42")
    assert reply.errors == ("207 MSH^1 block is larger than 64 bytes",)
    assert nak(b"xxx", BlockTooLarge("too large")) is None


def test_a_refusal_is_as_silent_as_the_sender_asks() -> None:
    """NE is respected also when something is wrong; and other errors carry their own code."""
    raw = b"MSH|^~\\&|A|B|C|D|||ADT^A01|42|P|2.5|||NE|NE\rPID|1\r"
    error = MessageRefused("è missing", code=101, location="PID^1^3")
    assert nak(raw, error) is None
    text = nak(raw, error, forced="original")
    assert text is not None
    assert "MSA|AE|42|PID-3: ? missing\r" in text
    assert "|207^" in (nak(raw, SenderNotAllowed("not yours"), forced="original") or "")


def test_a_peers_acknowledgment_of_any_version_is_read() -> None:
    """Code, control id, text and errors, whichever ERR the peer writes."""
    old = read_acknowledgment(
        b"MSH|^~\\&|||||||ACK|1|P|2.3\rMSA| AE |a\\T\\b|bad\rERR|PID^1^3^101~PV1^1\r"
    )
    assert (old.code, old.control_id, old.text) == ("AE", "a&b", "bad")
    assert old.errors == ("PID^1^3^101", "PV1^1")
    new = read_acknowledgment(
        b"MSH|^~\\&|||||||ACK|1|P|2.5\rMSA|CA|7\rERR||PID^1^3|101^Missing|E\rERR\r"
    )
    assert new.accepted
    assert not old.accepted
    assert new.errors == ("101 PID^1^3 Missing",)
    assert "bad" not in repr(old)


def test_an_answer_without_msa_is_no_acknowledgment() -> None:
    """What cannot be matched is refused."""
    with pytest.raises(GatewayError, match="MSA"):
        read_acknowledgment(b"MSH|^~\\&|||||||ACK|1|P|2.3\r")


def test_what_is_too_long_is_not_said_back() -> None:
    """A field that no standard knows so long is left out, in refusals too; its neighbours stay."""
    long = b"x" * 60_000
    raw = b"MSH|^~\\&|A|%b|C|D|||ADT^A01|%b|P|2.5||||||UNICODE UTF-8\rPID|1\r" % (long, b"7" * 256)
    accepted = acknowledge(Message.parse(raw), Verdict.ACCEPTED, control_id="G1", at=AT)
    assert accepted == (
        b"MSH|^~\\&|C|D|A||20260302100405+0100||ACK^A01^ACK|G1|P|2.5||||||UNICODE UTF-8\rMSA|AA|\r"
    )
    refused = nak(raw, UnreadableMessage("no", location="MSH^1"))
    assert refused is not None
    assert refused.startswith("MSH|^~\\&|C|D|A||2026")
    assert "\rMSA|AE||MSH: no\r" in refused


@given(st.integers(2, 18), st.sampled_from([b"x", b"~", b"^", b"\xc3\xa8", b"\\", b"\x1c"]))
def test_no_field_makes_an_answer_long(field: int, letter: bytes) -> None:
    """Whichever field of the header a peer blows up."""
    parts = b"MSH|^~\\&|A|B|C|D|||ADT^A01|42|P|2.5||||||UNICODE UTF-8".split(b"|")
    parts[field - 1] += letter * 15_000
    found = acknowledge(
        Message.parse(b"|".join(parts)), Verdict.ACCEPTED, control_id="G1", at=AT, forced="original"
    )
    assert found is not None
    assert len(found) < 400
