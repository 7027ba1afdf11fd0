"""What a running node asks of its journal is answered by an index, however long the journal is.

The plans are SQLite's own (EXPLAIN QUERY PLAN); both databases have the same indexes.
"""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.dialects import sqlite

import gateway.journal
from gateway.clocks import owing, today
from gateway.journal.journal import NEWEST_KEY
from gateway.journal.prepared import Prepared
from gateway.journal.tables import metadata
from gateway.lifecycle import DONE, Status
from tests.births import GIULIA, House

GROWING = ("messages", "evidence", "cases", "submissions", "attempts", "inbox", "checkpoints")
BOUNDED = ("rejects", "tellings", "replay", "nodes", "links", "pauses", "editions")
"""A thousand refused payloads, and births that wait for a person (told by their ids); what waits to
be told; MessageIDs of some minutes; and few rows."""

ADULT = replace(GIULIA, identifier="S99")


class Overheard:
    """Every statement that a house's connections ran, with its values in it."""

    def __init__(self, house: House) -> None:
        self.statements: list[str] = []
        house.do(lambda unit: unit.now)  # the writer connects
        connection: Any = house.journal._writer._connection
        connection.connection.driver_connection.set_trace_callback(self.statements.append)
        event.listen(house.journal._store._readers, "checkout", self._borrowed)

    def _borrowed(self, driver: Any, *_: object) -> None:
        driver.set_trace_callback(self.statements.append)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the journal lies."""
    return tmp_path_factory.mktemp("plans")


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[House]:
    """A node that has delivered a birth."""
    with House(folder) as made:
        made.hears(GIULIA.message("A01"))
        made.works()
        yield made


def plans(database: Path, statements: list[str]) -> list[str]:
    """Every step by which SQLite answers them."""
    wanted = ("SELECT", "UPDATE", "DELETE", "INSERT", "WITH")
    with sqlite3.connect(database) as connection:
        steps = [
            step
            for each in statements
            if each.startswith(wanted)
            for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {each}")
        ]
    connection.close()
    return steps


def scans(database: Path, statements: list[str]) -> list[str]:
    """The steps of plans that read all of a table which grows, or all behind a point of it."""
    return sorted({step for step in plans(database, statements) if _reads_all(step)})


def _reads_all(step: str) -> bool:
    verb, table, *rest = step.split()
    behind = "(id>?)" in rest
    return table in GROWING and (verb == "SCAN" or (verb == "SEARCH" and behind))


def _adult(event: str) -> bytes:
    return ADULT.message(event).replace(b"|N\r", b"|R\r")


def test_a_message_and_its_delivery_read_no_table_whole(house: House, folder: Path) -> None:
    """A birth, its amendment and annulment, an adult, a merge, a repetition, a refusal."""
    heard = Overheard(house)
    child = replace(GIULIA, identifier="S98")
    birth = child.message("A01")
    for message in (birth, birth, child.message("A08", weight=3333), _adult("A08"), b"MSH|?"):
        house.hears(message)
    house.works()
    for message in (_adult("A40"), child.message("A11")):
        house.hears(message)
    house.works()
    assert any("INSERT INTO attempts" in each for each in heard.statements)
    assert scans(folder / "icaro.db", heard.statements) == []


IDLE: dict[str, Callable[[House], Any]] = {
    "a claim": lambda house: house.works(),
    "leases that ran out": lambda house: house.do(lambda unit: unit.reclaim_expired()),
    "a start": lambda house: house.do(lambda unit: unit.reclaim_node("n1")),
    "health": lambda house: house.do(lambda unit: (unit.next_due(), unit.drained_at("n1"))),
    "metrics": lambda house: house.look(
        lambda view: (view.next_due(), view.counts_by_status(frozenset(Status) - DONE))
    ),
    "the inbox": lambda house: house.do(lambda unit: unit.pending_callbacks()),
    "terms": lambda house: house.look(
        lambda view: list(owing(view, house.flow, today(datetime.now(UTC))))
    ),
    "what is to be told": lambda house: house.do(lambda unit: unit.take_tellings(timedelta(1), 9)),
    "pauses": lambda house: house.look(lambda view: view.pauses()),
    "nodes": lambda house: house.look(lambda view: view.nodes()),
    "heads": lambda house: house.journal.checkpoint(),
}


@pytest.mark.parametrize("name", IDLE)
def test_what_is_asked_over_and_over_reads_no_table_whole(
    name: str, house: House, folder: Path
) -> None:
    """Polls, checks and metrics cost the same after a year: by an index, from where work is."""
    heard = Overheard(house)
    IDLE[name](house)
    assert scans(folder / "icaro.db", heard.statements) == []


def test_terms_are_looked_for_where_something_is_owed(house: House, folder: Path) -> None:
    """One state is looked through, the undeclared; declared cases come by what they owe."""
    heard = Overheard(house)
    IDLE["terms"](house)
    (page, *_) = [each for each in heard.statements if "cases.dossier" in each]
    steps = plans(folder / "icaro.db", [page])
    assert sum("cases_by_state" in step for step in steps) == 1
    assert any(step.startswith("SEARCH submissions USING INDEX submissions_due") for step in steps)


def test_a_journal_of_many_cases_opens_as_fast(house: House, folder: Path) -> None:
    """The newest key is found from the end of an index; nothing is sorted for it."""
    dialect = sqlite.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's
    text = NEWEST_KEY.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    assert not [step for step in plans(folder / "icaro.db", [str(text)]) if "TEMP" in step]


def test_no_prepared_statement_reads_a_table_whole(house: House, folder: Path) -> None:
    """What is asked often is prepared; each of these, with every value the same."""
    found = list(_prepared())
    assert len(found) > 20
    with sqlite3.connect(folder / "icaro.db") as connection:
        for place, prepared in found:
            text, bound, constants, _ = prepared.on("sqlite")
            values = bound(_Always(constants))
            steps = connection.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall()
            assert not [step for *_, step in steps if _reads_all(step)], place
    connection.close()


def test_a_table_is_growing_or_bounded() -> None:
    """A table that nobody judged would never be looked at here."""
    small = {"contracted", "edition_files"}
    assert {*GROWING, *BOUNDED} == set(metadata.tables) - small


class _Always(dict[str, object]):
    """A value for every name."""

    def __missing__(self, name: str) -> object:
        return ""


def _prepared() -> Iterator[tuple[str, Prepared]]:
    for module in pkgutil.iter_modules(gateway.journal.__path__):
        if module.name == "migrations":
            continue
        inside = vars(importlib.import_module(f"gateway.journal.{module.name}"))
        for name, each in inside.items():
            among = each.values() if isinstance(each, dict) else (each,)
            for one in among:
                if isinstance(one, Prepared):
                    yield f"{module.name}.{name}", one
