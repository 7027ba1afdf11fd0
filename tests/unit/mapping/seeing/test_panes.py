"""The three panes: what each line says, and where problems stand."""

from __future__ import annotations

import json
from typing import Any

from gateway import shipped
from gateway.mapping import Library
from gateway.mapping.seeing import traced
from gateway.mapping.seeing.panes import CLOSED, FAILED, WRITTEN, MappingLine, Panes, as_tree, panes
from gateway.mapping.tests import cases_of, given

SHIPPED = Library(shipped.mappings(), shipped.xsd())


def look(name: str, number: int = 0) -> Panes:
    known = traced(SHIPPED, name, "default")
    case = cases_of(SHIPPED, name)[number]
    source, inputs = given(SHIPPED, known.compiled, case)
    return panes(known, source, *known.run(source, inputs))


def line(found: Panes, target: str) -> MappingLine:
    return next(each for each in found.mapping if each.target == target)


def test_each_leaf_has_its_value_and_where_it_comes_from() -> None:
    """Expression, value, fields, rows of tables, and its place in the mapping."""
    one = line(look("comune/nascita.yaml"), "dichiarazioneNascita/maternita/generalita/sesso")
    assert (one.text, one.value, one.state) == ("nk-15 | lookup(sesso, anpr)", "F", WRITTEN)
    assert "NK1-15" in one.read
    assert one.rows == ("tables/sesso.csv:3",)
    assert one.position.file == "lib/persona.yaml"
    assert "NK1-15" in one.links


def test_a_block_stands_wherever_it_is_used() -> None:
    """Father and mother have lines of their own, with their own values."""
    targets = [each.target for each in look("comune/nascita.yaml").mapping]
    for parent in ("paternita", "maternita"):
        assert f"dichiarazioneNascita/{parent}/generalita/cognome" in targets


def test_what_was_not_reached_is_there_and_closed() -> None:
    """A branch that was not taken shows its expressions without values."""
    found = look("comune/nascita.yaml")
    closed = [each for each in found.mapping if each.state == CLOSED]
    assert {"localitaEstera", "localita"} <= {each.key for each in closed}
    assert all(each.value in ("", "false", "absent") for each in closed)


def test_conditions_tell_how_they_went() -> None:
    """Of an element, and of each alternative that was asked."""
    found = [(each.key, each.text, each.value) for each in look("comune/nascita.yaml").mapping]
    assert ("$when", "mother_named", "true") in found
    assert ("- $when", "mother_named and married", "true") in found
    assert ("$each", "OBX[2 == 'ED'][*]", "1 found") in found


def test_a_leaf_that_failed_says_why() -> None:
    """In its own line, and beside the document."""
    found = look("comune/annullamento.yaml", 1)
    failed = [each for each in found.mapping if each.state == FAILED]
    assert [(each.key, each.reason) for each in failed] == [
        ("motivo", "an annulment gives its reason")
    ]
    (missing,) = [each for each in found.document if each.problems]
    assert (missing.name, missing.missing) == ("motivo", True)


def test_items_of_a_list_are_told_apart() -> None:
    """Each has a heading with its number, and its own values."""
    found = look("comune/esito.yaml", 2)
    assert [each.key for each in found.mapping if each.key.startswith("[")] == ["[1]", "[2]"]
    assert line(found, "errore[2].codice").value == "COM003"


def test_facts_and_messages_are_documents_too() -> None:
    """A line for each fact; for a message, segments and their fields."""
    facts = look("comune/esito.yaml")
    assert ("esito", "ACCOLTA") in [(each.name, each.text) for each in facts.document]
    answer = look("ospedale/riscontro.yaml")
    assert "PID-8" in [each.target for each in answer.document]


def test_what_is_filled_and_not_read_is_counted() -> None:
    """The two ends do not meet there; what is exempt is not of them."""
    unread = {one.path for one in look("comune/nascita.yaml").unread}
    assert "PV1-19" in unread
    assert unread.isdisjoint({"PID-1", "MSH-10", "PID-8"})


def test_a_program_gets_the_same() -> None:
    """Plain tables and texts, which JSON can hold."""
    tree: dict[str, Any] = json.loads(json.dumps(as_tree(look("comune/nascita.yaml"))))
    assert set(tree) == {"source", "mapping", "document", "problems"}
    assert tree["problems"] == []
    sex = next(each for each in tree["mapping"] if each["target"] == "attestazioneNascita/sesso")
    assert (sex["value"], sex["position"]) == ("F", "lib/notifica.yaml:21:12")
