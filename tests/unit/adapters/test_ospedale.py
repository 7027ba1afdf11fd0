"""The return feed as a destination: what an acknowledgment of the HIS means for an A31."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from adapters.mllp import Answered, Lost, NotSent
from adapters.ospedale.destination import LIFETIME, ReturnFeed
from gateway.errors import TranslationError
from gateway.hl7.acknowledgment import read_acknowledgment
from gateway.outcomes import Accepted, Fault, Outcome, Rejected, Unavailable, Unknown
from tests.births import entry, run

NOW = datetime(2026, 3, 6, 10, 0, tzinfo=UTC)
A31 = b"MSH|^~\\&|ICARO|ICARO|HIS|SANTA|20260306||ADT^A31|G1|P|2.5\rPID|1||S01\r"
HIS = entry("ospedale", "santa-prova")


class Line:
    """Stands for the MLLP sender of one HIS: takes what it is given, says what it was told to."""

    def __init__(self, result: Answered | NotSent | Lost) -> None:
        self.sent: list[bytes] = []
        self._result = result

    async def send(self, payload: bytes) -> Answered | NotSent | Lost:
        """As MllpSender.send."""
        self.sent.append(payload)
        return self._result


def feed(line: Line) -> ReturnFeed:
    """A return feed whose only way is `line`."""
    way: Any = line
    return ReturnFeed(lambda _: way, lambda: NOW)


def acknowledged(code: str, *errors: str) -> Answered:
    """What a HIS of version 2.5 says, with table 0357 codes in ERR-3."""
    segments = ["MSH|^~\\&|HIS|SANTA|ICARO|ICARO|20260306||ACK|H9|P|2.5", f"MSA|{code}|G1"]
    segments += [f"ERR||PID^1|{error}|E" for error in errors]
    return Answered(read_acknowledgment(("\r".join(segments) + "\r").encode()))


def outcome(result: Answered | NotSent | Lost) -> Outcome:
    """What the feed makes of it."""
    line = Line(result)
    letter = feed(line).wrap(A31, HIS, "riscontro", "register", "op-1")
    answer = run(feed(line).send(letter, HIS, None))
    assert line.sent == [A31]
    found: Any = answer.outcome
    return found


def test_the_message_is_the_letter() -> None:
    """Every attempt carries the same bytes under an id of its own."""
    letters = [feed(Line(NotSent("x"))).wrap(A31, HIS, "riscontro", "amend", "op-1") for _ in "ab"]
    assert [each.envelope for each in letters] == [A31, A31]
    assert letters[0].message_id != letters[1].message_id
    assert {(each.url, each.operation, each.operation_id) for each in letters} == {
        (HIS.endpoint, "amend", "op-1")
    }
    assert letters[0].expires_at == NOW + LIFETIME
    assert timedelta(hours=1) < LIFETIME


def test_a_document_that_is_no_message_is_not_wrapped() -> None:
    """A mapping that writes XML for a hospital is a mistake that the operator reads of."""
    with pytest.raises(TranslationError, match="carries HL7"):
        feed(Line(NotSent("x"))).wrap(etree.Element("a"), HIS, "riscontro", "register", "op-1")


@pytest.mark.parametrize("code", ["AA", "CA"])
def test_a_positive_acknowledgment_is_a_receipt(code: str) -> None:
    """AA in original mode, CA in enhanced mode: the HIS has it, under the control id it names."""
    assert outcome(acknowledged(code)) == Accepted("G1", {"esito": code})


@pytest.mark.parametrize(
    ("code", "errors", "faults"),
    [
        ("AE", ("101",), ("101",)),
        ("AR", ("204^Unknown key identifier^HL70357", "102"), ("204", "102")),
        ("CR", (), ("CR",)),
        ("AE", ("troppo lungo",), ("AE",)),
    ],
)
def test_a_refusal_has_its_codes_and_no_text(
    code: str, errors: tuple[str, ...], faults: tuple[str, ...]
) -> None:
    """Codes of table 0357 where there are any, else the acknowledgment's own."""
    told = outcome(acknowledged(code, *errors))
    assert told == Rejected(tuple(Fault(each) for each in faults))


@pytest.mark.parametrize("error", ["206", "207^Application internal error^HL70357"])
def test_a_his_that_cannot_now_is_asked_again(error: str) -> None:
    """A locked record or an internal error is no refusal of the message."""
    assert outcome(acknowledged("AE", error)) == Unavailable("AE", received=False)


def test_what_never_left_may_go_again_and_silence_is_a_doubt() -> None:
    """No connection is no doubt; a lost acknowledgment is one."""
    assert outcome(NotSent("no connection")) == Unavailable("no connection", received=False)
    assert outcome(Lost("no acknowledgment within 5 s")) == Unknown("no acknowledgment within 5 s")
