"""Keys: derived, bound, destroyed; never shown."""

from __future__ import annotations

import base64
import stat
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import ConfigurationError, JournalError
from gateway.journal.encryption import Keyring, key_id, load_public_key


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    """New keys."""
    return Keyring.create(tmp_path / "keys" / "master.key")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plain=st.binary(max_size=2000), flip=st.integers(0))
def test_what_was_sealed_opens_only_whole_and_in_its_place(
    keyring: Keyring, plain: bytes, flip: int
) -> None:
    """One changed byte, another row, column or table: altered, and the place is named."""
    key, _ = keyring.new_case_key("c1")
    cipher = key.seal("messages", "body", "m1", plain)
    assert key.unseal("messages", "body", "m1", cipher) == plain
    assert key.seal("messages", "body", "m1", plain) != cipher
    for place in (("messages", "body", "m2"), ("messages", "x", "m1"), ("cases", "body", "m1")):
        with pytest.raises(JournalError, match="altered"):
            key.unseal(*place, cipher)
    broken = bytearray(cipher)
    at = 5 + flip % (len(broken) - 5)
    broken[at] ^= 1
    with pytest.raises(JournalError, match=r"messages\.body of m1"):
        key.unseal("messages", "body", "m1", bytes(broken))


@pytest.mark.parametrize("cipher", [b"", b"\x02", b"x" * 20, b"\x01\0\0\0\0short"])
def test_what_is_no_ciphertext_is_altered(keyring: Keyring, cipher: bytes) -> None:
    """Never taken for plain bytes, never an exception nobody knows."""
    with pytest.raises(JournalError, match="altered"):
        keyring.unmatched.unseal("t", "c", "r", cipher)


def test_a_destroyed_key_is_told_from_an_altered_body(keyring: Keyring) -> None:
    """What was sealed under another key of the case is gone, not an error."""
    old, _ = keyring.new_case_key("c1")
    new, _ = keyring.new_case_key("c1")
    assert new.unseal("t", "c", "r", old.seal("t", "c", "r", b"x")) is None


def test_a_wrapped_key_belongs_to_its_case_and_master_key(keyring: Keyring, tmp_path: Path) -> None:
    """It comes back as it was; under another case or master key it does not open."""
    key, wrapped = keyring.new_case_key("c1")
    sealed = key.seal("t", "c", "r", b"x")
    again = keyring.case_key("c1", wrapped)
    assert again.unseal("t", "c", "r", sealed) == b"x"
    assert again.digest(b"x") == key.digest(b"x") == key.digest(b"x")
    other = Keyring.create(tmp_path / "other" / "master.key")
    for ring, case_id in ((keyring, "c2"), (other, "c1")):
        with pytest.raises(JournalError, match="does not open"):
            ring.case_key(case_id, wrapped)
    with pytest.raises(JournalError):
        keyring.case_key("c1", b"")


def test_digests_are_keyed_and_unambiguous(keyring: Keyring, tmp_path: Path) -> None:
    """Nobody without the key can guess what was digested; parts do not run into each other."""
    other = Keyring.create(tmp_path / "other" / "master.key")
    assert keyring.index("a", "b") == keyring.index("a", "b")
    assert keyring.index("a", "b") != other.index("a", "b")
    assert keyring.index("ab", "") != keyring.index("a", "b")
    assert keyring.index(b"a") == keyring.index("a")
    assert keyring.index("\ud800")
    one, two = (keyring.new_case_key("c")[0] for _ in range(2))
    assert one.digest(b"x") != two.digest(b"x")


def test_keys_are_written_for_us_alone_and_never_over_others(tmp_path: Path) -> None:
    """0600, and a second `create` refuses: a lost master key is a lost journal."""
    folder = tmp_path / "keys"
    made = Keyring.create(folder / "master.key")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {"master.key": 0o600, "checkpoint.key": 0o600, "checkpoint.pub": 0o644}
    with pytest.raises(ConfigurationError, match="already there"):
        Keyring.create(folder / "master.key")
    again = Keyring.load(folder / "master.key")
    assert again.checkpoint_key_id == made.checkpoint_key_id
    assert again.index("x") == made.index("x")
    for name in ("checkpoint.pub", "checkpoint.key"):
        assert key_id(load_public_key(folder / name)) == made.checkpoint_key_id


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """It may be known to anybody on the machine."""
    Keyring.create(tmp_path / "master.key")
    for name in ("master.key", "checkpoint.key"):
        (tmp_path / name).chmod(0o640)
        with pytest.raises(ConfigurationError, match="chmod 600"):
            Keyring.load(tmp_path / "master.key")
        (tmp_path / name).chmod(0o600)


@pytest.mark.parametrize("content", [b"%%%", base64.b64encode(b"short"), b""])
def test_a_master_key_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    """Not base64, or not 32 bytes."""
    Keyring.create(tmp_path / "master.key")
    (tmp_path / "master.key").write_bytes(content)
    with pytest.raises(ConfigurationError):
        Keyring.load(tmp_path / "master.key")


def test_checkpoint_keys_that_are_none_are_refused(tmp_path: Path) -> None:
    """Rubbish, another kind of key, or nothing at all; private and public."""
    Keyring.create(tmp_path / "master.key")
    elliptic = ec.generate_private_key(ec.SECP256R1())
    private = elliptic.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = elliptic.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for content in (b"rubbish", private):
        (tmp_path / "checkpoint.key").write_bytes(content)
        with pytest.raises(ConfigurationError, match=r"checkpoint\.key"):
            Keyring.load(tmp_path / "master.key")
    for content in (b"rubbish", public):
        (tmp_path / "checkpoint.pub").write_bytes(content)
        with pytest.raises(ConfigurationError, match=r"checkpoint\.pub"):
            load_public_key(tmp_path / "checkpoint.pub")
    (tmp_path / "checkpoint.key").unlink()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Keyring.load(tmp_path / "master.key")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_public_key(tmp_path / "none.pub")


def test_the_master_key_may_come_from_a_command(tmp_path: Path) -> None:
    """A vault prints it; a command that fails is a mistake of the configuration."""
    made = Keyring.create(tmp_path / "master.key")
    key = tmp_path / "checkpoint.key"
    command = [sys.executable, "-c", "import sys; print(open(sys.argv[1]).read())"]
    loaded = Keyring.from_command([*command, str(tmp_path / "master.key")], checkpoint_key=key)
    assert loaded.index("x") == made.index("x")
    for failing in ([sys.executable, "-c", "exit(3)"], [str(tmp_path / "none")]):
        with pytest.raises(ConfigurationError, match="gave none"):
            Keyring.from_command(failing, checkpoint_key=key)


def test_no_repr_shows_a_key(keyring: Keyring) -> None:
    """A keyring in a traceback tells nothing."""
    key, wrapped = keyring.new_case_key("c1")
    for text in (repr(keyring), repr(key)):
        assert wrapped.hex() not in text
        assert len(text) < 60


def test_a_case_key_is_kept_open_until_one_is_destroyed(keyring: Keyring) -> None:
    """The cipher is made once for the units of a birth; after a destruction none stays behind."""
    _, wrapped = keyring.new_case_key("c1")
    opened = keyring.case_key("c1", wrapped)
    assert keyring.case_key("c1", wrapped) is opened
    with pytest.raises(JournalError, match="case c2"):
        keyring.case_key("c2", wrapped)
    keyring.forget()
    assert keyring.case_key("c1", wrapped) is not opened
