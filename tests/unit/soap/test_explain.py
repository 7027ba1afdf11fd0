"""The offline explanation: all reasons at once, and the same verdict as the verifier."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256

import pytest
from lxml import etree

from gateway.soap.explain import Step, explain
from gateway.soap.names import DS, ID
from gateway.soap.profile import MODI
from gateway.xml import canonical, parse
from tests.soap_parties import DAY, NOW, Party, ec_key, make_party, one


def steps_of(party: Party, raw: bytes, **changes: object) -> dict[int, Step]:
    arguments = {"trust": party.trust, "now": NOW, "profile": MODI} | changes
    steps = explain(raw, **arguments)  # type: ignore[arg-type]  # keyword table
    return {step.number: step for step in steps}


def states(steps: dict[int, Step]) -> str:
    """One letter a step: passed, refused, not checked."""
    return "".join(step.state[0] for step in steps.values())


def test_a_good_envelope_passes_every_step(party: Party) -> None:
    """All pass but the last, which needs the receiver's memory."""
    steps = steps_of(party, party.envelope())
    assert states(steps) == "pppppppppn"
    assert not any(step.reasons for step in list(steps.values())[:9])


def test_all_reasons_are_told_at_once(party: Party) -> None:
    """Old, changed twice and of a foreign CA: every one of these is said."""

    def change(root: etree._Element) -> None:
        one(root, "cognome").text = "ALTRI"
        one(root, "To").text = "https://altro.example/"

    steps = steps_of(make_party(ec_key()), party.forge(change), now=NOW + DAY)
    assert states(steps) == "ppprpnrrpn"
    assert [reason.split(": ")[1] for reason in steps[7].reasons] == ["wsa:To", "soap:Body"]
    assert "86400 s old" in steps[8].reasons[0]


def test_every_unsigned_part_is_named(party: Party) -> None:
    """Two parts that are not signed are both named."""

    def change(root: etree._Element) -> None:
        for reference in list(root.iter(f"{{{DS}}}Reference"))[:2]:
            one(root, "SignedInfo").remove(reference)

    (reason,) = steps_of(party, party.resign(change))[7].reasons
    assert "wsu:Timestamp, wsa:To" in reason


def test_without_a_ca_the_rest_is_checked(party: Party) -> None:
    """No --ca: issuer and signature are left open, digests and times are not."""
    steps = steps_of(party, party.envelope(), trust=None)
    assert states(steps) == "pppnpnpppn"
    assert "--ca" in steps[4].reasons[0]


def test_what_is_no_envelope_is_said_so(party: Party) -> None:
    """A file that is no XML, and XML that is no envelope, are refused at their step."""
    assert states(steps_of(party, b"<a")) == "rnnnnnnnnn"
    assert states(steps_of(party, b"<a/>")) == "prpnnnnnnn"
    unsigned = party.forge(lambda root: one(root, "Security").remove(one(root, "Signature")))
    assert states(steps_of(party, unsigned)) == "pprnnnnppn"


def test_an_unreadable_token_ends_the_signature(party: Party) -> None:
    """Without a key there is nothing to check the signature by."""
    raw = party.forge(lambda root: setattr(one(root, "BinarySecurityToken"), "text", "AAAA"))
    assert states(steps_of(party, raw)) == "ppprnnnppn"


def test_another_algorithm_is_told(party: Party) -> None:
    """SHA-1 in a digest is named as such a step."""
    raw = party.resign(lambda root: one(root, "DigestMethod").set("Algorithm", f"{DS}sha1"))
    assert states(steps_of(party, raw)) == "pppprnnppn"


def pretty(body: etree._Element) -> bytes:
    """What was signed before somebody indented the document."""
    signed = canonical(body)
    body[0].text = "\n  "
    return signed


def inclusive(body: etree._Element) -> bytes:
    return etree.tostring(etree.fromstring(etree.tostring(body)), method="c14n")


def without_id(body: etree._Element) -> bytes:
    bare = etree.fromstring(etree.tostring(body))
    bare.attrib.pop(ID)
    return canonical(bare)


@pytest.mark.parametrize(
    ("signed", "words"),
    [
        (pretty, "white space"),
        (inclusive, "inclusive C14N"),
        (without_id, "added after signing"),
    ],
)
def test_the_usual_mistakes_are_guessed(
    party: Party, signed: Callable[[etree._Element], bytes], words: str
) -> None:
    """When undoing a known mistake gives the signed digest, the mistake is named."""
    raw = party.envelope().replace(b"<soap:Envelope", b'<soap:Envelope xmlns:x="urn:x"')
    root = parse(raw)
    digest = list(root.iter(f"{{{DS}}}DigestValue"))[-1]
    digest.text = b64encode(sha256(signed(root[1])).digest()).decode()
    _, guess = steps_of(party, etree.tostring(root))[7].reasons
    assert guess.startswith("guess")
    assert words in guess


def test_no_value_is_told(party: Party) -> None:
    """Explanations go into mails: they hold no value of the document."""
    raw = party.forge(lambda root: setattr(one(root, "cognome"), "text", "SEGRETI"))
    text = "\n".join(str(step) for step in steps_of(party, raw).values())
    assert "refused" in text
    assert "SEGRETI" not in text
