"""Editions: one state of the folder of mappings, judged, with its files kept by their content.

What was adopted can be laid out again, after any number of changes; each verdict is evidence, with
the edition of before and of after, and who. Files of mappings hold no person, so they are not
encrypted; each is known by its SHA-256. An edition counts only as the evidence tells of it.
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
from gateway.journal.judged import WHAT, is_as_told, is_file, place_of, told_of, unpacked
from gateway.journal.reading import Reading
from gateway.journal.stored import canonical, canonical_words, moment, new_id
from gateway.journal.tables import edition_files, editions, evidence
from gateway.journal.writing import Writing


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
        """From all columns of the table, in its order. JournalError if one cannot be read."""
        id_, at, node, verdict, digest, by, reasons, files = row
        try:
            judged = moment(at), node, Judgement(verdict)
            return cls(id_, *judged, digest, by, tuple(json.loads(reasons)), json.loads(files))
        except (ValueError, TypeError):
            raise JournalError(f"{place_of(id_)}: cannot be read: it was edited") from None


_CONTENT = select(edition_files.c.content).where(edition_files.c.digest == bindparam("digest"))
_STORED = select(editions).where(editions.c.id == bindparam("id"))
_TOLD = (
    select(evidence)
    .where(evidence.c.node == bindparam("node"), evidence.c.what == bindparam("what"))
    .where(evidence.c.subjects == bindparam("subjects"))
    .order_by(evidence.c.seq.desc())
    .limit(1)
)
"""From the end of a chain, where what is asked for mostly is."""


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
        found = self._row(_STORED, {"id": edition_id})
        if found is None:
            raise NotFound(f"no edition {edition_id}")
        return EditionRow.of(found)

    def was_adopted(self, digest: str) -> bool:
        """Whether this state of the folder was in use before, and the evidence says so too."""
        rows = self.editions(verdict=Judgement.ADOPTED, digest=digest)
        return any(self._is_as_told(row.id) for row in rows)

    def edition_files(self, row: EditionRow) -> dict[str, bytes]:
        """Path → content. Raises JournalError where what is kept is not what was judged."""
        # Whoever can edit these tables can make file and manifest fit each other; only the
        # evidence says what they were.
        if not self._is_as_told(row.id):
            raise JournalError(f"{place_of(row.id)}: is not what the evidence tells of it")
        files = self.edition(row.id).files
        return {path: self._file(path, digest) for path, digest in files.items()}

    def _is_as_told(self, edition_id: str) -> bool:
        row = self._row(_STORED, {"id": edition_id})
        if row is None:
            return False
        key = {"node": row.node, "what": f"{WHAT}{row.verdict.lower()}"}
        entry = self._row(_TOLD, {**key, "subjects": canonical_words((edition_id,))})
        return entry is not None and is_as_told(row._asdict(), entry)

    def _file(self, path: str, digest: str) -> bytes:
        found = self._row(_CONTENT, {"digest": digest})
        content = unpacked(bytes(found[0])) if found is not None else None
        if content is None or not is_file(digest, content):
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
        """Keep an edition with its files, and evidence of before, of after and of the whole row.

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
        digests = {"after": digest, place_of(str(values["id"])): told_of(values)}
        if before:
            digests["before"] = before.digest
        self.record(
            f"{WHAT}{verdict.value.lower()}",
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
