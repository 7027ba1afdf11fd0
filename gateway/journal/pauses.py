"""Pauses: a partner, one of its endpoints or a step to which nothing is sent, by a person's word.

They are part of every claim's own question, so that they hold for all nodes from the commit on.
Who, why and until when is evidence; the reason of the end is only there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import insert, or_, select, update

from gateway.journal.reading import Reading
from gateway.journal.stored import moment, new_id
from gateway.journal.tables import pauses, submissions
from gateway.journal.writing import Writing

_IN_FORCE = pauses.c.ended_at.is_(None)
NOT_PAUSED = ~(
    select(pauses.c.id)
    .where(
        _IN_FORCE,
        or_(pauses.c.partner.is_(None), pauses.c.partner == submissions.c.partner),
        or_(pauses.c.endpoint.is_(None), pauses.c.endpoint == submissions.c.endpoint),
        or_(pauses.c.step.is_(None), pauses.c.step == submissions.c.step),
    )
    .exists()
)
"""True of a submission that no pause holds."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is paused: all that agrees with every part that is said."""

    partner: str | None = None
    endpoint: str | None = None
    step: str | None = None

    def covers(self, partner: str, endpoint: str) -> bool:
        """Whether nothing at all goes to this endpoint."""
        return (
            self.step is None
            and self.partner in (None, partner)
            and self.endpoint in (None, endpoint)
        )

    def __str__(self) -> str:
        words = (self.partner, self.endpoint, self.step and f"step {self.step}")
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class PauseRow:
    """One pause in force."""

    id: str
    scope: Scope
    at: datetime
    by: str
    reason: str

    @classmethod
    def of(cls, row: Sequence[Any]) -> Self:
        """From all columns of the table, in its order."""
        return cls(row[0], Scope(*row[1:4]), moment(row[4]), row[5], row[6])


class PauseReads(Reading):
    """Look at the pauses."""

    def pauses(self) -> list[PauseRow]:
        """Those in force, the oldest first."""
        query = select(pauses).where(_IN_FORCE).order_by(pauses.c.id)
        return [PauseRow.of(row) for row in self._rows(query)]


class PauseWrites(PauseReads, Writing):
    """Begin one and end it, each with its evidence."""

    def pause(self, scope: Scope, *, by: str, reason: str) -> PauseRow:
        """From the commit on nothing of this scope is claimed, by any node."""
        self._transaction.open_savepoint()
        values = {
            "id": new_id(),
            "partner": scope.partner,
            "endpoint": scope.endpoint,
            "step": scope.step,
            "at": self._transaction.stamp,
            "by": by,
            "reason": reason,
            "ended_at": None,
        }
        self._connection.execute(insert(pauses), values)
        self._tell("partner.paused", str(values["id"]), scope, by, reason)
        return PauseRow.of(tuple(values.values()))

    def resume(self, row: PauseRow, *, by: str, reason: str) -> None:
        """The pause ends."""
        self._transaction.open_savepoint()
        ended = update(pauses).where(pauses.c.id == row.id, _IN_FORCE)
        self._connection.execute(ended.values(ended_at=self._transaction.stamp))
        self._tell("partner.resumed", row.id, row.scope, by, reason)

    def _tell(self, what: str, pause_id: str, scope: Scope, by: str, reason: str) -> None:
        note = {"scope": str(scope), "person": by, "reason": reason}
        self.record(what, subjects=(pause_id,), note=note)
