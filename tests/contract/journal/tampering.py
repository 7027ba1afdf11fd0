"""A journal that was written and closed, and ways to change it behind its back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from gateway.journal import Journal, Keyring
from gateway.journal.findings import Fault, Finding
from gateway.journal.transaction import chain_digest
from gateway.journal.verification import verify
from gateway.lifecycle import Status
from tests.journal_rows import message, sending


def behind(url: str, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Run SQL as somebody who owns the database, constraints off; `?` marks values."""
    place = make_url(url)
    if place.get_backend_name() == "sqlite":
        with sqlite3.connect(str(place.database)) as connection:
            rows = connection.execute(statement, values).fetchall()
        connection.close()
        return rows
    plain = place.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        connection.execute("SET session_replication_role = replica")
        cursor = connection.execute(statement.replace("?", "%s"), values)
        return cursor.fetchall() if cursor.description else []


class Deployment:
    """A journal that was written and closed, and a way to change it behind its back."""

    def __init__(self, url: str, keyring: Keyring, side_file: Path) -> None:
        self.url, self.keyring, self.side_file = url, keyring, side_file
        with Journal.open(url, node="n1", keyring=keyring, side_file=side_file) as journal:
            self.message = journal.run(lambda unit: message(unit, "not-for-us"))
            self.case, self.submission, self.attempt = journal.run(sending)
            journal.run(self._answer)
            self.body = journal.run(lambda unit: message(unit, "2", case_id=self.case))
            row, _ = journal.run(lambda unit: unit.add_callback("comune", "m1", "op", b"<esito/>"))
            self.callback = row.id

    def _answer(self, unit: Any) -> None:
        unit.end_attempt(self.attempt, "ACCEPTED", answer=b"<ok/>")
        unit.move(
            self.submission,
            expect=Status.SUBMITTING,
            to=Status.ACCEPTED,
            receipt="PROT-1",
            facts={"protocollo": "PROT-1"},
        )
        unit.save_case(self.case, 1, context=b"{}")

    def findings(self, side_file: Path | None = None) -> list[Finding]:
        """What an auditor is told."""
        return verify(self.url, self.keyring.public_key, side_file or self.side_file)

    def named(self, side_file: Path | None = None) -> dict[Fault, list[str]]:
        """Fault → places."""
        found: dict[Fault, list[str]] = {}
        for finding in self.findings(side_file):
            found.setdefault(finding.fault, []).append(finding.place)
        return found

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement as somebody who owns the database, constraints off; `?` marks values."""
        return behind(self.url, statement, *values)

    def recompute(self, edit: Callable[[dict[str, Any]], None]) -> None:
        """Write the whole chain anew, as anybody can who knows how the digests are made."""
        names = ("node", "seq", "at", "what", "subjects", "digests", "note")
        rows = self.sql(f"SELECT {', '.join(names)} FROM evidence ORDER BY node, seq")
        previous = ""
        for row in rows:
            entry = dict(zip(names, row, strict=True))
            edit(entry)
            digest = chain_digest(**entry, previous=previous)
            self.sql(
                "UPDATE evidence SET at=?, what=?, subjects=?, digests=?, note=?, previous=?, "
                "digest=? WHERE node=? AND seq=?",
                *(entry[name] for name in names[2:]),
                previous,
                digest,
                entry["node"],
                entry["seq"],
            )
            previous = digest
