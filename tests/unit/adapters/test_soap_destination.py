"""An administration as a destination: what is wrapped, and which answers are believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from lxml import etree

from adapters.comune import destination as comune
from adapters.http import Lost, NotSent, Reply, Result
from adapters.http1 import Response
from adapters.simulation.documents import Answer, render
from adapters.soap_destination import Channel, SoapDestination
from adapters.soap_service import Reply as Served
from adapters.spyne_dispatch import Call, DeclaredFault
from gateway.destination import Answer as Carried
from gateway.destination import Letter
from gateway.mapping import Compiled
from gateway.outcomes import Accepted, Fault, NotFound, Rejected, Taken, Unavailable, Unknown
from gateway.partners import Entry, Idempotence
from gateway.soap.profile import MODI, MODI_SOAP12, SecurityProfile
from gateway.soap.verify import verify
from gateway.xml import Canonical, canonical
from tests.births import ROOT, library
from tests.unit.adapters.soap_peers import NOW, Service, contract, key, now, trust

OPERATION = "7f3c9a52-0b3e-4d19-9a53-6d1d0c8f0001"
DOCUMENT = (ROOT / "tests/contract/documents/golden/nascita_femmina.xml").read_bytes()
OFFICE = Entry(
    "comune",
    "015209",
    "Comune",
    "https://comune.example/NotificaNascita",
    Idempotence.IDEMPOTENT,
    timeout=timedelta(seconds=7),
)
TAKEN_IN: Answer = {"idOperazione": OPERATION, "esito": "ACCOLTA", "protocollo": "015209/2026/1"}


class Wire:
    """Carries letters to a Comune in memory, or has another end for them."""

    def __init__(self, served: Service, instead: Result | None = None) -> None:
        self.posted: list[Mapping[str, Any]] = []
        self._served = served
        self._instead = instead

    async def post(self, url: str, body: bytes, **headers: Any) -> Result:
        """As SoapClient.post."""
        self.posted.append({"url": url, "body": body, **headers})
        if self._instead is not None:
            return self._instead
        reply: Served = self._served.exchange(
            body, content_type=headers["content_type"], soap_action=headers["soap_action"]
        )
        return Reply(reply.status, {}, reply.body)


class Office:
    """A destination whose Comune answers with `answer`, or as `says` does."""

    def __init__(
        self,
        answer: Answer | None = None,
        *,
        says: Any = None,
        instead: Result | None = None,
        profile: SecurityProfile = MODI,
    ) -> None:
        def answered(call: Call) -> etree._Element:
            return render(call.operation.response, answer or TAKEN_IN)

        functions = {"registraNascita": says or answered, "consultaEsito": says or answered}
        self.wire = Wire(Service(functions, profile=profile), instead)
        client: Any = self.wire
        channel = Channel(client, trust("comune"), profile)
        self.destination = SoapDestination(
            comune, contract(), key("gateway"), lambda _: channel, lambda: NOW
        )

    def letter(self) -> Letter:
        """A registration, wrapped."""
        return self.destination.wrap(DOCUMENT, OFFICE, "comune", "register", OPERATION)

    def sends(self, letter: Letter | None = None, answers: Compiled | None = None) -> Carried:
        """The answer to a registration."""
        mapping = answers or read_with("comune/esito.yaml")
        return now(self.destination.send(letter or self.letter(), OFFICE, mapping))


@cache
def read_with(name: str) -> Compiled:
    """A shipped answer mapping."""
    return library().mapping(name, library().profile("default"))


def test_a_document_becomes_a_signed_letter_of_the_contracts_operation() -> None:
    """The envelope is signed, for this address and operation, and lives as long as it says."""
    letter = Office().letter()
    verified = verify(letter.envelope, trust=trust("gateway"), now=NOW, profile=MODI)
    assert verified.body.tag == "{urn:icaro:comune:1}RichiestaRegistraNascita"
    assert (verified.message_id, verified.action) == (
        letter.message_id,
        "urn:icaro:comune:1/registraNascita",
    )
    assert (letter.url, letter.operation, letter.operation_id) == (
        OFFICE.endpoint,
        "registraNascita",
        OPERATION,
    )
    assert letter.expires_at == NOW + timedelta(seconds=MODI.ttl)


def test_every_attempt_has_its_own_message_id_and_the_same_body() -> None:
    """Two letters of one document differ in what every attempt renews, and in nothing else."""
    office = Office()
    first, second = office.letter(), office.letter()
    assert first.message_id != second.message_id
    bodies = [
        etree.tostring(verify(each.envelope, trust=trust("gateway"), now=NOW, profile=MODI).body)
        for each in (first, second)
    ]
    assert bodies[0] == bodies[1]


def test_a_document_has_one_body_however_it_is_handed_over() -> None:
    """As the mapping made it, as it was written, as the journal gives it back: the same Body."""
    made = etree.fromstring(DOCUMENT)
    destination, bodies = Office().destination, []
    for document in (made, Canonical.of(made), DOCUMENT, etree.tostring(made)):
        letter = destination.wrap(document, OFFICE, "comune", "register", OPERATION)
        verified = verify(letter.envelope, trust=trust("gateway"), now=NOW, profile=MODI)
        bodies.append(canonical(verified.body))
    assert set(bodies) == {canonical(made)}


def test_an_accepted_registration_is_a_receipt() -> None:
    """The protocol number is the receipt, and the bytes of the answer are kept."""
    office = Office()
    answer = office.sends()
    assert answer.outcome == Accepted("015209/2026/1", {"protocollo": "015209/2026/1"})
    assert b"ACCOLTA" in answer.body
    (posted,) = office.wire.posted
    assert posted["soap_action"] == "urn:icaro:comune:1/registraNascita"
    assert posted["timeout"] == 7


def test_soap_12_carries_its_action_in_the_media_type() -> None:
    """A partner that speaks SOAP 1.2 gets no SOAPAction header."""
    office = Office(profile=MODI_SOAP12)
    assert isinstance(office.sends().outcome, Accepted)
    (posted,) = office.wire.posted
    assert posted["soap_action"] is None
    assert "registraNascita" in posted["content_type"]


def test_a_question_travels_as_the_partners_own_operation() -> None:
    """What became of an operation is asked by `consultaEsito`, and 'not here' is heard."""
    office = Office({"idOperazione": OPERATION, "esito": "NON_TROVATA"})
    question = (ROOT / "tests/contract/documents/golden/consulta.xml").read_bytes()
    letter = office.destination.wrap(question, OFFICE, "comune", "query", OPERATION)
    assert letter.operation == "consultaEsito"
    assert office.sends(letter).outcome == NotFound()


def test_an_answer_that_comes_later_is_a_ticket() -> None:
    """PRESA_IN_CARICO is neither yes nor no."""
    answer = Office({**TAKEN_IN, "esito": "PRESA_IN_CARICO"}).sends()
    assert isinstance(answer.outcome, Taken)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("COM001", Rejected((Fault("COM001", "no"),))),
        ("INDISPONIBILE", Unavailable("INDISPONIBILE")),
    ],
)
def test_a_declared_signed_fault_speaks_for_the_partner(code: str, outcome: Rejected) -> None:
    """A refusal, or 'come again', as the contract declares them."""

    def refuse(call: Call) -> etree._Element:
        raise DeclaredFault(code, "no")

    assert Office(says=refuse).sends().outcome == outcome


def test_a_fault_that_nobody_declared_says_nothing() -> None:
    """A partner may have stored the document and failed after: in doubt."""

    def fail(call: Call) -> etree._Element:
        raise RuntimeError("no detail of it leaves")

    outcome = Office(says=fail).sends().outcome
    assert outcome == Unknown("a fault that the contract does not declare")


@pytest.mark.parametrize(
    ("result", "outcome", "kept"),
    [
        (NotSent("connection refused"), Unavailable("connection refused"), b""),
        (Lost("cut"), Unknown("cut"), b""),
        (Lost("HTML", Response(200, {}, b"<html>")), Unknown("HTML"), b"<html>"),
    ],
)
def test_what_was_not_sent_may_go_again_and_what_was_lost_may_not(
    result: Result, outcome: Unavailable | Unknown, kept: bytes
) -> None:
    """Nothing sent is no doubt; anything after the first byte is one, with what came kept."""
    answer = Office(instead=result).sends()
    assert (answer.outcome, answer.body, answer.note) == (outcome, kept, outcome.reason)


def test_an_answer_to_another_attempt_is_not_believed() -> None:
    """A signed reply that relates to another MessageID leaves the doubt, and is kept."""
    office = Office()
    letter = replace(office.letter(), message_id="urn:uuid:of-another-attempt")
    answer = office.sends(letter)
    assert isinstance(answer.outcome, Unknown)
    assert answer.outcome.reason.startswith("not trusted: ")
    assert b"ACCOLTA" in answer.body


def test_bytes_that_nobody_signed_are_not_believed() -> None:
    """A positive answer without a signature is no answer."""
    unsigned = etree.tostring(render("{urn:icaro:comune:1}RispostaNascita", TAKEN_IN))
    outcome = Office(instead=Reply(200, {}, unsigned)).sends().outcome
    assert isinstance(outcome, Unknown)


def test_an_answer_without_a_canonical_form_leaves_the_doubt() -> None:
    """A relative namespace in what is signed, which C14N does not know, is no answer."""
    good = Office().sends().body
    odd = good.replace(b"<ds:SignedInfo", b'<ds:SignedInfo xmlns:q="rel" q:a="1"')
    answer = Office(instead=Reply(200, {}, odd)).sends()
    assert isinstance(answer.outcome, Unknown)
    assert answer.outcome.untrusted
    assert answer.note.startswith("canonical form: ")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"idOperazione": "another"}, "the answer is about another operation"),
        ({"codiceFiscale": "RSSGLI26C41F205A"}, "esito.yaml"),
    ],
)
def test_a_signed_answer_that_does_not_fit_leaves_the_doubt(
    change: dict[str, str], reason: str
) -> None:
    """Another operation's id, or a codice fiscale with a wrong letter: nothing is concluded."""
    outcome = Office({**TAKEN_IN, **change}).sends().outcome
    assert isinstance(outcome, Unknown)
    assert reason in outcome.reason
    assert "RSSGLI" not in outcome.reason


