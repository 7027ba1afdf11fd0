"""Who gets which codice fiscale from the simulated Agenzia delle Entrate."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from adapters.simulation.administration import Switches
from adapters.simulation.bad_days import BadDay
from adapters.simulation.codice_fiscale import compute, is_provisional, omocodici
from adapters.simulation.places import Belfiore
from gateway import shipped
from tests.contract.simulators.documents import assignment, code, follow
from tests.unit.adapters.simulation.offices import Office

ASSIGN = "attribuisciCodiceFiscale"


@pytest.fixture
def agenzia(tmp_path: Path) -> Office:
    """An Agenzia that knows nobody."""
    return Office("agenzia_entrate", tmp_path)


def computed(name: str, surname: str = "VERDINI") -> str:
    """The code of the test's child."""
    return compute(surname, name, sex="F", born=date(2026, 11, 18), belfiore="F205")


def test_a_first_request_gets_the_computed_code(agenzia: Office) -> None:
    """The official algorithm's code, not provisional, with a receipt of the year."""
    said = agenzia.call(ASSIGN, assignment(name="GIULIA"))
    assert (said["codiceFiscale"], said["provvisorio"]) == (computed("GIULIA"), "false")
    assert said["protocollo"] == "AE/2026/0000001"


def test_no_name_or_place_is_kept_beside_the_document(agenzia: Office) -> None:
    """The facts of an effect tell a person by a digest only."""
    agenzia.call(ASSIGN, assignment(name="GIULIA"))
    (effect,) = agenzia.store.effects
    assert set(effect.facts) == {"persona", "tipoRichiesta", "ambiente"}
    assert "GIULIA" not in str(effect.facts)


@pytest.mark.parametrize("kind", ["1", "2"])
def test_a_known_person_is_told_so(agenzia: Office, kind: str) -> None:
    """EAA30 and the code that the person has; nothing is done."""
    first = agenzia.call(ASSIGN, assignment(name="GIULIA"))
    again = agenzia.call(ASSIGN, assignment(kind, name="GIULIA"))
    assert (again["esito"], again["codice"]) == ("RESPINTA", "EAA30")
    assert again["codiceFiscale"] == first["codiceFiscale"]
    assert len(agenzia.store.effects) == 1


def test_twins_of_one_name_are_two_persons(agenzia: Office) -> None:
    """The order of birth tells them apart: the second gets a variant."""
    first = agenzia.call(ASSIGN, assignment(name="GIULIA", order="1"))
    second = agenzia.call(ASSIGN, assignment(name="GIULIA", order="2"))
    assert second["codiceFiscale"] == next(omocodici(first["codiceFiscale"]))
    assert second["codice"] == "EAA50"


def test_omocodia_is_answered_with_a_provisional_number(agenzia: Office) -> None:
    """Type 2: eleven digits, provisional, another one for each."""
    said = [
        agenzia.call(ASSIGN, assignment("2", name="GIULIA", order=order)) for order in ("1", "2")
    ]
    assert all(is_provisional(each["codiceFiscale"]) for each in said)
    assert said[0]["codiceFiscale"] != said[1]["codiceFiscale"]
    given = code(said[0]["codiceFiscale"])
    asked = assignment("3", name="GIULIA", order="1", **given)
    assert agenzia.call(ASSIGN, asked)["esito"] == "ACCOLTA"


def test_a_validation_accepts_only_the_persons_own(agenzia: Office) -> None:
    """A code that could be the person's and is nobody's passes; once known, only that one."""
    variant = next(omocodici(computed("NORA")))
    first = agenzia.call(ASSIGN, assignment("3", name="NORA", **code(variant)))
    assert first["codiceFiscale"] == variant
    other = agenzia.call(ASSIGN, assignment("3", name="NORA", **code(computed("NORA"))))
    assert other.all("codice") == ["AEE01", "EA003"]
    thief = agenzia.call(ASSIGN, assignment("3", name="NORA", order="2", **code(variant)))
    assert thief.all("codice") == ["AEE01", "EA029"]
    nobodys = agenzia.call(ASSIGN, assignment("3", name="IDA", **code("00743110157")))
    assert nobodys.all("codice") == ["AEE01", "EA029"]


