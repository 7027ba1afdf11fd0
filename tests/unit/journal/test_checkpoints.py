"""Checkpoints: signed, lined up in a file, found out if edited."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.journal import Journal, Keyring
from gateway.journal.checkpoints import Checkpoint, append, make

HEADS = {"n1": (7, "ab" * 32), "n2": (1, "cd" * 32)}
AT = "2026-11-21T10:00:00.000000Z"


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    """New keys."""
    return Keyring.create(tmp_path / "keys" / "master.key")


def test_a_checkpoint_goes_through_its_line(keyring: Keyring) -> None:
    """And is still signed, by this key and no other."""
    made = make(keyring, AT, HEADS)
    again = Checkpoint.of_line(made.line())
    assert again == made
    assert again.witnessed() == HEADS
    assert again.signed_by(keyring.public_key)


def test_every_part_of_a_checkpoint_is_signed(keyring: Keyring, tmp_path: Path) -> None:
    """Id, time, heads and key id: none can be changed."""
    made = make(keyring, AT, HEADS)
    other = Keyring.create(tmp_path / "other" / "master.key")
    assert not made.signed_by(other.public_key)
    for changed in (
        Checkpoint("x", made.at, made.heads, made.signature, made.key_id),
        Checkpoint(made.id, "x", made.heads, made.signature, made.key_id),
        Checkpoint(made.id, made.at, "{}", made.signature, made.key_id),
        Checkpoint(made.id, made.at, made.heads, made.signature, "x"),
        Checkpoint(made.id, made.at, made.heads, b"", made.key_id),
    ):
        assert not changed.signed_by(keyring.public_key)


@given(st.text() | st.sampled_from(["{}", "[]", "null", '{"id":1,"at":1,"heads":1}']))
def test_a_line_that_is_no_checkpoint_is_a_value_error(line: str) -> None:
    """Whatever somebody wrote into the file."""
    with pytest.raises(ValueError, match=r"."):
        Checkpoint.of_line(line)


@pytest.mark.parametrize("heads", ["[]", "{", '{"n":1}', '{"n":["a","b"]}', '{"n":[1]}', "1"])
def test_heads_that_are_none_are_a_value_error(heads: str) -> None:
    """Whatever stands in the table."""
    with pytest.raises(ValueError, match=r"."):
        Checkpoint("i", AT, heads, b"", "k").witnessed()


def test_lines_are_added_for_us_alone_and_a_torn_one_is_dropped(
    keyring: Keyring, tmp_path: Path
) -> None:
    """What a power failure left of a line must not spoil the next."""
    path = tmp_path / "checkpoints"
    made = [make(keyring, AT, HEADS) for _ in range(3)]
    for checkpoint in made[:2]:
        append(path, checkpoint)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open("a") as file:
        file.write(made[2].line()[:40])
    append(path, made[2])
    assert [Checkpoint.of_line(line) for line in path.read_text().splitlines()] == made


def test_a_line_is_on_the_disk_before_append_returns(
    keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint that a power failure takes away has witnessed nothing."""
    synced: list[bytes] = []
    path = tmp_path / "checkpoints"
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.read_bytes()))
    made = make(keyring, AT, HEADS)
    append(path, made)
    assert synced == [made.line().encode() + b"\n"]


def test_heads_are_signed_at_the_first_entry_then_by_count_and_at_the_end(
    tmp_path: Path, keyring: Keyring
) -> None:
    """So no chain is ever without a checkpoint, and none ends without one."""
    url = f"sqlite:///{tmp_path}/i.db"
    options = {"node": "n1", "keyring": keyring, "checkpoint_entries": 3}
    with Journal.open(url, **options) as journal:

        def heads() -> list[int]:
            with journal.view() as view:
                return [each.witnessed()["n1"][0] for each in view.checkpoints()]

        seen = []
        for _ in range(8):
            journal.run(lambda unit: unit.record("x"))
            seen.append(heads())
        assert seen[0] == seen[1] == [1]
        assert seen[-1] == [1, 4, 7]
        journal.checkpoint()
        assert heads() == [1, 4, 7, 8]
        journal.run(lambda unit: unit.record("x"))
    with Journal.open(url, **options) as journal:
        assert heads() == [1, 4, 7, 8, 9]


def test_a_file_that_cannot_be_written_is_told_but_loses_nothing(
    tmp_path: Path, keyring: Keyring
) -> None:
    """The group is committed; the journal says that its witness is missing."""
    url = f"sqlite:///{tmp_path}/i.db"
    (tmp_path / "folder").mkdir()
    with Journal.open(url, node="n1", keyring=keyring, side_file=tmp_path / "folder") as journal:
        journal.run(lambda unit: unit.record("x"))
        health = journal.health()
        assert (health.healthy, health.error) == (False, "after the commit: IsADirectoryError")
        with journal.view() as view:
            assert [entry.what for entry in view.evidence()] == ["x"]
