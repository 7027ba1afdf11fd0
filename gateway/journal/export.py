"""One case as one signed archive that anybody can check without the journal.

Holds the rows as the evidence digests them, everything that can still be opened, every entry that
tells of the case, and the signed heads that cover these. What retention or a redaction took is not
there, and the rows say so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import or_, select

from gateway.errors import ArchiveError
from gateway.journal.attempts import AttemptReads
from gateway.journal.cases import CaseReads
from gateway.journal.checkpoints import Checkpoint, CheckpointReads
from gateway.journal.claims import ClaimReads
from gateway.journal.container import Container, Sign, Verify, opened, write
from gateway.journal.inbox import InboxReads
from gateway.journal.messages import MessageReads
from gateway.journal.stored import canonical, row_digest, stamp
from gateway.journal.tables import EVIDENCED, ROWS_IN_EVIDENCE, evidence
from gateway.journal.tables import attempts as attempts_table
from gateway.journal.tables import inbox as inbox_table
from gateway.journal.tables import messages as messages_table
from gateway.journal.tables import submissions as submissions_table
from gateway.journal.transaction import chain_digest

FORM = "icaro case export 1"
ROWS, ENTRIES, HEADS = "rows.json", "evidence.jsonl", "checkpoints.jsonl"

Rows = dict[str, list[dict[str, Any]]]
"""Table → its rows, the columns that evidence covers; bytes as hex under `{"hex": …}`."""


class ExportReads(MessageReads, CaseReads, ClaimReads, AttemptReads, InboxReads, CheckpointReads):
    """Gather a case."""

    def case_archive(self, case_id: str) -> dict[str, bytes]:
        """Member → content, for `export`. Raises NotFound."""
        case = self.case(case_id)
        rows = self._rows_of(case_id)
        ids = [row["id"] for each in rows.values() for row in each]
        entries = self._entries(ids, stamp(case.opened_at))
        members = {ROWS: canonical(rows).encode(), ENTRIES: _lines(entries)}
        members[HEADS] = _lines([json.loads(c.line()) for c in self._covering(entries)])
        opened_now = {"dossier": case.dossier, "context.json": case.context}
        opened_now |= dict(self._opened(rows))
        return members | {name: plain for name, plain in opened_now.items() if plain is not None}

    def _rows_of(self, case_id: str) -> Rows:
        mine = submissions_table.c.case_id == case_id
        of_case = select(submissions_table.c.id).where(mine)
        wanted = {
            "cases": ROWS_IN_EVIDENCE["cases"].c.id == case_id,
            "messages": messages_table.c.case_id == case_id,
            "submissions": mine,
            "attempts": attempts_table.c.submission_id.in_(of_case),
            "inbox": inbox_table.c.submission_id.in_(of_case),
        }
        rows: Rows = {}
        for name, condition in wanted.items():
            table = ROWS_IN_EVIDENCE[name]
            columns = [table.c[column] for column in EVIDENCED[name]]
            found = self._rows(select(*columns).where(condition).order_by(table.c.id))
            rows[name] = [{c: _plain(v) for c, v in row._mapping.items()} for row in found]
        return rows

    def _entries(self, ids: Sequence[str], since: str) -> list[dict[str, Any]]:
        about = or_(*(evidence.c.subjects.contains(f'"{each}"') for each in ids))
        query = select(evidence).where(evidence.c.at >= since, about)
        found = self._rows(query.order_by(evidence.c.at, evidence.c.node, evidence.c.seq))
        return [dict(row._mapping) for row in found]

    def _covering(self, entries: Sequence[Mapping[str, Any]]) -> list[Checkpoint]:
        """Of each chain the first signed head at or after its last entry."""
        last = {entry["node"]: entry["seq"] for entry in entries}
        found: dict[str, Checkpoint] = {}
        for checkpoint in self.checkpoints():
            for node, (seq, _) in checkpoint.witnessed().items():
                if node in last and seq >= last[node] and node not in found:
                    found[node] = checkpoint
        return list({checkpoint.id: checkpoint for checkpoint in found.values()}.values())

    def _opened(self, rows: Rows) -> Iterator[tuple[str, bytes | None]]:
        for row in rows["messages"]:
            yield f"messages/{row['id']}.hl7", self.message_body(row["id"])
        for row in rows["submissions"]:
            yield f"documents/{row['id']}.xml", self.document(row["id"])
            for name in ("inputs", "facts", "faults"):
                yield f"{name}/{row['id']}.json", self._secret(name, row["id"])
        for row in rows["attempts"]:
            yield f"envelopes/{row['id']}.xml", self.envelope(row["id"])
            yield f"answers/{row['id']}.xml", self.answer(row["id"])
        for row in rows["inbox"]:
            yield f"callbacks/{row['id']}.xml", self.callback_body(row["id"])


def export(view: ExportReads, case_id: str, to: Path, made_at: str, sign: Sign) -> dict[str, Any]:
    """Write the archive; gives its manifest. Raises NotFound, ArchiveError."""
    told = {"form": FORM, "case": case_id, "made_at": made_at}
    members: dict[str, bytes | Path] = {**view.case_archive(case_id)}
    return write(to, members, told, sign)


def examine_export(
    path: Path, verify: Verify, public_key: Ed25519PublicKey | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The manifest, and everything that is not as it was written, in words.

    Raises ArchiveError where the archive or its signature cannot be trusted at all.
    """
    with opened(path, verify, FORM) as archive:
        wrong = archive.strangers()
        for name in archive.members:
            try:
                for _ in archive.pieces(name):
                    pass
            except ArchiveError as error:
                wrong.append(str(error))
        if not wrong:
            wrong = list(_untrue(archive, public_key))
        return archive.manifest, wrong


