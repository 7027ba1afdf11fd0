"""The tables, as SQLAlchemy Core; made by the migrations, compared with them by a test.

A column marked `cipher` holds ciphertext and has a `…_seal` beside it, its SHA-256. A column marked
`scheduling` says when we try, not what happened: it may change without evidence. All others are in
the row's digest, which the evidence keeps (`EVIDENCED`).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()


def _cipher(name: str) -> tuple[Column[bytes], Column[str]]:
    return Column(name, LargeBinary, info={"cipher": True}), Column(f"{name}_seal", Text)


def _word(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _scheduling(column: Column[str] | Column[int]) -> Column[str] | Column[int]:
    column.info["scheduling"] = True
    return column


cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    _word("sender"),
    _word("key_digest"),
    _word("profile"),
    _word("state"),
    _word("processing"),
    _word("opened_at"),
    _word("declared_at", null=True),
    _word("updated_at"),
    Column("wrapped_key", LargeBinary),
    *_cipher("dossier"),
    *_cipher("context"),
    Column("version", Integer, nullable=False),
    _scheduling(_word("bodies_purged_at", null=True)),
    _scheduling(_word("documents_purged_at", null=True)),
    Index(
        "cases_one_open",
        "sender",
        "key_digest",
        unique=True,
        sqlite_where=text("state NOT IN ('CANCELLED', 'MERGED')"),
        postgresql_where=text("state NOT IN ('CANCELLED', 'MERGED')"),
    ),
    Index("cases_of_key", "sender", "key_digest", "opened_at"),
    Index("cases_by_state", "state", "opened_at"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Text, primary_key=True),
    _word("sender"),
    _word("control_id"),
    _word("event"),
    _word("processing"),
    _word("received_at"),
    _word("digest"),
    Column("size", Integer, nullable=False),
    _word("verdict"),
    Column("accepted", Boolean, nullable=False),
    Column("acknowledgment", LargeBinary),
    Column("case_id", Text, ForeignKey("cases.id")),
    *_cipher("body"),
    Column("flagged", Boolean, nullable=False),
    Index(
        "messages_no_duplicates",
        "sender",
        "control_id",
        "digest",
        unique=True,
        sqlite_where=text("accepted = 1"),
        postgresql_where=text("accepted"),
    ),
    Index(
        "messages_of_case",
        "case_id",
        sqlite_where=text("case_id IS NOT NULL"),
        postgresql_where=text("case_id IS NOT NULL"),
    ),
)

submissions = Table(
    "submissions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
    _word("step"),
    Column("seq", Integer, nullable=False),
    _word("kind"),
    _word("status"),
    _word("partner"),
    _word("endpoint"),
    _scheduling(_word("due_at", null=True)),
    _word("created_at"),
    _word("updated_at"),
    _word("deadline_at", null=True),
    _scheduling(_word("claimed_by", null=True)),
    _scheduling(_word("lease_until", null=True)),
    _scheduling(Column("fence", Integer, nullable=False)),
    Column("attempts", Integer, nullable=False),
    Column("operation_id", Text, nullable=False, unique=True),
    _word("predecessor", null=True),
    Column("maybe_received", Boolean, nullable=False),
    _word("body_digest", null=True),
    _word("content_digest", null=True),
    *_cipher("document"),
    *_cipher("inputs"),
    *_cipher("facts"),
    *_cipher("faults"),
    _word("ticket", null=True),
    _word("receipt", null=True),
    _word("pins", null=True),
    _word("reason", null=True),
    Column("version", Integer, nullable=False),
    UniqueConstraint("case_id", "step", "seq", name="submissions_in_order"),
    Index("submissions_due", "status", "due_at"),
    Index("submissions_claimed", "claimed_by", "status"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("submission_id", Text, ForeignKey("submissions.id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("message_id", Text, nullable=False, unique=True),
    _word("created_at"),
    _word("expires_at", null=True),
    _word("sent_at", null=True),
    _word("ended_at", null=True),
    _word("url"),
    *_cipher("envelope"),
    *_cipher("answer"),
    _word("outcome", null=True),
    _word("note", null=True),
    Column("version", Integer, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Text, primary_key=True),
    _word("partner"),
    _word("message_id"),
    _word("operation_id"),
    *_cipher("body"),
    _word("received_at"),
    _word("applied_at", null=True),
    Column("submission_id", Text, ForeignKey("submissions.id")),
    _word("outcome", null=True),
    Column("version", Integer, nullable=False),
    UniqueConstraint("partner", "message_id", name="inbox_recognised"),
    Index("inbox_pending", "applied_at", "received_at"),
)

evidence = Table(
    "evidence",
    metadata,
    Column("node", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _word("at"),
    _word("what"),
    _word("subjects"),
    _word("digests"),
    _word("note"),
    _word("previous"),
    _word("digest"),
    sqlite_with_rowid=False,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", Text, primary_key=True),
    _word("at"),
    _word("heads"),
    Column("signature", LargeBinary, nullable=False),
    _word("key_id"),
)

nodes = Table(
    "nodes",
    metadata,
    Column("name", Text, primary_key=True),
    _word("started_at"),
    _word("seen_at"),
    _word("version"),
    _word("drained_at", null=True),
)

contracted = Table("contracted", metadata, Column("revision", Text, primary_key=True))
"""Revisions that took something away: code that does not know one of them must not run."""

rejects = Table(
    "rejects",
    metadata,
    Column("id", Text, primary_key=True),
    _word("at"),
    _word("sender"),
    _word("digest"),
    *_cipher("body"),
    _word("note", null=True),
)

replay = Table(
    "replay",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("until", Text, nullable=False, index=True),
)

links = Table(
    "links",
    metadata,
    Column("sender", Text, primary_key=True),
    Column("expected", BigInteger),
    _word("updated_at"),
)

tellings = Table(
    "tellings",
    metadata,
    Column("id", Text, primary_key=True),
    _word("sender"),
    _word("control_id"),
    Column("payload", LargeBinary, nullable=False),
    _word("state"),
    _word("created_at"),
    _word("due_at"),
    Column("tries", Integer, nullable=False),
    _word("claimed_by", null=True),
    Index("tellings_in_order", "state", "sender", "id"),
)

pauses = Table(
    "pauses",
    metadata,
    Column("id", Text, primary_key=True),
    _word("partner", null=True),
    _word("endpoint", null=True),
    _word("step", null=True),
    _word("at"),
    _word("by"),
    _word("reason"),
    _word("ended_at", null=True),
    Index("pauses_in_force", "ended_at"),
)

editions = Table(
    "editions",
    metadata,
    Column("id", Text, primary_key=True),
    _word("at"),
    _word("node"),
    _word("verdict"),
    _word("digest"),
    _word("by"),
    _word("reasons"),
    _word("files"),
    Index("editions_by_verdict", "verdict", "id"),
)

edition_files = Table(
    "edition_files",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)


def _evidenced(table: Table) -> tuple[str, ...]:
    return tuple(sorted(c.name for c in table.c if not {"cipher", "scheduling"} & c.info.keys()))


ROWS_IN_EVIDENCE = {t.name: t for t in (messages, cases, submissions, attempts, inbox)}
EVIDENCED = {name: _evidenced(table) for name, table in ROWS_IN_EVIDENCE.items()}
"""Table → the columns that its row digests cover, in alphabetical order."""

CIPHERS = {
    name: tuple(c.name for c in table.c if "cipher" in c.info)
    for name, table in ROWS_IN_EVIDENCE.items()
}
"""Table → the columns that hold ciphertext, each with a seal."""
