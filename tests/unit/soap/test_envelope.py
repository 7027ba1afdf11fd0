"""The layout of an envelope, and markup that two readers could read in two ways."""

from __future__ import annotations

from copy import deepcopy

import pytest
from lxml import etree

from gateway.soap.names import SOAP11, WSA, WSSE, WSU
from gateway.soap.profile import MODI_SOAP12
from tests.soap_parties import (
    Change,
    Party,
    one,
    refusal,
)


@pytest.mark.parametrize(
    ("old", "new", "check"),
    [
        (b"INVENTATI", b"INVEN<!-- -->TATI", "markup"),
        (b"INVENTATI", b"INVEN<?x y?>TATI", "markup"),
        (b"<soap:Envelope", b"<!DOCTYPE a><soap:Envelope", "DTD"),
        (b"INVENTATI", b"INVEN&x;TATI", "well-formedness"),
        (b"</soap:Envelope>", b"", "well-formedness"),
    ],
)
def test_markup_that_hides_is_refused(party: Party, old: bytes, new: bytes, check: str) -> None:
    """Comments in digested text, entities, DTDs: nothing that two readers read in two ways."""
    assert refusal(party, party.envelope().replace(old, new, 1))[0] == check


def test_a_default_namespace_slipped_in_is_refused(party: Party) -> None:
    """Giving names without prefix a namespace from outside changes the digest."""
    own = party.envelope(b"<Richiesta><cognome>X</cognome></Richiesta>")
    assert party.check(own).body.tag == "Richiesta"
    assert refusal(party, own.replace(b"<Richiesta>", b'<Richiesta xmlns="urn:e">'))[0] == "digest"


def test_a_header_that_insists_is_refused(party: Party) -> None:
    """mustUnderstand on a header that we do not know cannot be served."""
    raw = party.forge(
        lambda root: etree.SubElement(root[0], "{urn:x}A").set(f"{{{SOAP11}}}mustUnderstand", "1")
    )
    assert refusal(party, raw) == ("shape", "A")


@pytest.mark.parametrize(
    ("change", "element"),
    [
        (lambda root: root[0].remove(one(root, "Action")), "wsa:Action"),
        (lambda root: root[0].append(deepcopy(one(root, "To"))), "wsa:To"),
        (lambda root: etree.SubElement(root[0], f"{{{WSA}}}Altro"), "wsa:Altro"),
        (lambda root: root[0].append(deepcopy(one(root, "Security"))), "wsse:Security"),
        (lambda root: root[0].remove(one(root, "Security")), "wsse:Security"),
        (
            lambda root: etree.SubElement(one(root, "Security"), f"{{{WSSE}}}UsernameToken"),
            "wsse:Security",
        ),
        (
            lambda root: one(root, "Security").append(deepcopy(one(root, "Signature"))),
            "ds:Signature",
        ),
        (lambda root: one(root, "Security").remove(one(root, "Timestamp")), "wsu:Timestamp"),
        (
            lambda root: one(root, "Security").append(deepcopy(one(root, "Timestamp"))),
            "wsu:Timestamp",
        ),
        (lambda root: root[1].remove(root[1][0]), "soap:Body"),
        (lambda root: etree.SubElement(root[1], "{urn:x}A"), "soap:Body"),
        (lambda root: root.remove(root[0]), "soap:Envelope"),
        (lambda root: setattr(root, "tag", f"{{{WSU}}}Envelope"), "wsu:Envelope"),
    ],
)
def test_a_part_missing_doubled_or_moved_is_named(
    party: Party, change: Change, element: str
) -> None:
    """The layout is one; what departs from it is named."""
    assert refusal(party, party.forge(change)) == ("shape", element)


def test_a_soap12_envelope_is_not_a_soap11_one(party: Party) -> None:
    """The version is the partner's agreement, not the sender's choice."""
    assert refusal(party, party.envelope(), profile=MODI_SOAP12) == ("shape", "soap:Envelope")
