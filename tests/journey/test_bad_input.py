"""Bad input over a real socket: the answer names the place, evidence keeps it, nothing is lost.

Structure is answered AE or AR; content is AA and a finding on the case, because a NAK stops feeds.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.demo.hospital import Feed, read
from gateway.demo.people import Child
from gateway.demo.ports import HOST, free_port
from gateway.hl7.acknowledgment import Reply
from gateway.hl7.framing import wrap
from gateway.journal import RejectRow
from gateway.lifecycle import Status
from tests.journey.theatre import journal, newborn, prepare, running
from tests.journey.watching import Ward, write_pair
from tests.soap_parties import Authority, ec_key

pytestmark = pytest.mark.journey

SENDERS = """\
  - name: santa-prova
    application: HIS
    facility: SANTA_PROVA
    certificate_names: [his.santa-prova]
    facts: {comune: '015146', struttura: '030001', nome: Santa Prova, asl: '321'}
  - name: san-altro
    application: HIS
    facility: SAN_ALTRO
    certificate_names: [his.san-altro]
    facts: {comune: '015146', struttura: '030002', nome: San Altro, asl: '321'}"""


class Hall(Ward):
    """A ward with a second listener, which wants to see a client certificate."""

    tls: int
    clients: Path


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory, pki: Path) -> Iterator[Hall]:
    """Two hospitals; one plain port and one with TLS."""
    folder = tmp_path_factory.mktemp("bad_input")
    stage = prepare(folder / "stage", pki, senders=SENDERS)
    hall = Hall(stage)
    hall.tls, hall.clients = free_port(), folder / "clients"
    client_certificates(hall.clients)
    configuration = stage.folder / "icaro.yaml"
    listener = (
        f"listeners:\n  - {{name: cifrato, address: '{HOST}:{hall.tls}', "
        f"tls: {{ca: '{hall.clients / 'ca.pem'}'}}}}\n"
    )
    text = configuration.read_text("utf-8")
    configuration.write_text(text.replace("listeners:\n", listener), "utf-8")
    with running(stage):
        yield hall


def client_certificates(folder: Path) -> None:
    """A CA of hospitals, two hospitals of it, and one that only says that it is of it."""
    folder.mkdir()
    now = datetime.now(UTC)
    lived = {"start": now - timedelta(days=1), "end": now + timedelta(days=1)}
    known, unknown = Authority(**lived), Authority(**lived)
    (folder / "ca.pem").write_bytes(known.certificate.public_bytes(Encoding.PEM))
    for name, authority in (
        ("his.santa-prova", known),
        ("his.san-altro", known),
        ("his.nobody", known),
        ("stranger", unknown),
    ):
        key = ec_key()
        subject = "his.santa-prova" if name == "stranger" else name
        write_pair(folder / name, key, authority.issue(key, subject=subject))


def rejects(ward: Ward) -> list[tuple[RejectRow, bytes | None]]:
    """Refused bytes that were kept, the newest first."""
    with journal(ward.stage) as view:
        return [(row, view.reject_body(row.id)) for row in view.rejects(limit=10)]


def still_served(ward: Ward) -> None:
    """A later birth on a new connection is taken, and goes its way."""
    child = newborn()
    ward.born(child)
    ward.await_status(child, "comune", Status.ACCEPTED)


def first_error(reply: Reply) -> list[str]:
    """Code and place of the first ERR."""
    return reply.errors[0].split(" ")[:2]


GOOD = newborn().message("A01")


def changed(before: bytes, after: bytes, message: bytes = GOOD) -> bytes:
    """The message with one thing wrong."""
    assert before in message
    return message.replace(before, after, 1)


def control_id(message: bytes) -> bytes:
    """MSH-10."""
    return message.split(b"|")[9]


STRUCTURE = {
    "no HL7": (b"GET / HTTP/1.1\r\n\r\n", "AE", ["100", "MSH^1"]),
    "binary": (bytes(range(256)) * 3, "AE", ["100", "MSH^1"]),
    "MSH cut short": (b"MSH|", "AE", ["100", "MSH^1^2"]),
    "unknown version": (changed(b"|P|2.5|", b"|P|9.9|"), "AR", ["203", "MSH^1^12^1^1"]),
    "unknown type": (changed(b"ADT^A01", b"XYZ^A01"), "AR", ["200", "MSH^1^9^1^1"]),
    "unknown event": (changed(b"ADT^A01", b"ADT^Z77"), "AR", ["201", "MSH^1^9^1^2"]),
    "unknown processing": (changed(b"|P|2.5|", b"|X|2.5|"), "AR", ["202", "MSH^1^11^1^1"]),
    "no version": (changed(b"|P|2.5|", b"|P||"), "AE", ["101", "MSH^1^12"]),
    "no control id": (changed(control_id(GOOD), b""), "AE", ["101", "MSH^1^10"]),
    "no identifier": (changed(b"HIS^PI", b"HIS^NN"), "AE", ["101", "PID^1^3"]),
    "no PID-3": (
        changed(GOOD.split(b"PID|1||")[1].split(b"|")[0], b""),
        "AE",
        ["101", "PID^1^3"],
    ),
    "a stranger": (changed(b"SANTA_PROVA", b"SANT_ALTROVE"), "AR", ["207", "MSH^1^3"]),
}


@pytest.mark.parametrize("name", STRUCTURE)
def test_bad_structure_is_refused_with_its_place(ward: Hall, name: str) -> None:
    """AE or AR with location and code, MSA-2 as sent, the bytes kept, an entry of evidence; the
    same connection goes on with the next message.
    """
    payload, code, error = STRUCTURE[name]
    before = len(rejects(ward)) and rejects(ward)[0][0].id
    feed = Feed(ward.stage.mllp)
    try:
        reply = read(feed.send(payload))
        assert reply is not None
        assert (reply.code, first_error(reply)) == (code, error)
        if payload.startswith(b"MSH|^~\\&"):
            assert reply.control_id.encode() == control_id(payload)
        following = read(feed.send(newborn().message("A01")))
        assert following is not None
        assert following.code == "AA"
    finally:
        feed.close()
    row, kept = rejects(ward)[0]
    assert row.id != before
    assert kept == payload
    (entry,) = ward.evidence(subject=row.id)
    assert entry.what == "reject.kept"
    assert str(entry.note["code"]).split(" ")[0] == error[0]


def test_the_values_of_a_refused_message_are_told_nobody(ward: Hall) -> None:
    """The refusal names the field; what stood in it is in no answer and no log."""
    child = newborn(surname="MARCHIOUNICO", identifier="MARCHIODUE")
    message = changed(b"HIS^PI", b"HIS^NN", child.message("A01"))
    feed = Feed(ward.stage.mllp)
    answer = feed.send(message)
    feed.close()
    assert b"MARCHIO" not in answer
    assert "MARCHIO" not in ward.log()
    row, kept = rejects(ward)[0]
    assert kept == message
    shown = ward.icaro("evidence", "show", "--subject", row.id).stdout
    assert "reject.kept" in shown
    assert "MARCHIO" not in shown


def test_a_message_of_5_mb_is_refused_and_the_port_stays_open(ward: Hall) -> None:
    """AR with its MSA-2, then the connection closes; other connections are served."""
    large = GOOD + b"NTE|1||" + b"x" * (5 * 2**20) + b"\r"
    feed = Feed(ward.stage.mllp)
    try:
        answer = feed.raw(wrap(large))
        reply = read(answer)
        assert reply is not None
        assert reply.code == "AR"
        assert reply.control_id.encode() == control_id(GOOD)
        assert feed.raw(b"") is None
    finally:
        feed.close()
    row, kept = rejects(ward)[0]
    assert kept is not None
    assert control_id(GOOD) in kept
    assert len(kept) <= 64 * 1024
    assert [entry.what for entry in ward.evidence(subject=row.id)] == ["reject.kept"]
    still_served(ward)


def test_a_connection_cut_in_mid_message_leaves_evidence(ward: Hall) -> None:
    """Nothing of half a message is taken; it can be seen that it came, and sent again whole. Of
    any mother only what may be kept of one who does not want to be named: the rest did not come.
    """
    child = newborn()
    message = child.message("A01")
    mother = child.mother.surname.encode()
    half = message[: message.index(b"NK1|1|" + mother) + 30]
    with socket.create_connection((HOST, ward.stage.mllp), timeout=10) as connection:
        connection.sendall(wrap(half)[:-2])

    def cut() -> list[tuple[RejectRow, bytes | None]]:
        return [each for each in rejects(ward) if control_id(message) in (each[1] or b"")]

    ward.until(lambda: bool(cut()), "what is kept of the cut bytes")
    ((row, body),) = cut()
    assert body is not None
    assert mother not in body
    (entry,) = ward.evidence(subject=row.id)
    assert entry.what == "reject.kept"
    assert ward.rows(child) == []
    ward.born(child)
    ward.await_status(child, "comune", Status.ACCEPTED)


def test_bytes_outside_any_block_leave_evidence(ward: Hall) -> None:
    """A peer that does not speak MLLP is not answered, but how each line began is kept."""
    stray = b"EHLO somebody.example\r\n"
    with socket.create_connection((HOST, ward.stage.mllp), timeout=10) as connection:
        connection.sendall(stray)
    ward.until(lambda: b"EHL" in [(b or b"").strip() for _, b in rejects(ward)], "them")


def test_a_probe_that_says_nothing_is_no_fault(ward: Hall) -> None:
    """A load balancer opens and closes: nothing is refused, nothing is logged as an error."""
    before = [row.id for row, _ in rejects(ward)]
    for _ in range(5):
        socket.create_connection((HOST, ward.stage.mllp), timeout=10).close()
    still_served(ward)
    assert [row.id for row, _ in rejects(ward)] == before


def test_a_refused_message_is_judged_anew(ward: Hall) -> None:
    """Only positive acknowledgments are remembered: mended, the same control id is taken."""
    child = newborn()
    good = child.message("A01")
    bad = changed(b"HIS^PI", b"HIS^NN", good)
    assert [ward.send(each).code for each in (bad, bad, good, good)] == ["AE", "AE", "AA", "AA"]
    ward.await_status(child, "comune", Status.ACCEPTED)
    assert ward.effects_of(child)["registraNascita"] == 1


# ---------------------------------------------------------------- content


def findings(ward: Ward, child: Child) -> list[tuple[str, str]]:
    """Code and place of what a person should see of a case."""
    return [(each.code, each.at) for each in ward.context(child).findings]


def content(child: Child) -> dict[str, tuple[bytes, tuple[str, str]]]:
    """A message of this child for each thing that can be wrong with its content."""
    good = child.message("A01")
    mother = next(line for line in good.split(b"\r") if line.startswith(b"NK1|1|"))
    code = child.mother.codice_fiscale
    wrong = (code[:-1] + ("A" if code[-1] != "A" else "B")).encode()
    born = f"||{child.born:%Y%m%d%H%M}|".encode()
    return {
        "unreadable birth date": (changed(born, b"||20261341|", good), ("CONTENT", "PID-7")),
        "wrong letter, mother": (changed(code.encode(), wrong, good), ("CONTENT", "NK1-33")),
        "wrong letter, child": (
            changed(b"^^^HIS^PI", b"^^^HIS^PI~" + wrong + b"^^^MEF^NNITA", good),
            ("CONTENT", "PID-3"),
        ),
        "unknown comune": (changed(b"^L^^015146", b"^L^^999998", good), ("CONTENT", "NK1-4")),
        "unknown place of birth": (
            changed(b"^N^^015146", b"^N^^999998", good),
            ("CONTENT", "PID-11"),
        ),
        "two mothers": (
            changed(mother, mother + b"\r" + changed(b"NK1|1|", b"NK1|2|", mother), good),
            ("CONTENT", "NK1-MTH"),
        ),
        "no mother": (changed(mother + b"\r", b"", good), ("NO_MOTHER", "NK1")),
    }


@pytest.mark.parametrize("name", content(newborn()))
def test_bad_content_is_taken_with_a_finding(ward: Hall, name: str) -> None:
    """AA, because a NAK would stop the feed; a finding with its place, and nothing wrong goes to
    an administration. The corrected message goes on as if nothing had been.
    """
    child = newborn()
    message, finding = content(child)[name]
    assert ward.send(message).code == "AA"
    shown = findings(ward, child)
    assert finding in shown
    ward.until(lambda: _at_rest(ward, child), "nothing more to move")
    assert ward.effects_of(child)["registraNascita"] == (name == "wrong letter, child")
    ward.born(child, "A08")
    ward.await_status(child, "pediatra", Status.ACCEPTED)
    assert finding not in findings(ward, child)
    assert ward.effects_of(child)["registraNascita"] == 1


def test_a_person_sees_all_that_is_wrong(ward: Hall) -> None:
    """`icaro case show` lists every finding of a case at once, with its place and no value."""
    child = newborn()
    message = changed(
        child.mother.codice_fiscale.encode(), b"RSSMRA80A01H501X", child.message("A01")
    )
    message = changed(b"^N^^015146", b"^N^^999998", message)
    ward.send(message)
    case = ward.case(child).id
    shown = ward.told("case", "show", case)
    assert {("CONTENT", "NK1-33"), ("CONTENT", "PID-11")} <= {
        (each["code"], each["at"]) for each in shown["findings"]
    }
    said = " ".join(each["text"] for each in shown["findings"])
    assert "RSSMRA80A01H501X" not in said
    assert "999998" not in said
    table = ward.icaro("case", "show", case).stdout
    assert "NK1-33" in table
    assert "PID-11" in table


def _at_rest(ward: Ward, child: Child) -> bool:
    return not any(
        row.status in (Status.READY, Status.SUBMITTING, Status.DEFERRED, Status.IN_DOUBT)
        for row in ward.rows(child)
    )


def test_a_comune_outside_the_directory_is_named(ward: Hall) -> None:
    """Roma is a comune, but nobody told its address: nothing goes elsewhere instead, and the
    queue says what is to be done.
    """
    roma = ("058091", "ROMA", "RM", "H501")
    child = newborn()
    child = replace(child, mother=replace(child.mother, home=roma))
    ward.born(child)
    row = ward.await_status(child, "comune", Status.INVALID)
    assert (row.reason, row.endpoint) == ("NOT_IN_DIRECTORY", "058091")
    (shown,) = [
        each
        for each in ward.told("submission", "list", "--status", "invalid")
        if each["id"] == row.id
    ]
    assert "partners.yaml" in shown["advice"]
    assert ward.effects(row) == []


# ---------------------------------------------------------------- who may speak


def say(ward: Hall, message: bytes, certificate: str | None) -> Reply | None:
    """Send a message over TLS with a client certificate; None if nobody answers."""
    context = ssl.create_default_context(cafile=str(ward.stage.folder / "certs/gateway/ca.pem"))
    if certificate is not None:
        folder = ward.clients / certificate
        context.load_cert_chain(folder / "tls.pem", folder / "tls.key")
    feed = Feed(ward.tls)
    try:
        with (
            socket.create_connection((HOST, ward.tls), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=HOST) as connection,
        ):
            connection.sendall(wrap(message))
            return read(feed._read(connection))
    except OSError:
        return None


def test_a_client_certificate_speaks_for_its_hospital(ward: Hall) -> None:
    """Over TLS a birth is taken from whose certificate the sender's entry names."""
    child = newborn()
    reply = say(ward, child.message("A01"), "his.santa-prova")
    assert reply is not None
    assert reply.code == "AA"
    ward.await_status(child, "comune", Status.ACCEPTED)


