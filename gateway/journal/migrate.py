"""Brings a journal's tables to this version's, with alembic, under a lock.

Nothing is asked of the operator: `Journal.open` calls this. Alembic itself is imported only when
there is something to do, since every verb of the command line comes by here.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from gateway.errors import JournalError

HEAD = "0008"
"""The newest revision in `migrations/versions`; a test compares."""

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x1CA20
"""Key of PostgreSQL's advisory lock: one node migrates, the others wait."""


def revision(connection: Connection) -> str | None:
    """The revision of the database; None if it has no tables of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    return None if found is None else str(found[0])


def upgrade(connection: Connection, *, allowed: bool = True) -> None:
    """Upgrade inside the caller's transaction; JournalError if not allowed, or if too new."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    present = revision(connection)
    if present == HEAD:
        return
    if not allowed:
        raise JournalError(f"the journal is at revision {present}, this version needs {HEAD}")
    _upgrade(connection, present)


def _upgrade(connection: Connection, present: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if present is not None and present not in known:
        raise JournalError(f"the journal is at revision {present}, newer than this version knows")
    command.upgrade(config, "head")
