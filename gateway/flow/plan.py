"""From what a case wants and what its steps already have, to what must change.

Everything here is a function of values; the table 'a new message for a case whose step already
has a submission' (docs/lifecycle.md) lives here and only here. Knows no dossier and no storage.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from gateway.lifecycle import FINAL, Event, Kind, Status, may_be_replaced


class Reason(StrEnum):
    """Why a submission waits, is held, or was made unnecessary."""

    NONE = ""
    DECLARATION = "DECLARATION"
    NEEDS = "NEEDS"
    CHOICE = "CHOICE"
    LATE = "LATE"
    EMBARGO = "EMBARGO"
    PREDECESSOR = "PREDECESSOR"
    CANDIDATES = "CANDIDATES"
    CONFIRM = "CONFIRM"
    ROUTE_CHANGED = "ROUTE_CHANGED"
    DEATH = "DEATH"
    NOT_IN_DIRECTORY = "NOT_IN_DIRECTORY"
    NO_ROUTE = "NO_ROUTE"
    NOT_PRODUCTION = "NOT_PRODUCTION"
    NEW_MESSAGE = "NEW_MESSAGE"
    NEW_FACTS = "NEW_FACTS"
    NOT_WANTED = "NOT_WANTED"
    CANCELLED = "CANCELLED"
    MERGED = "MERGED"


class Past(NamedTuple):
    """A submission of the step, as the plan sees it. `reason`: None where it is not known;
    `made`: its document was made, and goes again as it is.
    """

    id: str
    kind: Kind
    status: Status
    maybe_received: bool = False
    endpoint: str = ""
    reason: str | None = None
    due_at: datetime | None = None
    made: bool = False


class Wish(NamedTuple):
    """What the case wants of one step now.

    `waits` is the reason it cannot go yet (NONE: it can), `refusal` one for which it cannot be
    sent at all; `due_at` is when an embargo ends. `settles_at` is until when an amendment made now
    waits for the next one: of a storm of updates only the last state goes. `died`: what stands was
    told of a living child that is dead now.
    """

    wanted: bool
    endpoint: str = ""
    waits: Reason = Reason.NONE
    refusal: Reason = Reason.NONE
    due_at: datetime | None = None
    can_amend: bool = True
    can_cancel: bool = True
    settles_at: datetime | None = None
    died: bool = False


class Open(NamedTuple):
    """Make a new submission of the step, to be looked at `due_at`; READY: None is at once."""

    kind: Kind
    status: Status
    endpoint: str = ""
    predecessor: str | None = None
    reason: Reason = Reason.NONE
    due_at: datetime | None = None


class Move(NamedTuple):
    """Let an event happen to a submission that is expected to be in `expect`."""

    submission: str
    expect: Status
    event: Event
    reason: Reason = Reason.NONE


class Turn(NamedTuple):
    """A waiting submission's turn has come; now it is known what it is."""

    submission: str
    kind: Kind
    endpoint: str
    predecessor: str | None
    event: Event = Event.NEEDS_MET
    reason: Reason = Reason.NONE
    due_at: datetime | None = None


class Wait(NamedTuple):
    """A waiting submission waits on, for something else than before; an embargo rings `due_at`."""

    submission: str
    reason: Reason
    due_at: datetime | None = None


Directive = Open | Move | Turn | Wait


def on_message(wish: Wish, chain: Sequence[Past]) -> list[Directive]:
    """A register or amend message arrived. `chain`: the step's submissions, oldest first."""
    chain = _live(chain)
    if not wish.wanted:
        return on_cancel(wish, chain, Reason.NOT_WANTED)
    replaced = _replaced(chain)
    left = [past for past in chain if past not in replaced]
    moves: list[Directive] = [
        Move(past.id, past.status, Event.REPLACE, Reason.NEW_MESSAGE) for past in replaced
    ]
    return [*moves, *_new(_settling(wish, replaced), left)]


