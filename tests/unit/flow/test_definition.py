"""The flow file: what it says as frozen values, and every mistake with its line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.errors import ConfigurationError
from gateway.flow.definition import MAPS, Flow, load_flow
from tests.births import ROOT, flow_of

SHORT = """\
lang: 1
flow: prova
case:
  key: [newborn_id]
  open: {events: [A01], when: newborn}
  cancel: {events: [A11]}
  declared: named
  anonymous: anonymous
steps:
  comune:
    partner: comune
    maps: {register: comune/nascita.yaml}
  assistito:
    partner: asl
    needs: [comune]
    hold: 10 days
    maps: {register: asl/iscrizione.yaml, amend: asl/variazione.yaml}
"""


def written(folder: Path, text: str) -> Flow:
    """A flow file of a test's own."""
    path = folder / "prova.flow.yaml"
    path.write_text(text, encoding="utf-8")
    return load_flow(path)


def problems(folder: Path, text: str) -> list[str]:
    """Everything that is wrong with it."""
    with pytest.raises(ConfigurationError) as caught:
        written(folder, text)
    return list(caught.value.problems)


def test_a_flow_says_its_steps(tmp_path: Path) -> None:
    """Partners, mappings, needs and embargoes, in the order of the file."""
    flow = written(tmp_path, SHORT)
    assert flow.name == "prova"
    assert list(flow.steps) == ["comune", "assistito"]
    step = flow.steps["assistito"]
    assert step.hold == timedelta(days=10)
    assert (step.reads, step.optional) == (frozenset({"comune"}), False)
    assert flow.steps["comune"].hold is None


def test_a_step_reads_what_it_needs_and_what_it_follows() -> None:
    """The answer to the hospital is made again when the Comune, the ASL or the Agenzia tell."""
    step = flow_of().steps["riscontro"]
    assert step.reads == {"codice_fiscale", "comune", "assistito", "pediatra"}


@pytest.mark.parametrize(("event", "means"), [("A01", True), ("A11", True), ("A02", False)])
def test_events_that_mean_nothing_are_known(tmp_path: Path, event: str, means: bool) -> None:
    """Of millions of other messages only those that can concern a birth are looked into."""
    assert written(tmp_path, SHORT).means(event) is means


def test_every_part_has_its_line(tmp_path: Path) -> None:
    """An expression that does not compile is told with the line of the flow file."""
    flow = written(tmp_path, SHORT)
    assert flow.where("case", "open", "when") == "prova.flow.yaml:5"
    assert flow.where("steps", "assistito", "hold") == "prova.flow.yaml:16"


def test_the_content_hash_changes_with_the_file(tmp_path: Path) -> None:
    """Which flow a node runs can be told from its hash."""
    one = written(tmp_path, SHORT)
    assert one.content_hash == written(tmp_path, SHORT).content_hash
    assert one.content_hash != written(tmp_path, SHORT + "# changed\n").content_hash
    assert len(one.content_hash) == 64


def test_a_step_that_is_not_there_cannot_be_needed(tmp_path: Path) -> None:
    """Every unknown step, under needs and follows, with its line."""
    text = SHORT.replace("needs: [comune]", "needs: [comun, x]\n    follows: [y]")
    assert problems(tmp_path, text) == [
        "prova.flow.yaml:15: steps.assistito.needs: 'comun' is no step of this flow",
        "prova.flow.yaml:15: steps.assistito.needs: 'x' is no step of this flow",
        "prova.flow.yaml:16: steps.assistito.follows: 'y' is no step of this flow",
    ]


def test_the_step_that_transmits_is_there(tmp_path: Path) -> None:
    """Named, it must be a step; unnamed, it is the Comune's."""
    assert written(tmp_path, SHORT).case.transmits == "comune"
    named = SHORT.replace("  declared: named\n", "  declared: named\n  transmits: comun\n")
    assert problems(tmp_path, named) == [
        "prova.flow.yaml:8: case.transmits: 'comun' is no step of this flow"
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "word"),
    [
        ("lang: 1", "lang: 2", 1, "lang"),
        ("declared: named", "declarde: named", 7, "did you mean 'declared'"),
        ("{register: comune/nascita.yaml}", "{registr: x}", 12, "must be one of"),
        ("hold: 10 days", "hold: soon", 16, "hold"),
        ("hold: 10 days", "hold_from: midnight", 16, "hold_from"),
        ("    partner: asl\n", "", 13, "steps.assistito.partner: missing"),
        ("key: [newborn_id]", "key: ['']", 4, "key"),
    ],
)
def test_a_mistake_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, word: str
) -> None:
    """Before the first message, and in words that say what would pass."""
    assert old in SHORT
    told = problems(tmp_path, SHORT.replace(old, new, 1))
    assert [text for text in told if text.startswith(f"prova.flow.yaml:{line}:") and word in text]


def test_a_flow_that_is_not_there_is_told(tmp_path: Path) -> None:
    """No traceback for a wrong path."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_flow(tmp_path / "none.flow.yaml")


def test_a_flow_is_frozen(tmp_path: Path) -> None:
    """Nothing changes what a node was started with."""
    flow = written(tmp_path, SHORT)
    with pytest.raises(ValidationError):
        flow.steps["comune"].partner = "asl"  # type: ignore[misc]  # that is the point


def test_the_shipped_flow_names_only_mappings_that_are_there() -> None:
    """Every document of every step is shipped."""
    for step in flow_of().steps.values():
        assert set(step.maps) <= set(MAPS)
        assert {"register"} <= set(step.maps)
        for name in step.maps.values():
            assert (ROOT / "mappings" / name).is_file(), name
