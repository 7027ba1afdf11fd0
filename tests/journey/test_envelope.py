"""The envelopes of a real run: an independent tool believes them, and nobody believes a forgery.

What `icaro submission show ID --envelope N` writes is the file; xmlsec1 and openssl judge it, our
own verifier does, and so does the administration that is running.
"""

from __future__ import annotations

import subprocess
from base64 import b64encode
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from adapters.keys import load_certificates
from gateway.errors import VerificationError
from gateway.lifecycle import Status
from gateway.soap.keys import SigningKey
from gateway.soap.names import ID, SOAP11, TOKEN, WSA, WSU
from gateway.soap.profile import MODI
from gateway.soap.trust import Trust
from gateway.soap.verify import verify
from gateway.xml import parse
from tests.contract.soap.test_xmlsec1 import MISSING, chain_is_good, signature_is_good
from tests.journey.theatre import Theatre, newborn
from tests.journey.watching import Ward
from tests.journey.wire import Party, altered
from tests.soap_parties import Authority, rsa_key

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

STEPS = ("comune", "codice_fiscale", "assistito")
SERVICE = {
    "comune": ("comune", "NotificaNascita"),
    "codice_fiscale": ("agenzia_entrate", "CodiceFiscale"),
    "assistito": ("asl", "AnagrafeAssistiti"),
}


@dataclass
class OnDisk:
    """An envelope as the operator gets it, and what it takes to judge it."""

    ward: Ward
    step: str
    sent: bytes
    ca: Path
    folder: Path

    @property
    def administration(self) -> str:
        """Who got it."""
        return SERVICE[self.step][0]

    @property
    def url(self) -> str:
        """Where it went."""
        stage = self.ward.stage
        return f"https://127.0.0.1:{stage.services[self.administration]}/{SERVICE[self.step][1]}"

    def file(self, content: bytes) -> Path:
        """The envelope, or a forgery of it, on disk."""
        path = self.folder / "envelope.xml"
        path.write_bytes(content)
        return path

    def believed_by_us(self, content: bytes) -> bool:
        """Our own verifier, with the demo CA pinned."""
        try:
            trust = Trust(load_certificates(self.ca))
            verify(content, trust=trust, now=datetime.now(UTC), profile=MODI)
        except VerificationError:
            return False
        return True

    @property
    def party(self) -> Party:
        """The gateway's keys, towards this administration."""
        return Party(self.ward.stage.folder / "certs", "gateway", self.administration)

    def again(self, key: SigningKey | None = None, to: str | None = None) -> bytes:
        """The same document in an envelope of its own: another MessageID, another moment."""
        root = parse(self.sent)
        action = root.findtext(f".//{{{WSA}}}Action") or ""
        return self.party.envelope(body_of(root)[0], to or self.url, action, key)

    def heard(self, content: bytes) -> bool:
        """Whether the running administration answers, and not with a fault. The operation id is
        one that it knows, so nothing may be done in any case; a refusal is signed too.
        """
        effects = self.ward.stage.effects(self.administration)
        answer = self.party.post(self.url, content)
        assert answer.verified is not None
        assert (answer.status == 200) == (answer.element != "Fault")
        assert self.ward.stage.effects(self.administration) == effects
        return answer.status == 200


@pytest.fixture(scope="module")
def envelopes(sqlite_stage: Theatre) -> dict[str, bytes]:
    """What was sent for one birth, by step, as the command line writes it."""
    ward = Ward(sqlite_stage)
    child = newborn()
    ward.born(child)
    ward.await_status(child, "pediatra", Status.ACCEPTED)
    found = {}
    for step in STEPS:
        command = ("submission", "show", ward.one(child, step).row.id, "--envelope", "1")
        found[step] = subprocess.run(
            [sqlite_stage.python, "-m", "gateway.cli", *command, "-c", ward.config],
            check=True,
            capture_output=True,
        ).stdout
    return found


@pytest.fixture(params=STEPS)
def on_disk(
    request: pytest.FixtureRequest,
    sqlite_stage: Theatre,
    envelopes: dict[str, bytes],
    tmp_path: Path,
) -> OnDisk:
    """The envelope of each step in turn."""
    ca = sqlite_stage.folder / "certs" / "gateway" / "ca.pem"
    sent = envelopes[request.param]
    return OnDisk(Ward(sqlite_stage), request.param, sent, ca, tmp_path)


