"""The key ring of the back-ups: a second lock on every case key, kept apart from every back-up.

A back-up holds case keys wrapped twice: by the master key, and by a key of this ring. When a case
key is destroyed its record here is overwritten in place with zeros, and so the case stays destroyed
in all back-ups ever made. Records have one width; the file has no older copies of them.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import JournalError
from gateway.journal.encryption import ID_BYTES, KEY_BYTES, NONCE_BYTES, Keyring

HEAD = b"icaro key ring 1"
"""First bytes of the file, as long as a case id."""
_CASE = 16
_RECORD = _CASE + ID_BYTES + NONCE_BYTES + KEY_BYTES + 16
"""Case id, the case key's own id, then nonce, wrapped key and tag: 80 bytes."""

Name = tuple[str, bytes]
"""A case's id and the id of its key, which a rekeyed case has anew."""


def name_of(case_id: str, wrapped: bytes) -> Name:
    """Which record guards this stored case key."""
    return case_id, wrapped[:ID_BYTES]


class Ring:
    """The file at `path`; every use holds its lock. `….lock` is never needed."""

    def __init__(self, path: Path, keyring: Keyring) -> None:
        self.path = path
        self._cipher = keyring.ring

    def keys(self) -> dict[Name, AESGCM]:
        """Every key that is not destroyed. Raises JournalError if the file is not ours."""
        if not self.path.exists():
            return {}
        with self._opened() as number:
            return {name: key for _, name, key in self._records(number)}

    def add(self, names: Iterable[Name]) -> dict[Name, AESGCM]:
        """The keys of these, made where there are none; on the disk before this returns."""
        wanted = list(names)
        with self._opened() as number:
            found = {name: key for _, name, key in self._records(number)}
            end = self._end(number)
            for name in wanted:
                if name not in found:
                    record, found[name] = self._made(name)
                    end += os.pwrite(number, record, end)
            os.fsync(number)
        return {name: found[name] for name in wanted}

    def destroy(self, live: Mapping[str, bytes | None]) -> int:
        """Overwrite the records of keys that the journal no longer has; gives how many.

        `live`: case id → its stored key, None if destroyed. A case that is not in it is left
        alone: an empty journal is no reason to lose every back-up.
        """
        gone = 0
        with self._opened() as number:
            for offset, (case_id, key_id), _ in self._records(number):
                if case_id in live and (live[case_id] or b"")[:ID_BYTES] != key_id:
                    os.pwrite(number, bytes(_RECORD), offset)
                    gone += 1
            os.fsync(number)
        return gone

    @contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            number = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise JournalError(f"key ring {self.path.name}: {type(error).__name__}") from error
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
            if os.fstat(number).st_size < len(HEAD):
                os.pwrite(number, HEAD, 0)
            if os.pread(number, len(HEAD), 0) != HEAD:
                raise JournalError(f"{self.path.name} is no key ring")
            yield number
        finally:
            os.close(number)

    @staticmethod
    def _end(number: int) -> int:
        """Where the next record goes: a torn last one is written over, nobody was told of it."""
        held = os.fstat(number).st_size - len(HEAD)
        return len(HEAD) + held // _RECORD * _RECORD

    def _records(self, number: int) -> Iterator[tuple[int, Name, AESGCM]]:
        content = os.pread(number, os.fstat(number).st_size, 0)
        for offset in range(len(HEAD), len(content) - _RECORD + 1, _RECORD):
            record = content[offset : offset + _RECORD]
            if record.count(0) == _RECORD:
                continue
            place, sealed = record[: _CASE + ID_BYTES], record[_CASE + ID_BYTES :]
            try:
                key = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
            except InvalidTag as error:
                raise JournalError(
                    f"key ring {self.path.name}: a record does not open: another master key?"
                ) from error
            yield offset, (place[:_CASE].hex(), place[_CASE:]), AESGCM(key)

    def _made(self, name: Name) -> tuple[bytes, AESGCM]:
        key, nonce = os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)
        place = bytes.fromhex(name[0]) + name[1]
        return place + nonce + self._cipher.encrypt(nonce, key, place), AESGCM(key)


def locked(key: AESGCM, case_id: str, wrapped: bytes) -> bytes:
    """A stored case key as a back-up holds it: its id, then wrapped a second time."""
    nonce = os.urandom(NONCE_BYTES)
    return wrapped[:ID_BYTES] + nonce + key.encrypt(nonce, wrapped, case_id.encode())


def unlocked(key: AESGCM, case_id: str, held: bytes) -> bytes:
    """The stored case key out of a back-up; JournalError if it was altered."""
    nonce, rest = held[ID_BYTES : ID_BYTES + NONCE_BYTES], held[ID_BYTES + NONCE_BYTES :]
    try:
        return key.decrypt(nonce, rest, case_id.encode())
    except InvalidTag as error:
        raise JournalError(f"the key of case {case_id} does not open in the back-up") from error
