"""Faults as they are written are read."""

from __future__ import annotations

import pytest
from lxml import etree

from gateway.soap.fault import read_fault, write_fault
from gateway.soap.profile import MODI, MODI_SOAP12, SecurityProfile

CODES = [(MODI, "Client", "Server"), (MODI_SOAP12, "Sender", "Receiver")]


@pytest.mark.parametrize(("profile", "sender", "receiver"), CODES)
def test_a_fault_comes_back_as_it_was_written(
    profile: SecurityProfile, sender: str, receiver: str
) -> None:
    """Blame, reason and declared detail survive, in both SOAP versions."""
    detail = etree.Element("{urn:x}FaultServizio")
    fault = read_fault(write_fault(profile, blame="sender", reason="Il campo manca", detail=detail))
    assert fault is not None
    assert (fault.code, fault.reason) == (sender, "Il campo manca")
    assert fault.detail is not None
    assert fault.detail.tag == "{urn:x}FaultServizio"
    bare = read_fault(write_fault(profile, blame="receiver", reason="x"))
    assert bare is not None
    assert (bare.code, bare.detail) == (receiver, None)


def test_an_answer_is_no_fault() -> None:
    """Any other Body is not a fault."""
    assert read_fault(etree.Element("{urn:x}Risposta")) is None


def test_a_bare_fault_is_read_without_error() -> None:
    """A fault without code, reason or detail is still a fault."""
    fault = read_fault(etree.Element(f"{{{MODI.namespace}}}Fault"))
    assert fault is not None
    assert (fault.code, fault.reason, fault.detail) == ("", "", None)


def test_a_reason_is_never_printed() -> None:
    """A partner's free text may name a person."""
    fault = read_fault(write_fault(MODI, blame="sender", reason="ROSSI MARIA"))
    assert "ROSSI" not in repr(fault)
