"""Acknowledgments: whether one is asked for, in which mode, and its bytes.

Original mode (AA/AE/AR) if MSH-15 and MSH-16 are both empty, or NE and AL; enhanced (CA/CE/CR)
otherwise, each answering as asked. An empty one beside a filled one asks nothing (NE), so an
MSH-16 of AL alone is still the original mode. HL7 2.5 ch. 2.9; the form of ERR, MSA and MSH-9
follows the version of the message. Texts name the field, never its value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from gateway.errors import BlockTooLarge, OutOfSequence, PeerError, UnreadableMessage
from gateway.hl7.charset import encode
from gateway.hl7.delimiters import Delimiters
from gateway.hl7.echo import repeated
from gateway.hl7.escapes import escape
from gateway.hl7.finding import TABLE_0357, Finding
from gateway.hl7.location import Location
from gateway.hl7.message import Message
from gateway.hl7.segment import Segment
from gateway.hl7.time import format_time

Condition = Literal["AL", "NE", "ER", "SU"]
Mode = Literal["original", "enhanced"]

_CONDITIONS: dict[str, Condition] = {"AL": "AL", "NE": "NE", "ER": "ER", "SU": "SU"}
_EVENT = re.compile(r"[A-Z][0-9A-Z]{2}")
_NUMBERS = re.compile(r"\d{1,3}(?:\.\d{1,3}){1,3}", re.ASCII)


class Verdict(StrEnum):
    """What became of a message; the value is the second letter of MSA-1."""

    ACCEPTED = "A"
    ERROR = "E"
    REJECTED = "R"

    @classmethod
    def of(cls, findings: Sequence[Finding]) -> Verdict:
        """The worst of the findings; warnings accept."""
        severe = [finding for finding in findings if finding.severity == "E"]
        if not severe:
            return cls.ACCEPTED
        return cls.REJECTED if any(finding.rejects for finding in severe) else cls.ERROR


@dataclass(frozen=True, slots=True)
class Ask:
    """What the sender asks for. `accept` None: original mode, which always answers."""

    accept: Condition | None
    application: Condition

    @property
    def original(self) -> bool:
        """True: one acknowledgment on this connection, AA/AE/AR."""
        return self.accept is None

    def on_connection(self, verdict: Verdict) -> bool:
        """Whether this connection gets an acknowledgment of that verdict."""
        return self.accept is None or _wants(self.accept, verdict)

    def on_return_channel(self, verdict: Verdict) -> bool:
        """Whether the sender's return channel gets an application acknowledgment."""
        return self.accept is not None and _wants(self.application, verdict)


def _wants(condition: Condition, verdict: Verdict) -> bool:
    if condition in ("ER", "SU"):
        return (verdict is Verdict.ACCEPTED) == (condition == "SU")
    return condition == "AL"


def asked(message: Message, forced: Mode | None = None) -> Ask:
    """Read MSH-15 and MSH-16; `forced` is the sender's setting. A code not of table 0155 is none.

    Forced to enhanced, a message that says nothing asks AL of the connection and nothing more.
    """
    accept = _CONDITIONS.get((message.msh.text(15) or "").strip())
    application = _CONDITIONS.get((message.msh.text(16) or "").strip())
    said = accept or application
    if forced == "original" or (forced is None and not said):
        return Ask(None, "AL")
    if forced is None and (accept or "NE") == "NE" and application == "AL":
        return Ask(None, "AL")
    if not said:
        return Ask("AL", "NE")
    return Ask(accept or "NE", application or "NE")


def acknowledge(
    message: Message,
    verdict: Verdict,
    *,
    control_id: str,
    at: datetime,
    findings: Sequence[Finding] = (),
    forced: Mode | None = None,
    expected: int | None = None,
) -> bytes | None:
    """The payload that goes back on the same connection; None where silence is asked for.

    `control_id`: our own MSH-10. `at`: an aware time, our MSH-7. `expected`: MSA-4, the next
    sequence number of a link that has them.
    """
    ask = asked(message, forced)
    if not ask.on_connection(verdict):
        return None
    letter = "A" if ask.original else "C"
    return _payload(message, letter + verdict, control_id, at, findings, verdict, expected)


def acknowledge_on_return_channel(
    message: Message,
    verdict: Verdict,
    *,
    control_id: str,
    at: datetime,
    findings: Sequence[Finding] = (),
    forced: Mode | None = None,
    confirm: bool = False,
) -> bytes | None:
    """The application acknowledgment of the enhanced mode, if the sender asks for one.

    `confirm`: it asks for an accept acknowledgment of its own (MSH-15 AL, MSH-16 NE).
    """
    if not asked(message, forced).on_return_channel(verdict):
        return None
    payload = _payload(message, "A" + verdict, control_id, at, findings, verdict)
    return _asking(payload, message) if confirm else payload


def _asking(payload: bytes, message: Message) -> bytes:
    """With MSH-15 and MSH-16; what the header has further on stays where it is."""
    d = message.delimiters
    header, end, rest = payload.decode(message.charset).partition("\r")
    fields = header.split(d.field)  # the separator itself is MSH-1: field n is at n - 1
    fields += [""] * (16 - len(fields))
    fields[14:16] = ["AL", "NE"]
    return encode(d.field.join(fields) + end + rest, message.charset)


