"""Messages as they came: judged once, recognised when they come again.

The duplicate filter remembers only what was accepted; what was refused is judged anew. Of a message
that belongs to no case nothing stays but header, keyed digest and acknowledgment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, literal_column, select

from gateway.errors import JournalError, NotFound
from gateway.journal.prepared import Prepared
from gateway.journal.reading import Reading
from gateway.journal.rows import MESSAGE, MESSAGES, MessageRow
from gateway.journal.stored import moment, new_id, seal_of, storable
from gateway.journal.tables import messages
from gateway.journal.transaction import Values
from gateway.journal.writing import Writing

ACCEPTED = frozenset({"ACCEPTED", "AA", "CA"})
"""The verdicts after which the sender forgets the message."""

_OF_ROW = len(MESSAGE)
_ACCEPTED_BEFORE = select(*MESSAGE).where(
    messages.c.accepted,
    messages.c.sender == bindparam("sender"),
    messages.c.control_id == bindparam("control_id"),
)
_ALL_ACCEPTED_BEFORE = Prepared(_ACCEPTED_BEFORE)
_ANY_ACCEPTED_BEFORE = Prepared(_ACCEPTED_BEFORE.with_only_columns(literal_column("1")).limit(1))
_OF_CASE = (
    select(*MESSAGE)
    .where(messages.c.case_id == bindparam("case_id"))
    .order_by(messages.c.received_at, messages.c.id)
)
_BODY = select(messages.c.case_id, messages.c.body).where(messages.c.id == bindparam("id"))
_NEWEST_OF = (
    select(messages.c.received_at)
    .where(messages.c.id > bindparam("first"), messages.c.sender == bindparam("sender"))
    .order_by(messages.c.id.desc())
    .limit(1)
)
_BY_VERDICT = select(messages.c.verdict, func.count()).group_by(messages.c.verdict)


class MessageReads(Reading):
    """Look messages up."""

    def digest(self, raw: bytes) -> str:
        """The digest under which a message is recognised: HMAC-SHA256 by the index key, hex."""
        return self._keyring.index(raw)

    def find_duplicate(self, sender: str, control_id: str, digest: str) -> MessageRow | None:
        """The accepted message that had the same sender, control id and bytes."""
        before = self._accepted_before(storable(sender), storable(control_id))
        return next((row for row in before if row.digest == digest), None)

    def control_id_seen(self, sender: str, control_id: str) -> bool:
        """Whether an accepted message of this sender had this control id, whatever its bytes."""
        return bool(self._accepted_before(storable(sender), storable(control_id)))

    def message(self, message_id: str) -> MessageRow:
        """One message; raises NotFound."""
        self._store_waiting()
        found = self._row(select(*MESSAGE).where(messages.c.id == message_id))
        if found is None:
            raise NotFound(f"no message {message_id}")
        return MessageRow.of(found)

    def messages(self, case_id: str) -> list[MessageRow]:
        """The messages of a case, as they came."""
        self._store_waiting()
        return [MessageRow.of(row) for row in self._rows(_OF_CASE, {"case_id": case_id})]

    def recent_messages(self, *, flagged: bool | None = None, limit: int = 100) -> list[MessageRow]:
        """The newest messages first; `flagged` keeps those with, or without, a finding."""
        self._store_waiting()
        query = select(*MESSAGE).order_by(messages.c.id.desc()).limit(limit)
        if flagged is not None:
            query = query.where(messages.c.flagged == flagged)
        return [MessageRow.of(row) for row in self._rows(query)]

    def message_body(self, message_id: str) -> bytes | None:
        """The bytes as they came; None if not kept, or their case's key is destroyed."""
        self._store_waiting()
        found = self._row(_BODY, {"id": message_id})
        if found is None:
            raise NotFound(f"no message {message_id}")
        return self._unseal(found[0], ("messages", "body", message_id), found[1])

    def heard_since(self, sender: str, since: datetime) -> datetime | None:
        """When the newest message of a sender came, if it came after `since`."""
        # An id begins with the clock of whoever made it, so this reads only what is new.
        first = f"{int(since.timestamp() * 1e9):016x}"
        found = self._row(_NEWEST_OF, {"sender": storable(sender), "first": first})
        return None if found is None else moment(found[0])

    def message_counts(self) -> dict[str, int]:
        """How many messages there are of each verdict."""
        self._store_waiting()
        return dict(tuple(row) for row in self._rows(_BY_VERDICT))

    def _accepted_before(self, sender: str, control_id: str) -> Sequence[MessageRow]:
        key = {"sender": sender, "control_id": control_id}
        if self._driver.row(_ANY_ACCEPTED_BEFORE, key) is None:
            return ()
        return [MessageRow.of(row) for row in self._driver.rows(_ALL_ACCEPTED_BEFORE, key)]

    def _store_waiting(self) -> None:
        """A unit of work overrides this: what waits in memory must be seen by every read."""


