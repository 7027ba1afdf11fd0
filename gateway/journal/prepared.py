"""Statements that are asked often: written in SQLAlchemy Core, compiled once, run by the driver.

SQLAlchemy looks a statement up, prepares a context and wraps a result every time; that is most of
what a small statement costs. Here only its text is kept. The transaction stays SQLAlchemy's, errors
of the driver come as SQLAlchemy would raise them, and a boolean is a boolean on both databases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Boolean, ClauseElement, Connection, Insert, make_url
from sqlalchemy.exc import DBAPIError

Row = tuple[Any, ...]
"""The columns of a row, in the order of its statement."""

_NOTHING: Mapping[str, object] = {}
_SQLITE: Any = make_url("sqlite://").get_dialect()
_POSTGRESQL: Any = make_url("postgresql+psycopg://").get_dialect()
_DIALECTS = {each.name: each for each in (_SQLITE(), _POSTGRESQL())}


class _Compiled(NamedTuple):
    text: str
    bound: Callable[[Mapping[str, object]], Any]
    """The values as the driver takes them: by place in SQLite (faster), by name in PostgreSQL."""
    constants: Mapping[str, object]
    """What the statement itself brings for its parameters."""
    flags: tuple[int, ...]
    """Places of booleans in a row, where the database gives 0 and 1."""


class Prepared:
    """A statement whose text is made once for each database, when it is first asked there.

    `columns`: of an INSERT, the names that every row gives.
    """

    def __init__(self, statement: Any, columns: Sequence[str] | None = None) -> None:
        self._statement = statement
        self._columns = columns
        self._compiled: dict[str, _Compiled] = {}

    def on(self, database: str) -> _Compiled:
        """As the driver of this database (`sqlite`, `postgresql`) takes it."""
        found = self._compiled.get(database)
        if found is None:
            found = self._compiled[database] = self._compile(database)
        return found

    def _compile(self, database: str) -> _Compiled:
        made = self._statement.compile(dialect=_DIALECTS[database], column_keys=self._columns)
        named = made.bind_names.items()
        constants = {name: each.value for each, name in named if not each.required}
        flags = _flags(self._statement) if database == "sqlite" else ()
        places = made.positiontup
        return _Compiled(str(made), dict if places is None else _picking(places), constants, flags)


def of_whole_rows(statement: Insert) -> Prepared:
    """An INSERT whose rows give every column of the table."""
    return Prepared(statement, [column.name for column in statement.table.c])


class Driver:
    """The driver's connection under SQLAlchemy's, while a transaction is open on it."""

    __slots__ = ("_database", "_dialect", "_native")

    def __init__(self, connection: Connection) -> None:
        self._native: Any = connection.connection.driver_connection
        self._dialect: Any = connection.dialect
        self._database = connection.dialect.name

    def rows(self, prepared: Prepared, values: Mapping[str, object] = _NOTHING) -> list[Row]:
        """Run it; every row it gives. Raises DBAPIError as SQLAlchemy does."""
        text, bound, constants, flags = prepared.on(self._database)
        if constants:
            values = {**constants, **values}
        try:
            found: list[Row] = self._native.execute(text, bound(values)).fetchall()
        except self._dialect.loaded_dbapi.Error as error:
            raise self._told(error, text, values) from error
        return [_truthful(row, flags) for row in found] if flags else found

    def row(self, prepared: Prepared, values: Mapping[str, object] = _NOTHING) -> Row | None:
        """Run it; the first row, if there is one."""
        found = self.rows(prepared, values)
        return found[0] if found else None

    def run(self, prepared: Prepared, values: Mapping[str, object] = _NOTHING) -> int:
        """Run it; how many rows it touched."""
        text, bound, constants, _ = prepared.on(self._database)
        if constants:
            values = {**constants, **values}
        try:
            touched: int = self._native.execute(text, bound(values)).rowcount
        except self._dialect.loaded_dbapi.Error as error:
            raise self._told(error, text, values) from error
        return touched

    def run_each(self, prepared: Prepared, rows: Sequence[Mapping[str, object]]) -> int:
        """Run it for each of them; how many rows it touched."""
        text, bound, _, _ = prepared.on(self._database)
        cursor = self._native.cursor()
        try:
            cursor.executemany(text, [bound(row) for row in rows])
        except self._dialect.loaded_dbapi.Error as error:
            raise self._told(error, text, rows) from error
        touched: int = cursor.rowcount
        return touched

    def command(self, text: str) -> None:
        """Run a statement that has neither values nor rows."""
        try:
            self._native.execute(text)
        except self._dialect.loaded_dbapi.Error as error:
            raise self._told(error, text, _NOTHING) from error

    def _told(self, error: Exception, text: str, values: Any) -> BaseException:
        # Parameters are personal data: the error has them, but does not show them.
        return DBAPIError.instance(
            text,
            values,
            error,
            self._dialect.loaded_dbapi.Error,
            hide_parameters=True,
            dialect=self._dialect,
        )


def _picking(names: Sequence[str]) -> Callable[[Mapping[str, object]], Row]:
    """Takes the values of these names, as a tuple also where there are fewer than two."""
    if len(names) < 2:
        return lambda values: tuple(values[name] for name in names)
    return itemgetter(*names)


def _flags(statement: ClauseElement) -> tuple[int, ...]:
    columns = getattr(statement, "exported_columns", ())
    return tuple(place for place, c in enumerate(columns) if isinstance(c.type, Boolean))


def _truthful(row: Row, flags: tuple[int, ...]) -> Row:
    values = list(row)
    for place in flags:
        values[place] = None if values[place] is None else bool(values[place])
    return tuple(values)