def on_cancel(
    wish: Wish, chain: Sequence[Past], reason: Reason = Reason.CANCELLED
) -> list[Directive]:
    """A cancellation arrived, or the step is no longer wanted: withdraw, or ask a person."""
    chain = _live(chain)
    if chain and chain[-1].kind is Kind.CANCEL:
        return []
    withdrawn = _replaced(chain)
    left = [past for past in chain if past not in withdrawn]
    moves: list[Directive] = [
        Move(past.id, past.status, Event.WITHDRAW, reason) for past in withdrawn
    ]
    if wish.can_cancel and _blocked(left):
        moves.append(_cancel(left, Status.WAITING, Reason.PREDECESSOR))
    elif wish.can_cancel and standing(left):
        moves.append(_cancel(left, Status.HELD, Reason.CONFIRM))
    return moves


_MADE_OF_FACTS = frozenset({Status.DEFERRED, Status.REJECTED, Status.INVALID, Status.DEAD})
"""Where a document stands that surely had no effect and was made with the facts of before: what
the ASL refuses of a child whom it does not know by this code is asked again when it does.
"""


def on_facts(wish: Wish, chain: Sequence[Past]) -> list[Directive]:
    """Facts that this step reads have changed: what was sent may have to be amended."""
    chain = _live(chain)
    if not chain or not wish.wanted or not wish.can_amend or chain[-1].kind is Kind.CANCEL:
        return []
    last = chain[-1]
    if last.status is Status.WAITING:
        return on_turn(wish, chain)
    if not may_be_replaced(last.status, maybe_received=last.maybe_received):
        return _new(wish, chain, because=Reason.NEW_FACTS)
    if last.status in _MADE_OF_FACTS or (last.status is Status.READY and last.made):
        gone = Move(last.id, last.status, Event.REPLACE, Reason.NEW_FACTS)
        return [gone, *_new(wish, chain[:-1], because=Reason.NEW_FACTS)]
    return []


def on_turn(wish: Wish, chain: Sequence[Past]) -> list[Directive]:
    """Something ended or a clock rang: may the waiting submission of this step go?

    What stands before it and surely never arrived is not sent any more: the waiting one is newer.
    """
    chain = _live(chain)
    if not chain or chain[-1].status is not Status.WAITING:
        return []
    waiting, overtaken = chain[-1], [past for past in chain[:-1] if _is_overtaken(past)]
    left = [past for past in chain[:-1] if past not in overtaken]
    if _blocked(left):
        return []
    goes_on = wish.wanted and waiting.kind is not Kind.CANCEL
    event = Event.REPLACE if goes_on else Event.WITHDRAW
    moves: list[Directive] = [
        Move(past.id, past.status, event, Reason.NEW_MESSAGE) for past in overtaken
    ]
    return [*moves, *_turn(wish, waiting, standing(left))]


def _turn(wish: Wish, waiting: Past, before: Past | None) -> list[Directive]:
    if waiting.kind is Kind.CANCEL:
        return [_cancel_turn(waiting, before)]
    if not wish.wanted:
        return [Move(waiting.id, Status.WAITING, Event.WITHDRAW, Reason.NOT_WANTED)]
    if wish.refusal is Reason.NOT_PRODUCTION:
        return [Move(waiting.id, Status.WAITING, Event.WITHDRAW, wish.refusal)]
    if wish.waits:
        return _wait_on(wish, waiting)
    if wish.refusal:
        return [Move(waiting.id, Status.WAITING, Event.UNTRANSLATABLE, wish.refusal)]
    return [_own_turn(wish, waiting, before)]


_WITHOUT_EFFECT = frozenset(
    {Status.READY, Status.DEFERRED, Status.DEAD, Status.TO_MAIL, Status.REJECTED, Status.INVALID}
)


def _is_overtaken(past: Past) -> bool:
    """It was on its way when the next one came, and now it is known that it had no effect: it
    never arrived, was refused, or was answered with persons to choose among.
    """
    asks_back = past.status is Status.HELD and past.reason == Reason.CANDIDATES
    return (past.status in _WITHOUT_EFFECT or asks_back) and may_be_replaced(
        past.status, maybe_received=past.maybe_received
    )


def _wait_on(wish: Wish, waiting: Past) -> list[Directive]:
    """Who looks at the queue must read what is lacking now, not what was lacking first; and an
    embargo that was made longer must ring again, or nothing would end it.
    """
    rings_at = wish.due_at if wish.waits is Reason.EMBARGO else None
    told = waiting.reason in (None, wish.waits)
    if told and (rings_at is None or rings_at == waiting.due_at):
        return []
    return [Wait(waiting.id, wish.waits, rings_at)]


