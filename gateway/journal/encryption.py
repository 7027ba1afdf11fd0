"""Keys of the journal: one master key, one key per case, one key that signs checkpoints.

The master key only derives others (HKDF-SHA256): an index key for look-ups and duplicate digests,
a key that wraps the case keys, and one for bodies that belong to no case yet. All ciphers are
AES-256-GCM bound to table, column and row, so that a ciphertext moved elsewhere does not open.
A case whose wrapped key is wiped can be read by nobody, its digests can be guessed by nobody.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import ConfigurationError, JournalError

KEY_BYTES = 32
NONCE_BYTES = 12
ID_BYTES = 4
OPENED = 512
"""Case keys kept open: a birth takes many units, and making a cipher costs more than using it."""
FORM = b"\x01"
"""First byte of every ciphertext: form 1 = key id (4), nonce (12), AES-256-GCM."""


def _derive(key: bytes, purpose: str) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=f"icaro {purpose}".encode()).derive(key)


class SealingKey:
    """Seals and opens the columns of rows under one key; `digest` is keyed by it too."""

    __slots__ = ("_aead", "_digest_key", "_key", "_key_id")

    def __init__(self, key: bytes, key_id: bytes) -> None:
        self._key = key
        self._key_id = key_id
        self._aead = AESGCM(key)
        self._digest_key: bytes | None = None

    def __repr__(self) -> str:
        return f"<SealingKey {self._key_id.hex()}>"

    def seal(self, table: str, column: str, row: str, plain: bytes) -> bytes:
        """The ciphertext of `plain` for this place and no other."""
        nonce = os.urandom(NONCE_BYTES)
        bound = f"{table}/{column}/{row}".encode()
        return b"".join((FORM, self._key_id, nonce, self._aead.encrypt(nonce, plain, bound)))

    def unseal(self, table: str, column: str, row: str, cipher: bytes) -> bytes | None:
        """The plain bytes; None if sealed under a destroyed key; JournalError if altered."""
        key_id, rest = cipher[1 : 1 + ID_BYTES], cipher[1 + ID_BYTES :]
        if cipher[:1] == FORM and key_id != self._key_id:
            return None
        try:
            bound = f"{table}/{column}/{row}".encode()
            return self._aead.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], bound)
        except (InvalidTag, ValueError) as error:
            raise JournalError(
                f"{table}.{column} of {row} was altered: it does not open"
            ) from error

    def digest(self, plain: bytes) -> str:
        """HMAC-SHA256 (hex): tells equal bytes of this case, and nothing once its key is gone."""
        if self._digest_key is None:
            self._digest_key = _derive(self._key, "case digest")
        return hmac.digest(self._digest_key, plain, "sha256").hex()


class Keyring:
    """The master key's children and the checkpoint key. Never shows any of them."""

    def __init__(self, master: bytes, checkpoint_key: Ed25519PrivateKey) -> None:
        if len(master) != KEY_BYTES:
            raise ConfigurationError([f"the master key must be {KEY_BYTES} bytes in base64"])
        self._index_key = _derive(master, "index")
        self._wrapping = AESGCM(_derive(master, "wrap"))
        self.ring = AESGCM(_derive(master, "ring"))
        """Wraps what the key ring of the back-ups holds."""
        self._checkpoint_key = checkpoint_key
        self.public_key: Ed25519PublicKey = checkpoint_key.public_key()
        self.checkpoint_key_id = key_id(self.public_key)
        self._opened = lru_cache(OPENED)(self._unwrap)
        self.unmatched = SealingKey(_derive(master, "unmatched"), b"\0" * ID_BYTES)
        """Seals what belongs to no case yet: callbacks that wait, bytes that were refused."""

    def __repr__(self) -> str:
        return f"<Keyring, checkpoints by {self.checkpoint_key_id}>"

    @classmethod
    def create(cls, path: Path, *, checkpoint_key: Path | None = None) -> Keyring:
        """Write new keys, 0600: master to `path`, checkpoints' to `checkpoint_key` and `….pub`.

        Without `checkpoint_key` it is `checkpoint.key` beside `path`. Never overwrites: raises
        ConfigurationError if either is there.
        """
        signing = Ed25519PrivateKey.generate()
        pem = signing.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        public = signing.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        beside = checkpoint_key or path.with_name("checkpoint.key")
        _write_new(path, base64.b64encode(os.urandom(KEY_BYTES)) + b"\n", 0o600)
        _write_new(beside, pem, 0o600)
        _write_new(beside.with_suffix(".pub"), public, 0o644)
        return cls.load(path, checkpoint_key=beside)

    @classmethod
    def load(cls, path: Path, *, checkpoint_key: Path | None = None) -> Keyring:
        """Read both keys; raises ConfigurationError if unreadable or open to others than us."""
        beside = checkpoint_key or path.with_name("checkpoint.key")
        return cls(_decode(_read_private(path), path.name), _read_checkpoint_key(beside))

    @classmethod
    def from_command(cls, command: Sequence[str], *, checkpoint_key: Path) -> Keyring:
        """The master key is what `command` prints (base64): a vault, a TPM, a person's card."""
        try:
            done = subprocess.run(command, check=True, capture_output=True, timeout=60)  # noqa: S603  # the operator's own command
        except (OSError, subprocess.SubprocessError) as error:
            raise ConfigurationError([f"master key: {command[0]} gave none"]) from error
        return cls(_decode(done.stdout, command[0]), _read_checkpoint_key(checkpoint_key))

    def index(self, *parts: str | bytes) -> str:
        """HMAC-SHA256 (hex) under the index key, for look-ups of what must not be stored plain."""
        told = bytearray()
        for part in parts:
            raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
            told += len(raw).to_bytes(8, "big") + raw
        return hmac.digest(self._index_key, told, "sha256").hex()

    def new_case_key(self, case_id: str) -> tuple[SealingKey, bytes]:
        """A fresh key for a case, and how it is stored: wrapped, bound to the case."""
        key, name, nonce = os.urandom(KEY_BYTES), os.urandom(ID_BYTES), os.urandom(NONCE_BYTES)
        wrapped = self._wrapping.encrypt(nonce, key, name + case_id.encode())
        return SealingKey(key, name), name + nonce + wrapped

    def case_key(self, case_id: str, wrapped: bytes) -> SealingKey:
        """Unwrap; JournalError if the master key is another, or the wrapped key was altered.

        Kept open for a while, under what is stored of it: a destroyed key is never asked for.
        """
        return self._opened(case_id, wrapped)

    def forget(self) -> None:
        """Keep no case's key open: one of them was destroyed, and must not stay in memory."""
        self._opened.cache_clear()

    def _unwrap(self, case_id: str, wrapped: bytes) -> SealingKey:
        name, nonce = wrapped[:ID_BYTES], wrapped[ID_BYTES : ID_BYTES + NONCE_BYTES]
        try:
            key = self._wrapping.decrypt(
                nonce, wrapped[ID_BYTES + NONCE_BYTES :], name + case_id.encode()
            )
        except (InvalidTag, ValueError) as error:
            raise JournalError(
                f"the key of case {case_id} does not open: another master key, or altered"
            ) from error
        return SealingKey(key, name)

    def sign_checkpoint(self, signed: bytes) -> bytes:
        """An Ed25519 signature (64 bytes)."""
        return self._checkpoint_key.sign(signed)

    def signed_by_us(self, signed: bytes, signature: bytes) -> bool:
        """Whether the checkpoint key signed these bytes."""
        try:
            self.public_key.verify(signature, signed)
        except InvalidSignature:
            return False
        return True


