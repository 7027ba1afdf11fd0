"""What ANPR refuses and its schema does not: each rule is broken once, alone, on a whole document.

The documents are edited by hand, so the rules are held to what they say of a document, whoever
made it; that our own mapping keeps them is in the tests it carries.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from lxml import etree

from gateway.mapping import Result
from gateway.mapping.compiled import Compiled

from .conftest import ARCHIVE, MAPPINGS, PAPER, REQUEST, ROOT

OUR_OWN = "ATTO"
ABSENT = None
CHILD, FATHER, MOTHER = "generalita1001/generalita", "paternita/generalita", "maternita/generalita"
CONTROL, FAMILY, TIE = "datiControllo", "famConv", "legameSoggetto"
ACT, NATIONAL = "attoNascita", "attoNascitaANPR/attoANSC"
BORN = f"{CHILD}/luogoNascita"
ABROAD = (
    "<localita><descrizioneStato>ALBANIA</descrizioneStato>"
    "<codiceStato>201</codiceStato></localita>"
)
Edits = Mapping[str, "str | None"]


def _rules() -> list[dict[str, str]]:
    text = (MAPPINGS / "lib" / "regole_1001.yaml").read_text(encoding="utf-8")
    rules: list[dict[str, str]] = yaml.load(text, yaml.BaseLoader)["rules"]
    return rules


def _edited(document: etree._Element, edits: Edits) -> etree._Element:
    """The document with texts set, elements taken out (None) or put at an end (`…/+`)."""
    copy = deepcopy(document)
    for path, text in edits.items():
        holder_path, _, last = path.rpartition("/")
        holder = copy.find(holder_path) if holder_path else copy
        assert holder is not None, path
        if last == "+":
            holder.append(etree.fromstring(text or ""))
            continue
        element = holder.find(last)
        if element is None:
            assert text is not None, path
            element = etree.SubElement(holder, last)
        if text is None:
            holder.remove(element)
        else:
            element.text = text
    return copy


# A rule that stands once for the father and once for the mother is broken for each.
def _of_parent(parent: str) -> list[tuple[str, str, Edits]]:
    person, place = f"{parent}/generalita", f"{parent}/generalita/luogoNascita"
    return [
        ("EN140", person, {f"{person}/codiceFiscale": ABSENT, f"{person}/sesso": ABSENT}),
        ("EN140", person, {f"{person}/codiceFiscale": ABSENT, f"{person}/dataNascita": ABSENT}),
        ("EN140", person, {f"{person}/codiceFiscale": ABSENT, place: ABSENT}),
        ("ES050", place, {f"{place}/+": ABROAD}),
        ("EC148", f"{place}/comune", {f"{place}/comune/codiceIstat": "015999"}),
        ("EC150", f"{place}/comune/nomeComune", {f"{place}/comune/nomeComune": "ROMA"}),
        (
            "EC030",
            f"{place}/localita/codiceStato",
            {f"{place}/comune": ABSENT, f"{place}/+": ABROAD.replace("201", "990")},
        ),
        (
            "EC031",
            f"{place}/localita/descrizioneStato",
            {f"{place}/comune": ABSENT, f"{place}/+": ABROAD.replace("201", "215")},
        ),
        ("EC001", f"{parent}/statoCivile/statoCivile", {f"{parent}/statoCivile/statoCivile": "5"}),
        (
            "EC010",
            f"{parent}/statoCivile/noteStatoCivile",
            {f"{parent}/statoCivile/statoCivile": "9"},
        ),
        *_of_citizenship(f"{parent}/cittadinanza"),
    ]


def _of_citizenship(where: str) -> list[tuple[str, str, Edits]]:
    return [
        ("EC036", f"{where}/codiceStato", {f"{where}/codiceStato": "990"}),
        ("EC038", f"{where}/descrizioneStato", {f"{where}/descrizioneStato": "FRANCIA"}),
        ("EC011", f"{where}/noteStato", {f"{where}/codiceStato": "998"}),
    ]


def _of_act(act: str) -> list[tuple[str, str, Edits]]:
    comune = f"{act}/comuneRegistrazione"
    return [
        ("ES013", f"{act}/anno", {f"{act}/anno": "2025"}),
        ("ES013", f"{act}/anno", {f"{act}/anno": "2027"}),
        ("ES013", f"{act}/dataFormazioneAtto", {f"{act}/dataFormazioneAtto": "2026-02-28"}),
        ("EHR79", f"{act}/dataFormazioneAtto", {f"{act}/dataFormazioneAtto": "2026-03-07"}),
        ("EC075", comune, {f"{comune}/codiceIstat": "015999"}),
        ("EC077", f"{comune}/nomeComune", {f"{comune}/nomeComune": "MILANO"}),
    ]


BROKEN: list[tuple[str, str, Edits]] = [
    (
        "SP000",
        "testataRichiesta/operazioneRichiesta",
        {"testataRichiesta/operazioneRichiesta": "1002"},
    ),
    ("EHR26", "testataRichiesta/tipoOperazione", {"testataRichiesta/tipoOperazione": "A"}),
    (
        "EHR97",
        "testataRichiesta/dataDecorrenza",
        {"testataRichiesta/dataDecorrenza": ABSENT, TIE: ABSENT, FAMILY: ABSENT},
    ),
    ("ES038", CHILD, {f"{CHILD}/sesso": ABSENT}),
    ("ES038", CHILD, {f"{CHILD}/dataNascita": ABSENT}),
    ("ES038", CHILD, {BORN: ABSENT}),
    ("ES050", BORN, {f"{BORN}/+": ABROAD}),
    ("EC007", f"{BORN}/comune", {f"{BORN}/comune/codiceIstat": "015999"}),
    ("EC009", f"{BORN}/comune/nomeComune", {f"{BORN}/comune/nomeComune": "ROMA"}),
    (
        "EN339",
        f"{CHILD}/codiceFiscale/codFiscale",
        {f"{CHILD}/codiceFiscale/codFiscale": "RSSGLI26C41H501F"},
    ),
    ("EN340", f"{CHILD}/codiceFiscale/codFiscale", {f"{BORN}/comune": ABSENT, f"{BORN}/+": ABROAD}),
    ("ES070", f"{CONTROL}/gestioneCF", {f"{CHILD}/codiceFiscale": ABSENT}),
    ("ES090", f"{CONTROL}/gestioneCF", {f"{CONTROL}/gestioneCF": "0"}),
    ("EN125", f"{CONTROL}/gestioneCF", {f"{CONTROL}/gestioneCF": "1"}),
    ("EN125", f"{CONTROL}/gestioneCF", {f"{CONTROL}/gestioneCF": "2"}),
    ("ES080", ACT, {ACT: ABSENT}),
    *_of_act(ACT),
    *_of_citizenship("cittadinanza"),
    *_of_parent("paternita"),
    *_of_parent("maternita"),
    ("EF007", f"{TIE}/codiceLegame", {f"{TIE}/codiceLegame": "1"}),
    (
        "EF031",
        f"{FAMILY}/dataOrigineFamigliaConvivenza",
        {f"{FAMILY}/dataOrigineFamigliaConvivenza": "2026-03-02"},
    ),
]


@pytest.fixture(scope="module")
def document(register: Callable[..., Result]) -> etree._Element:
    """A request with all that rules speak of: a code, a family, both parents born in Italy."""
    family = {"idAnpr": "900012", "codiceLegame": "3", "origine": "2020-01-01"}
    code = {"codiceFiscale": "RSSGLI26C41F205V"}
    result = register("femmina", PAPER, {"famiglia": family, "codice_fiscale": code})
    assert [str(problem) for problem in result.problems] == []
    value: etree._Element = result.value
    return value


@pytest.mark.parametrize(
    ("code", "place", "edits"), BROKEN, ids=[f"{code} {place}" for code, place, _ in BROKEN]
)
def test_a_rule_refuses_what_breaks_it(
    request_1001: Compiled, document: etree._Element, code: str, place: str, edits: Edits
) -> None:
    """Told with ANPR's code at the element that is wrong."""
    assert list(request_1001.check(document)) == []
    problems = [problem.told for problem in request_1001.check(_edited(document, edits))]
    assert f"RULE {code} {place}" in problems
    # The family of 2 March is also later than the birth: one date, two rules of ANPR.
    assert set(problems) - {f"RULE EF032 {place}"} == {f"RULE {code} {place}"}


