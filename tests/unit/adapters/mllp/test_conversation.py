"""Batches through intake and journal: each message its own fate, one answer or one each."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.mllp import Peer
from adapters.mllp.conversation import Conversation, Conversations
from gateway.agreements import Batches
from gateway.answering import Said, Unkept
from gateway.config import Configuration, Limits, Sender
from gateway.errors import PeerError
from gateway.hl7.acknowledgment import read_acknowledgment
from gateway.hl7.batch import parts
from tests.births import GIULIA, SENDER, House, run

BHS = b"BHS|^~\\&|HIS|SANTA_PROVA|ICARO|R|20260306||||B1\r"
FHS = BHS.replace(b"BHS", b"FHS").replace(b"B1", b"F1")
MOST = Limits().block


ANSWER = (
    b"MSH|^~\\&|ICARO|R|HIS|SANTA_PROVA|20260306120000+0000||ACK^A02^ACK|%b|P|2.5\rMSA|AA|1\r"
    % (b"0" * 20)
)
"""As long as what is said to a `transfer`."""


def transfer(control_id: str, event: str = "A02", asks: str = "") -> bytes:
    """A message about nobody we know."""
    head = f"MSH|^~\\&|HIS|SANTA_PROVA|ICARO|R|20260306||ADT^{event}|{control_id}|P|2.5|||{asks}"
    return f"{head}\rPID|1||9^^^H^PI\r".encode()


def batch(*control_ids: str, count: int | None = None) -> bytes:
    """A whole batch in one block."""
    inside = b"".join(transfer(each) for each in control_ids)
    return BHS + inside + b"BTS|%d\r" % (len(control_ids) if count is None else count)


def talking(house: House, sender: Sender = SENDER, most: int = MOST) -> Conversation:
    """One connection of the hospital."""
    configuration = Configuration.model_construct(senders=(sender,), unknown_senders="refuse")
    intake = house.intake
    return Conversation(configuration, intake.accept, intake.refuse, now, most)


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def agreed(**settings: object) -> Sender:
    """The hospital with other settings for batches."""
    return SENDER.model_copy(update={"batch": Batches.model_validate(settings)})


def told(payload: bytes) -> list[str]:
    """An answer: its headers and trailers, and code and control id of its acknowledgments."""
    found = []
    for part in parts(payload):
        if part.kind == "MSH":
            reply = read_acknowledgment(part.raw)
            found.append(f"{reply.code} {reply.control_id}")
        else:
            found.append(part.raw.decode().strip().split("|")[0])
    return found


def hears(talk: Conversation, payload: bytes) -> list[list[str]]:
    """Every block that comes back."""
    return [told(each) for each in run(talk.hear(payload)).payloads]


def stored(house: House) -> list[str]:
    """Control ids of what was taken, in order."""
    with house.journal.view() as view:
        return [row.control_id for row in reversed(view.recent_messages())]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A gateway."""
    with House(tmp_path) as made:
        yield made


def test_a_batch_in_one_block_has_one_answer(house: House) -> None:
    """Each message is judged on its own: the bad one does not take the others with it."""
    whole = BHS + transfer("1") + transfer("2", "Z99") + GIULIA.message("A01") + b"BTS|3\r"
    (answer,) = hears(talking(house), whole)
    assert answer[:3] == ["BHS", "AA 1", "AR 2"]
    assert answer[3].startswith("AA ")
    assert answer[4:] == ["BTS"]
    assert len(stored(house)) == 2


def test_a_file_of_batches_has_one_answer(house: House) -> None:
    """FHS and FTS around it, as they came."""
    whole = FHS + batch("1", "2") + batch("3") + b"FTS|2\r"
    (answer,) = hears(talking(house), whole)
    assert answer == ["FHS", "BHS", "AA 1", "AA 2", "BTS", "BHS", "AA 3", "BTS", "FTS"]


