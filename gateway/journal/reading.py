"""What every read shares: a connection, the case keys it has opened, and no more.

Reads take place in a snapshot; within a unit of work they see what the unit wrote before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, select

from gateway.errors import JournalError, NotFound
from gateway.journal.encryption import Keyring, SealingKey
from gateway.journal.prepared import Driver, Prepared, Row
from gateway.journal.tables import cases, submissions

_WRAPPED_KEY = Prepared(select(cases.c.wrapped_key).where(cases.c.id == bindparam("id")))
_CASE_OF_SUBMISSION = Prepared(
    select(submissions.c.case_id, cases.c.wrapped_key)
    .select_from(submissions.join(cases))
    .where(submissions.c.id == bindparam("id"))
)


class Reading:
    """A connection inside a transaction, and the keyring that opens what it reads."""

    def __init__(
        self, connection: Connection, keyring: Keyring | None, driver: Driver | None = None
    ) -> None:
        self._connection = connection
        self._driver = driver or Driver(connection)
        self._given_keyring = keyring
        self._case_keys: dict[str, SealingKey | None] = {}
        self._cases_of: dict[str, str] = {}
        self._kept: dict[str, Row] = {}
        """Submissions and attempts as last read or written here, by id."""

    @property
    def _keyring(self) -> Keyring:
        if self._given_keyring is None:
            raise JournalError("the journal was opened without its master key")
        return self._given_keyring

    def _rows(
        self, statement: Executable, values: Mapping[str, object] | None = None
    ) -> Sequence[Any]:
        return self._connection.execute(statement, values).all()

    def _row(self, statement: Executable, values: Mapping[str, object] | None = None) -> Any:
        """The first row (a SQLAlchemy Row), or None."""
        return self._connection.execute(statement, values).first()

    def _for_update(self) -> bool:
        """Whether a row that is read must be locked; a unit of work overrides this."""
        return False

    def _case_key(self, case_id: str) -> SealingKey | None:
        """The key of a case, None if it was destroyed; raises NotFound."""
        if case_id not in self._case_keys:
            found = self._driver.row(_WRAPPED_KEY, {"id": case_id})
            if found is None:
                raise NotFound(f"no case {case_id}")
            self._remember_key(case_id, found[0])
        return self._case_keys[case_id]

    def _case_of_submission(self, submission_id: str) -> str:
        """The id of its case, whose key is then at hand; raises NotFound."""
        kept = self._kept.get(submission_id)
        if kept is not None:
            return str(kept[1])
        if submission_id not in self._cases_of:
            found = self._driver.row(_CASE_OF_SUBMISSION, {"id": submission_id})
            if found is None:
                raise NotFound(f"no submission {submission_id}")
            return self._remember_case(submission_id, found[0], found[1])
        return self._cases_of[submission_id]

    def _remember_case(self, submission_id: str, case_id: str, wrapped: bytes | None) -> str:
        self._cases_of[submission_id] = case_id
        self._remember_key(case_id, wrapped)
        return case_id

    def _remember_key(self, case_id: str, wrapped: bytes | None) -> None:
        if case_id not in self._case_keys:
            key = self._keyring.case_key(case_id, bytes(wrapped)) if wrapped else None
            self._case_keys[case_id] = key

    def _unseal(
        self, case_id: str | None, place: tuple[str, str, str], cipher: bytes | None
    ) -> bytes | None:
        """Open what a (table, column, row) holds: under the case's key, or the unmatched one."""
        key = self._keyring.unmatched if case_id is None else self._case_key(case_id)
        return None if cipher is None or key is None else key.unseal(*place, bytes(cipher))
