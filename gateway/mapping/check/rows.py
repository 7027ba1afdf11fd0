"""Codes that may come, against the rows of the table that is asked."""

from __future__ import annotations

from gateway.mapping.domain import Domain
from gateway.mapping.tables import CodeTable

_TOLD = 8


def without_row(code: Domain, table: CodeTable) -> str | None:
    """Which of the codes that may come have no row, where that is an error of the message.

    Only of a list that is closed (a fixed table of HL7, or one that the profile closes): of an
    open one nobody knows what may come.
    """
    if code.values is None or table.use.missing != "error":
        return None
    missing = sorted(each for each in code.values if each and not table.has(each))
    if not missing:
        return None
    more = f" and {len(missing) - _TOLD} more" if len(missing) > _TOLD else ""
    what = f"of {code.path} " if code.path else ""
    return f"{', '.join(missing[:_TOLD])}{more} {what}may come and table {table.name} has no row"
