"""Checkpoints: the heads of all chains, signed, kept in the table and in a file beside it.

Evidence alone can be written anew by anyone who can write the database; a head signed with a key
that is not in the database cannot. The file finds what was cut from both tables.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select

from gateway.journal.encryption import Keyring, key_id
from gateway.journal.evidence import EvidenceReads
from gateway.journal.stored import canonical, new_id
from gateway.journal.tables import checkpoints
from gateway.journal.writing import Writing

LONGEST_LINE = 1 << 20
"""Bytes from the end of the file in which its last line break is looked for."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`heads` is canonical JSON: node → [sequence number, digest]."""

    id: str
    at: str
    heads: str
    signature: bytes
    key_id: str

    @classmethod
    def of_line(cls, line: str) -> Self:
        """From a line of the file; raises ValueError if it is no checkpoint."""
        try:
            told = json.loads(line)
            made, at, heads, name = (str(told[each]) for each in ("id", "at", "heads", "key_id"))
            return cls(made, at, heads, bytes.fromhex(told["signature"]), name)
        except (KeyError, TypeError) as error:
            raise ValueError("no checkpoint") from error

    def line(self) -> str:
        """One line of JSON for the file."""
        fields = {"id": self.id, "at": self.at, "heads": self.heads, "key_id": self.key_id}
        return canonical({**fields, "signature": self.signature.hex()})

    def witnessed(self) -> dict[str, tuple[int, str]]:
        """Node → the sequence number and digest that were signed; ValueError if unreadable."""
        try:
            heads: dict[str, Any] = json.loads(self.heads)
            return {node: (int(seq), str(digest)) for node, (seq, digest) in heads.items()}
        except (AttributeError, TypeError) as error:
            raise ValueError("unreadable heads") from error

    def signed_by(self, public_key: Ed25519PublicKey) -> bool:
        """Whether this key signed exactly this."""
        try:
            public_key.verify(self.signature, _signed(self.id, self.at, self.heads, self.key_id))
        except InvalidSignature:
            return False
        return self.key_id == key_id(public_key)


def make(
    keyring: Keyring, at: str, heads: Mapping[str, tuple[int, str]], checkpoint_id: str = ""
) -> Checkpoint:
    """Sign these heads."""
    made, text, name = checkpoint_id or new_id(), canonical(dict(heads)), keyring.checkpoint_key_id
    signature = keyring.sign_checkpoint(_signed(made, at, text, name))
    return Checkpoint(made, at, text, signature, name)


def append(path: Path, checkpoint: Checkpoint) -> None:
    """Add a line and wait until it is on the disk; raises OSError.

    What a power failure left of a line is dropped first: nobody was ever told of it.
    """
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - LONGEST_LINE))
        start, tail = file.tell(), file.read()
        file.truncate(start + tail.rfind(b"\n") + 1)
        file.seek(0, os.SEEK_END)
        file.write(checkpoint.line().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


class CheckpointReads(EvidenceReads):
    """Look at the checkpoints."""

    def checkpoints(self) -> list[Checkpoint]:
        """All of them, the oldest first."""
        rows = self._rows(select(checkpoints).order_by(checkpoints.c.at, checkpoints.c.id))
        return [Checkpoint(**row._mapping) for row in rows]


class CheckpointWrites(CheckpointReads, Writing):
    """Ask for checkpoints."""

    def checkpoint(self) -> None:
        """Sign the heads as they stand at the end of this group."""
        self._transaction.checkpoint_wanted = True


def _signed(checkpoint_id: str, at: str, heads: str, key_name: str) -> bytes:
    return canonical(["icaro checkpoint 1", checkpoint_id, at, heads, key_name]).encode()
