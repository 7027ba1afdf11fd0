"""Are the editions of the mappings what the evidence tells of them? Asked before one is laid out,
and when a journal is verified.

Each judgement has one entry with a digest of its whole row; entries of before hold the digest over
the files, the verdict, who, and how many reasons. Files are known by their SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, select

from gateway.journal.findings import Fault, Finding
from gateway.journal.stored import row_digest
from gateway.journal.tables import edition_files, editions
from gateway.journal.transaction import chain_digest
from gateway.snapshot import digest_over

LARGEST = 64 * 2**20
"""Bytes of one file, at most: what was packed is not trusted to be small."""

WHAT = "mappings."
"""Before the verdict, in what an entry says."""

_COLUMNS = tuple(sorted(column.name for column in editions.c))


def place_of(edition_id: str) -> str:
    """How an edition is named in the evidence and in findings."""
    return f"{editions.name}/{edition_id}"


def told_of(row: Mapping[str, Any]) -> str:
    """What the evidence says of a row as it is stored; such rows never change."""
    return f"1:{row_digest(row, _COLUMNS)}"


def is_as_told(row: Mapping[str, Any], entry: Any) -> bool:
    """Whether a row as stored is what this entry, unaltered, tells of it."""
    columns = (entry.at, entry.what, entry.subjects, entry.digests, entry.note)
    if chain_digest(entry.node, entry.seq, *columns, entry.previous) != entry.digest:
        return False
    try:
        digests, note = json.loads(entry.digests), json.loads(entry.note)
        whole = digests.get(place_of(row["id"]))
        if whole is None:
            same = (note["by"], note["reasons"]) == (row["by"], len(json.loads(row["reasons"])))
        else:
            same = whole == told_of(row)
        verdict = (entry.node, entry.what) == (row["node"], WHAT + row["verdict"].lower())
        over_files = digest_over(json.loads(row["files"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return bool(same and verdict and digests.get("after") == row["digest"] == over_files)


def unpacked(packed: bytes) -> bytes | None:
    """A kept file; None if it is not one, or longer than a file may be."""
    reader = zlib.decompressobj()
    try:
        content = reader.decompress(packed, LARGEST)
    except zlib.error:
        return None
    return content if reader.eof else None


def is_file(digest: str, content: bytes | None) -> bool:
    """Whether this is the content that the digest names."""
    return content is not None and hashlib.sha256(content).hexdigest() == digest


class Judged:
    """Takes every entry, then compares the editions with those that tell of one."""

    def __init__(self) -> None:
        self.rows = 0
        """Editions looked at."""
        self._entries: dict[str, list[Any]] = {}

    def take(self, entry: Any) -> None:
        """The next entry, its columns as stored."""
        if not entry.what.startswith(WHAT):
            return
        try:
            (edition,) = json.loads(entry.subjects)
        except (ValueError, TypeError):
            return  # edited; the chain has told so
        self._entries.setdefault(str(edition), []).append(entry)

    def findings(self, connection: Connection) -> Iterator[Finding]:
        """Rows that were edited, added or deleted; then the files that they name."""
        named: set[str] = set()
        for row in connection.execute(select(editions).order_by(editions.c.id)):
            self.rows += 1
            place, entries = place_of(row.id), self._entries.pop(row.id, [])
            named |= _files_of(row)
            if not entries:
                yield Finding(Fault.ROW_ADDED, place, "no evidence tells of it")
            elif not all(is_as_told(row._asdict(), entry) for entry in entries):
                yield Finding(Fault.ROW_EDITED, place, "differs from version 1 in evidence")
        for edition in sorted(self._entries):
            yield Finding(Fault.ROW_DELETED, place_of(edition), "the evidence tells of it")
        yield from _files(connection, named)


def _files_of(row: Any) -> set[str]:
    try:
        return {str(digest) for digest in json.loads(row.files).values()}
    except (ValueError, AttributeError):
        return set()  # edited; the comparison tells so


def _files(connection: Connection, named: set[str]) -> Iterator[Finding]:
    query = select(edition_files).order_by(edition_files.c.digest)
    for digest, packed in connection.execute(query.execution_options(yield_per=50)):
        named.discard(digest)
        if not is_file(digest, unpacked(bytes(packed))):
            place = f"{edition_files.name}/{digest}"
            yield Finding(Fault.BODY_EDITED, place, "its content was changed")
    for digest in sorted(named):
        yield Finding(Fault.ROW_DELETED, f"{edition_files.name}/{digest}", "an edition names it")
