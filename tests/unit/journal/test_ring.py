"""The back-ups' key ring: one record a case key, gone for good once it is destroyed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import JournalError
from gateway.journal import Keyring
from gateway.journal.ring import HEAD, Ring, locked, name_of, unlocked
from gateway.journal.stored import new_id


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    """New keys."""
    return Keyring.create(tmp_path / "master.key")


@pytest.fixture
def ring(tmp_path: Path, keyring: Keyring) -> Ring:
    """A ring that is not there yet."""
    return Ring(tmp_path / "back-up.ring", keyring)


def test_a_key_is_locked_and_unlocked_again(ring: Ring, keyring: Keyring) -> None:
    """By the same record, also after the file was read anew."""
    case = new_id()
    _, wrapped = keyring.new_case_key(case)
    name = name_of(case, wrapped)
    held = locked(ring.add([name])[name], case, wrapped)
    assert wrapped not in held
    assert unlocked(ring.keys()[name], case, held) == wrapped
    with pytest.raises(JournalError):
        unlocked(ring.keys()[name], new_id(), held)


def test_a_destroyed_record_leaves_no_byte(ring: Ring, keyring: Keyring) -> None:
    """Destroyed and replaced keys are zeros in the file; cases that are not told of stay."""
    cases = [new_id() for _ in range(3)]
    keys = {case: keyring.new_case_key(case)[1] for case in cases}
    ring.add(name_of(case, key) for case, key in keys.items())
    before = ring.path.read_bytes()
    _, renewed = keyring.new_case_key(cases[1])
    assert ring.destroy({cases[0]: None, cases[1]: renewed}) == 2
    after = ring.path.read_bytes()
    assert after[16:176] == bytes(160)
    assert after[176:] == before[176:]
    assert set(ring.keys()) == {name_of(cases[2], keys[cases[2]])}


def test_a_torn_record_is_written_over(ring: Ring, keyring: Keyring) -> None:
    """A power failure in the middle of a record costs nothing that anybody was told of."""
    first, second = new_id(), new_id()
    names = [name_of(case, keyring.new_case_key(case)[1]) for case in (first, second)]
    ring.add(names[:1])
    with ring.path.open("ab") as file:
        file.write(b"torn")
    assert set(ring.keys()) == {names[0]}
    ring.add(names[1:])
    assert set(ring.keys()) == set(names)


def test_what_is_no_ring_is_not_written_to(ring: Ring, tmp_path: Path) -> None:
    """Another file, or another deployment's ring, is refused and left as it is."""
    ring.path.write_bytes(b"something else altogether")
    with pytest.raises(JournalError, match="no key ring"):
        ring.keys()
    other = Keyring.create(tmp_path / "other" / "master.key")
    ring.path.write_bytes(HEAD)
    case = new_id()
    Ring(ring.path, other).add([name_of(case, other.new_case_key(case)[1])])
    with pytest.raises(JournalError, match="another master key"):
        ring.keys()
