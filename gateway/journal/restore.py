"""Puts a back-up where no journal is. Verifies first the manifest, then all of the evidence.

All is done on a copy aside: keys are unlocked, what the ring no longer has is destroyed, `settle`
says what the past cannot know, and the evidence tells of the restore. Only then is it put in place,
by one rename or one transaction. Into a journal that has anything it never goes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import delete, inspect, select

from gateway.errors import ArchiveError, JournalError
from gateway.journal import container
from gateway.journal.backup import FORM, MEMBER, Tell, copy_tables, counted, put_keys, staged
from gateway.journal.checkpoints import Checkpoint, CheckpointReads
from gateway.journal.encryption import Keyring
from gateway.journal.journal import Journal, side_file_of
from gateway.journal.migrate import upgrade
from gateway.journal.ring import Ring, name_of, unlocked
from gateway.journal.store import Store
from gateway.journal.tables import cases, evidence, nodes
from gateway.journal.unit import Unit
from gateway.journal.verification import examine

NODE = "console"

Settle = Callable[[Unit], Mapping[str, int]]
"""Moves what may have gone on since; gives counts for the evidence."""


@dataclass(frozen=True, slots=True)
class Restored:
    """`destroyed`: cases whose key was destroyed since; `lost`: node → entries known to be gone."""

    made_at: str
    rows: Mapping[str, int]
    destroyed: int
    settled: Mapping[str, int]
    lost: Mapping[str, int]
    set_aside: Path | None


def restore(
    archive: Path,
    url: str,
    keyring: Keyring,
    ring: Ring,
    settle: Settle,
    tell: Tell,
    side_file: Path | None = None,
) -> Restored:
    """Restore `archive` into the empty journal at `url`. Raises ArchiveError, JournalError."""
    target = Store(url)
    try:
        _must_be_empty(target)
        place = target.file.parent if target.file else archive.parent
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".icaro-restore-", dir=place) as folder:
            copy = Path(folder) / MEMBER
            manifest = _unpacked(archive, keyring, copy)
            destroyed = _unlocked(copy, ring)
            _verified(copy, keyring, destroyed, manifest)
            beside = side_file or side_file_of(target)
            lost = _lost(beside, keyring, manifest)
            settled = _settled(copy, keyring, destroyed, settle, manifest, lost)
            signed = _signed(copy)
            _put(target, copy, tell)
        aside = _begin_side_file(beside, signed)
    finally:
        target.close()
    rows: Mapping[str, int] = manifest["rows"]
    return Restored(manifest["made_at"], rows, len(destroyed), settled, lost, aside)


def _must_be_empty(target: Store) -> None:
    if target.file is not None and not target.file.exists():
        return
    with target.reading() as connection:
        if not inspect(connection).has_table(evidence.name):
            return
        rows = counted(connection)
    if any(count for name, count in rows.items() if name != nodes.name):
        raise ArchiveError("the journal is not empty: a back-up never goes over what is there")


def _unpacked(archive: Path, keyring: Keyring, copy: Path) -> dict[str, Any]:
    with container.opened(archive, keyring.signed_by_us, FORM) as opened:
        strange = opened.strangers()
        if strange or MEMBER not in opened.members:
            raise ArchiveError("; ".join(strange) or "holds no journal")
        opened.extract(MEMBER, copy)
        return opened.manifest


def _unlocked(copy: Path, ring: Ring) -> list[str]:
    """Unlock every case key; gives the cases whose record in the ring was destroyed."""
    known = ring.keys()
    with staged(copy) as connection, connection.begin():
        upgrade(connection)
        wrapped = select(cases.c.id, cases.c.wrapped_key).where(cases.c.wrapped_key.is_not(None))
        keys: dict[str, bytes | None] = {}
        for case, held in connection.execute(wrapped).all():
            key = known.get(name_of(case, bytes(held)))
            keys[case] = None if key is None else unlocked(key, case, bytes(held))
        if keys and not any(keys.values()):
            raise ArchiveError(
                f"the key ring {ring.path.name} has none of the back-up's keys: it is another's"
            )
        put_keys(connection, keys)
    return [case for case, key in keys.items() if key is None]


def _verified(
    copy: Path, keyring: Keyring, destroyed: list[str], manifest: Mapping[str, Any]
) -> None:
    # Of a case whose key is gone the row's digest cannot be told; the manifest's signature holds.
    without = {f"cases/{case}" for case in destroyed}
    found = examine(f"sqlite:///{copy}", keyring.public_key).findings
    wrong = [str(each) for each in found if each.place not in without]
    if wrong:
        raise ArchiveError("the evidence does not verify:\n" + "\n".join(wrong[:20]))
    with staged(copy) as connection, connection.begin():
        rows = counted(connection)
    told = manifest["rows"]
    if any(rows.get(name) != count for name, count in told.items()):
        raise ArchiveError("the back-up has other rows than its manifest says")


def _lost(side_file: Path | None, keyring: Keyring, manifest: Mapping[str, Any]) -> dict[str, int]:
    """What the file of checkpoints knows of entries after the back-up: node → how many."""
    lost: dict[str, int] = {}
    if side_file is None or not side_file.exists():
        return lost
    for line in side_file.read_text("utf-8", "replace").splitlines():
        try:
            checkpoint = Checkpoint.of_line(line)
            heads = checkpoint.witnessed() if checkpoint.signed_by(keyring.public_key) else {}
        except ValueError:
            continue
        for node, (seq, _) in heads.items():
            more = seq - int(manifest["heads"].get(node, (0, ""))[0])
            lost[node] = max(lost.get(node, 0), more)
    return {node: count for node, count in lost.items() if count > 0}


def _settled(
    copy: Path,
    keyring: Keyring,
    destroyed: list[str],
    settle: Settle,
    manifest: Mapping[str, Any],
    lost: Mapping[str, int],
) -> Mapping[str, int]:
    def work(unit: Unit) -> Mapping[str, int]:
        for case in destroyed:
            unit.destroy_key(case)
        counts = settle(unit)
        note = {"made_at": manifest["made_at"], "destroyed": len(destroyed), **counts}
        digests = {"journal.db": manifest["members"][MEMBER]["sha256"]}
        unit.record("journal.restored", digests=digests, note={**note, "lost": dict(lost)})
        return counts

    with Journal.open(f"sqlite:///{copy}", node=NODE, keyring=keyring) as journal:
        return journal.run(work)


def _signed(copy: Path) -> list[Checkpoint]:
    with staged(copy) as connection, connection.begin():
        return CheckpointReads(connection, None).checkpoints()


def _put(target: Store, copy: Path, tell: Tell) -> None:
    if target.file is None:
        with target.writing() as connection, connection.begin():
            upgrade(connection)
            connection.execute(delete(nodes))
            if any(counted(connection).values()):
                raise ArchiveError("the journal is not empty any more")
            with staged(copy) as source, source.begin():
                copy_tables(source, connection, tell)
        return
    if copy.with_name(f"{copy.name}-wal").exists():
        raise JournalError("the restored copy is still open")
    target.close()
    for ending in ("-wal", "-shm"):
        Path(f"{target.file}{ending}").unlink(missing_ok=True)
    with copy.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(copy, target.file)
    container.settle_folder(target.file.parent)


def _begin_side_file(path: Path | None, signed: list[Checkpoint]) -> Path | None:
    """A new file of checkpoints; the one of before is set aside: it proves what was lost."""
    if path is None:
        return None
    aside = None
    if path.exists():
        aside = path.with_name(f"{path.name}.before-{signed[-1].id[:16]}")
        os.rename(path, aside)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.writelines(checkpoint.line().encode() + b"\n" for checkpoint in signed)
        file.flush()
        os.fsync(file.fileno())
    container.settle_folder(path.parent)
    return aside