@pytest.mark.parametrize(("code", "place", "edits"), _of_act(NATIONAL))
def test_the_act_of_the_national_archive_is_held_to_the_same(
    request_1001: Compiled, register: Callable[..., Result], code: str, place: str, edits: Edits
) -> None:
    """Years, days and comuni as of the paper register's."""
    document = register("femmina", ARCHIVE, {"atto_ansc": {"data": "2026-03-05"}}).value
    assert list(request_1001.check(document)) == []
    problems = [problem.told for problem in request_1001.check(_edited(document, edits))]
    assert problems == [f"RULE {code} {place}"]


@pytest.mark.parametrize("parent", [FATHER, MOTHER])
def test_a_parent_has_one_name_at_least(
    request_1001: Compiled, document: etree._Element, parent: str
) -> None:
    """Without surname and without given name there is nobody to look for."""
    edited = deepcopy(document)
    person = edited.find(parent)
    assert person is not None
    refused = f"RULE ES044 {parent}"
    told = []
    for name, without in (("cognome", "senzaCognome"), ("nome", "senzaNome")):
        said = person.find(name)
        assert said is not None
        said.tag, said.text = without, "1"
        told.append(refused in [problem.told for problem in request_1001.check(edited)])
    assert told == [False, True]


def test_an_empty_group_is_no_act(request_1001: Compiled, document: etree._Element) -> None:
    """The schema lets the national archive's group be empty; ANPR wants an act in it."""
    edited = deepcopy(document)
    act = edited.find("attoNascita")
    assert act is not None
    act.tag = "attoNascitaANPR"
    act[:] = []
    assert [problem.told for problem in request_1001.check(edited)] == ["RULE ES080 attoNascita"]


