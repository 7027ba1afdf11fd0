"""What a person may do: declare, choose, confirm, resolve, replay, mail, reprocess, withdraw.

Each is one journal unit, takes the same path as the corridors, and leaves evidence of who did it
and why. Nothing here is done by a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from gateway.case import Case
from gateway.casebook import Casebook
from gateway.errors import LifecycleError, NotFound, NotPossible
from gateway.flow.context import AFTER, BEFORE
from gateway.flow.plan import Reason
from gateway.journal import PauseRow, Scope, SubmissionRow, Unit
from gateway.lifecycle import Event, Kind, Status, after
from gateway.mailing import signed, why_not
from gateway.mapping import codice_fiscale
from gateway.outcomes import Facts
from gateway.remaking import again, newer, override

_CODE = "codiceFiscale"

LEFT_TO_THE_ASL = "UFFICIO"
"""The choice of a family that leaves the paediatrician to the ASL."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who decides, and why; both go into the evidence."""

    name: str
    reason: str


class Desk:
    """The verbs of a person, each inside the unit it is given."""

    def __init__(self, casebook: Casebook) -> None:
        self.casebook = casebook

    def declare(self, unit: Unit, case_id: str, person: Person) -> None:
        """The parents declared the birth; the operator has their signed document."""
        case = self._open_case(unit, case_id)
        self.casebook.declared_by(unit, case, person.name)
        self._note(unit, "case.declared", person, case_id)

    def unname(self, unit: Unit, case_id: str, person: Person) -> None:
        """The mother does not want to be named: all that is stored of her becomes unreadable."""
        self.casebook.unnamed(unit, self._open_case(unit, case_id))
        self._note(unit, "case.unnamed", person, case_id)

    def choose(self, unit: Unit, case_id: str, choice: Mapping[str, str], person: Person) -> None:
        """The family's choice, such as `{"pediatra": "1234567"}`."""
        case = self._open_case(unit, case_id)
        self.casebook.decided(unit, case, choice)
        self._note(unit, "case.chosen", person, case_id, chosen=sorted(choice))

    def confirm(self, unit: Unit, submission_id: str, person: Person) -> SubmissionRow:
        """What was held may go: a cancellation, an amendment at the office of before, or that of a
        child who died before the declaration.
        """
        row = unit.submission(submission_id)
        if row.status is not Status.HELD or row.maybe_received:
            raise NotPossible(f"{submission_id} is {row.status} and waits for no confirmation")
        if row.reason == "CANDIDATES":
            raise NotPossible(f"{submission_id} waits for a choice among candidates: resolve it")
        if row.kind is Kind.CANCEL:
            case = self.casebook.load(unit, row.case_id)
            override(self.casebook, unit, case, submission_id, _motive(person))
        self._decide_death(unit, row, BEFORE)
        self._note(unit, "submission.confirmed", person, row.case_id, submission_id)
        return self._move(unit, row, Event.CONFIRM)

    def choose_candidate(
        self, unit: Unit, submission_id: str, number: int, person: Person
    ) -> SubmissionRow:
        """One of the persons that the partner found (counted from 1): ask again, for that one."""
        row = unit.submission(submission_id)
        candidates = unit.facts(submission_id) or {}
        chosen = candidates.get(str(number)) if row.reason == "CANDIDATES" else None
        if row.status is not Status.HELD or chosen is None:
            raise NotPossible(f"{submission_id} has no candidate {number}")
        case = self.casebook.load(unit, row.case_id)
        self._note(unit, "submission.chosen", person, row.case_id, submission_id)
        overrides = {"scelta": {"candidato": chosen.get("codiceFiscale", "")}}
        return again(self.casebook, unit, case, row, Event.REPLACE, overrides=overrides)

    def resolve(
        self,
        unit: Unit,
        submission_id: str,
        *,
        received: bool,
        receipt: str,
        person: Person,
        code: str = "",
    ) -> SubmissionRow:
        """A doubt ends: a person asked the partner whether it has the document.

        `code`: the codice fiscale, where the partner told it. Raises NotPossible.
        """
        row = unit.submission(submission_id)
        if not (row.attempts or row.maybe_received):
            raise NotPossible(f"{submission_id} was never sent: there is no doubt about it")
        if received and not receipt:
            raise NotPossible("give the partner's protocol number of what it has")
        facts = self._told(unit, row, code) if received else {}
        self._note(
            unit, "submission.resolved", person, row.case_id, submission_id, told=sorted(facts)
        )
        if not received:
            self._move(unit, row, Event.RESOLVED_NOT_RECEIVED, maybe_received=False)
            # If a newer one waits behind it, that one goes in its place.
            self.casebook.went_on(unit, self.casebook.load(unit, row.case_id))
            return unit.submission(submission_id)
        return self._received(unit, row, {"protocollo": receipt, **facts})

    def replay(self, unit: Unit, submission_id: str, person: Person) -> SubmissionRow:
        """Send the same content again."""
        row = unit.submission(submission_id)
        self._note(unit, "submission.replayed", person, row.case_id, submission_id)
        return self._move(unit, row, Event.REPLAY)

    def mail(self, unit: Unit, submission_id: str, person: Person) -> SubmissionRow:
        """Send the signed document by certified mail: over the wire it never arrived."""
        row = unit.submission(submission_id)
        reason = why_not(row, self.casebook.entry_of(row))
        if reason is None and signed(unit.attempts(row.id)) is None:
            reason = "it was never signed: replay or reprocess it"
        if reason is not None:
            raise NotPossible(f"{submission_id} cannot be mailed: {reason}")
        self._note(unit, "submission.mailed", person, row.case_id, submission_id)
        return unit.move(
            row, expect=row.status, to=after(row.status, Event.MAIL), due_at=unit.now, reason=None
        )

    def reprocess(self, unit: Unit, submission_id: str, person: Person) -> SubmissionRow:
        """Translate the dossier again with today's mapping, as a new submission."""
        row = unit.submission(submission_id)
        if row.maybe_received and row.status is not Status.REJECTED:
            raise NotPossible(f"{submission_id} may have been received: resolve the doubt first")
        later = newer(unit, row)
        if later is not None:
            raise NotPossible(f"{later.id} is newer and {later.status}: what it says counts")
        # A birth that was taken back is at its end only when its cancellations are accepted.
        cancels = row.kind is Kind.CANCEL
        case = (self.casebook.load if cancels else self._open_case)(unit, row.case_id)
        self._note(unit, "submission.reprocessed", person, row.case_id, submission_id)
        overrides = _motive(person) if cancels else None
        return again(self.casebook, unit, case, row, Event.REPROCESS, overrides=overrides)

    def withdraw(self, unit: Unit, submission_id: str, person: Person) -> SubmissionRow:
        """It need not go any more; of a death: the child died after the declaration."""
        row = unit.submission(submission_id)
        if row.maybe_received:
            raise NotPossible(f"{submission_id} may have been received: resolve the doubt first")
        self._note(unit, "submission.withdrawn", person, row.case_id, submission_id)
        moved = self._move(unit, row, Event.WITHDRAW)
        self._decide_death(unit, row, AFTER)
        self.casebook.went_on(unit, self.casebook.load(unit, row.case_id))
        return moved

    def _decide_death(self, unit: Unit, row: SubmissionRow, when: str) -> None:
        """Said once: what the case says to the Comune from now on goes by itself."""
        if (row.status, row.reason) == (Status.HELD, Reason.DEATH):
            self.casebook.dead(unit, self.casebook.load(unit, row.case_id), when)

    def pause(self, unit: Unit, scope: Scope, person: Person) -> PauseRow:
        """Nothing of this scope is sent, by any node, until somebody resumes it."""
        self._known(scope)
        if any(each.scope == scope for each in unit.pauses()):
            raise NotPossible(f"{scope} is paused already")
        _needed(person)
        return unit.pause(scope, by=person.name, reason=person.reason)

    def resume(self, unit: Unit, scope: Scope, person: Person) -> None:
        """The pause of exactly this scope ends."""
        paused = next((each for each in unit.pauses() if each.scope == scope), None)
        if paused is None:
            raise NotPossible(f"{scope} is not paused")
        _needed(person)
        unit.resume(paused, by=person.name, reason=person.reason)

    def _known(self, scope: Scope) -> None:
        """A pause of what is not there would hold nothing, and seem to."""
        entries = self.casebook.directory.entries
        if not any(
            scope.partner in (None, entry.partner) and scope.endpoint in (None, entry.code)
            for entry in entries
        ):
            raise NotFound(f"no {scope} in the partner directory")
        if scope.step is not None and scope.step not in self.casebook.flow.steps:
            known = ", ".join(self.casebook.flow.steps)
            raise NotFound(f"no step {scope.step}; the flow has {known}")

    def _told(self, unit: Unit, row: SubmissionRow, code: str) -> dict[str, str]:
        """The codice fiscale that a person heard, read as an answer's would be.

        It must be there where the rest of the case waits for it: with a receipt alone nothing
        could go on.
        """
        case, code = self.casebook.load(unit, row.case_id), codice_fiscale.normal(code)
        if not code:
            if self.casebook.wishes.lacks(case, row):
                raise NotPossible("give the codice fiscale too, as the partner told it (--cf)")
            return {}
        if _CODE not in self.casebook.wishes.gives(case, row):
            raise NotPossible(f"the partner of {row.step} gives no codice fiscale here")
        if not codice_fiscale.is_valid(code):
            raise NotPossible("the codice fiscale is none: its form or its check letter is wrong")
        born = case.context.days.get("born", "")
        if born and not codice_fiscale.may_be_of_day(code, date.fromisoformat(born[:10])):
            raise NotPossible("the codice fiscale is of another day of birth than PID-7")
        provisional = codice_fiscale.is_provisional(code)
        return {_CODE: code, "provvisorio": str(provisional).lower()}

    def _received(self, unit: Unit, row: SubmissionRow, facts: Facts) -> SubmissionRow:
        moved = unit.move(
            row.id,
            expect=row.status,
            to=after(row.status, Event.RESOLVED_RECEIVED),
            receipt=facts["protocollo"],
            due_at=None,
        )
        case = self.casebook.load(unit, row.case_id)
        if row.kind is Kind.CANCEL:
            self.casebook.annulled(unit, case, row.step)
        else:
            self.casebook.learned(unit, case, row.step, facts)
        return moved

    def _move(
        self, unit: Unit, row: SubmissionRow, event: Event, *, maybe_received: bool | None = None
    ) -> SubmissionRow:
        to = after(row.status, event)
        due = unit.now if to is Status.READY else None
        known = row.maybe_received if maybe_received is None else maybe_received
        return unit.move(
            row.id, expect=row.status, to=to, due_at=due, maybe_received=known, reason=str(event)
        )

    def _open_case(self, unit: Unit, case_id: str) -> Case:
        case = self.casebook.load(unit, case_id)
        if case.row.state in ("CANCELLED", "MERGED"):
            raise LifecycleError(f"case {case_id} is {case.row.state}")
        return case

    def _note(
        self,
        unit: Unit,
        what: str,
        person: Person,
        *subjects: str,
        **more: object,
    ) -> None:
        _needed(person)
        note = {"person": person.name, "reason": person.reason, **more}
        unit.record(what, subjects=subjects, note=note)


def _motive(person: Person) -> dict[str, dict[str, str]]:
    """Why something is annulled, as the administration hears it."""
    return {"flow": {"motivo": person.reason}}


def _needed(person: Person) -> None:
    if not person.name.strip() or not person.reason.strip():
        raise NotPossible("a person and a reason are needed: both become evidence")