def _untrue(archive: Container, public_key: Ed25519PublicKey | None) -> Iterator[str]:
    """What contradicts itself although it was signed: a node that exported what was not so."""
    entries = [json.loads(line) for line in archive.read(ENTRIES).splitlines()]
    told: dict[str, tuple[int, str]] = {}
    for entry in entries:
        if chain_digest(**{k: v for k, v in entry.items() if k != "digest"}) != entry["digest"]:
            yield f"evidence {entry['node']} #{entry['seq']}: its digest is of other content"
        for place, text in json.loads(entry["digests"]).items():
            version, _, digest = text.partition(":")
            if version.isdecimal() and told.get(place, (0, ""))[0] <= int(version):
                told[place] = (int(version), digest)
    for table, rows in json.loads(archive.read(ROWS)).items():
        for row in rows:
            values = {column: _stored(value) for column, value in row.items()}
            if row_digest(values) != told.get(f"{table}/{row['id']}", (0, ""))[1]:
                yield f"{table}/{row['id']}: is not what the evidence last said of it"
    heads = [Checkpoint.of_line(line.decode()) for line in archive.read(HEADS).splitlines()]
    yield from _uncovered(entries, heads, public_key)


def _uncovered(
    entries: Sequence[Mapping[str, Any]],
    heads: Sequence[Checkpoint],
    public_key: Ed25519PublicKey | None,
) -> Iterator[str]:
    signed: dict[str, int] = {}
    for checkpoint in heads:
        if public_key is not None and not checkpoint.signed_by(public_key):
            yield f"checkpoint {checkpoint.id}: is not signed by the checkpoint key"
            continue
        for node, (seq, _) in checkpoint.witnessed().items():
            signed[node] = max(signed.get(node, 0), seq)
    for node, seq in {entry["node"]: entry["seq"] for entry in entries}.items():
        if seq > signed.get(node, 0):
            yield f"evidence {node} #{seq}: no signed head covers it"


def _lines(objects: Sequence[Mapping[str, Any]]) -> bytes:
    return b"".join(canonical(each).encode() + b"\n" for each in objects)


def _plain(value: Any) -> Any:
    return {"hex": bytes(value).hex()} if isinstance(value, bytes | memoryview) else value


def _stored(value: Any) -> Any:
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value