def test_a_batch_spread_over_blocks_is_answered_at_its_end(house: House) -> None:
    """Headers, messages and trailers in blocks of their own; then single messages as before."""
    talk = talking(house)
    quiet = [hears(talk, each) for each in (FHS, BHS, transfer("1"), transfer("2"), b"BTS|2\r")]
    assert quiet == [[]] * 5
    assert hears(talk, b"FTS|1\r") == [["FHS", "BHS", "AA 1", "AA 2", "BTS", "FTS"]]
    assert hears(talk, transfer("3")) == [["AA 3"]]
    assert stored(house) == ["1", "2", "3"]


@pytest.mark.parametrize("blocks", [1, 3])
def test_by_agreement_each_message_is_answered_by_itself(house: House, blocks: int) -> None:
    """At once, in one block each; headers and trailers are answered by nothing."""
    talk = talking(house, agreed(answer="each"))
    pieces = [BHS, transfer("1") + transfer("2"), b"BTS|2\r"]
    sent = pieces if blocks == 3 else [b"".join(pieces)]
    answers = [block for each in sent for block in hears(talk, each)]
    assert answers == [["AA 1"], ["AA 2"]]


def test_a_batch_cut_in_the_middle_and_sent_again_makes_nothing_twice(tmp_path: Path) -> None:
    """The process dies after two messages of four; the whole batch comes again, then once more."""
    ids = [str(n) for n in range(4)]
    with House(tmp_path) as house:
        talk = talking(house)
        for each in (BHS, transfer("0"), transfer("1")):
            assert hears(talk, each) == []
    with House(tmp_path) as house:
        for _ in range(2):
            (answer,) = hears(talking(house), batch(*ids))
            assert answer == ["BHS", *(f"AA {each}" for each in ids), "BTS"]
        assert stored(house) == ids


def test_a_count_that_is_not_so_is_said(house: House) -> None:
    """In BTS-2: what came was judged, what did not come the hospital has."""
    (payload,) = run(talking(house).hear(batch("1", "2", count=5))).payloads
    assert payload.endswith(b"\rBTS|2|BTS-1 says 5 messages, 2 came\r")


def test_a_trailer_that_never_came_is_said_at_the_next_header(house: House) -> None:
    """The batch before is answered then, with what came of it."""
    talk = talking(house)
    assert hears(talk, BHS + transfer("1")) == []
    (before, now) = run(talk.hear(batch("2"))).payloads
    assert told(before) == ["BHS", "AA 1", "BTS"]
    assert b"the trailer did not come" in before
    assert told(now) == ["BHS", "AA 2", "BTS"]


def test_a_batch_over_the_limit_is_refused_message_by_message(house: House) -> None:
    """What is within the agreement is taken; of the rest each hears AR at once, none is kept."""
    talk = talking(house, agreed(messages=2))
    *over, answer = hears(talk, batch("1", "2", "3", "4"))
    assert over == [["AR 3"], ["AR 4"]]
    assert answer == ["BHS", "AA 1", "AA 2", "BTS"]
    assert stored(house) == ["1", "2"]


def test_answers_that_fill_the_memory_are_said_at_once(house: House) -> None:
    """Bytes are bounded, not only the number: what does not fit any more does not wait."""
    talk = talking(house, most=3 * len(ANSWER))
    assert hears(talk, BHS) == []
    said = [block for n in range(1, 6) for block in hears(talk, transfer(str(n)))]
    assert said == [["AA 4"], ["AA 5"]]
    assert hears(talk, b"BTS|5\r") == [["BHS", "AA 1", "AA 2", "AA 3", "BTS"]]
    assert hears(talk, batch("6")) == [["BHS", "AA 6", "BTS"]]


def test_the_batches_of_a_file_share_its_room(house: House) -> None:
    """What a batch inside collected and what the file holds already count together."""
    talk = talking(house, most=7 * len(ANSWER))
    said = hears(talk, FHS + b"".join(batch(f"{n}", f"{n + 1}") for n in (1, 3, 5)))
    assert said == [["AA 6"], ["BHS", "AA 5", "BTS"]]
    assert hears(talk, b"FTS|3\r") == [
        ["FHS", "BHS", "AA 1", "AA 2", "BTS", "BHS", "AA 3", "AA 4", "BTS", "FTS"]
    ]


