"""Two versions of a mapping on the same messages: what differs, and the line that is why."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway import shipped
from gateway.mapping import Library
from gateway.mapping.changes.compared import NOTHING, Compared, compare

SHIPPED = Library(shipped.mappings(), shipped.xsd())
NAME = "comune/nascita.yaml"


def changed(tmp_path: Path, file: str, old: str, new: str, name: str = NAME) -> Compared:
    """The shipped mappings against themselves with one text of one file replaced."""
    folder = tmp_path / "new"
    shutil.copytree(shipped.mappings(), folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return compare(SHIPPED, Library(folder, shipped.xsd()), name)


def line_of(file: str, text: str) -> str:
    """`file:line` of the first line that holds a text."""
    lines = (shipped.mappings() / file).read_text(encoding="utf-8").splitlines()
    return f"{file}:{next(n for n, line in enumerate(lines, 1) if text in line)}"


@pytest.mark.parametrize(
    ("file", "old", "new", "at", "kind", "path"),
    [
        (
            "lib/nato.yaml",
            "given_names | upper | anpr_name",
            "PID-5[1].2 | upper",
            "given_names",
            "expression",
            "dichiarazioneNascita/generalita/nome",
        ),
        (
            "profiles/default.yaml",
            "'MTH', 'MOT')]\n  padre",
            "'MOT')]\n  padre",
            "  madre:",
            "definition madre",
            "attestazioneNascita/madreNonNominata",
        ),
        (
            "tables/sesso.csv",
            "F,F,femmina",
            "F,N,femmina",
            "F,F,femmina",
            "row",
            "attestazioneNascita/sesso",
        ),
        (
            "lib/notifica.yaml",
            "PID-24 == 'Y'\n          $text",
            "PID-24 == 'N'\n          $text",
            "- $when: PID-24 == 'Y'",
            "$when",
            "attestazioneNascita/parto/genereParto",
        ),
        (
            "lib/notifica.yaml",
            "$use: genitore(padre)",
            "$use: genitore(madre)",
            "$use: genitore(padre)",
            "$use",
            "dichiarazioneNascita/paternita/generalita/cognome",
        ),
        (
            "comune/nascita.yaml",
            "sesso.csv, key: hl7, missing: error",
            "sesso.csv, key: hl7, missing: absent",
            "  sesso:",
            "table sesso",
            "VALUE attestazioneNascita/sesso",
        ),
    ],
)
def test_what_changed_is_the_only_cause(
    tmp_path: Path, file: str, old: str, new: str, at: str, kind: str, path: str
) -> None:
    """An expression, a definition, a row, a condition, a call, a table: its line in NEW."""
    found = changed(tmp_path, file, old, new)
    assert [str(cause) for cause in found.causes] == [f"{line_of(file, at)}: {kind}"]
    (changes,) = found.causes.values()
    assert path in changes
    assert changes[path].old != changes[path].new
    assert 0 < changes[path].times <= found.changed <= found.runs


def test_what_is_no_longer_written_has_its_line_in_the_old_version(tmp_path: Path) -> None:
    """There is none in the new one."""
    when = "died and (scelta.morte ?? '') != 'dopo'"
    lines = f"    dataMorte:\n      $value: PID-29 | date\n      $when: {when}\n"
    found = changed(tmp_path, "lib/notifica.yaml", lines, "")
    (cause,) = found.causes
    assert str(cause) == f"{line_of('lib/notifica.yaml', '$value: PID-29')}: removed"
    (change,) = found.causes[cause].values()
    assert (change.path, change.new) == ("attestazioneNascita/dataMorte", NOTHING)


def test_a_problem_that_comes_is_a_difference_too(tmp_path: Path) -> None:
    """What the registry would no longer get, with its reason."""
    old, new = "PID-8 | lookup(sesso, anpr)\n    parto", "PID-10 | lookup(sesso, anpr)\n    parto"
    found = changed(tmp_path, "lib/notifica.yaml", old, new)
    (cause,) = found.causes
    assert "REQUIRED attestazioneNascita/sesso" in found.causes[cause]
    assert cause.kind == "expression"


@pytest.mark.parametrize("name", ["comune/esito.yaml", "ospedale/riscontro.yaml", NAME])
def test_the_same_mapping_differs_nowhere(name: str) -> None:
    """In all three directions, however its files are laid out."""
    found = compare(SHIPPED, Library(shipped.mappings(), shipped.xsd()), name)
    assert found.causes == {}
    assert found.runs > 0


def test_a_message_that_goes_back_differs_by_its_fields(tmp_path: Path) -> None:
    """Of an HL7 target the path is the field."""
    file = "ospedale/riscontro.yaml"
    text = (shipped.mappings() / file).read_text(encoding="utf-8")
    line = next(each for each in text.splitlines() if each.strip().startswith("PID-5.1.1:"))
    found = changed(tmp_path, file, line, f"{line} | lower", file)
    (cause,) = found.causes
    assert list(found.causes[cause]) == ["PID-5"]


def test_messages_of_a_corpus_are_run_too() -> None:
    """With the facts of the mapping's first test; what it cannot read is passed over."""
    birth = (shipped.mappings() / "samples/femmina.hl7").read_bytes()
    alone = compare(SHIPPED, SHIPPED, NAME).runs
    corpus = [("a.hl7", birth), ("b.xml", b"<a/>"), ("c.hl7", b"MSH")]
    assert compare(SHIPPED, SHIPPED, NAME, corpus).runs == alone + 1


def test_no_value_is_in_a_repr(tmp_path: Path) -> None:
    """What a message says is for the eyes of whoever asked, never for a log."""
    found = changed(tmp_path, "tables/sesso.csv", "F,F,femmina", "F,N,femmina")
    assert "'N'" not in repr(found)
