"""Editions: one state of the folder of mappings, judged, with its files kept by their content.

What was adopted can be laid out again, after any number of changes; each verdict is evidence, with
the edition of before and of after, and who. Files of mappings hold no person, so they are not
encrypted; each is known by its SHA-256 and checked when it is read.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import bindparam, insert, select

from gateway.errors import JournalError, NotFound
from gateway.journal.reading import Reading
from gateway.journal.stored import canonical, canonical_words, moment, new_id
from gateway.journal.tables import edition_files, editions
from gateway.journal.writing import Writing

LARGEST = 64 * 2**20
"""Bytes of one file, at most: what was packed is not trusted to be small."""


class Judgement(StrEnum):
    """ADOPTED: in use from then on. REFUSED: the one of before stayed. REPLACED: set aside by a
    person who went back, and kept here so that it is not lost.
    """

    ADOPTED = "ADOPTED"
    REFUSED = "REFUSED"
    REPLACED = "REPLACED"


@dataclass(frozen=True, slots=True)
class EditionRow:
    """One judgement. `files` is path → SHA-256; `digest` is one over them."""

    id: str
    at: datetime
    node: str
    verdict: Judgement
    digest: str
    by: str
    reasons: tuple[str, ...]
    files: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, row: Sequence[Any]) -> Self:
        """From all columns of the table, in its order."""
        id_, at, node, verdict, digest, by, reasons, files = row
        return cls(
            id_,
            moment(at),
            node,
            Judgement(verdict),
            digest,
            by,
            tuple(json.loads(reasons)),
            json.loads(files),
        )


_CONTENT = select(edition_files.c.content).where(edition_files.c.digest == bindparam("digest"))


class EditionReads(Reading):
    """Look at editions."""

    def editions(
        self, *, verdict: Judgement | None = None, digest: str | None = None, limit: int = 100
    ) -> list[EditionRow]:
        """The newest first."""
        query = select(editions).order_by(editions.c.id.desc()).limit(limit)
        if verdict is not None:
            query = query.where(editions.c.verdict == verdict.value)
        if digest is not None:
            query = query.where(editions.c.digest == digest)
        return [EditionRow.of(row) for row in self._rows(query)]

    def edition(self, edition_id: str) -> EditionRow:
        """One of them; raises NotFound."""
        found = self._row(select(editions).where(editions.c.id == edition_id))
        if found is None:
            raise NotFound(f"no edition {edition_id}")
        return EditionRow.of(found)

    def edition_files(self, row: EditionRow) -> dict[str, bytes]:
        """Path → content. Raises JournalError where what is kept is not what was judged."""
        return {path: self._file(path, digest) for path, digest in row.files.items()}

    def _file(self, path: str, digest: str) -> bytes:
        found = self._row(_CONTENT, {"digest": digest})
        content = _unpacked(bytes(found[0])) if found is not None else None
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            raise JournalError(f"edition file {path}: what is kept is not what was judged")
        return content


class EditionWrites(EditionReads, Writing):
    """Keep a judgement."""

    def judge_edition(
        self,
        verdict: Judgement,
        *,
        digest: str,
        files: Mapping[str, bytes],
        by: str,
        reasons: Sequence[str] = (),
        note: Mapping[str, object] | None = None,
    ) -> EditionRow:
        """Keep an edition with its files, and evidence of before and after.

        `reasons` say why it was refused or set aside; `note` holds counts, never a value.
        """
        before = next(iter(self.editions(verdict=Judgement.ADOPTED, limit=1)), None)
        self._transaction.open_savepoint()
        manifest = {path: self._keep(content) for path, content in sorted(files.items())}
        values = {
            "id": new_id(),
            "at": self._transaction.stamp,
            "node": self._transaction.node,
            "verdict": verdict.value,
            "digest": digest,
            "by": by,
            "reasons": canonical_words(tuple(reasons)),
            "files": canonical(manifest),
        }
        self._connection.execute(insert(editions), values)
        digests = {"before": before.digest, "after": digest} if before else {"after": digest}
        self.record(
            f"mappings.{verdict.value.lower()}",
            subjects=[str(values["id"])],
            digests=digests,
            note={"by": by, "reasons": len(reasons), **(note or {})},
        )
        return EditionRow.of(tuple(values.values()))

    def _keep(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        if self._row(_CONTENT, {"digest": digest}) is None:
            packed = zlib.compress(content)
            self._connection.execute(insert(edition_files), {"digest": digest, "content": packed})
        return digest


def _unpacked(packed: bytes) -> bytes | None:
    reader = zlib.decompressobj()
    try:
        content = reader.decompress(packed, LARGEST)
    except zlib.error:
        return None
    return content if reader.eof else None
