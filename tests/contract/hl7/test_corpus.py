"""Every message of the shared corpus: read, written back, acknowledged; and read as hl7apy does."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.hl7 import (
    VERSIONS,
    BlockReader,
    Message,
    Segment,
    Verdict,
    acknowledge,
    fold,
    read_acknowledgment,
    structure,
    wrap,
)
from gateway.hl7.charset import decode

CORPUS = Path(__file__).parents[3].parent / "shared" / "corpus"
FILES = sorted(CORPUS.glob("*/*.hl7"))
AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not FILES, reason="no ../shared/corpus beside the project")


@pytest.fixture(scope="module")
def messages() -> dict[str, Message]:
    """Each file by its name, read."""
    return {f"{path.parent.name}/{path.name}": Message.parse(path.read_bytes()) for path in FILES}


def test_every_message_is_written_back_byte_for_byte(messages: dict[str, Message]) -> None:
    """Nothing of what a hospital sends is lost: no byte, no segment with anything in it."""
    for path in FILES:
        raw = path.read_bytes()
        message = messages[f"{path.parent.name}/{path.name}"]
        assert message.encode() == raw
        assert BlockReader().feed(wrap(raw)) == [raw]


def _text(raw: bytes, message: Message) -> str:
    return decode(raw, message.charset)


def test_every_segment_holds_its_text_once(messages: dict[str, Message]) -> None:
    """The segments together are the message, only its ends and blanks aside."""
    for name, message in messages.items():
        whole = "".join(_text(message.raw, message).split()).replace("\0", "")
        parts = "".join("".join(segment.line.split()) for segment in message).replace("\0", "")
        assert parts == whole.replace("\ufeff", ""), name


def test_every_message_gets_the_acknowledgment_it_asks_for(messages: dict[str, Message]) -> None:
    """By MSH-15 and 16 as they stand in the bytes; MSA-2 is MSH-10, byte for byte."""
    seen = set()
    for message in messages.values():
        accept, application = (_field(message, n) for n in (15, 16))
        verdict = Verdict.of(structure(message))
        found = acknowledge(message, verdict, control_id="G1", at=AT)
        expected = _expected(accept, application, verdict)
        seen.add((accept, application, found is not None))
        if expected is None:
            assert found is None
            continue
        assert found is not None
        reply = read_acknowledgment(found)
        assert reply.code == expected + verdict
        separator = message.delimiters.field.encode(message.charset)
        assert found.split(b"\r")[1].split(separator)[2] == message.control_id_raw
        assert message.control_id_raw in message.raw
    assert len(seen) >= 8


def _field(message: Message, number: int) -> str:
    text = (message.msh.text(number) or "").strip()
    return text if text in ("AL", "NE", "ER", "SU") else ""


def _expected(accept: str, application: str, verdict: Verdict) -> str | None:
    """The first letter of MSA-1, or None for silence; the rule of wire.md, written out."""
    if (accept, application) in (("", ""), ("NE", "AL"), ("", "AL")):
        return "A"
    good = verdict is Verdict.ACCEPTED
    return "C" if accept == "AL" or accept == ("SU" if good else "ER") else None


def test_every_message_folds_into_a_dossier(messages: dict[str, Message]) -> None:
    """Whatever a feed sends can be kept, and says the same in its canonical form."""
    for name, message in messages.items():
        dossier = fold(None, message, "m1")
        for segment in (s for s in message if len(message.all(s.name)) == 1 and s.name != "MSH"):
            for number in range(1, len(segment.fields)):
                path = f"{segment.name}-{number}"
                if segment.raw(number) == '""' or not segment.name.isalnum():
                    continue
                if not dossier.message.all(segment.name):
                    continue
                assert dossier.message.get(path) == segment.text(number), (name, path)


def _peer(message: Message) -> Any | None:
    """hl7apy's reading of a message, if it writes back what it read; else None."""
    from hl7apy.consts import VALIDATION_LEVEL
    from hl7apy.parser import parse_message

    text = "\r".join(segment.line for segment in message) + "\r"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read = parse_message(
                text, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False
            )
            written = read.to_er7()
    except Exception:  # what it raises is many things; then there is nothing to compare with
        return None
    return read if _bare(written, message) == _bare(text, message) else None


def _bare(text: str, message: Message) -> list[str]:
    """Lines without trailing empties."""
    d = message.delimiters
    ends = d.field + d.component + d.subcomponent
    return [line.rstrip(ends) for line in text.split("\r") if line]


def test_where_hl7apy_loses_nothing_both_readers_agree(messages: dict[str, Message]) -> None:
    """Every field and component of every message that it can read has the same raw value."""
    compared = values = 0
    for name, message in messages.items():
        if message.version not in VERSIONS or not message.delimiters.subcomponent:
            continue
        peer = _peer(message)
        if peer is None:
            continue
        compared += 1
        for ours, theirs in zip(message, peer.children, strict=True):
            values += _compare(name, ours, theirs)
    assert compared > 250, compared
    assert values > 10_000, values


def _compare(name: str, ours: Segment, theirs: Any) -> int:
    """Compare all fields and components of one segment; gives how many there were."""
    assert ours.name == theirs.name
    count = 0
    seen: Counter[int] = Counter()
    for field in (field for field in theirs.children if field.name):
        number = int(field.name.rpartition("_")[2])
        seen[number] += 1
        if ours.name == "MSH" and number <= 2:
            continue
        written = ours.repetitions(number)[seen[number] - 1 :][:1]
        ends = ours.delimiters.component + ours.delimiters.subcomponent
        assert "".join(written).rstrip(ends) == field.to_er7().rstrip(ends), (
            name,
            ours.name,
            number,
        )
        count += 1
        for component in field.children:
            count += _compare_component(ours, number, seen[number], component)
    return count


def _compare_component(ours: Segment, number: int, rep: int, component: Any) -> int:
    said = re.search(r"_(\d+)$", component.name or "")
    if said is None:
        return 0  # one that its type does not have, or a plain field: compared with the field
    pieces = ours.components(number, rep)
    mine = pieces[int(said[1]) - 1] if int(said[1]) <= len(pieces) else [""]
    end = ours.delimiters.subcomponent
    assert end.join(mine).rstrip(end) == component.to_er7().rstrip(end), (ours.name, number)
    return 1
