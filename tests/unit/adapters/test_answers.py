"""What the facts of answers and declared faults mean, for each of the three partners."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.agenzia_entrate import destination as agenzia
from adapters.answers import groups, outcome_of
from adapters.asl import destination as asl
from adapters.comune import destination as comune
from gateway import shipped
from gateway.lifecycle import Kind
from gateway.outcomes import (
    Accepted,
    Choice,
    Fault,
    NotFound,
    Rejected,
    Taken,
    Unavailable,
    Unknown,
)
from gateway.soap.contract import Contract

PARTNERS = [comune, agenzia, asl]


@pytest.mark.parametrize("partner", PARTNERS)
def test_every_operation_is_in_the_contract(partner: ModuleType) -> None:
    """A step's operation exists in the partner's WSDL, for registering, amending, cancelling."""
    contract = Contract.load(shipped.xsd() / partner.CONTRACT, shipped.xsd())
    named = {*partner.OPERATIONS.values(), partner.QUERY, "echo"}
    assert named <= set(contract.operations)
    assert {kind for _, kind in partner.OPERATIONS} == set(Kind)


@pytest.mark.parametrize("partner", PARTNERS)
def test_accolta_is_accepted_with_its_receipt_and_facts(partner: ModuleType) -> None:
    """ACCOLTA is a receipt, and the facts without the answer's own envelope."""
    facts = {"esito": "ACCOLTA", "idOperazione": "1", "protocollo": "P/1", "attoNumero": "7"}
    assert partner.outcome(facts) == Accepted("P/1", {"protocollo": "P/1", "attoNumero": "7"})


@pytest.mark.parametrize("partner", PARTNERS)
def test_presa_in_carico_is_taken_under_its_ticket(partner: ModuleType) -> None:
    """The ticket is the protocol number, or the operation id where there is none."""
    taken = partner.outcome({"esito": "PRESA_IN_CARICO", "idOperazione": "1", "protocollo": "P"})
    assert isinstance(taken, Taken)
    assert taken.ticket == "P"
    taken = partner.outcome({"esito": "PRESA_IN_CARICO", "idOperazione": "1"})
    assert isinstance(taken, Taken)
    assert taken.ticket == "1"


def test_respinta_is_rejected_with_its_codes() -> None:
    """Codes come from repeated groups with their texts, or else from the joined codes."""
    told = {"esito": "RESPINTA", "errore[2].codice": "B", "errore[1].codice": "A"}
    assert comune.outcome(told | {"errore[1].testo": "x"}) == Rejected(
        (Fault("A", "x"), Fault("B"))
    )
    assert comune.outcome({"esito": "RESPINTA", "errori": "A, B;C"}) == Rejected(
        (Fault("A"), Fault("B"), Fault("C"))
    )


def test_being_down_is_no_refusal() -> None:
    """INDISPONIBILE everywhere and AEE95 at the Agenzia mean later, as fault and as esito."""
    assert agenzia.fault("AEE95", "") == Unavailable("AEE95")
    assert agenzia.outcome({"esito": "RESPINTA", "errori": "AEE95"}) == Unavailable("AEE95")
    assert comune.fault("AEE95", "") == Rejected((Fault("AEE95"),))
    for partner in PARTNERS:
        assert partner.fault("INDISPONIBILE", "") == Unavailable("INDISPONIBILE")
        assert partner.fault("SCHEMA", "perché") == Rejected((Fault("SCHEMA", "perché"),))


def test_a_question_that_is_not_answered_refuses_nothing() -> None:
    """A partner that cannot be asked leaves the document in doubt: it is not a refusal of it."""
    assert isinstance(comune.fault("NON_OFFERTA", ""), Unavailable)


def test_scelta_is_a_choice_among_the_candidates_in_their_order() -> None:
    """Candidates are read from their numbered keys, in the order of the numbers."""
    told = {"esito": "SCELTA"}
    told |= {f"candidato[{n}].codiceFiscale": f"C{n}" for n in (10, 2, 1)}
    assert agenzia.outcome(told) == Choice(
        ({"codiceFiscale": "C1"}, {"codiceFiscale": "C2"}, {"codiceFiscale": "C10"})
    )


def test_non_trovata_is_not_found() -> None:
    """NON_TROVATA is what a query says of an operation that nobody knows."""
    assert asl.outcome({"esito": "NON_TROVATA"}) == NotFound()


@given(st.dictionaries(st.text(), st.text()))
def test_any_other_answer_is_unknown(facts: dict[str, str]) -> None:
    """Facts without an esito of the contract are never taken for an answer."""
    facts.pop("esito", None)
    assert isinstance(outcome_of(facts), Unknown)
    assert isinstance(outcome_of(facts | {"esito": "accolta"}), Unknown)


@given(st.dictionaries(st.text(), st.text()))
def test_groups_of_anything(facts: dict[str, str]) -> None:
    """Whatever the keys are, groups are only made of well-formed ones."""
    assert all(isinstance(group, dict) for group in groups(facts, "candidato"))
