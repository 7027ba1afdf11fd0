"""`icaro map explain`: paragraphs for a person, a tree for a program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main

BIRTH = "comune/nascita.yaml"
GIRL = "samples/femmina.hl7"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["map", "explain", *arguments])


def test_an_element_is_told_in_paragraphs() -> None:
    """What it is, its way, its conditions, what it rests on, the schema, the tests."""
    told = explain(BIRTH, "maternita/generalita/sesso").output
    assert told.startswith("dichiarazioneNascita/maternita/generalita/sesso   lib/persona.yaml:")
    for said in (
        "is         nk-15 | lookup(sesso, anpr)",
        "through    $use: dichiarazione()   comune/nascita.yaml:",
        "if         $when: mother_named   at dichiarazioneNascita/maternita",
        "reads      NK1-15  Administrative sex",
        "tables     sesso, column anpr",
        "schema     tipoSesso, a string, one of M F N; optional, once",
        "girl, single birth, married parents: F",
    ):
        assert said in told
    assert "in MSG" not in told


def test_with_a_message_each_step_has_its_value() -> None:
    """And the row of the table."""
    told = explain(BIRTH, "maternita/generalita/sesso", GIRL).output
    assert "dichiarazioneNascita/maternita/generalita/sesso = F" in told
    assert "nk-15 | lookup(sesso, anpr) → F   tables/sesso.csv:3" in told


def test_an_element_that_the_message_does_not_reach_says_so() -> None:
    """A condition above it does not hold."""
    told = explain(BIRTH, "maternita/generalita/sesso", "samples/anonima_spogliata.hl7").output
    assert "not reached" in told


def test_a_mistyped_target_has_a_guess() -> None:
    """And is a mistake of usage."""
    result = explain(BIRTH, "parto/pesoGrami")
    assert result.exit_code == 2
    assert "did you mean parto/pesoGrammi?" in result.output


def test_several_of_a_name_are_all_told() -> None:
    """The first ones whole, the others named."""
    result = explain(BIRTH, "sesso")
    assert result.output.count("  is         ") == 4
    many = explain(BIRTH, "codiceIstat")
    assert many.output.count("  is         ") == 4
    assert "also: " in many.output


def test_a_value_that_failed_tells_its_reason() -> None:
    """In the place of the value."""
    told = explain("comune/annullamento.yaml", "motivo", GIRL, "--inputs", "flow.motivo=").output
    assert "motivo = ✗ an annulment gives its reason" in told


def test_a_program_gets_a_tree() -> None:
    """One for each place that was found, with the steps where a message is given."""
    (one,) = json.loads(explain(BIRTH, "parto/pesoGrammi", GIRL, "--json").stdout)
    assert one["target"] == "attestazioneNascita/parto/pesoGrammi"
    assert "OBX-5" in one["fields"]
    assert one["seen"][0]["value"] == "3250"
    assert one["seen"][0]["steps"][0]["text"].startswith("grams(")