def test_an_answer_that_nobody_can_read_leaves_the_doubt() -> None:
    """Without a mapping for its answers a step concludes nothing from them."""
    office = Office()
    answer = now(office.destination.send(office.letter(), OFFICE, None))
    assert answer.outcome == Unknown("the answer breaks its contract")


@pytest.mark.parametrize("name", ["RispostaNascita", "FaultServizio"])
def test_a_signed_answer_that_breaks_its_contract_leaves_the_doubt(name: str) -> None:
    """The schema is held against answers and against the detail of faults."""
    assert isinstance(Office(says=_breaking(name)).sends().outcome, Unknown)


def _breaking(name: str) -> Any:
    def broken(call: Call) -> etree._Element:
        if name == "FaultServizio":
            raise DeclaredFault("", "")
        return render(call.operation.response, {"esito": "ACCOLTA"})

    return broken


# ---------------------------------------------------------------- whether it is there


def test_an_echo_that_is_answered_and_signed_is_a_sign_of_life() -> None:
    """The service's own operation, with no document, and not longer than ten seconds."""
    office = Office()
    patient = replace(OFFICE, timeout=timedelta(minutes=5))
    assert now(office.destination.echo(patient)) == Accepted(receipt="")
    (posted,) = office.wire.posted
    assert posted["soap_action"] == "urn:icaro:comune:1/echo"
    assert posted["timeout"] == 10
    assert office.destination.echoes