@pytest.mark.parametrize(
    ("changes", "expected", "field"),
    [
        ({"sesso": None}, "EN081", "generalita/sesso"),
        ({"cognome": None, "senzaCognome": "1"}, "EN081", "generalita/cognome"),
        (
            {"luogoNascita": {"localita": {"descrizioneStato": "ALBANIA", "codiceStato": "201"}}},
            "EC030",
            "generalita/luogoNascita",
        ),
        (
            {
                "luogoNascita": {
                    "comune": {
                        "nomeComune": "X",
                        "codiceIstat": "999999",
                        "siglaProvinciaIstat": "XX",
                    }
                }
            },
            "AEE02",
            "generalita/luogoNascita",
        ),
    ],
)
def test_what_a_code_needs_is_asked_for(
    agenzia: Office, changes: dict[str, object], expected: str, field: str
) -> None:
    """Missing names, sex or an unknown place are refused with the field."""
    asked = assignment(name="GIULIA")
    child: dict[str, object] = {}
    for name, value in asked["generalita"].items():  # type: ignore[union-attr]  # it is a mapping
        if name == "cognome" and "senzaCognome" in changes:
            child["senzaCognome"] = "1"
        elif changes.get(name, value) is not None:
            child[name] = changes.get(name, value)
    said = agenzia.call(ASSIGN, {**asked, "generalita": child})  # type: ignore[dict-item]  # same
    assert (said["esito"], said["codice"], said["campo"]) == ("RESPINTA", expected, field)


def test_changed_data_change_the_code_only_if_they_must(agenzia: Office) -> None:
    """`variaDati` keeps a code that the new data give too, also one of omocodia."""
    agenzia.call(ASSIGN, assignment(name="CATERINA"))
    second = agenzia.call(ASSIGN, assignment(name="CATERINA", order="2"))
    more = assignment(name="CATERINA MIA", protocollo=second["protocollo"])
    third = agenzia.call("variaDati", more)
    assert third["codiceFiscale"] == second["codiceFiscale"]
    other = agenzia.call("variaDati", assignment(name="BEA", protocollo=third["protocollo"]))
    assert other["codiceFiscale"] == computed("BEA")
    two = agenzia.call("variaDati", assignment("2", name="BEA", protocollo=other["protocollo"]))
    assert is_provisional(two["codiceFiscale"])
    back = assignment("3", name="BEA", protocollo=two["protocollo"], **code(two["codiceFiscale"]))
    assert agenzia.call("variaDati", back)["esito"] == "ACCOLTA"


def test_an_annulled_request_frees_the_code(agenzia: Office) -> None:
    """After `annullaRichiesta` the person is unknown, and the receipt cannot be used again."""
    first = agenzia.call(ASSIGN, assignment(name="GIULIA"))
    assert agenzia.call("annullaRichiesta", follow(first["protocollo"]))["esito"] == "ACCOLTA"
    for again in (
        agenzia.call("annullaRichiesta", follow(first["protocollo"])),
        agenzia.call("variaDati", assignment(name="A", protocollo=first["protocollo"])),
        agenzia.call("annullaRichiesta", follow("AE/2026/0000002")),
    ):
        assert again["codice"] == "PROTOCOLLO_IGNOTO"
    assert agenzia.call(ASSIGN, assignment(name="GIULIA"))["codiceFiscale"] == computed("GIULIA")


def test_a_code_that_was_somebodys_is_nobody_elses(agenzia: Office) -> None:
    """Another register may still know the first person by it: a namesake gets another code."""
    first = agenzia.call(ASSIGN, assignment(name="GIULIA"))
    agenzia.call("annullaRichiesta", follow(first["protocollo"]))
    second = agenzia.call(ASSIGN, assignment(name="GIULIA", order="2"))
    assert second["codiceFiscale"] == next(omocodici(computed("GIULIA")))
    given = code(first["codiceFiscale"])
    assert agenzia.call(ASSIGN, assignment("3", name="GIULIA", order="3", **given))["esito"] == (
        "RESPINTA"
    )
    assert agenzia.call(ASSIGN, assignment(name="GIULIA"))["codiceFiscale"] == computed("GIULIA")