@pytest.mark.parametrize("certificate", ["his.san-altro", "his.nobody"])
def test_a_certificate_speaks_for_nobody_else(ward: Hall, certificate: str) -> None:
    """Another hospital's MSH-3 and MSH-4 are refused, with evidence, and open no case."""
    child = newborn()
    reply = say(ward, child.message("A01"), certificate)
    assert reply is not None
    assert (reply.code, first_error(reply)) == ("AR", ["207", "MSH^1^3"])
    assert ward.rows(child) == []
    row, kept = rejects(ward)[0]
    assert child.identifier.encode() in (kept or b"")
    assert [entry.what for entry in ward.evidence(subject=row.id)] == ["reject.kept"]


@pytest.mark.parametrize("certificate", [None, "stranger"])
def test_without_a_certificate_of_the_ca_nobody_is_heard(
    ward: Hall, certificate: str | None
) -> None:
    """The handshake ends it: not one byte of HL7 is read."""
    child = newborn()
    assert say(ward, child.message("A01"), certificate) is None
    assert ward.rows(child) == []


# ---------------------------------------------------------------- configuration


def test_three_mistakes_of_configuration_are_told_at_once(ward: Hall) -> None:
    """All three with file and line, by `config check` and by `run`, which does not start."""
    text = (ward.stage.folder / "icaro.yaml").read_text("utf-8")
    for before, after in (
        ("checkpoint_every: 2 s", "checkpoint_evry: 2 s"),
        ("facility: SAN_ALTRO", "facility: SAN_ALTRO\n    profile: nessuno"),
        ("lease: 20 s", "lease: twenty"),
    ):
        assert before in text
        text = text.replace(before, after, 1)
    wrong = ward.stage.folder / "wrong.yaml"
    wrong.write_text(text, "utf-8")
    lines = text.splitlines()
    for verb in (("config", "check"), ("run",)):
        done = ward.icaro(*verb, config=wrong)
        assert done.returncode == 1, verb
        told = done.stdout + done.stderr
        for word in ("checkpoint_evry", "profile: nessuno", "lease: twenty"):
            number = next(n for n, line in enumerate(lines, 1) if word in line)
            assert f"wrong.yaml:{number}: " in told, (verb, word)
