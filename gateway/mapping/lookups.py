"""`lookup(value, table, column[, on])`: a code becomes the cell of its row.

Looks at what its arguments *are*: the second names a table, the third a column. What can come of
it is known before any message, cell by cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.mapping import expressions
from gateway.mapping.check.rows import without_row
from gateway.mapping.domain import MOST, Domain
from gateway.mapping.finding import did_you_mean
from gateway.mapping.kinds import Kind
from gateway.mapping.meaning import UNKNOWN, UNSET, Read, Run, Value, slot_of
from gateway.mapping.names import Scope
from gateway.mapping.problem import Fault
from gateway.mapping.syntax import Call, Name, Syntax
from gateway.mapping.tables import CodeTable, LookUp
from gateway.mapping.wording import label

SIGNATURE: Final = "lookup(value, table, column[, on])"


def lookup(tree: Call, scope: Scope) -> Value:
    """The value of a lookup whose arguments were counted."""
    value = expressions.value_of(tree.arguments[0], scope)
    table = _table(tree.arguments[1], scope)
    on = expressions.value_of(tree.arguments[3], scope) if len(tree.arguments) > 3 else None
    if table is None:
        return UNKNOWN
    column = _column(tree.arguments[2], table, scope)
    if value.kind not in (Kind.TEXT, Kind.UNKNOWN):
        return scope.error(tree.column, "M04", f"lookup asks for a text, not a {value.kind}")
    if on is not None and on.kind not in (Kind.DATE, Kind.UNKNOWN):
        return scope.error(tree.column, "M04", f"lookup asks for a date, not a {on.kind}")
    if column is None:
        return UNKNOWN
    reason = without_row(value.domain, table)
    if reason:
        scope.warning(tree.arguments[1].column, "T05", reason)
    where = value.label or label(tree)
    look_up = scope.world.tracer.looking(table) if scope.world.tracer else table.look_up
    kept = {} if on or scope.world.tracer else table.kept(column)
    read = _looked_up(value.read, look_up, column, on.read if on else None, kept, where)
    domain = _domain(value.domain, table, column, dated=on is not None)
    return Value(read, Kind.TEXT, null=value.null, label=where, domain=domain)


def _table(tree: Syntax, scope: Scope) -> CodeTable | None:
    name = tree.value if isinstance(tree, Name) else ""
    table = scope.tables.get(name)
    if table is None:
        guess = did_you_mean(name, scope.tables)
        scope.error(tree.column, "M02", f"no table {name or 'of this form'}{guess}")
        return None
    scope.world.used.add(("table", name))
    return table if table.readable else None


def _column(tree: Syntax, table: CodeTable, scope: Scope) -> int | None:
    name = tree.value if isinstance(tree, Name) else ""
    if name in table.columns:
        return table.column(name)
    text = f"table {table.name} has no column {name}{did_you_mean(name, table.columns)}"
    scope.error(tree.column, "T02", text)
    return None


def _looked_up(
    value: Read[Any],
    look_up: LookUp,
    column: int,
    on: Read[Any] | None,
    kept: Mapping[str, str | None],
    where: str,
) -> Read[str | None]:
    slot = slot_of(value)

    def read(run: Run) -> str | None:
        code = run.memo[slot]
        if code is UNSET:
            code = value(run)
        if code is None:
            return None
        if code in kept:
            return kept[code]
        try:
            return look_up(code, column, on(run) if on else None)
        except Fault as fault:
            raise Fault(f"{where}: {fault.reason}") from None

    return read


def _domain(code: Domain, table: CodeTable, column: int, *, dated: bool) -> Domain:
    """The cells that may come, and what `missing:` puts beside them."""
    if code.values is None or len(code.values) > MOST:
        values, gaps = _of_any(table, column), code.present and table.has_gaps(column)
        gaps = gaps or table.use.missing == "absent"
    else:
        values, gaps = _of_known(code.values, table, column, dated=dated)
    if table.use.missing == "default" and not table.use.default:
        gaps = True
    present = code.present and not gaps
    return Domain(values, present, path=code.path, optional=code.optional, outside=code.outside)


def _of_any(table: CodeTable, column: int) -> Mapping[str, str] | None:
    """For a code of which nothing is known; such a code may be kept, and is any text then."""
    if table.use.missing == "keep":
        return None
    cells = table.cells(column)
    return {**cells, table.use.default: ""} if table.use.default else cells


def _of_known(
    codes: Mapping[str, str], table: CodeTable, column: int, *, dated: bool
) -> tuple[Mapping[str, str], bool]:
    """For codes that are known, and whether one of them gives nothing; a day may rule out rows."""
    rows = {code: table.cells_of(code, column) for code in codes}
    values = {cell: line for row in rows.values() for cell, line in row.items() if cell}
    without = {code: line for code, line in codes.items() if dated or not rows[code]}
    if without and table.use.missing == "keep":
        values |= without
    if without and table.use.default:
        values[table.use.default] = ""
    gaps = any("" in row for row in rows.values())
    return values, gaps or bool(without and table.use.missing == "absent")
