"""The clocks of a case: its terms, what is near its end or past it, and when an embargo ends.

Reckons in days of Italy from what the case's context keeps; `flow/terms` knows the law, the
journal which cases still owe something. Tells ids and terms, never what a message says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from gateway.flow.context import Context
from gateway.flow.definition import Flow
from gateway.flow.terms import Days, last_day, terms
from gateway.hl7.dossier import Dossier
from gateway.hl7.time import TimeError, parse_time
from gateway.journal import CaseRow, SubmissionRow, View
from gateway.lifecycle import DONE, RECEIVED, Kind

ROME: Final = ZoneInfo("Europe/Rome")

_PAGE: Final = 500


class Standing(StrEnum):
    """How a term stands today."""

    RUNS = "runs"
    NEAR = "near"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Running:
    """A term of a case. `name` as in `flow/terms`, `ends_on` its last day."""

    name: str
    ends_on: date
    standing: Standing


@dataclass(frozen=True, slots=True)
class Owing:
    """A case with terms that run. `running` is never empty."""

    row: CaseRow
    running: tuple[Running, ...]

    def of(self, *standings: Standing) -> list[Running]:
        """The terms that stand so."""
        return [each for each in self.running if each.standing in standings]


def today(now: datetime) -> date:
    """The day it is in Italy."""
    return now.astimezone(ROME).date()


def running(flow: Flow, row: CaseRow, on: date, *, owes: bool) -> tuple[Running, ...]:
    """The terms that run: to declare, or to transmit while the case `owes` its declaration.

    None where the flow has no clock, the case is closed, or no day of birth can be read.
    """
    clock = flow.case.clock
    if clock is None or not (row.state == "OPEN" or (row.state == "DECLARED" and owes)):
        return ()
    days = days_of(row, _said(row))
    if days is None:
        return ()
    found = terms(clock, days, flow.calendar)
    return tuple(Running(t.name, t.ends_on, _standing(t.ends_on, on, clock.warn)) for t in found)


def owes(flow: Flow, submissions: Iterable[SubmissionRow]) -> bool:
    """Whether a case's declaration has not reached the Comune (DPR 396/2000 art. 30): what waits
    for a family's choice, or for another administration, is no transmission.
    """
    found = {
        each.status
        for each in submissions
        if each.step == flow.case.transmits and each.kind is Kind.REGISTER
    }
    return bool(found - DONE) and not found & RECEIVED


def owing(view: View, flow: Flow, on: date) -> Iterator[Owing]:
    """Every case with terms that run, oldest first."""
    after = ""
    while rows := view.cases_at_work(flow.case.transmits, after=after, limit=_PAGE):
        for row in rows:
            found = running(flow, row, on, owes=True)
            if found:
                yield Owing(row, found)
        after = rows[-1].id


def is_late(flow: Flow, row: CaseRow, said: Mapping[str, str]) -> bool:
    """Whether the declaration is known to have come after the last day (DPR 396/2000 art. 31).

    Known: a message says its day, or the gateway had the case in time and it was not declared.
    Of a birth that reached the gateway after the term nothing is presumed.
    """
    days = days_of(row, said)
    if flow.case.clock is None or days is None or days.declared is None:
        return False
    end = last_day(flow.case.clock, days, flow.calendar)
    watched = today(row.opened_at) <= end
    return days.declared > end and (watched or "declared_on" in said)


def embargo_end(
    length: timedelta, since: str, opened_at: datetime, said: Mapping[str, str]
) -> datetime:
    """When what is held may go: counted from the case's opening, or from the end of the day of
    birth; from the opening too where that day cannot be read, for it is never earlier.
    """
    born = _day(said.get("born")) if since == "birth" else None
    if born is None:
        return opened_at + length
    return datetime.combine(born + timedelta(days=1), time(), ROME) + length


def days_of(row: CaseRow, said: Mapping[str, str]) -> Days | None:
    """What the terms of a case are reckoned from; None where no day of birth is known."""
    born = _day(said.get("born"))
    if born is None:
        return None
    declared = today(row.declared_at) if row.declared_at else None
    if declared is not None:
        declared = _day(said.get("declared_on")) or declared
    return Days(born, declared, said.get("centre", ""), said.get("comune", ""))


def _said(row: CaseRow) -> Mapping[str, str]:
    """What the case keeps; of one that was stored before it kept this, the day of birth."""
    said = Context.decode(row.context or b"").days
    if said or not row.dossier:
        return said
    try:
        born = parse_time(Dossier.decode(row.dossier).message.get("PID-7") or "").date
    except TimeError:  # no date of birth, or one that cannot be read: a finding says so
        return {}
    return {"born": born.isoformat()}


def _standing(ends_on: date, on: date, warn: timedelta) -> Standing:
    if ends_on < on:
        return Standing.PASSED
    return Standing.NEAR if ends_on - on <= warn else Standing.RUNS


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
