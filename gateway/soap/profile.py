"""What two parties agreed about their envelopes: SOAP version, life time, tolerated clocks.

The default is ModI `ID_AUTH_SOAP_02` + `INTEGRITY_SOAP_01` (AgID, Linee guida
interoperabilità, pattern di sicurezza): X.509 token, signed Timestamp, addressing headers and
Body. What is signed and by which algorithms is the same for every partner, so it is no option.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from gateway.soap.names import SOAP11, SOAP12


@dataclass(frozen=True, slots=True)
class SecurityProfile:
    """One partner's agreement. Times are whole seconds.

    `ttl`: Expires is Created plus this. `max_age`: how old a Created may be that comes in.
    `ahead`: how far the partner's clock may be before ours.
    """

    name: str = "modi"
    soap: Literal["1.1", "1.2"] = "1.1"
    ttl: int = 300
    max_age: int = 300
    ahead: int = 5

    @property
    def tolerance(self) -> int:
        """Seconds after Expires in which a partner's slow clock may still accept the original."""
        return self.ahead

    @property
    def namespace(self) -> str:
        """The envelope's namespace."""
        return SOAP11 if self.soap == "1.1" else SOAP12

    @property
    def media_type(self) -> str:
        """What Content-Type must name."""
        return "text/xml" if self.soap == "1.1" else "application/soap+xml"

    def content_type(self, action: str) -> str:
        """The Content-Type to send. SOAP 1.2 carries the action in it, 1.1 in SOAPAction."""
        if self.soap == "1.1":
            return "text/xml; charset=utf-8"
        return f'application/soap+xml; charset=utf-8; action="{action}"'


MODI: Final = SecurityProfile()
MODI_SOAP12: Final = SecurityProfile(name="modi-soap12", soap="1.2")
