"""Gives the space of what was purged back, and with it the last bytes of what it was.

SQLite writes zeros over what is deleted (`secure_delete`) and here returns the free pages, some at
a time, while others write. PostgreSQL keeps old bytes inside its pages until a full vacuum writes
the tables anew. `full` needs the journal for itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from gateway.journal.store import Store
from gateway.journal.transaction import named

STEP = 512
"""Pages given back under one lock: some milliseconds."""

Tell = Callable[[int, int], None]


def vacuum(url: str, *, full: bool, tell: Tell) -> None:
    """Give free space back; `full` writes all anew. Raises JournalError."""
    store = Store(url)
    try:
        with store.writing() as connection:
            if store.sqlite:
                _sqlite(connection.connection.driver_connection, full, tell)
            else:
                alone = connection.execution_options(isolation_level="AUTOCOMMIT")
                if full:
                    alone.execute(text("SET lock_timeout = 0"))
                    alone.execute(text("VACUUM (FULL, ANALYZE)"))
                    alone.execute(text("CHECKPOINT"))
                else:
                    alone.execute(text("VACUUM (ANALYZE)"))
    except sqlite3.Error as error:  # asked past SQLAlchemy, outside any transaction
        raise named(error) from error
    except SQLAlchemyError as error:
        raise named(error) from error
    finally:
        store.close()


def _sqlite(driver: Any, full: bool, tell: Tell) -> None:
    if full:
        # A journal made before incremental vacuum was the default takes it up here.
        driver.execute("PRAGMA auto_vacuum=INCREMENTAL")
        driver.execute("VACUUM")
    in_all = left = _free(driver)
    while left:
        driver.execute(f"PRAGMA incremental_vacuum({STEP})").fetchall()
        before, left = left, _free(driver)
        tell(in_all - left, in_all)
        if left >= before:  # made without incremental vacuum, or others free as fast
            break
    driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _free(driver: Any) -> int:
    pages: int = driver.execute("PRAGMA freelist_count").fetchone()[0]
    return pages
