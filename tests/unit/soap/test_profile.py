"""What the two SOAP versions send over HTTP."""

from __future__ import annotations

from gateway.soap.names import readable
from gateway.soap.profile import MODI, MODI_SOAP12


def test_soap11_names_the_action_in_its_own_header() -> None:
    """SOAP 1.1 is text/xml."""
    assert MODI.content_type("urn:a") == "text/xml; charset=utf-8"
    assert MODI.media_type == "text/xml"


def test_soap12_names_the_action_in_the_content_type() -> None:
    """SOAP 1.2 is application/soap+xml with an action."""
    assert MODI_SOAP12.content_type("urn:a") == (
        'application/soap+xml; charset=utf-8; action="urn:a"'
    )
    assert MODI_SOAP12.media_type == "application/soap+xml"


def test_the_original_is_over_after_expires_and_tolerance() -> None:
    """A partner whose clock is behind may accept for as long as clocks may differ."""
    assert MODI.tolerance == MODI.ahead == 5


def test_names_are_written_as_one_reads_them() -> None:
    """Known namespaces get their usual prefix."""
    assert readable("{http://www.w3.org/2005/08/addressing}To") == "wsa:To"
    assert readable("{urn:x}Altro") == "Altro"
    assert readable("Nudo") == "Nudo"
