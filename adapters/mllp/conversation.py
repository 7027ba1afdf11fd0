"""One connection's talk with intake: single messages, and batches in one block or in several.

Each message of a batch is judged and committed on its own, so that a batch cut anywhere and sent
again makes nothing twice. What a batch hears is collected until its end, or said at once
(`batch.answer: each`). What of a batch is open here is lost with the connection, and only that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred

from adapters.mllp.peer import Peer
from gateway.agreements import Batches
from gateway.answering import Said, Unkept, own_control_id
from gateway.config import Configuration
from gateway.errors import MessageRefused, NotWhole, PeerError, UnreadableMessage
from gateway.hl7 import batch
from gateway.hl7.batch import Part
from gateway.hl7.framing import HEAD
from gateway.intake import Intake

Accept = Callable[[bytes], Awaitable[bytes | None]]
"""A message to its acknowledgment."""
Refuse = Callable[[bytes, PeerError], Awaitable[bytes | None]]

AT_ONCE = 64
"""Messages of one batch that are worked on at once."""


@dataclass(slots=True)
class _Envelope:
    """A file or a batch that has begun; `inside` are its answers so far, `held` their bytes."""

    opening: Part
    agreed: Batches
    inside: list[bytes] = field(default_factory=list, repr=False)
    held: int = 0
    came: int = 0
    kept: bool = True

    def hold(self, answer: bytes) -> None:
        """Keep it for the end."""
        self.inside.append(answer)
        self.held += len(answer)


class Conversation:
    """One a connection. `hear` is called in the order of arrival; its awaitables may overlap.

    `most`: bytes of answers that it keeps for the end of a batch; the others are said at once.
    """

    def __init__(
        self,
        configuration: Configuration,
        accept: Accept,
        refuse: Refuse,
        clock: Callable[[], datetime],
        most: int,
    ) -> None:
        self._configuration = configuration
        self._accept = accept
        self._refuse = refuse
        self._clock = clock
        self._most = most
        self._file: _Envelope | None = None
        self._batch: _Envelope | None = None
        self._before: Deferred[None] | None = None

    async def hear(self, payload: bytes) -> Said:
        """What goes back for this payload."""
        if self._before is None and not batch.is_envelope(payload):
            answer = await self._accept(payload)
            return _said([answer])
        return await self._in_turn(payload)

    async def _in_turn(self, payload: bytes) -> Said:
        """While a batch is open, payloads are worked on one after another."""
        before, done = self._before, Deferred[None]()
        self._before = done
        if before is not None and not before.called:
            waits: Deferred[None] = Deferred()
            before.addBoth(lambda _: waits.callback(None))
            await waits
        try:
            return _said(await self._parts(batch.parts(payload)))
        finally:
            done.callback(None)
            if self._before is done and self._batch is None and self._file is None:
                self._before = None

    async def _parts(self, found: list[Part]) -> list[bytes | None]:
        said: list[bytes | None] = []
        for at, part in enumerate(found):
            match part.kind:
                case "FHS" | "BHS":
                    said += self._open(part, found[at + 1 :])
                case "MSH":
                    if at and found[at - 1].kind == "MSH":
                        continue  # its neighbour took it along
                    run = _run(found[at:])
                    for first in range(0, len(run), AT_ONCE):
                        said += await self._messages(run[first : first + AT_ONCE])
                case "BTS" | "FTS":
                    said += self._close(part)
                case "":
                    stray = NotWhole("segments of a batch that belong to no message")
                    said += self._collected([await self._refuse(part.raw, stray)])
        return said

    async def _messages(self, messages: list[bytes]) -> list[bytes | None]:
        """Begun in their order, so that one commit may serve many."""
        inner = self._batch or self._file
        begun: list[Deferred[bytes | None]] = []
        for message in messages:
            if inner is not None:
                inner.came += 1
            if inner is not None and inner.came > inner.agreed.messages:
                many = MessageRefused("the batch holds more messages than agreed", code=207)
                begun.append(Deferred.fromCoroutine(_awaited(self._refuse(message, many))))
            else:
                begun.append(Deferred.fromCoroutine(_awaited(self._accept(message))))
        answers = [await each for each in begun]
        return self._collected(answers)

    def _collected(self, answers: list[bytes | None]) -> list[bytes | None]:
        """What is said at once; the rest is kept for the end of the batch."""
        inner = self._batch or self._file
        if inner is None or inner.agreed.answer == "each":
            return answers
        inner.kept = inner.kept and not any(isinstance(each, Unkept) for each in answers)
        return [each for each in answers if each and not self._held(inner, each)]

    def _held(self, envelope: _Envelope, answer: bytes) -> bool:
        """Keep an answer for the end of its batch or file; False where there is no room."""
        held = sum(each.held for each in (self._file, self._batch) if each is not None)
        many = len(envelope.inside) >= envelope.agreed.messages
        if many or held + len(answer) > self._most:
            return False
        envelope.hold(answer)
        return True

    def _open(self, part: Part, behind: list[Part]) -> list[bytes | None]:
        """A header. What was open before it ends here, without its trailer."""
        unfinished = "the trailer did not come"
        said = self._end_batch(unfinished)
        agreed = self._agreed(part, behind)
        # It stays until the trailer: no more of it than is ever told back.
        part = Part(part.kind, part.raw[:HEAD])
        if part.kind == "FHS":
            said += self._end_file(unfinished)
            self._file = _Envelope(part, agreed)
        else:
            self._batch = _Envelope(part, agreed)
        return said

    def _close(self, part: Part) -> list[bytes | None]:
        if part.kind == "BTS":
            return self._end_batch(_comment(self._batch, part))
        return [*self._end_batch("the trailer did not come"), *self._end_file("")]

    def _end_batch(self, comment: str) -> list[bytes | None]:
        ended, self._batch = self._batch, None
        return self._whole(ended, comment, self._file)

    def _end_file(self, comment: str) -> list[bytes | None]:
        ended, self._file = self._file, None
        return self._whole(ended, comment, None)

    def _whole(
        self, ended: _Envelope | None, comment: str, outer: _Envelope | None
    ) -> list[bytes | None]:
        """The answer of a batch, or of a file of them; silence if its messages asked for it."""
        if ended is None or ended.agreed.answer == "each" or not ended.inside:
            return []
        made = batch.answer(
            ended.opening,
            ended.inside,
            control_id=own_control_id(),
            at=self._clock(),
            comment=comment,
        )
        if outer is not None and self._held(outer, made):
            outer.kept = outer.kept and ended.kept
            return []
        return [made if ended.kept else Unkept(made)]

    def _agreed(self, opening: Part, behind: list[Part]) -> Batches:
        """What is agreed with whom the header names, else with whom the first message does."""
        first = [part for part in behind if part.kind == "MSH"][:1]
        for part in (opening, *first):
            try:
                named = batch.header(part)
            except UnreadableMessage:
                continue
            sender = self._configuration.sender(named.sending_application, named.sending_facility)
            if sender is not None and sender.name != "unknown":
                return sender.batch
        return Batches()


class Conversations:
    """Those of one listener's connections."""

    def __init__(
        self,
        configuration: Configuration,
        intake: Intake,
        clock: Callable[[], datetime],
        most: int,
    ) -> None:
        self._configuration = configuration
        self._intake = intake
        self._clock = clock
        self._most = most
        self._open: WeakKeyDictionary[Peer, Conversation] = WeakKeyDictionary()

    async def hear(self, payload: bytes, peer: Peer) -> Said:
        """What goes back for this block."""
        talk = self._open.get(peer)
        if talk is None:
            talk = self._open[peer] = self._begun(peer.certificate_names)
        return await talk.hear(payload)

    async def refuse(self, error: PeerError, head: bytes, peer: Peer) -> bytes | None:
        """What goes back for what cannot become a block."""
        return await self._intake.refuse(head, error)

    def _begun(self, names: frozenset[str] | None) -> Conversation:
        async def accept(payload: bytes) -> bytes | None:
            return await self._intake.accept(payload, names)

        refuse = self._intake.refuse
        return Conversation(self._configuration, accept, refuse, self._clock, self._most)


async def _awaited(work: Awaitable[bytes | None]) -> bytes | None:
    return await work


def _run(found: list[Part]) -> list[bytes]:
    """The messages that follow one another."""
    end = next((at for at, part in enumerate(found) if part.kind != "MSH"), len(found))
    return [part.raw for part in found[:end]]


def _comment(ended: _Envelope | None, trailer: Part) -> str:
    said = batch.promised(trailer)
    if ended is None or said is None or said == ended.came:
        return ""
    return f"BTS-1 says {said} messages, {ended.came} came"


def _said(answers: Iterable[bytes | None]) -> Said:
    found = list(answers)
    kept = not any(isinstance(each, Unkept) for each in found)
    return Said(tuple(each for each in found if each), kept)
