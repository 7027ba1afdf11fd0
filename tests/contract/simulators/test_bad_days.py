"""What each named bad day looks like on the wire, and what it leaves in the store."""

from __future__ import annotations

from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected
from pathlib import Path
from uuid import uuid4

import pytest

from adapters.simulation.bad_days import CATALOGUE, Bites
from gateway.errors import VerificationError
from gateway.soap.fault import read_fault
from tests.contract.simulators.documents import assignment, birth, query
from tests.contract.simulators.peer import Simulated, Told

CUT = (RemoteDisconnected, BadStatusLine, IncompleteRead, ConnectionError)


def stored(simulated: Simulated, operation_id: str) -> int:
    """How many effects one operation id had."""
    return [each["idOperazione"] for each in simulated.effects()].count(operation_id)


def attempt(simulated: Simulated, operation_id: str) -> tuple[int, bytes, str]:
    """Register a birth; status and bytes of the answer, and the request's MessageID."""
    message_id = f"urn:uuid:{uuid4()}"
    content = simulated.envelope("registraNascita", birth(operation_id), message_id=message_id)
    return *simulated.post(content, "registraNascita"), message_id


@pytest.fixture
def begun(comune: Simulated) -> Simulated:
    """The Comune, with an effect already, so that there is a store to look at."""
    comune.call("registraNascita", birth())
    return comune


@pytest.mark.parametrize("name", ["garbage", "html", "http_500", "empty"])
def test_an_answer_that_is_none_hides_an_effect(begun: Simulated, name: str) -> None:
    """Garbage, pages and empty bodies come after the document was stored; asking finds it."""
    operation_id = f"op-{name}".replace("_", "-")
    begun.bad_day(name)
    status, answer, message_id = attempt(begun, operation_id)
    with pytest.raises(VerificationError):
        begun.read(status, answer, message_id)
    assert stored(begun, operation_id) == 1
    assert begun.call("consultaEsito", query(operation_id))["esito"] == "ACCOLTA"


def test_a_bad_day_before_storing_leaves_no_effect(begun: Simulated) -> None:
    """With `before`, nothing is stored, and the operation is not found."""
    begun.bad_day("html", before=True)
    attempt(begun, "op-before")
    assert begun.call("consultaEsito", query("op-before"))["esito"] == "NON_TROVATA"


def test_a_dropped_connection_hides_an_effect(begun: Simulated) -> None:
    """The connection ends without an answer once the document is stored."""
    begun.bad_day("drop_after_storing")
    with pytest.raises(CUT):
        attempt(begun, "op-drop")
    assert stored(begun, "op-drop") == 1


def test_an_endless_answer_ends_only_with_the_reader(begun: Simulated) -> None:
    """An endless body gives more bytes than anybody wants, and the service lives on."""
    begun.bad_day("endless")
    status, answer, _ = attempt(begun, "op-endless")
    assert (status, len(answer)) == (200, 2**20)
    assert begun.call("echo", {"testo": "qui"})["testo"] == "qui"


@pytest.mark.parametrize(
    ("how", "check"),
    [
        ("body", "digest"),
        ("timestamp", "digest"),
        ("relates_to", "addressing"),
        ("unsigned", "signatures"),
        ("foreign", "token issuer"),
    ],
)
def test_a_wrong_signature_is_wrong_as_announced(begun: Simulated, how: str, check: str) -> None:
    """Each way of a wrong signature fails the check that it is meant for."""
    begun.bad_day("wrong_signature", how=how)
    answer = attempt(begun, f"op-sig-{how}".replace("_", "-"))
    with pytest.raises(VerificationError) as refusal:
        begun.read(*answer)
    assert refusal.value.check == check


def test_an_unsigned_fault_is_a_declared_one_without_a_signature(begun: Simulated) -> None:
    """The fault that nobody signed cannot be believed."""
    begun.bad_day("unsigned_fault")
    answer = attempt(begun, "op-unsigned")
    assert b"FaultServizio" in answer[1]
    with pytest.raises(VerificationError):
        begun.read(*answer)


def test_a_fault_after_storing_is_signed_and_undeclared(begun: Simulated) -> None:
    """A fault that the contract does not declare comes signed, and hides an effect."""
    begun.bad_day("fault_after_storing")
    fault = read_fault(begun.read(*attempt(begun, "op-fault")).body)
    assert fault is not None
    assert fault.detail is None
    assert stored(begun, "op-fault") == 1


@pytest.mark.parametrize("how", ["fault", "esito"])
def test_a_refusal_has_the_code_asked_for(begun: Simulated, how: str) -> None:
    """`refuse` answers a code of the catalogue as RESPINTA or as a declared fault."""
    begun.bad_day("refuse", codice="COM001", campo="testataRichiesta/codDestinatario", how=how)
    told = begun.call("registraNascita", birth(f"op-refuse-{how}"))
    assert (told.status, told["codice"]) == ((500, "COM001") if how == "fault" else (200, "COM001"))
    assert stored(begun, f"op-refuse-{how}") == 0


def test_an_outage_is_each_partners_own_code(begun: Simulated, agenzia: Simulated) -> None:
    """Down is INDISPONIBILE at a Comune and AEE95 at the Agenzia; over HTTP it is a 503."""
    for simulated, operation, values, expected in (
        (begun, "registraNascita", birth(), "INDISPONIBILE"),
        (agenzia, "attribuisciCodiceFiscale", assignment(name="ALBA"), "AEE95"),
    ):
        simulated.bad_day("outage")
        assert simulated.call(operation, values)["codice"] == expected
    begun.bad_day("outage", how="http")
    assert attempt(begun, "op-503")[0] == 503


