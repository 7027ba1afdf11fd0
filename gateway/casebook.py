"""Carries out on the journal what the flow decides for a case, inside one journal unit.

Both corridors and the command line change a case only through here, so the dossier, the facts,
the submissions and their evidence change together or not at all. Knows no transport.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from gateway import anonymity
from gateway.case import Case, decoded, index
from gateway.config import Sender
from gateway.errors import NotFound
from gateway.flow.context import CaseFinding, Context
from gateway.flow.definition import Flow
from gateway.flow.plan import (
    Directive,
    Move,
    Open,
    Reason,
    Turn,
    Wait,
    on_cancel,
    on_facts,
    on_message,
    on_turn,
)
from gateway.flow.reading import Reader
from gateway.hl7.dossier import Dossier, fold
from gateway.hl7.message import Message
from gateway.journal import CaseRow, SubmissionRow, Unit, View
from gateway.lifecycle import Event, Status, after
from gateway.partners import Directory, Entry
from gateway.wishes import Wishes

_UPDATES = ("A08", "A31")

_AFTER_CANCELLATION = CaseFinding(
    "AFTER_CANCELLATION", "MSH-9", "an update came after the birth was cancelled; it was not used"
)


class Casebook:
    """What can happen to a case. `readers` gives the flow compiled for a profile's name."""

    def __init__(
        self,
        flow: Flow,
        directory: Directory,
        senders: Callable[[str], Sender],
        readers: Callable[[str], Reader],
    ) -> None:
        self.flow = flow
        self.directory = directory
        self.wishes = Wishes(flow, directory)
        self._senders = senders
        self._readers = readers

    def adopt(self, flow: Flow) -> None:
        """Another edition of the flow is in use; what was read with the old one is forgotten."""
        self.flow = flow
        self.wishes = Wishes(flow, self.directory)

    def load(self, view: View, case_id: str) -> Case:
        """The case as stored; raises NotFound."""
        return self._read(view.case(case_id))

    def find(self, unit: Unit, sender: Sender, message: Message, key: Sequence[str]) -> Case | None:
        """The newest case of this child at this sender's facility."""
        row = unit.find_case(sender.name, index(unit, sender, message, key))
        return self._read(row) if row else None

    def starts_anew(self, case: Case, message: Message) -> bool:
        """Admitted again after a cancellation: another birth notice, another case."""
        return case.row.state == "CANCELLED" and message.event not in _UPDATES

    def kind_of(self, event: str) -> str:
        """What an event means for a case that is there."""
        rules = self.flow.case
        if event in rules.cancel.events:
            return "cancel"
        return "merge" if event in rules.merge.events else "amend"

    def message_inputs(self, sender: Sender) -> dict[str, dict[str, object]]:
        """What expressions may read beside a message whose case is not known yet."""
        return {
            "sender": dict(sender.inputs),
            "scelta": {},
            "partner": {"assegnaCodiceFiscale": False},
        }

    def open(self, unit: Unit, sender: Sender, message: Message, key: Sequence[str]) -> Case:
        """A child was born. The case is empty until it is `told` the message."""
        row = unit.open_case(
            sender=sender.name,
            key_digest=index(unit, sender, message, key),
            profile=sender.profile,
            processing=message.processing_id or "P",
            dossier=b"",
            context=Context().encode(),
        )
        return self._read(row, message)

    def told(self, unit: Unit, case: Case, message: Message, message_id: str) -> None:
        """A register or amend message: fold it, then let the flow plan every step.

        `message` is as it may be stored: an unnamed mother's data is gone from it.
        """
        if case.row.state == "CANCELLED":
            case.context.findings.append(_AFTER_CANCELLATION)
            self._save(unit, case)
            return
        case.dossier = fold(case.dossier if case.row.dossier else None, message, message_id)
        anonymity.heed(self.wishes, unit, case)
        case.context.findings = self.wishes.account(case).findings()
        case.context.days = self.wishes.days(case)
        self._save(unit, case, told=True)
        self._replan(unit, case)

    def cancelled(self, unit: Unit, case: Case, message: Message) -> None:
        """The birth is taken back: what was not sent is withdrawn, what was waits for a person."""
        case.context.cancellation = {
            "evento": message.event,
            "data": message.get("EVN-2") or message.get("MSH-7") or "",
        }
        self._save(unit, case, state="CANCELLED")
        for name, wish, chain in self.wishes.of(unit, case):
            self._carry_out(unit, case, name, on_cancel(wish, chain))

    def merged(self, unit: Unit, case: Case, message: Message, message_id: str) -> None:
        """Two records are one child: what the old one had and did not send goes to this one."""
        old_key = case.reader.of(message, self.message_inputs(case.sender)).old_key()
        old = self.find(unit, case.sender, message, old_key) if old_key else None
        if old is None or old.row.id == case.row.id:
            return
        old.context.cancellation = {"evento": message.event, "data": message.get("EVN-2") or ""}
        self._save(unit, old, state="MERGED")
        for name, wish, chain in self.wishes.of(unit, old):
            self._carry_out(unit, old, name, on_cancel(wish, chain, Reason.MERGED))
        case.dossier = fold(old.dossier, case.message, message_id)
        case.context.days = self.wishes.days(case)
        self._save(unit, case, told=True)
        self._replan(unit, case)

    def learned(self, unit: Unit, case: Case, step: str, facts: Mapping[str, str]) -> None:
        """A step's answer told facts: keep them, and let the steps that read them go on.

        An answer to what was asked before a late wish of hers tells of a child with her name.
        """
        if case.context.anonymous and not self.wishes.wants(case, step):
            facts = {}
        changed = case.context.learn(step, facts)
        if step == "comune" and "codiceFiscale" in facts and self.wishes.comune_assigns(case):
            changed |= case.context.learn("codice_fiscale", facts)
        if changed:
            self._save(unit, case)
        self._go_on(unit, case, step if changed else None)

    def annulled(self, unit: Unit, case: Case, step: str) -> None:
        """A cancellation was accepted: what the step had given is no longer true."""
        if case.context.forget(step):
            self._save(unit, case)
        self._go_on(unit, case, None)

    def went_on(self, unit: Unit, case: Case) -> None:
        """Something ended or a clock rang: let what waits go, if it may."""
        self._go_on(unit, case, None)

    def decided(self, unit: Unit, case: Case, choice: Mapping[str, str]) -> None:
        """An operator or the family chose."""
        case.context.choice = {**case.context.choice, **choice}
        self._save(unit, case)
        for name, wish, chain in self.wishes.of(unit, case):
            # A choice is a fact to the steps that wait for one: made again, it amends.
            chooses = self.flow.steps[name].choice is not None
            directives = on_facts(wish, chain) if chooses else on_turn(wish, chain)
            self._carry_out(unit, case, name, directives)

    def declared_by(self, unit: Unit, case: Case, person: str) -> None:
        """An operator with the declarant's signed document says the birth is declared."""
        case.context.declared_by = person
        self._save(unit, case)
        for name, wish, chain in self.wishes.of(unit, case):
            directives = on_turn(wish, chain) if chain else on_message(wish, chain)
            self._carry_out(unit, case, name, directives)

    def unnamed(self, unit: Unit, case: Case) -> None:
        """An operator says that the mother does not want to be named. Raises NotPossible."""
        if case.context.anonymous:
            return
        anonymity.say(self.wishes, unit, case)
        case.context.findings = self.wishes.account(case).findings()
        case.context.days = self.wishes.days(case)
        self._save(unit, case, told=True)
        self._replan(unit, case)

    def again(
        self,
        unit: Unit,
        case: Case,
        row: SubmissionRow,
        event: Event,
        *,
        overrides: Mapping[str, Mapping[str, str]] | None = None,
        reason: str = "",
    ) -> SubmissionRow:
        """Translate the dossier again, as a new submission with an operation id of its own."""
        unit.move(row.id, expect=row.status, to=after(row.status, event), reason=reason or event)
        opened = unit.add_submission(
            case_id=case.row.id,
            step=row.step,
            kind=row.kind,
            status=Status.READY,
            partner=row.partner,
            endpoint=self.wishes.endpoint(case, row),
            operation_id=str(uuid4()),
            predecessor=row.predecessor,
            reason=reason or event,
            due_at=unit.now,
        )
        self.override(unit, case, opened.id, overrides or {})
        return opened

    def override(
        self, unit: Unit, case: Case, submission: str, values: Mapping[str, Mapping[str, str]]
    ) -> None:
        """Give one submission inputs of its own."""
        if values:
            case.context.overrides[submission] = {key: dict(each) for key, each in values.items()}
            self._save(unit, case)

    def entry_of(self, row: SubmissionRow) -> Entry | None:
        """The office a submission goes to."""
        return self.directory.entry(row.partner, row.endpoint)

    def inputs(self, case: Case) -> Mapping[str, Mapping[str, object]]:
        """What mappings of this case may read beside the dossier: sender, choices, facts."""
        return {
            **self.wishes.inputs(case),
            **{name: dict(f) for name, f in case.context.facts.items()},
        }

    def _read(self, row: CaseRow, message: Message | None = None) -> Case:
        if row.dossier:
            dossier = decoded(row.dossier)
        elif message is not None:
            dossier = Dossier(message, {})
        else:
            raise NotFound(f"the content of case {row.id} was destroyed")
        return Case(
            row=row,
            dossier=dossier,
            context=Context.decode(row.context or b""),
            sender=self._senders(row.sender),
            reader=self._readers(row.profile),
        )

    def _replan(self, unit: Unit, case: Case) -> None:
        for name, wish, chain in self.wishes.of(unit, case):
            # Before the declaration there is nothing to send, so there is no submission yet.
            if chain or wish.waits is not Reason.DECLARATION:
                self._carry_out(unit, case, name, on_message(wish, chain))

    def _save(
        self, unit: Unit, case: Case, state: str | None = None, *, told: bool = False
    ) -> None:
        """Keep the context; where a message was `told`, the dossier too."""
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
        )

    def _go_on(self, unit: Unit, case: Case, changed: str | None) -> None:
        for name, wish, chain in self.wishes.of(unit, case):
            reads = changed in self.flow.steps[name].reads
            directives = on_facts(wish, chain) if reads else on_turn(wish, chain)
            self._carry_out(unit, case, name, directives)

    def _carry_out(
        self, unit: Unit, case: Case, step: str, directives: Sequence[Directive]
    ) -> None:
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
                        due_at=unit.now if directive.event is Event.NEEDS_MET else None,
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
    """A READY submission may go at once; a WAITING one is looked at when its embargo ends."""
    if opened.status is Status.WAITING:
        return opened.due_at
    return unit.now if opened.status is Status.READY else None
