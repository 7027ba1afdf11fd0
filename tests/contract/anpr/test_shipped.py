"""The mappings for ANPR, held against its real schemas."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from gateway.mapping import Library, Result
from gateway.mapping.lint import lint_mapping, mappings_in, waiting_in
from gateway.mapping.tests import run_tests
from gateway.xml import parse

from .conftest import ARCHIVE, MAPPINGS, PAPER, REQUEST, ROOT

OURS = ("anpr/ansc-nascita.yaml", "anpr/esito-1001.yaml", REQUEST)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("profile", ["default", "dialect_nnita", "dialect_cf"])
def test_the_checker_finds_nothing(library: Library, name: str, profile: str) -> None:
    """Against the Ministry's schema, for every Italian profile."""
    assert [str(finding) for finding in lint_mapping(library, name, profile)] == []


@pytest.mark.parametrize("name", OURS)
def test_their_own_tests_pass(library: Library, name: str) -> None:
    """What the mapping says of itself is true; each passing document is valid too."""
    results = run_tests(library, name)
    assert results
    assert [(result.name, result.failures) for result in results if not result.passed] == []


def test_they_wait_where_the_schemas_are_not() -> None:
    """The repository holds none of the Ministry's files, and the mappings are no mistake in it."""
    shipped = Library(MAPPINGS, ROOT / "xsd")
    assert sorted(waiting_in(shipped)) == sorted(OURS)
    assert not set(OURS) & set(mappings_in(shipped))
    assert [path.name for path in (ROOT / "xsd" / "anpr").iterdir()] == ["README.md"]


def test_they_wait_for_nothing_where_the_schemas_are(library: Library) -> None:
    """Put into the folder, the schemas are used without any other change."""
    assert waiting_in(library) == {}
    assert set(OURS) <= set(mappings_in(library))


def test_the_readme_names_every_file_that_is_needed(anpr: Path) -> None:
    """Who puts there what the README lists has all."""
    text = (ROOT / "xsd" / "anpr" / "README.md").read_text(encoding="utf-8")
    needed = (*(anpr / "comuni").glob("*.xsd"), *(anpr / "ansc" / "xsd").glob("*.xsd"))
    assert [path.name for path in needed if f"`{path.name}`" not in text] == []


BIRTHS = (
    ("femmina", PAPER, {}),
    ("femmina", ARCHIVE, {}),
    ("maschio", PAPER, {}),
    ("maschio", PAPER, {"|Y|BTH|1": "|N|MTH|2"}),
    ("gemello_1", PAPER, {}),
    ("gemello_2", PAPER, {}),
    ("femmina", PAPER, {"100^Italiana": "ALB^Albanese", "^ITA^N^^108033": "^ALB^N^^999201"}),
)


@pytest.mark.parametrize(("sample", "act", "changed"), BIRTHS)
def test_a_document_is_valid_for_the_ministrys_schema_alone(
    register: Callable[..., Result],
    anpr: Path,
    sample: str,
    act: dict[str, dict[str, object]],
    changed: dict[str, str],
) -> None:
    """The untouched schema, in its own folder, read by nothing of ours."""
    result = register(sample, act, **changed)
    assert [str(problem) for problem in result.problems] == []
    schema = etree.XMLSchema(etree.parse(anpr / "comuni" / "1000iscrizione.xsd"))
    schema.assertValid(etree.fromstring(etree.tostring(result.value)))
    acts = [result.value.find(name) is not None for name in ("attoNascita", "attoNascitaANPR")]
    assert sorted(acts) == [False, True]


@pytest.mark.parametrize("path", sorted((MAPPINGS / "samples" / "risposte").glob("anpr_*.xml")))
def test_a_sample_of_an_answer_is_one_that_anpr_could_give(anpr: Path, path: Path) -> None:
    """Our samples follow the real schema."""
    etree.XMLSchema(etree.parse(anpr / "comuni" / "1000iscrizione.xsd")).assertValid(
        etree.parse(path)
    )


@pytest.mark.parametrize("path", sorted((MAPPINGS / "samples" / "risposte").glob("ansc_*.xml")))
def test_a_sample_of_a_notice_is_one_that_the_archive_could_send(anpr: Path, path: Path) -> None:
    """Our samples follow the real schema."""
    schema = anpr / "ansc" / "xsd" / "predisposizioneAnagrafica.xsd"
    etree.XMLSchema(etree.parse(schema)).assertValid(etree.parse(path))


def test_the_ministrys_example_of_a_birth_is_read(library: Library, anpr: Path) -> None:
    """The published notice becomes facts: the act, the child, the parents."""
    compiled = library.mapping("anpr/ansc-nascita.yaml", library.profile("default"))
    result = compiled.run(parse((anpr / "ansc" / "esempi" / "nascita.xml").read_bytes()), {})
    assert [str(problem) for problem in result.problems] == []
    facts = result.value
    assert facts["idAnsc"] == "2023-2810235-4323432-016017"
    assert (facts["comune"], facts["anno"], facts["numeroComunale"]) == (
        "016017",
        "2022",
        "4323432",
    )
    assert (facts["nato[1].sesso"], facts["nato[1].dataNascita"]) == ("M", "2023-03-08")
    assert facts["nato[1].comuneNascita"] == "058091"
    assert (facts["padre.scheda"], facts["madre.scheda"]) == ("1234567", "7654321")
    assert facts["padre.codiceFiscaleValido"] == "false"


@pytest.mark.parametrize("name", ["morte-intestatario-con-coniuge", "matrimonio", "cittadinanza"])
def test_the_notice_of_another_event_is_not_for_it(library: Library, anpr: Path, name: str) -> None:
    """A death or a marriage is refused as not for this mapping, not misread."""
    compiled = library.mapping("anpr/ansc-nascita.yaml", library.profile("default"))
    result = compiled.run(parse((anpr / "ansc" / "esempi" / f"{name}.xml").read_bytes()), {})
    assert [problem.told for problem in result.problems] == ["NOT_FOR_THIS"]


def test_the_archives_notice_feeds_the_registration(
    library: Library, register: Callable[..., Result]
) -> None:
    """What is read of the notice is the act that the request names."""
    compiled = library.mapping("anpr/ansc-nascita.yaml", library.profile("default"))
    notice = (MAPPINGS / "samples" / "risposte" / "ansc_nascita.xml").read_bytes()
    facts = compiled.run(parse(notice), {}).value
    names = ("idAnsc", "comune", "anno", "numeroComunale", "data")
    result = register("femmina", {"atto_ansc": {name: facts[name] for name in names}})
    assert [str(problem) for problem in result.problems] == []
    act = result.value.find("attoNascitaANPR/attoANSC")
    assert act.findtext("idANSC") == facts["idAnsc"]
    assert act.findtext("comuneRegistrazione/nomeComune") == "SESTO SAN GIOVANNI"