def key_id(public_key: Ed25519PublicKey) -> str:
    """How a checkpoint names its key: 16 hex digits of the SHA-256 of its raw public bytes."""
    raw = public_key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def load_public_key(path: Path) -> Ed25519PublicKey:
    """The key that verifies checkpoints, from its PEM or from the private key's PEM."""
    try:
        pem = path.read_bytes()
        if b"PRIVATE" in pem:
            return _read_checkpoint_key(path).public_key()
        key = serialization.load_pem_public_key(pem)
    except (OSError, ValueError) as error:
        raise ConfigurationError([f"checkpoint key: {path.name} cannot be read"]) from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError([f"checkpoint key: {path.name} is no Ed25519 key"])
    return key


def _read_checkpoint_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(_read_private(path), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigurationError([f"checkpoint key: {path.name} cannot be read"]) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError([f"checkpoint key: {path.name} is no Ed25519 key"])
    return key


def _read_private(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigurationError([f"{path.name} can be read by others: chmod 600"])
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError([f"{path.name} cannot be read"]) from error


def _write_new(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
    except FileExistsError as error:
        raise ConfigurationError(
            [f"{path.name} is already there; keys are not replaced"]
        ) from error


def _decode(text: bytes, source: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except binascii.Error as error:
        raise ConfigurationError([f"master key: {source} is not base64"]) from error
