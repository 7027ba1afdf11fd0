"""Editions that somebody wrote into the tables are neither started with nor gone back to."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.config import Configuration, load
from gateway.errors import ConfigurationError, JournalError
from gateway.journal import EditionRow, Judgement
from gateway.reload import Opening, Reload, open_ground
from gateway.shipped import mappings
from gateway.snapshot import Snapshot
from gateway.trial import Refusal
from tests.births import House, deployment, now, run
from tests.unit.test_upkeep import Loop

PROFILE = "profiles/default.yaml"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A journal, and beside it an `icaro.yaml` with a folder of mappings."""
    with House(tmp_path) as made:
        shutil.copytree(mappings(), tmp_path / "mappings")
        path = deployment(tmp_path)
        path.write_text(path.read_text() + "mappings: mappings\n", encoding="utf-8")
        yield made


@pytest.fixture
def configuration(house: House, tmp_path: Path) -> Configuration:
    """Of that folder."""
    return load(tmp_path / "icaro.yaml")


@pytest.fixture
def in_use(house: House, configuration: Configuration) -> EditionRow:
    """The folder was in use, and then somebody broke it."""
    now = Snapshot.read(configuration.mappings)
    row = house.do(
        lambda unit: unit.judge_edition(
            Judgement.ADOPTED, digest=now.digest, files=now.files, by="start"
        )
    )
    (configuration.mappings / PROFILE).write_text("in the middle of an edit: [", encoding="utf-8")
    return row


def forge(house: House, row: EditionRow) -> Snapshot:
    """A profile that names every mother, all digests of both tables made to fit."""
    with house.journal.view() as view:
        files = view.edition_files(row)
    text = files[PROFILE].decode()
    line = next(each for each in text.splitlines() if each.startswith("  anonymous: "))
    files[PROFILE] = text.replace(line, "  anonymous: false").encode()
    wanted = Snapshot.of(files)
    digest = hashlib.sha256(files[PROFILE]).hexdigest()
    manifest = json.dumps({**row.files, PROFILE: digest})
    with sqlite3.connect(house.url.removeprefix("sqlite:///")) as database:
        packed = zlib.compress(files[PROFILE])
        database.execute("INSERT INTO edition_files VALUES (?, ?)", (digest, packed))
        database.execute("UPDATE editions SET files = ?, digest = ?", (manifest, wanted.digest))
    database.close()
    return wanted


def rollback(folder: Path, *arguments: str) -> Result:
    """`icaro map rollback`, by a person with a reason."""
    who = ("--by", "m.rossi", "--reason", "as it was", "-c", str(folder / "icaro.yaml"))
    return CliRunner().invoke(main, ["map", "rollback", *arguments, *who])


def test_a_broken_folder_gives_way_to_the_edition_in_use(
    house: House, configuration: Configuration, in_use: EditionRow
) -> None:
    """With the reasons why it is not what the folder holds."""
    opening = open_ground(configuration, house.journal)
    opening.folder.cleanup()
    assert opening.snapshot.digest == in_use.digest
    assert any(PROFILE in reason for reason in opening.reasons)


def test_a_broken_folder_without_an_edition_refuses(
    house: House, configuration: Configuration
) -> None:
    """As at a first start."""
    (configuration.mappings / PROFILE).write_text("[", encoding="utf-8")
    with pytest.raises(ConfigurationError):
        open_ground(configuration, house.journal)


def test_a_forged_edition_is_not_started_with(
    house: House, configuration: Configuration, in_use: EditionRow
) -> None:
    """Who can edit the database cannot make the gateway name a mother who wishes not to be."""
    forge(house, in_use)
    with pytest.raises(JournalError, match=f"editions/{in_use.id}: is not what the evidence"):
        open_ground(configuration, house.journal)


def test_a_forged_edition_is_not_gone_back_to(
    house: House, configuration: Configuration, in_use: EditionRow, tmp_path: Path
) -> None:
    """The folder stays as it is, and the person is told which row it was."""
    wanted = forge(house, in_use)
    before = Snapshot.read(configuration.mappings)
    for arguments in ((), (in_use.id,), (wanted.digest,)):
        done = rollback(tmp_path, *arguments)
        assert done.exit_code != 0
        assert f"editions/{in_use.id}: is not what the evidence tells of it" in done.output
    assert Snapshot.read(configuration.mappings) == before


def test_what_was_in_use_is_gone_back_to(
    configuration: Configuration, in_use: EditionRow, tmp_path: Path
) -> None:
    """The one file that differs is put back."""
    done = rollback(tmp_path)
    assert (done.exit_code, done.stdout) == (0, f"{PROFILE}\n"), done.output
    assert Snapshot.read(configuration.mappings).digest == in_use.digest


class Judge:
    """Refuses everything, and remembers what it was told to pass without comparing."""

    def __init__(self) -> None:
        self.known: list[bool] = []

    def judge(self, snapshot: Snapshot, *, known: bool) -> Refusal:
        """As Trial's."""
        self.known.append(known)
        return Refusal(snapshot, ("no",))

    def mappings_refused(self, reasons: object) -> None:
        """As Told's."""


def compared(house: House, opening: Opening, snapshot: Snapshot) -> bool:
    """Whether a folder that holds this would be compared with what followed."""
    judge: Any = Judge()
    reload = Reload(Loop(), opening, house.journal, now, judge, judge)
    run(reload.consider(snapshot))
    (known,) = judge.known
    return not known


def test_only_what_the_evidence_tells_of_is_not_compared(
    house: House, configuration: Configuration, in_use: EditionRow
) -> None:
    """Going back skips the shadow run; a row that says so of other files does not."""
    before, other = Snapshot.of({}), Snapshot.of({PROFILE: b""})
    with house.journal.view() as view:
        went = Snapshot.of(view.edition_files(in_use))
    opening = open_ground(configuration, house.journal)
    opening.folder.cleanup()
    opening = Opening(opening.ground, before, opening.folder)
    assert compared(house, opening, other)
    assert not compared(house, opening, went)
    assert compared(house, opening, forge(house, in_use))
