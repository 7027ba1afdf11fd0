"""Codes held against the tables of the sender's dialect: compared, chosen by, or written.

A warning, for hospitals add codes (and their profile can say so); an error where the profile
closes the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from gateway.mapping.finding import did_you_mean

if TYPE_CHECKING:
    from gateway.mapping.dialect import Dialect
    from gateway.mapping.domain import Domain
    from gateway.mapping.finding import Findings, Position
    from gateway.mapping.names import Scope

_SHORT: Final = 2
"""Codes of so few letters are all alike."""


def check_code(coded: Domain, other: Domain, scope: Scope, column: int) -> None:
    """H06 at `column` if no value of `other` is a code of the field that `coded` is read from."""
    dialect = scope.dialect
    if dialect is None or other.values is None or not other.values.keys().isdisjoint(coded.besides):
        return
    position = scope.position.after(column)
    told = f"{coded.path} has codes of"
    tell_code(other.values, coded.table, told, dialect, scope.world.findings, position)


def tell_code(
    texts: Mapping[str, str],
    table: str,
    told: str,
    dialect: Dialect,
    findings: Findings,
    position: Position,
) -> None:
    """H06 if none of the texts is a code of the table; nothing where its codes are not known."""
    codes = dialect.codes(table)
    if codes is None or not texts or any(map(codes.has, texts)):
        return
    text = next(iter(texts))
    where = f" ({texts[text]})" if texts[text] else ""
    guess = did_you_mean(text, codes.values) if len(text) > _SHORT else ""
    if codes.closed:
        why = f"{dialect.profile_said} closes"
        findings.error(
            position, "H06", f"'{text}'{where}: {told} table {table}, which {why}{guess}"
        )
    else:
        findings.once(position, "warning", "H06", f"'{text}'{where}: {told} table {table}{guess}")