def standing(chain: Iterable[Past]) -> Past | None:
    """The submission that stands at the partner: the last accepted one, if none annulled it."""
    found: Past | None = None
    for past in chain:
        if past.status is Status.ACCEPTED:
            found = None if past.kind is Kind.CANCEL else past
    return found


def may_stand(chain: Sequence[Past]) -> bool:
    """Whether the partner has, or may have, a document of this step."""
    live = _live(chain)
    left = [past for past in live if past not in _replaced(live)]
    return standing(left) is not None or _blocked(left)


def _settling(wish: Wish, replaced: Sequence[Past]) -> Wish:
    """An amendment that was already settling passes its time on: a storm cannot put it off."""
    since = [past.due_at for past in replaced if past.kind is Kind.AMEND and past.due_at]
    return wish._replace(settles_at=min(since)) if wish.settles_at and since else wish


def _live(chain: Sequence[Past]) -> list[Past]:
    gone = (Status.REPLACED, Status.WITHDRAWN)
    return [past for past in chain if past.status not in gone]


def _replaced(chain: Sequence[Past]) -> list[Past]:
    """Those at the end of the chain that surely never reached the partner, or were refused."""
    count = 0
    for past in reversed(chain):
        if not may_be_replaced(past.status, maybe_received=past.maybe_received):
            break
        count += 1
    return list(chain[len(chain) - count :])


def _blocked(chain: Sequence[Past]) -> bool:
    return any(past.status not in FINAL for past in chain)


def _new(wish: Wish, left: Sequence[Past], because: Reason = Reason.NONE) -> list[Directive]:
    before = standing(left)
    kind = Kind.AMEND if before else Kind.REGISTER
    if before and not wish.can_amend:
        return []
    status, reason = _first_status(wish, left, before)
    # Whoever registered the child amends it: another competent office is a person's decision.
    endpoint = before.endpoint if before else wish.endpoint
    predecessor = before.id if before else None
    due_at = wish.due_at
    if status is Status.READY:
        due_at = wish.settles_at if before else None
    return [Open(kind, status, endpoint, predecessor, reason or because, due_at)]


def _first_status(wish: Wish, left: Sequence[Past], before: Past | None) -> tuple[Status, Reason]:
    if wish.refusal is Reason.NOT_PRODUCTION:
        return Status.WITHDRAWN, wish.refusal
    if _blocked(left):
        return Status.WAITING, Reason.PREDECESSOR
    if wish.waits:
        return Status.WAITING, wish.waits
    if wish.refusal:
        return Status.INVALID, wish.refusal
    decided = _a_persons(wish, before)
    return (Status.HELD if decided else Status.READY), decided


def _a_persons(wish: Wish, before: Past | None) -> Reason:
    """Why a person must decide whether what stands is amended; NONE: it goes by itself.

    Who dies after the declaration has an act of death of its own, and the act of birth stays as
    it is (DPR 396/2000); who died before it has another act of birth.
    """
    if before is None:
        return Reason.NONE
    if wish.died:
        return Reason.DEATH
    return Reason.ROUTE_CHANGED if before.endpoint != wish.endpoint else Reason.NONE


def _cancel(left: Sequence[Past], status: Status, reason: Reason) -> Open:
    before = standing(left) or left[-1]
    return Open(Kind.CANCEL, status, before.endpoint, before.id, reason)


def _cancel_turn(waiting: Past, before: Past | None) -> Directive:
    if before is None:
        return Move(waiting.id, Status.WAITING, Event.WITHDRAW, Reason.NOT_WANTED)
    return Turn(waiting.id, Kind.CANCEL, before.endpoint, before.id, Event.HOLD, Reason.CONFIRM)


def _own_turn(wish: Wish, waiting: Past, before: Past | None) -> Directive:
    if before is None:
        return Turn(waiting.id, Kind.REGISTER, wish.endpoint, None)
    decided = _a_persons(wish, before)
    if decided:
        return Turn(waiting.id, Kind.AMEND, before.endpoint, before.id, Event.HOLD, decided)
    return Turn(waiting.id, Kind.AMEND, before.endpoint, before.id, due_at=wish.settles_at)