def test_an_independent_tool_believes_what_was_sent(on_disk: OnDisk) -> None:
    """Token extracted, chain checked against the demo CA, signature with that certificate; and
    `icaro envelope verify` finds nothing against it.
    """
    path = on_disk.file(on_disk.sent)
    assert chain_is_good(path, on_disk.ca)
    assert signature_is_good(path)
    assert on_disk.believed_by_us(on_disk.sent)
    done = subprocess.run(
        [
            *(on_disk.ward.stage.python, "-m", "gateway.cli", "envelope", "verify"),
            *(str(path), "--ca", str(on_disk.ca)),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_another_partys_ca_has_not_issued_it(on_disk: OnDisk) -> None:
    """The chain holds against the gateway's own CA only."""
    path = on_disk.file(on_disk.sent)
    certs = on_disk.ward.stage.folder / "certs"
    for name in ("comune", "agenzia_entrate", "asl", "ospedale"):
        assert not chain_is_good(path, certs / name / "ca.pem")


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"<wsu:Created>2", b"<wsu:Created>1"), (b"FIGLIO", b"FIGLIA"), (b">M</", b">F</")],
)
def test_one_byte_changed_is_refused_by_all(on_disk: OnDisk, before: bytes, after: bytes) -> None:
    """A byte of the Timestamp, of a name, of the sex: xmlsec1 says no, so do we, and so does the
    administration, which does nothing.
    """
    assert before in on_disk.sent
    changed = on_disk.sent.replace(before, after, 1)
    # The administration has seen this MessageID: it gets a new envelope with the same change.
    fresh = on_disk.again()
    assert before in fresh
    path = on_disk.file(changed)
    assert chain_is_good(path, on_disk.ca)
    assert not signature_is_good(path)
    assert not on_disk.believed_by_us(changed)
    assert not on_disk.heard(fresh.replace(before, after, 1))


def body_of(root: etree._Element) -> etree._Element:
    """The Body in its place."""
    found = root.find(f"{{{SOAP11}}}Body")
    assert found is not None
    return found


def wrapped(root: etree._Element) -> None:
    """The signed Body moved aside, another in its place."""
    signed = body_of(root)
    other = deepcopy(signed)
    other.set(ID, "another")
    root.replace(signed, other)
    header = root.find(f"{{{SOAP11}}}Header")
    assert header is not None
    etree.SubElement(header, "aside").append(signed)


def wrapped_under_its_name(root: etree._Element) -> None:
    """The same, and the other has the signed one's Id: two elements, one name."""
    wrapped(root)
    signed = next(root.iter("aside"))[0]
    body_of(root).set(ID, signed.get(ID) or "")


def duplicate_id(root: etree._Element) -> None:
    """Another element has the Body's Id."""
    body_of(root)[0].set(ID, body_of(root).get(ID) or "")


def timestamp_twice(root: etree._Element) -> None:
    """A second Timestamp under the signed one's Id."""
    stamp = next(root.iter(f"{{{WSU}}}Timestamp"))
    stamp.addnext(deepcopy(stamp))


def foreign_token(root: etree._Element) -> None:
    """Somebody else's certificate in the token's place."""
    key = rsa_key()
    certificate = _foreign().issue(key)
    token = next(root.iter(TOKEN))
    token.text = b64encode(certificate.public_bytes(Encoding.DER)).decode()


def _foreign() -> Authority:
    now = datetime.now(UTC)
    return Authority(start=now - timedelta(days=1), end=now + timedelta(days=1))


@pytest.mark.parametrize(
    "forge",
    [wrapped, wrapped_under_its_name, duplicate_id, timestamp_twice, foreign_token],
    ids=lambda forge: forge.__name__,
)
def test_a_forgery_is_refused(on_disk: OnDisk, forge: Callable[[etree._Element], None]) -> None:
    """What is read is what was signed, in its place, by whom we know: anything else is refused by
    us and by the running administration.
    """
    assert not on_disk.believed_by_us(altered(on_disk.sent, forge))
    assert not on_disk.heard(altered(on_disk.again(), forge))


def test_an_envelope_of_a_foreign_ca_is_refused(on_disk: OnDisk) -> None:
    """Well signed, fresh, and by nobody we know."""
    key, authority = rsa_key(), _foreign()
    signed = on_disk.again(SigningKey(key, authority.issue(key)))
    path = on_disk.file(signed)
    assert signature_is_good(path)
    assert not chain_is_good(path, on_disk.ca)
    assert not on_disk.believed_by_us(signed)
    assert not on_disk.heard(signed)


def test_a_replay_is_refused(on_disk: OnDisk) -> None:
    """The very bytes of the run, a second time: their MessageID was seen. The same document in an
    envelope of its own is heard, once, and gets the same answer.
    """
    answer = on_disk.party.post(on_disk.url, on_disk.sent)
    assert answer.status == 500
    assert "MessageID" in answer.text
    again = on_disk.again()
    assert on_disk.heard(again)
    assert not on_disk.heard(again)