def nak_for(
    raw: bytes,
    error: PeerError,
    *,
    control_id: str,
    at: datetime,
    forced: Mode | None = None,
    charset: str | None = None,
) -> bytes | None:
    """The acknowledgment of bytes that are no readable message, from what of MSH can be read.

    Bytes without any MSH get one with standard delimiters and an empty MSA-2; a block that grew
    too large without one gets none, nor does a sender that asks for silence.
    """
    where = Location.from_err2(error.location) or Location("MSH")
    finding = Finding(where, error.code, "E", str(error))
    verdict = Verdict.REJECTED if error.rejects else Verdict.ERROR
    line = raw.lstrip()[:65536].replace(b"\n", b"\r").partition(b"\r")[0]
    try:
        message = Message.parse(line, charset=charset)
    except UnreadableMessage:
        if isinstance(error, BlockTooLarge):
            return None
        message = Message.parse(b"MSH|^~\\&|||||||||P|2.5")
    return acknowledge(
        message,
        verdict,
        control_id=control_id,
        at=at,
        findings=[finding],
        forced=forced,
        expected=error.expected if isinstance(error, OutOfSequence) else None,
    )


def _payload(
    message: Message,
    code: str,
    control_id: str,
    at: datetime,
    findings: Sequence[Finding],
    verdict: Verdict,
    expected: int | None = None,
) -> bytes:
    d = message.delimiters
    version = _rank(message.version)
    told = [] if verdict is Verdict.ACCEPTED else findings
    lines = [_msh(message, control_id, at, version), f"MSA{d.field}{code}{d.field}"]
    lines[1] += repeated(message.msh, 10)
    if told and version < (2, 7):
        lines[1] += d.field + _ascii(f"{told[0].location}: {told[0].text}", d)
    if expected is not None:
        lines[1] += d.field * (4 - lines[1].count(d.field)) + str(expected)
    if version >= (2, 5):
        lines += [_err_from_2_5(finding, d) for finding in told]
    elif told:
        lines.append(_err_to_2_4(told, d))
    # A copied field that ends in FS would, before the CR, end the block.
    safe = (line + d.field if line.endswith("\x1c") else line for line in lines)
    return encode("".join(line + "\r" for line in safe), message.charset)


def _msh(message: Message, control_id: str, at: datetime, version: tuple[int, ...]) -> str:
    d, msh = message.delimiters, message.msh
    kind = "ACK"
    if version >= (2, 3, 1) and _EVENT.fullmatch(message.event):
        kind = f"ACK{d.component}{message.event}{d.component}ACK"
    fields = ["MSH", *(repeated(msh, number) for number in (2, 5, 6, 3, 4))]
    fields += [format_time(at), "", kind, escape(control_id, d)]
    fields += [repeated(msh, 11), repeated(msh, 12)]
    if charset := repeated(msh, 18):
        fields += ["", "", "", "", "", charset]
    return d.field.join(fields)


def _err_to_2_4(findings: Sequence[Finding], d: Delimiters) -> str:
    """One ERR; ERR-1 repeats segment^sequence^field^code&text&HL70357."""
    errors = []
    for finding in findings if d.repetition else findings[:1]:
        where = finding.location
        code = [str(finding.code), escape(TABLE_0357[finding.code], d), "HL70357"]
        condition = d.subcomponent.join(code) if d.subcomponent else code[0]
        place = [where.segment, str(where.occurrence), str(where.field or "")]
        errors.append(d.component.join([escape(place[0], d), *place[1:], condition]))
    return f"ERR{d.field}{d.repetition.join(errors)}"


def _err_from_2_5(finding: Finding, d: Delimiters) -> str:
    """ERR-2 location, ERR-3 code, ERR-4 severity, ERR-7 path, ERR-8 sentence."""
    place = finding.location.err2.split("^")
    code = [str(finding.code), TABLE_0357[finding.code], "HL70357"]
    fields = ["ERR", "", d.component.join(escape(part, d) for part in place)]
    fields += [d.component.join(escape(part, d) for part in code), finding.severity, "", ""]
    fields += [escape(str(finding.location), d), _ascii(finding.text, d)]
    return d.field.join(fields)


def _ascii(text: str, d: Delimiters) -> str:
    """Our own sentences, in letters that every character set has."""
    return escape(text.encode("ascii", "replace").decode("ascii"), d)


def _rank(version: str) -> tuple[int, ...]:
    """`2.3.1` as numbers; a version nobody can read is answered like 2.5."""
    if not _NUMBERS.fullmatch(version):
        return (2, 5)
    return tuple(int(number) for number in version.split("."))


@dataclass(frozen=True, slots=True)
class Reply:
    """An acknowledgment that a peer sent us. Texts are the peer's: they may hold anything."""

    code: str
    control_id: str
    text: str = field(repr=False)
    errors: tuple[str, ...] = field(repr=False)
    expected: str = ""
    """MSA-4: the sequence number that the peer expects next."""

    @property
    def accepted(self) -> bool:
        """AA or CA."""
        return self.code in ("AA", "CA")

    @property
    def passing(self) -> bool:
        """Refused for a reason that passes: a locked record, an internal error (206, 207)."""
        return any(error.startswith(("206", "207")) for error in self.errors)


def read_acknowledgment(payload: bytes, *, charset: str | None = None) -> Reply:
    """Read MSA and ERR of any version; UnreadableMessage if there is no MSA."""
    message = Message.parse(payload, charset=charset)
    msa = message.first("MSA")
    if msa is None:
        raise UnreadableMessage("an acknowledgment without MSA", location="MSA^1")
    errors = tuple(text for err in message.all("ERR") for text in _errors(err))
    code = (msa.text(1) or "").strip()
    return Reply(code, msa.whole(2) or "", msa.whole(3) or "", errors, msa.text(4) or "")


def _errors(err: Segment) -> list[str]:
    if err.text(3):
        place = "^".join("&".join(pieces) for pieces in err.components(2))
        said = [err.text(3), place, err.whole(8) or err.whole(7) or err.text(3, 1, 2)]
        return [" ".join(part for part in said if part)]
    return [err.whole(1, rep) or "" for rep in range(1, err.count(1) + 1)]
