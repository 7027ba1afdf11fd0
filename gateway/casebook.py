"""Carries out on the journal what the flow decides for a case, inside one journal unit.

Both corridors and the command line change a case only through here, so the dossier, the facts,
the submissions and their evidence change together or not at all. Knows no transport.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from gateway import anonymity
from gateway.case import Case, decoded
from gateway.config import Sender
from gateway.errors import Destroyed
from gateway.flow.context import DEATH, CaseFinding, Context
from gateway.flow.definition import Flow
from gateway.flow.plan import (
    Directive,
    Move,
    Open,
    Past,
    Reason,
    Turn,
    Wait,
    on_cancel,
    on_facts,
    on_message,
    on_turn,
)
from gateway.flow.reading import Reader
from gateway.hl7.dossier import Dossier
from gateway.hl7.message import Message
from gateway.journal import CaseRow, SubmissionRow, Unit, View
from gateway.lifecycle import Event, Status, after
from gateway.partners import Directory, Entry
from gateway.wishes import Wishes

_AFTER_CANCELLATION = CaseFinding(
    "AFTER_CANCELLATION", "MSH-9", "an update came after the birth was cancelled; it was not used"
)
_OUT_OF_ORDER = CaseFinding(
    "OUT_OF_ORDER", "EVN-2", "an older message came late; what newer ones say stands"
)
_OVERTAKEN = CaseFinding(
    "OUT_OF_ORDER", "EVN-2", "a cancellation came late, after a newer admission; it was not used"
)


class Casebook:
    """What can happen to a case. `readers` gives the flow compiled for a profile's name."""

    def __init__(
        self,
        flow: Flow,
        directory: Directory,
        senders: Callable[[str], Sender],
        readers: Callable[[str], Reader],
        settle: timedelta = timedelta(0),
    ) -> None:
        self.flow = flow
        self.directory = directory
        self._settle = settle
        self.wishes = Wishes(flow, directory, settle)
        self.sender = senders
        self.reader = readers

    def adopt(self, flow: Flow) -> None:
        """Another edition of the flow is in use; what was read with the old one is forgotten."""
        self.flow = flow
        self.wishes = Wishes(flow, self.directory, self._settle)

    def load(self, view: View, case_id: str) -> Case:
        """The case as stored; raises NotFound."""
        return self.read(view.case(case_id))

    def message_inputs(self, sender: Sender) -> dict[str, dict[str, object]]:
        """What expressions may read beside a message whose case is not known yet."""
        return {
            "sender": dict(sender.inputs),
            "scelta": {},
            "partner": {"assegnaCodiceFiscale": False},
        }

    def open(self, unit: Unit, sender: Sender, message: Message, key_digest: str) -> Case:
        """A child was born. The case is empty until it is `told` the message."""
        row = unit.new_case(
            sender=sender.name,
            key_digest=key_digest,
            profile=sender.profile,
            processing=message.processing_id or "P",
        )
        return self.read(row, message)

    def told(self, unit: Unit, case: Case, message: Message, message_id: str) -> None:
        """A register or amend message: fold it, then let the flow plan every step.

        `message` is as it may be stored: an unnamed mother's data is gone from it.
        """
        if case.row.state == "CANCELLED":
            case.context.findings.append(_AFTER_CANCELLATION)
            self.save(unit, case)
            return
        late = case.take(message, message_id, unit.now)
        self._heed_anonymity(unit, case, message if late else None)
        case.context.findings = self.wishes.account(case).findings()
        case.context.findings += [_OUT_OF_ORDER] if late else []
        case.context.days = self.wishes.days(case)
        self.save(unit, case, told=True)
        self._replan(unit, case)

    def cancelled(self, unit: Unit, case: Case, message: Message, message_id: str) -> None:
        """The birth is taken back: what was not sent is withdrawn, what was waits for a person."""
        if case.is_overtaken(message, unit.now):
            case.context.findings.append(_OVERTAKEN)
            self.save(unit, case)
            return
        if not case.row.dossier:
            case.take(message, message_id, unit.now)
        case.context.cancelled_at = case.moment(message, unit.now)
        case.context.cancellation = {
            "evento": message.event,
            "data": message.get("EVN-2") or message.get("MSH-7") or "",
        }
        self.save(unit, case, state="CANCELLED", told=not case.row.dossier)
        for name, wish, chain in self.wishes.of(unit, case):
            self.carry_out(unit, case, name, on_cancel(wish, chain))

    def learned(self, unit: Unit, case: Case, step: str, facts: Mapping[str, str]) -> None:
        """A step's answer told facts: keep them, and let the steps that read them go on.

        An answer to what was asked before a late wish of hers tells of a child with her name.
        """
        if case.context.anonymous and not self.wishes.wants(case, step):
            facts = {}
        facts = case.context.newer(step, facts)
        changed = case.context.learn(step, facts)
        if step == "comune" and "codiceFiscale" in facts and self.wishes.comune_assigns(case):
            changed |= case.context.learn("codice_fiscale", facts)
        if changed:
            self.save(unit, case)
        self._go_on(unit, case, step if changed else None)

    def annulled(self, unit: Unit, case: Case, step: str) -> None:
        """A cancellation was accepted: what the step had given is no longer true."""
        if case.context.forget(step):
            self.save(unit, case)
        self._go_on(unit, case, None)

    def went_on(self, unit: Unit, case: Case) -> None:
        """Something ended or a clock rang: let what waits go, if it may."""
        self._go_on(unit, case, None)

    def decided(self, unit: Unit, case: Case, choice: Mapping[str, str]) -> None:
        """An operator or the family chose."""
        case.context.choice = {**case.context.choice, **choice}
        self.save(unit, case)
        for name, wish, chain in self.wishes.of(unit, case):
            # A choice is a fact to the steps that wait for one: made again, it amends.
            chooses = self.flow.steps[name].choice is not None
            directives = on_facts(wish, chain) if chooses else on_turn(wish, chain)
            self.carry_out(unit, case, name, directives)

    def dead(self, unit: Unit, case: Case, when: str) -> None:
        """A person says when it died: BEFORE the declaration or AFTER it. What else was said since
        the Comune registered it goes.
        """
        case.context.choice = {**case.context.choice, DEATH: when}
        self.save(unit, case)
        told = self.flow.case.transmits
        for name, wish, chain in self.wishes.of(unit, case, lambda step, _: step == told):
            self.carry_out(unit, case, name, on_facts(wish, chain))

    def declared_by(self, unit: Unit, case: Case, person: str) -> None:
        """An operator with the declarant's signed document says the birth is declared."""
        case.context.declared_by = person
        self.save(unit, case)
        for name, wish, chain in self.wishes.of(unit, case):
            directives = on_turn(wish, chain) if chain else on_message(wish, chain)
            self.carry_out(unit, case, name, directives)

    def unnamed(self, unit: Unit, case: Case) -> None:
        """An operator says that the mother does not want to be named. Raises NotPossible."""
        if case.context.anonymous:
            return
        anonymity.mark(self.wishes, case)
        self.unname(unit, case)
        case.context.findings = self.wishes.account(case).findings()
        case.context.days = self.wishes.days(case)
        self.save(unit, case, told=True)
        self._replan(unit, case)

    def entry_of(self, row: SubmissionRow) -> Entry | None:
        """The office a submission goes to."""
        return self.directory.entry(row.partner, row.endpoint)

    def inputs(self, case: Case) -> Mapping[str, Mapping[str, object]]:
        """What mappings of this case may read beside the dossier: sender, choices, facts."""
        return {
            **self.wishes.inputs(case),
            **{name: dict(f) for name, f in case.context.facts.items()},
        }

    def read(self, row: CaseRow, message: Message | None = None) -> Case:
        """The case of a row; `message`: the one that opens it. Raises Destroyed."""
        if row.dossier:
            dossier = decoded(row.dossier)
        elif message is not None:
            dossier = Dossier(message, {})
        else:
            raise Destroyed(f"the content of case {row.id} was destroyed")
        case = Case(
            row=row,
            dossier=dossier,
            context=Context.decode(row.context or b""),
            sender=self.sender(row.sender),
            reader=self.reader(row.profile),
        )
        if row.dossier and not case.context.life:
            case.context.life = self.wishes.life(case)  # an earlier release stored it
        return case

    def _replan(self, unit: Unit, case: Case) -> None:
        for name, wish, chain in self.wishes.of(unit, case):
            # Before the declaration there is nothing to send, so there is no submission yet.
            if chain or wish.waits is not Reason.DECLARATION:
                self.carry_out(unit, case, name, on_message(wish, chain))

    def _heed_anonymity(self, unit: Unit, case: Case, late: Message | None) -> None:
        """The wish not to be named, once said, holds; said late, the old key is destroyed.

        In a message that is `late` it counts too, whatever newer ones say.
        """
        if case.context.anonymous:
            anonymity.keep(self.wishes, case)
            return
        said = self.wishes.account(case).anonymous()
        if late is not None and not said:
            said = case.reader.of(late, self.message_inputs(case.sender)).anonymous()
            if said:
                anonymity.mark(self.wishes, case)
        if said:
            self.unname(unit, case)

    def unname(self, unit: Unit, case: Case) -> None:
        """Nothing that names the mother stays, neither here nor in what was merged into it."""
        anonymity.unname(unit, case)
        for each in case.context.merged_from:
            row = unit.case(each)
            if row.dossier and not Context.decode(row.context or b"").anonymous:
                self.unname(unit, self.read(row))

    def save(
        self,
        unit: Unit,
        case: Case,
        state: str | None = None,
        *,
        told: bool = False,
        key_digest: str | None = None,
    ) -> None:
        """Keep the context; where a message was `told`, the dossier too."""
        if told:
            self.wishes.see_death(unit, case)
        row, declared = case.row, case.row.declared_at is not None
        newly = not declared and self.wishes.is_declared(case)
        state = state or _state(row.state, declared=declared or newly)
        case.row = unit.save_case(
            row.id,
            expect_version=row.version,
            dossier=case.stored if told else None,
            context=case.context.encode(),
            # Only what changes: an index over a column is written anew whenever it is named.
            state=None if state == row.state else state,
            declared_at=unit.now if newly else None,
            key_digest=key_digest,
        )

    def _go_on(self, unit: Unit, case: Case, changed: str | None) -> None:
        def reads(step: str) -> bool:
            return changed is not None and changed in self.flow.steps[step].reads

        def concerned(step: str, chain: Sequence[Past]) -> bool:
            return reads(step) or any(past.status is Status.WAITING for past in chain)

        for name, wish, chain in self.wishes.of(unit, case, concerned):
            directives = on_facts(wish, chain) if reads(name) else on_turn(wish, chain)
            self.carry_out(unit, case, name, directives)

    def carry_out(self, unit: Unit, case: Case, step: str, directives: Sequence[Directive]) -> None:
        """Do on the journal what was planned for a step."""
        for directive in directives:
            match directive:
                case Open():
                    self._open(unit, case, step, directive)
                case Move(submission, expect, event, reason):
                    unit.move(submission, expect=expect, to=after(expect, event), reason=reason)
                case Wait(submission, reason, due_at):
                    waiting = Status.WAITING
                    unit.move(submission, expect=waiting, to=waiting, reason=reason, due_at=due_at)
                case Turn():
                    unit.move(
                        directive.submission,
                        expect=Status.WAITING,
                        to=after(Status.WAITING, directive.event),
                        kind=directive.kind,
                        endpoint=directive.endpoint,
                        predecessor=directive.predecessor,
                        reason=directive.reason,
                        due_at=_turn_due(unit, directive),
                    )

    def _open(self, unit: Unit, case: Case, step: str, opened: Open) -> None:
        unit.add_submission(
            case_id=case.row.id,
            step=step,
            kind=opened.kind,
            status=opened.status,
            partner=self.flow.steps[step].partner,
            endpoint=opened.endpoint,
            operation_id=str(uuid4()),
            predecessor=opened.predecessor,
            reason=opened.reason,
            due_at=_due(unit, opened),
        )


def _state(before: str, *, declared: bool) -> str:
    """What was cancelled or merged stays so, whatever else changes."""
    return "DECLARED" if declared and before == "OPEN" else before


def _due(unit: Unit, opened: Open) -> datetime | None:
    """A READY submission goes at once, or when it has settled; a WAITING one is looked at when
    its embargo ends.
    """
    if opened.status is Status.WAITING:
        return opened.due_at
    return (opened.due_at or unit.now) if opened.status is Status.READY else None


def _turn_due(unit: Unit, turn: Turn) -> datetime | None:
    return (turn.due_at or unit.now) if turn.event is Event.NEEDS_MET else None