def test_bad_days_of_the_agenzia(agenzia: Office) -> None:
    """Candidates come for any type but validation; a family known already gets its code told."""
    several = BadDay("several_candidates", options={"count": 3})
    said = agenzia.call(ASSIGN, assignment(name="NORA"), several)
    assert said["esito"] == "SCELTA"
    assert said.all("codiceFiscale")[0] == computed("NORA")
    chosen = assignment("3", name="NORA", **code(said.all("codiceFiscale")[2]))
    assert agenzia.call(ASSIGN, chosen, several)["esito"] == "ACCOLTA"
    known = agenzia.call(ASSIGN, assignment(name="IDA"), BadDay("already_known"))
    assert (known["codice"], known["codiceFiscale"]) == ("EAA30", computed("IDA"))


def test_a_code_of_the_counter_is_given_to_nobody_else(agenzia: Office) -> None:
    """Between the answer that names it and the validation, another child would have the same."""
    known = agenzia.call(ASSIGN, assignment(name="IDA"), BadDay("already_known"))
    twin = agenzia.call(ASSIGN, assignment(name="IDA", order="2"))
    assert twin["codiceFiscale"] != known["codiceFiscale"]
    validation = assignment("3", name="IDA", **code(known["codiceFiscale"]))
    assert agenzia.call(ASSIGN, validation)["esito"] == "ACCOLTA"


def test_a_candidates_code_is_given_to_nobody_else(agenzia: Office) -> None:
    """Until a person has chosen, another child of the same letters gets another code; and whoever
    has a code is offered that one."""
    said = agenzia.call(ASSIGN, assignment(name="NORA"), BadDay("several_candidates"))
    offered = said.all("codiceFiscale")
    other = agenzia.call(ASSIGN, assignment(name="NORA", order="2"))
    assert other["codiceFiscale"] not in offered
    chosen = agenzia.call(ASSIGN, assignment("3", name="NORA", **code(offered[0])))
    assert chosen["esito"] == "ACCOLTA"
    late = assignment(name="NORA", order="2", operation_id="op-late")
    again = agenzia.call(ASSIGN, late, BadDay("several_candidates"))
    assert again.all("codiceFiscale")[0] == other["codiceFiscale"]


def test_a_restart_is_a_replay(tmp_path: Path) -> None:
    """Codes, owners and receipts are as before after a restart."""
    before = Office("agenzia_entrate", tmp_path)
    first = before.call(ASSIGN, assignment(name="GIULIA"))
    ended = before.call(ASSIGN, assignment(name="ANNA"))
    before.call("annullaRichiesta", follow(ended["protocollo"]))
    after = Office("agenzia_entrate", tmp_path)
    assert after.call(ASSIGN, assignment(name="GIULIA"))["codiceFiscale"] == first["codiceFiscale"]
    assert after.call(ASSIGN, assignment(name="ANNA"))["esito"] == "ACCOLTA"
    more = assignment(name="GIULIA", protocollo=first["protocollo"])
    assert after.call("variaDati", more)["codiceFiscale"] == first["codiceFiscale"]


def test_without_idempotence_a_person_gets_two_codes(tmp_path: Path) -> None:
    """A resent request does the harm that it would do: a second code for one child."""
    agenzia = Office("agenzia_entrate", tmp_path, Switches(idempotent=False))
    codes = {
        agenzia.call(ASSIGN, assignment(operation_id="op-1"))["codiceFiscale"] for _ in range(2)
    }
    assert len(codes) == 2


def test_a_comune_has_its_belfiore_code_on_its_days() -> None:
    """Milano's is F205 since the unity of Italy, none before; an unknown code has none."""
    places = Belfiore(shipped.mappings() / "tables" / "comuni.csv")
    assert places.of("015146", date(2026, 11, 18)) == "F205"
    assert places.of("015146", date(1800, 1, 1)) is None
    assert places.of("999999", date(2026, 11, 18)) is None


def test_a_provisional_number_is_followed_by_the_definitive_code(agenzia: Office) -> None:
    """On that bad day the answer has eleven digits, and the callback that is owed the code."""
    day = BadDay("provisional", options={"after": None})
    said = agenzia.call(ASSIGN, assignment(name="NORA"), day)
    assert is_provisional(said["codiceFiscale"])
    (owed,) = agenzia.promised
    assert owed.outcome["codiceFiscale"] == computed("NORA")
    known = agenzia.call(ASSIGN, assignment(name="NORA"))
    assert (known["codice"], known["codiceFiscale"]) == ("EAA30", computed("NORA"))
