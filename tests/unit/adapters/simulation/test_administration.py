"""What the three administrations do alike, seen at a Comune."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.simulation.administration import Switches
from adapters.simulation.bad_days import BadDay
from adapters.spyne_dispatch import DeclaredFault
from tests.contract.simulators.documents import birth, follow, query
from tests.unit.adapters.simulation.offices import Office


@pytest.fixture
def comune(tmp_path: Path) -> Office:
    """A Comune."""
    return Office("comune", tmp_path)


def fault(office: Office, name: str, values: object, *days: BadDay) -> DeclaredFault:
    """The declared fault that a call is answered with."""
    with pytest.raises(DeclaredFault) as raised:
        office.call(name, values, *days)  # type: ignore[arg-type]  # values of one shape of several
    return raised.value


def test_the_same_id_gets_the_earlier_answer_also_after_a_restart(tmp_path: Path) -> None:
    """One effect, one receipt, however often it is asked."""
    first = Office("comune", tmp_path).call("registraNascita", birth("op-1"))
    again = Office("comune", tmp_path)
    assert again.call("registraNascita", birth("op-1"))["protocollo"] == first["protocollo"]
    assert len(again.store.effects) == 1


def test_the_same_id_with_another_body_is_a_fault(comune: Office) -> None:
    """Another document under an id that was used is refused with the field."""
    receipt = comune.call("registraNascita", birth("op-1"))["protocollo"]
    refusal = fault(comune, "annullaNascita", follow(receipt, "op-1"))
    assert (refusal.codice, refusal.campo) == ("EN079", "testataRichiesta/idOperazione")


def test_without_idempotence_a_double_is_done_twice(tmp_path: Path) -> None:
    """Two effects with the same id and digest, and two receipts."""
    comune = Office("comune", tmp_path, Switches(idempotent=False))
    receipts = {comune.call("registraNascita", birth("op-1"))["protocollo"] for _ in range(2)}
    assert len(receipts) == 2
    assert len({effect.sha256 for effect in comune.store.effects}) == 1


def test_who_cannot_be_asked_says_so(tmp_path: Path) -> None:
    """Without query, `consultaEsito` is a declared fault."""
    comune = Office("comune", tmp_path, Switches(queryable=False))
    assert fault(comune, "consultaEsito", query("op-1")).codice == "NON_OFFERTA"


def test_refusals_by_plan(comune: Office) -> None:
    """A refusal asked for names its code and field, as esito or as fault; nothing is stored."""
    day = BadDay("refuse", options={"codice": "COM001", "campo": "a/b"})
    said = comune.call("registraNascita", birth(), day)
    assert (said["esito"], said["codice"], said["campo"]) == ("RESPINTA", "COM001", "a/b")
    day = BadDay("refuse", options={"codice": "X99", "how": "fault"})
    assert fault(comune, "registraNascita", birth(), day).codice == "X99"
    assert comune.call("registraNascita", birth(), BadDay("refuse"))["esito"] == "RESPINTA"
    assert comune.store.effects == []


def test_an_outage_is_of_every_operation(comune: Office) -> None:
    """Down is down: echo, query and registration alike."""
    for name, values in (
        ("echo", {"testo": "x"}),
        ("consultaEsito", query("op-1")),
        ("registraNascita", birth()),
    ):
        assert fault(comune, name, values, BadDay("outage")).codice == "INDISPONIBILE"


def test_an_outcome_kept_back_is_promised(comune: Office) -> None:
    """The answer is PRESA_IN_CARICO, the store owes the outcome, a resend gets the same answer."""
    day = BadDay("answer_later", options={"after": None})
    said = comune.call("registraNascita", birth("op-1"), day)
    (effect,) = comune.promised
    assert (said["esito"], effect.outcome["esito"]) == ("PRESA_IN_CARICO", "ACCOLTA")
    assert effect.promise == {"after": None, "messages": 1}
    assert comune.call("registraNascita", birth("op-1"))["esito"] == "PRESA_IN_CARICO"
    assert comune.call("consultaEsito", query("op-1"))["esito"] == "PRESA_IN_CARICO"
    comune.store.called_back("op-1", 1)
    assert comune.call("consultaEsito", query("op-1"))["esito"] == "ACCOLTA"


def test_a_later_refusal_is_no_act(comune: Office) -> None:
    """What ends as a refusal later cannot be corrected."""
    day = BadDay("callback_twice", options={"codice": "COM002"})
    said = comune.call("registraNascita", birth(), day)
    assert comune.promised[0].promise == {"after": 1.0, "messages": 2}
    again = comune.call("annullaNascita", follow(said["protocollo"]))
    assert again["codice"] == "PROTOCOLLO_IGNOTO"


def test_a_refused_document_is_judged_anew(comune: Office) -> None:
    """Refusals are not remembered: the same id may be granted later."""
    wrong = [{"nome": "a", "tipoMime": "a/b", "contenuto": "eA==", "improntaSha256": "0" * 64}]
    values = birth("op-1", allegato=wrong)
    assert comune.call("registraNascita", values)["codice"] == "COM005"
    assert comune.call("registraNascita", birth("op-1"))["esito"] == "ACCOLTA"


def test_attachments_without_a_digest_are_taken(comune: Office) -> None:
    """The digest is optional; white space in base64 is not content."""
    plain = [{"nome": "a", "tipoMime": "a/b", "contenuto": "eA\n=="}]
    assert comune.call("registraNascita", birth(allegato=plain))["esito"] == "ACCOLTA"


def test_an_annulled_birth_cannot_be_touched(comune: Office) -> None:
    """A correction has a receipt of its own; after the annulment of it, it is over."""
    first = comune.call("registraNascita", birth())["protocollo"]
    second = comune.call("rettificaNascita", birth(protocollo=first))["protocollo"]
    assert comune.call("annullaNascita", follow(second))["esito"] == "ACCOLTA"
    assert comune.call("annullaNascita", follow(second))["codice"] == "EN077"
