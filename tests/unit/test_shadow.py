"""A shadow run tells what a new edition would change, and keeps out what would lose a birth."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.casebook import Casebook
from gateway.edition import Edition
from gateway.shadow import Comparison, Shadow, Side
from tests.births import CHIARA, GIULIA, ROOT, SAMPLES, SENDER, House

NOW = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
ENVELOPE = b"<e:Envelope xmlns:e='urn:e'><e:Body>%s</e:Body></e:Envelope>"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A node where one birth went to every administration."""
    (tmp_path / "node").mkdir()
    with House(tmp_path / "node") as made:
        answer = (SAMPLES / "risposte" / "comune_accolta.xml").read_bytes()
        made.office.body = ENVELOPE % answer
        assert made.hears(GIULIA.message("A01")) == "AA"
        made.works()
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped mappings, to be edited."""
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    return tmp_path / "mappings"


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def side(house: House, folder: Path) -> Side:
    edition = Edition(folder, ROOT / "xsd", "nascita.flow.yaml")
    casebook = Casebook(edition.flow, house.directory, lambda _: SENDER, edition.reader)
    return Side(edition, casebook)


def compared(house: House, folder: Path) -> Comparison:
    """The edited folder against the shipped one, over the births of the house."""
    old, new = side(house, ROOT / "mappings"), side(house, folder)
    return house.look(lambda view: Shadow(view, old, new, NOW).compare(10))


def test_the_same_mappings_say_the_same(house: House, folder: Path) -> None:
    """Only the reading of each child is compared; documents of one content hash are not made."""
    assert compared(house, folder) == Comparison(1, {}, ())


def test_a_changed_document_is_counted_by_its_mapping(house: House, folder: Path) -> None:
    """It is what the integrator wanted: nothing is worse."""
    edit(folder, "lib/notifica.yaml", "denominazione: sender.nome", "denominazione: sender.asl")
    for name in ("comune/nascita.yaml", "comune/rettifica.yaml"):
        edit(folder, name, "nome: text}", "nome: text, asl: text}")
    found = compared(house, folder)
    assert found.changed == {"comune/nascita.yaml": 1}
    assert found.worse == ()


def test_a_document_that_could_be_made_and_no_longer_can_is_worse(
    house: House, folder: Path
) -> None:
    """By mapping, line and target, without a value."""
    name = "denominazione: sender.nome"
    edit(folder, "lib/notifica.yaml", name, f"{name} | lookup(sesso, anpr)")
    (told,) = compared(house, folder).worse
    assert told.startswith("comune/nascita.yaml:")
    assert "VALUE attestazioneNascita/centroNascita/denominazione" in told
    assert "Santa" not in told


def test_another_key_for_a_known_child_is_worse(house: House, folder: Path) -> None:
    """Its next message would open a second case: a birth registered twice."""
    edit(folder, "nascita.flow.yaml", "key: [newborn_authority, newborn_id]", "key: [newborn_id]")
    (told,) = compared(house, folder).worse
    assert "case.key" in told


def test_an_unnamed_mother_that_would_be_named_is_worse(house: House, folder: Path) -> None:
    """Whatever the edit was meant to do."""
    assert house.hears(replace(CHIARA, unnamed=True).message("A01")) == "AA"
    edit(folder, "nascita.flow.yaml", "  anonymous: anonymous", "  anonymous: stillborn")
    assert any("case.anonymous" in told for told in compared(house, folder).worse)


def test_an_answer_that_would_be_read_otherwise_is_counted(house: House, folder: Path) -> None:
    """Stored answers are read again, by the mapping of their step."""
    lost = "  esito:\n    $value: esito\n    $when: protocollo == 'none'\n"
    edit(folder, "comune/esito.yaml", "  esito: esito\n", lost)
    found = compared(house, folder)
    assert found.changed == {"comune/esito.yaml": 1}


def test_a_case_whose_key_was_destroyed_is_left_out(house: House, folder: Path) -> None:
    """There is nothing to read."""
    house.do(lambda unit: unit.destroy_key(house.case().id))
    assert compared(house, folder) == Comparison(0, {}, ())
