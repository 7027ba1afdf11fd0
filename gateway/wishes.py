"""What a case wants of each of its steps now, and which office is competent for it.

Reads the flow, the dossier and the partner directory. Changes nothing but what the case remembers
of the child's life.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.case import Case
from gateway.clocks import embargo_end, is_late
from gateway.config import Sender
from gateway.flow.context import ALIVE, DEAD, DEATH
from gateway.flow.definition import Flow, Step
from gateway.flow.plan import Past, Reason, Wish, may_stand, standing
from gateway.flow.reading import Account, Inputs, StepReading
from gateway.journal import SubmissionRow, Unit
from gateway.lifecycle import Kind
from gateway.partners import Directory, Entry
from gateway.recent import Recent

Concerned = Callable[[str, Sequence[Past]], bool]
"""Whether something may change for a step with these submissions."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a dossier says, with the choices made: everything that only a message can change."""

    account: Account = field(repr=False)
    declared: bool
    died: bool
    inputs: Inputs = field(repr=False)
    steps: Mapping[str, StepReading]
    offices: Mapping[str, tuple[Entry | None, Reason]]
    """Of each step the competent one, and why nothing can be sent to it."""


class Wishes:
    """One for the node."""

    def __init__(self, flow: Flow, directory: Directory, settle: timedelta = timedelta(0)) -> None:
        self._flow = flow
        self._settle = settle
        self._directory = directory
        self._assigning = any(entry.assigns_codice_fiscale for entry in directory.of("comune"))
        self._read = Recent[tuple[object, ...], Reading]()

    def of(
        self, unit: Unit, case: Case, concerned: Concerned = lambda name, chain: True
    ) -> Iterator[tuple[str, Wish, list[Past]]]:
        """Each step that is `concerned`, with what the case wants of it and what it has, all read
        before any change.
        """
        chains: dict[str, list[Past]] = {name: [] for name in self._flow.steps}
        for row in unit.submissions(case_id=case.row.id):
            chains[row.step].append(_past(row))
        reading = self._reading(case)
        declared, late = self.is_declared(case), self._is_late(case)
        tests: set[str] = set()
        for name, chain in chains.items():
            # What waits for a step that will never go to production would wait for ever.
            refused = reading.offices[name][1] is Reason.NOT_PRODUCTION
            if refused or tests.intersection(self._flow.steps[name].needs):
                tests.add(name)
            if concerned(name, chain):
                wish = self._wish(unit, case, name, chain, reading, declared=declared, late=late)
                if name in tests:
                    wish = wish._replace(refusal=Reason.NOT_PRODUCTION)
                yield name, wish, chain

    def _is_late(self, case: Case) -> bool:
        anonymous = case.context.anonymous
        return not anonymous and is_late(self._flow, case.row, case.context.days)

    def _wish(
        self,
        unit: Unit,
        case: Case,
        name: str,
        chain: Sequence[Past],
        read: Reading,
        *,
        declared: bool,
        late: bool,
    ) -> Wish:
        step, reading = self._flow.steps[name], read.steps[name]
        entry, refusal = read.offices[name]
        held_until = None
        if step.hold is not None:
            said = case.context.days
            held_until = embargo_end(step.hold, step.hold_from, case.row.opened_at, said)
        embargo = held_until is not None and unit.now < held_until
        late = late and not reading.excused
        return Wish(
            wanted=reading.wanted
            and not case.context.cancellation
            and not (step.optional and entry is None),
            endpoint=entry.code if entry else (reading.route or ""),
            waits=_waits(case, step, reading, declared=declared, late=late, embargo=embargo),
            refusal=refusal,
            due_at=held_until,
            can_amend="amend" in step.maps,
            can_cancel="cancel" in step.maps,
            settles_at=unit.now + (self._settle if step.settle is None else step.settle),
            died=name == self._flow.case.transmits and _told_alive(case, chain),
        )

    def _entry(self, case: Case, step: Step, route: str | None) -> tuple[Entry | None, Reason]:
        if step.to and route is None:
            return None, Reason.NO_ROUTE
        entry = self.route(step.partner, route, case.sender)
        if entry is None:
            return None, Reason.NOT_IN_DIRECTORY
        if entry.production and case.row.processing != "P":
            return entry, Reason.NOT_PRODUCTION
        return entry, Reason.NONE

    def route(self, partner: str, place: str | None, sender: Sender) -> Entry | None:
        """The competent office: by ISTAT code, else the sender's own, else the only one."""
        if place is not None:
            own = self._directory.entry(partner, place)
            return own or self._directory.serving(partner, place)
        entries = self._directory.of(partner)
        own = self._directory.entry(partner, sender.name)
        return own or (entries[0] if len(entries) == 1 and partner != "ospedale" else None)

    def endpoint(self, case: Case, row: SubmissionRow) -> str:
        """Where a submission that is made again goes: the competent office of today."""
        if row.predecessor is not None:
            return row.endpoint
        entry, _ = self._reading(case).offices[row.step]
        return entry.code if entry else row.endpoint

    def comune_assigns(self, case: Case) -> bool:
        """Whether the competent Comune's own system gets the codice fiscale, through ANPR."""
        return bool(self.inputs(case)["partner"]["assegnaCodiceFiscale"])

    def wants(self, case: Case, step: str) -> bool:
        """Whether the dossier wants this step at all."""
        return self._reading(case).steps[step].wanted

    def gives(self, case: Case, row: SubmissionRow) -> tuple[str, ...]:
        """The facts that an answer to this submission tells and others wait for."""
        if row.kind is Kind.CANCEL:
            return ()
        if row.step == "comune" and self.comune_assigns(case):
            return ("codiceFiscale",)
        return self._flow.steps[row.step].gives

    def lacks(self, case: Case, row: SubmissionRow) -> bool:
        """Whether the case can only go on with what this step gives."""
        if case.context.cancellation or not self.wants(case, row.step):
            return False
        return bool(self.gives(case, row) and self._flow.steps[row.step].gives)

    def days(self, case: Case) -> dict[str, str]:
        """What the terms of this birth are reckoned from (see `clocks`)."""
        reading = self._reading(case)
        found = reading.account.days()
        # Another Comune may be asked to register: its patron saint moves the parents' last day.
        comune = reading.steps["comune"].route if "comune" in reading.steps else None
        return found | ({"comune": comune} if comune else {})

    def is_declared(self, case: Case) -> bool:
        """By the profile's rule, or by an operator's word."""
        return bool(case.context.declared_by) or self._reading(case).declared

    def life(self, case: Case) -> str:
        """Whether the dossier says that the child is ALIVE or DEAD."""
        return DEAD if self._reading(case).died else ALIVE

    def see_death(self, unit: Unit, case: Case) -> None:
        """Keep which it is, and whether its registration was that of a living child."""
        before, life = case.context.life, self.life(case)
        if life == before:
            return
        turned = (before, life) == (ALIVE, DEAD)
        chain = unit.submissions(case.row.id, self._flow.case.transmits) if turned else ()
        case.context.life = life
        case.context.choice.pop(DEATH, None)
        told = [_past(row) for row in chain]
        case.context.registered_alive = len(told) if may_stand(told) else 0

    def inputs(self, case: Case) -> Inputs:
        """What flow expressions of this case may read beside the dossier."""
        return self._reading(case).inputs

    def account(self, case: Case) -> Account:
        """What the dossier says, with the choices made."""
        return self._reading(case).account

    def _reading(self, case: Case) -> Reading:
        choice = tuple(sorted(case.context.choice.items()))
        row = case.row
        key = (row.profile, case.sender.name, row.processing, case.message.raw, choice)
        return self._read.get(key) or self._read.put(key, self._read_anew(case))

    def _read_anew(self, case: Case) -> Reading:
        inputs = self._inputs(case)
        account = case.reader.of(case.message, inputs)
        steps = {name: account.step(name) for name in self._flow.steps}
        offices = {
            name: self._entry(case, step, steps[name].route)
            for name, step in self._flow.steps.items()
        }
        return Reading(account, account.declared(), account.died(), inputs, steps, offices)

    def _inputs(self, case: Case) -> Inputs:
        inputs: dict[str, dict[str, object]] = {
            "sender": dict(case.sender.inputs),
            "scelta": dict(case.context.choice),
            "partner": {"assegnaCodiceFiscale": False},
        }
        if self._assigning:
            route = case.reader.of(case.message, inputs).step("comune").route
            entry = self.route("comune", route, case.sender) if route else None
            assigns = entry is not None and entry.assigns_codice_fiscale
            inputs["partner"] = {"assegnaCodiceFiscale": assigns}
        return inputs


def _told_alive(case: Case, chain: Sequence[Past]) -> bool:
    """Whether what stands was told of a living child that died since, and nobody said when."""
    if not case.context.asks_of_death:
        return False
    stands = standing(chain)
    return stands is not None and chain.index(stands) < case.context.registered_alive


def _past(row: SubmissionRow) -> Past:
    reason = row.reason or ""
    received, made = row.maybe_received, row.attempts > 0
    return Past(row.id, row.kind, row.status, received, row.endpoint, reason, row.due_at, made)


def _waits(
    case: Case, step: Step, reading: StepReading, *, declared: bool, late: bool, embargo: bool
) -> Reason:
    """Why a step cannot go yet; the first reason of the list."""
    if not declared:
        return Reason.DECLARATION
    if any(not case.context.facts.get(needed) for needed in step.needs):
        return Reason.NEEDS
    if not reading.chosen:
        return Reason.CHOICE
    if late:
        return Reason.LATE
    return Reason.EMBARGO if embargo else Reason.NONE
