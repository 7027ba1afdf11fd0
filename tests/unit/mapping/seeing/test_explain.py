"""Where an element comes from, before any message and with one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway import shipped
from gateway.mapping import Library
from gateway.mapping.seeing import Traced, traced
from gateway.mapping.seeing.evaluation import evaluation
from gateway.mapping.seeing.explain import Explanation, explain, find, guess, leaves_of
from gateway.mapping.seeing.origin import signature_of
from gateway.mapping.seeing.schema_words import schema_words
from gateway.mapping.tests import cases_of, given

SHIPPED = Library(shipped.mappings(), shipped.xsd())
MOTHER = "dichiarazioneNascita/maternita/generalita/sesso"
HEAD = "lang: 1\nmapping: m\nsource: {hl7: '2.5'}\ntarget: {xsd: doc.xsd, root: doc}\n"


@pytest.fixture(scope="module")
def birth() -> Traced:
    return traced(SHIPPED, "comune/nascita.yaml", "default")


def told(known: Traced, target: str) -> Explanation:
    return explain(SHIPPED, known, find(known, target)[0])


def test_an_element_is_found_by_the_end_of_its_path(birth: Traced) -> None:
    """In any block; a whole path is itself, even where others end so."""
    assert [site.target for site in find(birth, "maternita/generalita/sesso")] == [MOTHER]
    assert len(find(birth, "generalita/sesso")) == 3
    assert [site.target for site in find(birth, MOTHER)] == [MOTHER]
    assert [site.target for site in find(birth, "allegato[2]/nome")] == ["allegato/nome"]
    assert find(birth, "esso") == []


def test_a_mistyped_path_has_a_guess(birth: Traced) -> None:
    """Compared with the ends of paths as long as what was typed."""
    assert guess(birth, "parto/pesoGrami") == "; did you mean parto/pesoGrammi?"
    assert guess(birth, "attestazioneNascita/seso") == "; did you mean attestazioneNascita/sesso?"
    assert guess(birth, "zzz") == ""


def test_a_leaf_in_a_block_is_told_with_all_its_way(birth: Traced) -> None:
    """Expression, blocks, conditions, fields, names, functions, table columns."""
    one = told(birth, MOTHER)
    assert [value.text for value in one.values] == ["nk-15 | lookup(sesso, anpr)"]
    assert [use.text for use in one.uses] == [
        *("dichiarazione()", "genitore(madre)", "generalita_genitore(nk)"),
    ]
    assert [(gate.word, gate.text, gate.target) for gate in one.gates] == [
        ("$when", "mother_named", "dichiarazioneNascita/maternita")
    ]
    assert one.field_names == {"NK1-15": "Administrative sex"}
    assert [named.text for named in one.origin.names.values()] == [
        "madre",
        "NK1[3.1 in ('MTH', 'MOT')]",
    ]
    assert list(one.origin.functions) == ["lookup"]
    assert [tuple(column) for column in one.origin.columns] == [("sesso", "anpr")]
    assert "mother_named" in one.conditions.names


def test_a_choice_tells_each_value_with_its_condition(birth: Traced) -> None:
    """Fixed texts too; the last has none but that the others do not hold."""
    values = told(birth, "attestazioneNascita/vitalita").values
    assert [(each.text, each.fixed) for each in values] == [
        ("NATO_VIVO", True),
        ("NATO_MORTO", True),
        ("MORTO_PRIMA_DELLA_DICHIARAZIONE", True),
    ]
    assert [each.conditions[-1].otherwise for each in values] == [False, False, True]


def test_definitions_with_parameters_and_facts_are_followed(birth: Traced) -> None:
    """To the fields they read in the end, through aliases and calls."""
    place = told(birth, "attestazioneNascita/luogoNascita/comune/nomeComune")
    assert {"PID-11", "PID-7"} <= set(place.origin.fields)
    assert "sender.comune" in place.origin.facts
    assert "istat_of(address)" in place.origin.names
    paper = told(birth, "allegato/tipoMime")
    assert list(paper.origin.fields) == ["OBX-5"]
    assert [gate.word for gate in paper.gates] == ["$each"]


def test_the_tests_that_touch_it_are_named_and_those_that_expect_it(birth: Traced) -> None:
    """With the value that each gives it."""
    touches = {touch.test: touch for touch in told(birth, "datiControllo/gestioneCF").touches}
    first = touches["girl, single birth, married parents"]
    assert (first.value, first.expects) == ("3", True)
    assert not touches["second of twins"].expects
    anonymous = touches["a mother who does not want to be named"]
    assert (anonymous.value, anonymous.expects) == ("1", True)
    father = told(birth, "dichiarazioneNascita/paternita/generalita/cognome").touches
    assert "a father who does not recognise is not named" not in {touch.test for touch in father}


def test_an_expected_error_touches_its_element(birth: Traced) -> None:
    """A test may expect that it is missing."""
    touches = told(birth, "attestazioneNascita/parto/ordineNascita").touches
    assert ("absent", True) in [(touch.value, touch.expects) for touch in touches]


def test_an_element_of_elements_says_what_it_holds(birth: Traced) -> None:
    """And has no expression of its own."""
    one = told(birth, "attestazioneNascita/parto/apgar")
    assert one.values == ()
    assert one.below == ("minuto1", "minuto5", "minuto10")


def test_the_schema_is_told_in_words(birth: Traced) -> None:
    """Type, values, how often, and its own sentences."""
    schema = told(birth, MOTHER).schema
    assert schema is not None
    assert schema.type == "tipoSesso, a string, one of M F N"
    assert schema.occurs == "optional, once"
    assert schema.sentences == ("M, F, or N where it is not known.",)
    papers = told(birth, "allegato").schema
    assert papers is not None
    assert papers.occurs == "optional, up to 10 times"
    assert papers.type.endswith("which holds elements")


def test_facets_choices_and_attributes_are_told(library: Library) -> None:
    """Lengths and patterns; what may stand instead; an attribute is required or not."""
    doc = library.xsd / "doc.xsd"
    short, one, unit = (
        schema_words(doc, "doc", target) for target in ("corto", "scelta/uno", "peso/@unita")
    )
    assert short is not None
    assert one is not None
    assert unit is not None
    assert "at most 3 characters" in short.type
    assert one.occurs == "one of a choice, once"
    assert unit.occurs == "required, once"
    text = schema_words(doc, "doc", "testo")
    assert text is not None
    assert text.nillable
    assert text.occurs == "optional, any number of times"
    for nowhere in ("nobody", "corto/x", "peso/@x"):
        assert schema_words(doc, "doc", nowhere) is None
    assert schema_words(doc, "nobody", "") is None


def test_answers_and_messages_are_explained_too() -> None:
    """Of an answer the path, of a message that goes back the field; neither has a schema."""
    answer = traced(SHIPPED, "comune/esito.yaml", "default")
    one = told(answer, "errore.codice")
    assert [value.text for value in one.values] == ["e/codice"]
    assert one.origin.names["e"].text == "errore[*]"
    assert one.schema is None
    back = traced(SHIPPED, "ospedale/riscontro.yaml", "default")
    assert {site.target for site in find(back, "PID-3[+].5")} == {"PID-3[+].5"}


def test_each_intermediate_value_of_a_message_is_told(birth: Traced) -> None:
    """The outermost first, with fields and rows; what is remembered is told once."""
    case = cases_of(SHIPPED, "comune/nascita.yaml")[0]
    _, trace = birth.run(*given(SHIPPED, birth.compiled, case))
    (leaf,) = leaves_of(trace, find(birth, MOTHER)[0])
    steps = [(step.depth, step.text, step.value, step.rows) for step in evaluation(leaf.step)]
    assert steps == [
        (0, "nk-15 | lookup(sesso, anpr)", "F", ("tables/sesso.csv:3",)),
        (1, "nk-15", "F", ()),
    ]
    assert "NK1-15" in evaluation(leaf.step)[1].places


def test_a_step_that_failed_tells_its_reason(birth: Traced) -> None:
    """And a look that found no row says that there is none."""
    cases = {case.name: case for case in cases_of(SHIPPED, "comune/nascita.yaml")}
    case = cases["a sex that is in no table"]
    _, trace = birth.run(*given(SHIPPED, birth.compiled, case))
    (leaf,) = leaves_of(trace, find(birth, "attestazioneNascita/sesso")[0])
    first = evaluation(leaf.step)[0]
    assert first.rows == ("tables/sesso.csv: no row",)
    assert "has no row for this code" in first.reason


def test_every_function_has_its_sentence() -> None:
    """Those that look at paths and tables too."""
    for name in ("upper", "date", "lookup", "exists", "count", "is_null"):
        signature, sentence = signature_of(name)
        assert signature.startswith(f"{name}(")
        assert sentence.endswith(".")


def test_names_that_stand_for_one_another_come_to_an_end(written: Callable[..., Library]) -> None:
    """A parameter passed on under its own name, through blocks and lets."""
    text = (
        "let:\n  f(x): x.1\nblocks:\n  a(x): {nome: f(x)}\n  b(x): {$use: a(x)}\n"
        "emit:\n  persona: {$use: 'b(PID-5[1])', cognome: PID-8}\n"
    )
    library = written(m=HEAD + text)
    known = traced(library, "m.yaml", "default")
    one = explain(library, known, find(known, "persona/nome")[0])
    assert list(one.origin.fields) == ["PID-5"]
    assert one.origin.names["f(x)"].text == "x.1"