def test_each_rule_is_broken_by_some_test() -> None:
    """No rule is only said: code and place are expected by the mapping's tests or by these."""
    tests = (MAPPINGS / REQUEST).read_text(encoding="utf-8")
    expected = set(re.findall(r"RULE (\w+) ([\w/]+)", tests))
    expected |= {(code, place) for code, place, _ in (*BROKEN, *_of_act(NATIONAL))}
    expected |= {("ES044", FATHER), ("ES044", MOTHER)}
    assert [rule["code"] for rule in _rules() if (rule["code"], rule["at"]) not in expected] == []


def test_the_codes_are_those_that_anpr_refuses_with(anpr: Path) -> None:
    """Each code is an error in the Ministry's list, not a warning; one is ours."""
    with (anpr / "errors_anpr.csv").open(encoding="utf-8-sig", newline="") as file:
        severity = {row[0].strip(): row[3].strip() for row in csv.reader(file)}
    codes = {rule["code"] for rule in _rules()} - {OUR_OWN}
    assert {code: severity.get(code) for code in codes if severity.get(code) != "E"} == {}


def _table() -> dict[str, str]:
    """Code → the row of the table in docs/anpr.md that speaks of it."""
    text = (ROOT / "docs" / "anpr.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\| `[A-Z]", line)]
    cells = [(row, row.split("|")[1]) for row in rows]
    return {code: row for row, cell in cells for code in re.findall(r"`([A-Z]{2,4}\w*)`", cell)}


def test_the_page_tells_of_every_rule() -> None:
    """What is refused, and with which code, can be looked up."""
    table = _table()
    assert sorted({rule["code"] for rule in _rules()} - table.keys()) == []


def test_the_page_names_no_code_that_is_not(anpr: Path) -> None:
    """Every code of the page is in the Ministry's list."""
    with (anpr / "errors_anpr.csv").open(encoding="utf-8-sig", newline="") as file:
        known = {row[0].strip() for row in csv.reader(file)}
    assert sorted(_table().keys() - known - {OUR_OWN}) == []