def test_a_file_holds_no_more_batches_than_agreed(house: House) -> None:
    """Their number is bounded as that of messages: the next one is answered at once."""
    talk = talking(house, agreed(messages=2))
    said = hears(talk, FHS + batch("1") + batch("2") + batch("3"))
    assert said == [["BHS", "AA 3", "BTS"]]
    assert hears(talk, b"FTS|3\r") == [["FHS", "BHS", "AA 1", "BTS", "BHS", "AA 2", "BTS", "FTS"]]


def test_nothing_a_peer_writes_at_length_is_kept(house: House) -> None:
    """Headers and control ids of a megabyte: a file that never ends holds a few bytes of them."""
    talk, long = talking(house), b"x" * 2**20
    opening = BHS.replace(b"B1", long).replace(b"ICARO", long)
    tracemalloc.start()
    try:
        for _ in range(4):
            run(talk.hear(FHS.replace(b"F1", long)[:-1]))
            run(talk.hear(opening + transfer("1").replace(b"|1|P", b"|%b|P" % long) + b"BTS|1\r"))
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 2**19
    finally:
        tracemalloc.stop()


def test_segments_that_belong_to_no_message_are_refused(house: House) -> None:
    """They are kept for the operator and answered AE, never passed over."""
    (answer,) = hears(talking(house), BHS + b"PID|1||9\r" + transfer("1") + b"BTS|1\r")
    assert answer == ["BHS", "AE ", "AA 1", "BTS"]
    with house.journal.view() as view:
        assert len(view.rejects()) == 1


def test_silence_that_every_message_asks_for_is_kept(house: House) -> None:
    """MSH-15 and MSH-16 NE: the batch is taken, and nothing is said."""
    whole = BHS + transfer("1", asks="NE|NE") + b"BTS|1\r"
    assert hears(talking(house), whole) == []
    assert stored(house) == ["1"]


def test_a_trailer_without_a_batch_says_nothing(house: House) -> None:
    """There is nothing to answer, and the connection goes on."""
    talk = talking(house)
    assert hears(talk, b"BTS|0\r") == []
    assert hears(talk, transfer("1")) == [["AA 1"]]


def test_what_could_not_be_stored_makes_the_whole_not_kept() -> None:
    """One message that the disk did not take: the commit block of the batch must be a NAK."""

    async def accept(payload: bytes) -> bytes:
        return Unkept(payload) if b"|2|P" in payload else payload

    async def refuse(payload: bytes, error: PeerError) -> bytes:
        return payload

    configuration = Configuration.model_construct(senders=(), unknown_senders="refuse")
    talk = Conversation(configuration, accept, refuse, now, MOST)
    assert not run(talk.hear(batch("1", "2"))).kept
    assert not run(talk.hear(FHS + batch("1", "2") + b"FTS|1\r")).kept
    assert not run(talk.hear(transfer("2"))).kept
    assert run(talk.hear(batch("1", "3"))).kept


def test_each_connection_has_its_own_batch(house: House) -> None:
    """A batch that is open on one does not swallow the messages of another."""
    configuration = Configuration.model_construct(senders=(SENDER,), unknown_senders="refuse")
    talks = Conversations(configuration, house.intake, now, MOST)
    one, other = Peer("reparto", "127.0.0.1", 1), Peer("reparto", "127.0.0.1", 2)

    def said(payload: bytes, line: Peer) -> Said:
        return run(talks.hear(payload, line))

    assert said(BHS, one).payloads == said(transfer("1"), one).payloads == ()
    assert [told(each) for each in said(transfer("2"), other).payloads] == [["AA 2"]]
    assert [told(each) for each in said(b"BTS|1\r", one).payloads] == [["BHS", "AA 1", "BTS"]]
