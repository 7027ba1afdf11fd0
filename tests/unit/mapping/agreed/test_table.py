"""The table of a mapping: every value that it writes, and where it comes from."""

from __future__ import annotations

import pytest

from gateway import shipped
from gateway.mapping import Library
from gateway.mapping.agreed.table import Agreed, Row, agreed
from gateway.mapping.lint import mappings_in
from gateway.mapping.seeing import traced
from gateway.mapping.tracing import LEAF

SHIPPED = Library(shipped.mappings(), shipped.xsd())


@pytest.fixture(scope="module")
def birth() -> Agreed:
    return agreed(SHIPPED, "comune/nascita.yaml")


def row(table: Agreed, path: str) -> Row:
    return next(each for each in table.rows if each.path == path)


@pytest.mark.parametrize("name", mappings_in(SHIPPED))
def test_every_leaf_has_its_row(name: str) -> None:
    """Of every shipped mapping, in every direction; each with its rule and its line."""
    found = agreed(SHIPPED, name)
    sites = traced(SHIPPED, name, SHIPPED.profile_of(name)).sites
    assert len(found.rows) == sum(site.kind == LEAF for site in sites)
    assert all(each.path and each.rule and each.place for each in found.rows)


def test_a_row_tells_where_a_value_comes_from(birth: Agreed) -> None:
    """Through block and parameter: the mother's NK1, her field by its HL7 name, the code table."""
    found = row(birth, "dichiarazioneNascita/maternita/statoCivile")
    assert found.occurs == "optional"
    assert "NK1-14 Marital status" in found.fields
    assert "translated by the table stato_civile, column anpr" in found.rule
    assert "(nk: madre)" in found.rule
    assert found.tables == ("stato_civile.anpr",)
    assert found.conditions == ("if mother_named",)
    assert found.place.startswith("lib/persona.yaml:")


def test_alternatives_have_a_row_each_with_its_condition(birth: Agreed) -> None:
    """The last without one: otherwise."""
    found = [each for each in birth.rows if each.path == "attestazioneNascita/parto/genereParto"]
    assert [each.conditions for each in found] == [("if PID-24 is “Y”",), ("otherwise",)]
    assert [each.rule for each in found] == ["always “PLURIMO”", "always “SEMPLICE”"]


def test_occurrence_is_that_of_the_schema(birth: Agreed) -> None:
    """Required, optional, one of a choice; and what may stand several times."""
    assert row(birth, "attestazioneNascita/dataNascita").occurs == "required"
    assert row(birth, "dichiarazioneNascita/generalita/cognome").occurs == "one of a choice"
    assert row(birth, "attestazioneNascita/parto/ordineNascita").occurs == "optional"


def test_rows_stand_in_the_order_of_the_schema(birth: Agreed) -> None:
    """However the mapping has them."""
    paths = [each.path for each in birth.rows]
    assert paths.index("attestazioneNascita/vitalita") < paths.index("datiControllo/filiazione")
    assert paths[0] == "testataRichiesta/idOperazione"


def test_names_are_told_with_those_in_them(birth: Agreed) -> None:
    """No name of a rule or condition is left without its meaning."""
    assert birth.names["stillborn"].startswith("(PID-30, or else “N”) is “Y” or ")
    assert "residence_of_mother" not in birth.names
    assert {"mother_named", "anonymous", "madre"} <= birth.names.keys()


def test_a_row_names_the_tests_that_expect_it(birth: Agreed) -> None:
    """Errors are expectations too."""
    found = row(birth, "attestazioneNascita/parto/ordineNascita")
    assert {"second of twins", "twin without order"} <= set(found.tests)
    assert "without it the message is refused: the birth order" in found.rule
