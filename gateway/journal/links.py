"""The sequence number that each sender's link expects next (HL7 2.5 ch. 2.10.1).

Kept in the same commit as the message that had the number before it, so that neither is ever
without the other.
"""

from __future__ import annotations

from sqlalchemy import bindparam, insert, select, update

from gateway.journal.prepared import Prepared, Row, of_whole_rows
from gateway.journal.reading import Reading
from gateway.journal.stored import storable
from gateway.journal.tables import links
from gateway.journal.writing import Writing

_OF_SENDER = select(links.c.expected).where(links.c.sender == bindparam("key"))
_EXPECTED = Prepared(_OF_SENDER)
_EXPECTED_LOCKED = Prepared(_OF_SENDER.with_for_update())
_NEW = of_whole_rows(insert(links))
_MOVED = Prepared(
    update(links).where(links.c.sender == bindparam("key")), ["expected", "updated_at"]
)


class LinkReads(Reading):
    """Look links up."""

    def expected_number(self, sender: str) -> int | None:
        """What comes next; None: whatever positive number comes, begins."""
        found = self._link(sender)
        return None if found is None else found[0]

    def _link(self, sender: str) -> Row | None:
        locked = self._for_update()
        return self._driver.row(
            _EXPECTED_LOCKED if locked else _EXPECTED, {"key": storable(sender)}
        )


class LinkWrites(LinkReads, Writing):
    """Move links on."""

    def expect_number(self, sender: str, expected: int | None) -> None:
        """From this commit on, `expected` comes next."""
        known = self._link(sender) is not None
        self._transaction.open_savepoint()
        values = {"expected": expected, "updated_at": self._transaction.stamp}
        if known:
            self._driver.run(_MOVED, {**values, "key": storable(sender)})
        else:
            self._driver.run(_NEW, {**values, "sender": storable(sender)})