class MessageWrites(MessageReads, Writing):
    """Keep messages."""

    _looked_up: tuple[tuple[str, str], Sequence[MessageRow]] | None = None

    def add_message(
        self,
        *,
        sender: str,
        control_id: str,
        event: str,
        processing: str,
        body: bytes | None,
        digest: str,
        size: int,
        verdict: str,
        acknowledgment: bytes | None,
        case_id: str | None = None,
        flagged: bool = False,
    ) -> str:
        """Keep a message and how it was judged; gives its id. `body` is stored encrypted."""
        message_id = new_id()
        values: Values = {
            "id": message_id,
            "sender": storable(sender),
            "control_id": storable(control_id),
            "event": storable(event),
            "processing": storable(processing),
            "received_at": self._transaction.stamp,
            "digest": digest,
            "size": size,
            "verdict": verdict,
            "accepted": verdict in ACCEPTED,
            "acknowledgment": acknowledgment,
            "case_id": case_id,
            "flagged": flagged,
            **self._sealed_body(message_id, case_id, body),
        }
        self._refuse_double(values)
        self.own_messages.append(values)
        subjects = () if case_id is None else (case_id,)
        self._witness(f"message.{str(verdict).lower()}", MESSAGES, MESSAGES.of(values), subjects)
        return message_id

    def _sealed_body(self, message_id: str, case_id: str | None, body: bytes | None) -> Values:
        if body is None:
            return {"body": None, "body_seal": None}
        key = self._keyring.unmatched if case_id is None else self._writing_key(case_id)
        cipher = key.seal("messages", "body", message_id, body)
        return {"body": cipher, "body_seal": seal_of(cipher)}

    def _refuse_double(self, values: Values) -> None:
        """Two alike of one unit or group must not meet only at the end, in the database."""
        key = (values["sender"], values["control_id"])
        if values["accepted"] and any(
            each["accepted"] and each["digest"] == values["digest"]
            for each in self._in_memory(*key)
        ):
            raise JournalError("the same message is stored twice in one group")

    def _accepted_before(self, sender: str, control_id: str) -> Sequence[MessageRow]:
        waiting = [
            MessageRow.of(MESSAGES.of(each)[:_OF_ROW])
            for each in self._in_memory(sender, control_id)
            if each["accepted"]
        ]
        if waiting:
            return [*super()._accepted_before(sender, control_id), *waiting]
        # Within a unit nobody else writes: the second question has the first one's answer.
        if self._looked_up is None or self._looked_up[0] != (sender, control_id):
            found = super()._accepted_before(sender, control_id)
            self._looked_up = ((sender, control_id), found)
        return self._looked_up[1]

    def _in_memory(self, sender: str, control_id: str) -> Sequence[dict[str, Any]]:
        own = [
            each
            for each in self.own_messages
            if each["sender"] == sender and each["control_id"] == control_id
        ]
        return [*self._transaction.waiting(sender, control_id), *own]

    def _store_waiting(self) -> None:
        self._transaction.insert_waiting()
        if self.own_messages:
            self._transaction.open_savepoint()
            self._transaction.insert_messages(self.own_messages)
            self.own_messages = []
            self._looked_up = None
