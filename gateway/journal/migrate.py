"""Brings a journal's tables to this version's, with alembic, under a lock.

Nothing is asked of the operator: `Journal.open` calls this. Nodes are upgraded one by one: code
works beside a newer database as long as the newer revisions only added (`contracted`). Alembic is
imported only when there is something to do, since every verb of the command line comes by here.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, select, text

from gateway.errors import JournalError
from gateway.journal.tables import contracted

HEAD = "0007"
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
        # Longer than a writer waits: another node may be migrating.
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    present = revision(connection)
    if present == HEAD:
        return
    _upgrade(connection, present, allowed=allowed)


def _upgrade(connection: Connection, present: str | None, *, allowed: bool) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if present is not None and present not in known:
        _bear_the_newer(connection, present, known)
        return
    if not allowed:
        raise JournalError(f"the journal is at revision {present}, this version needs {HEAD}")
    command.upgrade(config, "head")


def _bear_the_newer(connection: Connection, present: str, known: set[str]) -> None:
    """Another node is of a newer version: good, if all that came since was added."""
    since = set(connection.execute(select(contracted.c.revision)).scalars()) - known
    if since:
        taken = ", ".join(sorted(since))
        raise JournalError(
            f"the journal is at revision {present}, and {taken} took away what this version needs"
        )