def test_a_slow_day_delays_and_changes_nothing(begun: Simulated) -> None:
    """A slow answer is a good answer."""
    begun.bad_day("slow", seconds=0.1)
    assert begun.call("registraNascita", birth())["esito"] == "ACCOLTA"


def test_a_bad_day_bites_only_what_it_matches(begun: Simulated) -> None:
    """A match on an element's text leaves all other calls alone, and `times` runs out."""
    told = begun.tell(
        "POST", "/bad-day", name="outage", times=1, match={"idOperazione": "op-marked"}
    )
    assert told["bad_days"][0]["match"] == {"idOperazione": "op-marked"}
    assert begun.call("registraNascita", birth())["esito"] == "ACCOLTA"
    assert begun.call("registraNascita", birth("op-marked"))["codice"] == "INDISPONIBILE"
    assert begun.call("registraNascita", birth("op-marked"))["esito"] == "ACCOLTA"


def test_nobody_listens_until_the_day_ends(begun: Simulated) -> None:
    """The port is shut, then open again where it was."""
    begun.bad_day("refuse_connections", times=None)
    with pytest.raises(ConnectionError):
        attempt(begun, "op-shut")
    begun.tell("DELETE", "/bad-day?name=refuse_connections")
    assert begun.call("echo", {"testo": "aperto"})["testo"] == "aperto"


def test_another_certificate_can_be_shown(begun: Simulated, pki: Path) -> None:
    """The certificate of a folder is shown instead of the right one; a wrong folder is told."""
    told = begun.tell("POST", "/bad-day", name="other_host", options={"folder": str(pki / "asl")})
    assert told["status"] == 200
    with pytest.raises(OSError, match="certificate verify failed"):
        attempt(begun, "op-host")
    begun.tell("DELETE", "/bad-day")
    told = begun.tell(
        "POST", "/bad-day", name="expired_certificate", options={"folder": str(pki / "nobody")}
    )
    assert told["status"] == 400
    assert begun.call("echo", {"testo": "x"})["testo"] == "x"


def test_an_outcome_kept_back_is_had_when_it_is_time(begun: Simulated) -> None:
    """PRESA_IN_CARICO carries the receipt; asking gives the outcome once it is due."""
    begun.bad_day("answer_later", after=None)
    told = begun.call("registraNascita", birth("op-later"))
    assert told["esito"] == "PRESA_IN_CARICO"
    assert begun.call("consultaEsito", query("op-later"))["esito"] == "PRESA_IN_CARICO"
    assert begun.tell("POST", "/callback-now", ask=1)["callbacks"] == 1
    final = begun.call("consultaEsito", query("op-later"))
    assert (final["esito"], final["protocollo"]) == ("ACCOLTA", told["protocollo"])


def test_a_kept_back_outcome_may_be_a_refusal(begun: Simulated) -> None:
    """`codice` makes the later outcome a refusal."""
    begun.bad_day("answer_later", after=None, codice="COM002")
    assert begun.call("registraNascita", birth("op-no"))["esito"] == "PRESA_IN_CARICO"
    begun.tell("POST", "/callback-now", ask=1)
    final: Told = begun.call("consultaEsito", query("op-no"))
    assert (final["esito"], final["codice"]) == ("RESPINTA", "COM002")


def test_without_idempotence_a_double_is_there_to_be_seen(pki: Path, tmp_path: Path) -> None:
    """Without idempotence and query a resent document has two effects and nobody can ask."""
    options = ("--no-idempotence", "--no-query", "--bad-day", "slow")
    with Simulated("agenzia_entrate", pki, tmp_path, *options) as forgetful:
        forgetful.tell("DELETE", "/bad-day")
        first = forgetful.call("attribuisciCodiceFiscale", assignment(operation_id="op-d"))
        second = forgetful.call("attribuisciCodiceFiscale", assignment(operation_id="op-d"))
        assert first["codiceFiscale"] != second["codiceFiscale"]
        assert stored(forgetful, "op-d") == 2
        assert forgetful.call("consultaEsito", query("op-d"))["codice"] == "NON_OFFERTA"


def test_a_restart_forgets_nothing(pki: Path, tmp_path: Path) -> None:
    """What was done before a restart is known after it: answers, codes, and numbers."""
    with Simulated("agenzia_entrate", pki, tmp_path) as before:
        first = before.call("attribuisciCodiceFiscale", assignment(operation_id="op-r", name="IDA"))
    with Simulated("agenzia_entrate", pki, tmp_path) as after:
        same = after.call("attribuisciCodiceFiscale", assignment(operation_id="op-r", name="IDA"))
        assert same["protocollo"] == first["protocollo"]
        known = after.call("attribuisciCodiceFiscale", assignment(name="IDA"))
        assert known["codiceFiscale"] == first["codiceFiscale"]
        other = after.call("attribuisciCodiceFiscale", assignment(name="ZOE"))
        assert other["protocollo"] > first["protocollo"]


def test_the_catalogue_is_told(comune: Simulated) -> None:
    """`/state` names every bad day and what it means; what nobody knows is refused."""
    state = comune.tell("GET", "/state")
    assert set(state["catalogue"]) == set(CATALOGUE)
    assert state["partner"] == "comune"
    for wrong in (
        {"name": "nobody"},
        {"name": "slow", "options": {"codice": "X"}},
        {"name": "expired_certificate"},
        {"times": 1},
        {"name": "slow", "extra": 1},
    ):
        assert comune.tell("POST", "/bad-day", **wrong)["status"] == 400
    assert any(kind.bites is Bites.LISTENER for kind in CATALOGUE.values())
