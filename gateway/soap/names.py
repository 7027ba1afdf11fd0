"""Namespaces and algorithm URIs of the standards, under the standards' own names.

SOAP 1.1 and 1.2, WS-Addressing 1.0, WS-Security 1.0 with the X.509 token profile, XML Signature.
Only what is here is produced or accepted; SHA-1 is not here.
"""

from __future__ import annotations

from typing import Final

SOAP11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12: Final = "http://www.w3.org/2003/05/soap-envelope"
WSA: Final = "http://www.w3.org/2005/08/addressing"
ANONYMOUS: Final = f"{WSA}/anonymous"
"""Where a reply goes that travels back on the request's connection (WS-Addressing 1.0, 3.2.1)."""

_OASIS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE: Final = f"{_OASIS}wssecurity-secext-1.0.xsd"
WSU: Final = f"{_OASIS}wssecurity-utility-1.0.xsd"
X509V3: Final = f"{_OASIS}x509-token-profile-1.0#X509v3"
BASE64: Final = f"{_OASIS}soap-message-security-1.0#Base64Binary"

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
EXC_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"

ID: Final = f"{{{WSU}}}Id"
SECURITY: Final = f"{{{WSSE}}}Security"
TOKEN: Final = f"{{{WSSE}}}BinarySecurityToken"
TIMESTAMP: Final = f"{{{WSU}}}Timestamp"
SIGNATURE: Final = f"{{{DS}}}Signature"

PREFIXES: Final = {
    SOAP11: "soap",
    SOAP12: "soap",
    WSA: "wsa",
    WSSE: "wsse",
    WSU: "wsu",
    DS: "ds",
    EXC_C14N: "ec",
}


def readable(tag: str) -> str:
    """`{namespace}name` as one reads it: `wsa:To`; a name of another namespace stands alone."""
    namespace, _, name = tag.rpartition("}")
    prefix = PREFIXES.get(namespace.removeprefix("{"))
    return f"{prefix}:{name}" if prefix else name
