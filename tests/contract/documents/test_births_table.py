"""Which message of the shared corpus opens a case, file by file: the table beside this test.

Read as the gateway reads it: the events are the flow's, whether a message of such an event is a
birth is the sender's profile's to say. No message of `adt/` is a birth to the default profile,
unless the table lists it with a reason.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

from gateway.errors import PeerError
from gateway.flow.definition import load_flow
from gateway.flow.reading import Reader
from gateway.hl7.message import Message
from gateway.mapping import Library

ROOT = Path(__file__).parents[3]
CORPUS = ROOT.parent / "shared" / "corpus"
with (Path(__file__).parent / "births_table.csv").open(encoding="utf-8", newline="") as _table:
    ROWS = list(csv.DictReader(_table))

needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus is not there")


@cache
def reader(profile: str) -> Reader:
    library = Library(ROOT / "mappings", ROOT / "xsd")
    flow = load_flow(ROOT / "mappings" / "nascita.flow.yaml")
    return Reader(flow, library, library.profile(profile))


def opens(path: Path, profile: str) -> bool:
    inputs: dict[str, dict[str, object]] = {"sender": {}, "scelta": {}, "partner": {}}
    return reader(profile).of(Message.parse(path.read_bytes()), inputs).opens()


@needs_corpus
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{Path(row['file']).stem}-{row['profile']}")
def test_the_table_is_true(row: dict[str, str]) -> None:
    """A case opens for each message exactly when the table says so."""
    assert opens(CORPUS / row["file"], row["profile"]) is (row["opens"] == "yes"), row["reason"]


@needs_corpus
def test_the_table_has_every_birth_and_every_italian_message() -> None:
    """No file of these two folders is left out."""
    listed = {row["file"] for row in ROWS}
    there = {
        path.relative_to(CORPUS).as_posix()
        for folder in ("births", "italy")
        for path in (CORPUS / folder).iterdir()
    }
    assert there <= listed


@needs_corpus
def test_every_birth_opens_with_its_profile() -> None:
    """The profile that was written for a hospital recognises that hospital's newborn."""
    opened = {row["file"] for row in ROWS if row["opens"] == "yes" and row["profile"] != "default"}
    assert {row["file"] for row in ROWS if row["file"].startswith("births/")} == opened


@needs_corpus
def test_no_other_message_of_the_corpus_is_a_birth() -> None:
    """The default profile takes no message of `adt/` for a birth, but those listed."""
    listed = {row["file"] for row in ROWS if row["profile"] == "default" and row["opens"] == "yes"}
    taken = set()
    for path in sorted((CORPUS / "adt").iterdir()):
        try:
            if opens(path, "default"):
                taken.add(f"adt/{path.name}")
        except PeerError:
            continue
    assert taken == {name for name in listed if name.startswith("adt/")}


def test_a_table_row_names_a_profile_that_ships() -> None:
    """Each profile of the table is in mappings/profiles."""
    shipped = {path.stem for path in (ROOT / "mappings" / "profiles").glob("*.yaml")}
    assert {row["profile"] for row in ROWS} <= shipped