def test_the_echo_keeps_every_contract() -> None:
    """What is sent is what each of the three services declares."""
    for name in (
        "comune/NotificaNascita",
        "agenzia_entrate/CodiceFiscale",
        "asl/AnagrafeAssistiti",
    ):
        service = contract(f"{name}.wsdl")
        wire = Wire(Service(), NotSent("not needed"))
        client: Any = wire
        channel = Channel(client, trust("comune"), MODI)
        spoken = SoapDestination(
            comune, service, key("gateway"), lambda _, c=channel: c, lambda: NOW
        )  # type: ignore[misc]  # bound now
        assert now(spoken.echo(OFFICE)) == Unavailable("not needed")
        body = verify(wire.posted[0]["body"], trust=trust("gateway"), now=NOW, profile=MODI).body
        assert not service.schema.check(body)


@pytest.mark.parametrize(
    "instead",
    [NotSent("refused"), Lost("silence"), Reply(200, {}, b"<html/>")],
)
def test_an_echo_that_is_not_believed_is_no_sign_of_life(instead: Result) -> None:
    """Nothing but a signed answer closes a circuit."""
    outcome = now(Office(instead=instead).destination.echo(OFFICE))
    assert isinstance(outcome, Unavailable | Unknown)


# ---------------------------------------------------------------- when to come again


def test_a_503_that_says_when_to_come_again_is_heard() -> None:
    """A page that nobody signed proves nothing of the document, but the wish is known."""
    page = Response(503, {"retry-after": "120", "content-type": "text/html"}, b"<html/>")
    answer = Office(instead=Lost("HTTP 503 with another Content-Type", page)).sends()
    assert answer.outcome == Unknown(
        "HTTP 503 with another Content-Type", retry_after=timedelta(minutes=2)
    )


def test_a_signed_fault_with_a_503_is_heard_too() -> None:
    """It is unavailable, surely not received, and says for how long."""

    def down(call: Call) -> etree._Element:
        raise DeclaredFault("INDISPONIBILE", "manutenzione")

    office = Office(says=down)
    letter = office.letter()
    served = office.wire._served.exchange(
        letter.envelope, content_type="text/xml", soap_action='"urn:icaro:comune:1/registraNascita"'
    )
    reply = Reply(503, {"retry-after": "30"}, served.body)
    answer = Office(instead=reply).sends(letter)
    assert answer.outcome == Unavailable("INDISPONIBILE", retry_after=timedelta(seconds=30))
