"""What may go by certified mail, and what may not: nothing twice, so no doubt is ever mailed.

Pure. The partner's kind does not matter: who promises the same answer to the same operation id
promises it of a service, not of the clerk who opens a mail.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.journal import AttemptRow, SubmissionRow
from gateway.lifecycle import Status
from gateway.partners import Entry

SCHEME: Final = "mailto:"
"""How an attempt's address begins if it is a mail."""

DELIVERED: Final = "PEC_DELIVERED"
"""TAKEN: it is in the office's mailbox."""
RETURNED: Final = "PEC_RETURNED"
"""DEAD: the provider says that it surely did not arrive."""
EXHAUSTED: Final = "PEC_EXHAUSTED"
"""DEAD: the provider did not take it however often, or no mail can be made any more."""
SILENT: Final = "PEC_SILENT"
"""HELD: no receipt of delivery came in time."""
UNDELIVERED: Final = "PEC_UNDELIVERED"
"""HELD: a provider gave up, which proves nothing."""
UNSURE: Final = frozenset({SILENT, UNDELIVERED})
"""Reasons of a HELD submission that a later receipt may still settle."""


def why_not(row: SubmissionRow, entry: Entry | None) -> str | None:
    """Why it may not be mailed; None if it may."""
    if entry is None or entry.pec is None:
        return "its office has no pec: in partners.yaml"
    if row.status is not Status.DEAD:
        return f"it is {row.status}, and only what used up its attempts (DEAD) is mailed"
    if row.maybe_received:
        return "it may have been received: nothing in doubt is mailed; resolve the doubt first"
    return None


def goes_by_itself(row: SubmissionRow, entry: Entry | None) -> bool:
    """Whether the directory says so, and nothing speaks against it."""
    wanted = entry is not None and entry.pec is not None and entry.pec.by_itself
    return wanted and why_not(row, entry) is None


def is_mail(attempt: AttemptRow) -> bool:
    """Whether an attempt went by certified mail."""
    return attempt.url.startswith(SCHEME)


def signed(attempts: Iterable[AttemptRow]) -> AttemptRow | None:
    """The last attempt over the wire: its envelope is the document as it was last signed."""
    return next((each for each in reversed(list(attempts)) if not is_mail(each)), None)


def mails(attempts: Iterable[AttemptRow]) -> list[AttemptRow]:
    """The attempts by mail, the first first."""
    return [each for each in attempts if is_mail(each)]
