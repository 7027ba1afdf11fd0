"""Decides whether an envelope is to be believed, in numbered steps; each refuses or goes on.

Returns the Body's content read again from the very bytes that were digested, never `True`: no
second reading of the document can differ from the one that was verified. Knows no transport and
no clock; the caller gives `now`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from lxml import etree

from gateway.errors import VerificationError
from gateway.soap.envelope import Parts, locate
from gateway.soap.keys import signature_is_of
from gateway.soap.names import ID, SIGNATURE, WSU, readable
from gateway.soap.profile import SecurityProfile
from gateway.soap.signature import Reference, SignatureParts, read_signature
from gateway.soap.trust import Signer, Trust, signer_of
from gateway.xml import canonical, own, parse

_MAX_URI: Final = 1024
_TIMES: Final = [f"{{{WSU}}}Created", f"{{{WSU}}}Expires"]
_INSTANT: Final = re.compile(
    r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_IDS: Final = etree.XPath(
    "//*/@wsu:Id | //*/@Id | //*/@ID | //*/@id | //*/@xml:id",
    namespaces={"wsu": WSU},
    smart_strings=False,
)


@dataclass(frozen=True, slots=True)
class Verified:
    """What the signature covers; the only thing of the envelope that may be read.

    `body` is the element inside soap:Body, in a document that holds the signed Body alone.
    """

    body: etree._Element = field(repr=False)
    action: str
    message_id: str
    relates_to: str | None
    to: str
    created: datetime
    expires: datetime
    signer_subject: str = field(repr=False)


def verify(
    raw: bytes,
    *,
    trust: Trust,
    now: datetime,
    profile: SecurityProfile,
    to: str | None = None,
    action: str | None = None,
    relates_to: Collection[str] = (),
    seen: Callable[[str], bool] | None = None,
) -> Verified:
    """The content of an envelope that `trust` signed for us, now, as answer to `relates_to`.

    `to` and `action` are what the envelope must say, `relates_to` the MessageIDs one of which it
    must name (empty: it is no reply), `seen` tells whether a MessageID came before and remembers
    it. `now` is aware. Raises VerificationError with the check, the element, and what would pass.
    """
    # 1. Well-formed UTF-8 XML without DTD, entities, comments, within size and depth.
    root = parse(raw)
    # 2. Every part stands once and at its place.
    parts = locate(root, profile)
    # 3. No Id is there twice, and no second signature anywhere.
    require_unique(root)
    token, signature = require_signed(parts)
    # 4. The token is a certificate of the partner, from his pinned CA, valid now.
    signer = signer_of(token, trust, now)
    # 5. The signature has the profile's shape and algorithms and names the token as its key.
    read = read_signature(signature, token, signer.algorithm)
    # 6. The key signed SignedInfo.
    require_signature(read, signer)
    # 7. The references are exactly the parts, and every digest is that of the part.
    signed = [digested(*pair) for pair in require_references(parts, read)]
    # 8. The Timestamp is of now.
    created, expires = read_timestamp(parts)
    require_fresh(created, expires, now, profile)
    # 9. The envelope is addressed to us, for this action, as answer to what we sent.
    texts = read_addressing(parts)
    require_addressed(texts, to, action, relates_to)
    # 10. It did not come before. Last: what is not believed is not remembered.
    if seen is not None and seen(texts["MessageID"]):
        raise VerificationError("replay", "wsa:MessageID", "send a new MessageID in each attempt")
    return Verified(
        body=content_of(signed[-1]),
        action=texts["Action"],
        message_id=texts["MessageID"],
        relates_to=texts.get("RelatesTo"),
        to=texts["To"],
        created=created,
        expires=expires,
        signer_subject=signer.subject,
    )


def require_unique(root: etree._Element) -> None:
    """Step 3. An Id that is there twice could name another element to another reader."""
    identifiers = _IDS(root)
    assert isinstance(identifiers, list)  # the XPath selects nodes
    if len(identifiers) != len(set(identifiers)):
        raise VerificationError("ids", "wsu:Id", "give every element an Id of its own")
    if sum(1 for _ in root.iter(SIGNATURE)) > 1:
        raise VerificationError("signatures", "ds:Signature", "send one, in wsse:Security")


def require_signed(parts: Parts) -> tuple[etree._Element, etree._Element]:
    """Step 3. The token and the signature, which `locate` leaves open."""
    if parts.signature is None:
        raise VerificationError("signatures", "ds:Signature", "sign the envelope")
    if parts.token is None:
        raise VerificationError("token", "wsse:BinarySecurityToken", "send the certificate in it")
    return parts.token, parts.signature


def require_signature(read: SignatureParts, signer: Signer) -> None:
    """Step 6."""
    if not signature_is_of(signer.key, read.value, read.content):
        remedy = "sign this SignedInfo with the token's key, and change nothing after signing"
        raise VerificationError("signature value", "ds:SignatureValue", remedy)


def require_references(
    parts: Parts, read: SignatureParts
) -> list[tuple[etree._Element, Reference]]:
    """Step 7. Each part with its reference: the Timestamp first, the Body last."""
    references = {reference.identifier: reference for reference in read.references}
    if len(references) != len(read.references):
        raise VerificationError("references", "ds:Reference", "name each element once")
    signable = parts.signable()
    if parts.token is not None and parts.token.get(ID) in references:
        signable.insert(0, parts.token)  # WSS4J signs the token too, which does no harm
    found = [(part, references.get(part.get(ID, ""))) for part in signable]
    names = ", ".join(readable(part.tag) for part, reference in found if reference is None)
    if names:
        remedy = "sign it: name its wsu:Id in a ds:Reference"
        raise VerificationError("references", names, remedy)
    if len(references) != len(signable):
        remedy = "sign the Timestamp, the WS-Addressing headers and the Body, nothing else"
        raise VerificationError("references", "ds:Reference", remedy)
    return [(part, reference) for part, reference in found if reference is not None]


def digested(element: etree._Element, reference: Reference) -> bytes:
    """Step 7. The canonical bytes of `element`, if they are those that were signed."""
    content = canonical(element, reference.prefixes)
    if not compare_digest(sha256(content).digest(), reference.digest):
        raise VerificationError("digest", readable(element.tag), "send it exactly as it was signed")
    return content


def content_of(body: bytes) -> etree._Element:
    """Step 7. What is in the soap:Body that was digested."""
    try:
        return own(body)[0]
    except etree.XMLSyntaxError:  # escaping made it larger than it came
        raise VerificationError("size", "soap:Body", "send smaller texts") from None


def read_timestamp(parts: Parts) -> tuple[datetime, datetime]:
    """Step 8. Created and Expires."""
    if [child.tag for child in parts.timestamp] != _TIMES:
        raise VerificationError("timestamp", "wsu:Timestamp", "put Created, then Expires in it")
    created, expires = parts.timestamp
    return _moment(created), _moment(expires)


def _moment(element: etree._Element) -> datetime:
    """An xs:dateTime with its zone (Web Services Security 1.0, 10: UTC)."""
    text = _plain_text(element)
    try:
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # no such day, or no such year in UTC
    remedy = "write it as 2026-11-21T09:30:00Z"
    raise VerificationError("timestamp", readable(element.tag), remedy)


def require_fresh(
    created: datetime, expires: datetime, now: datetime, profile: SecurityProfile
) -> None:
    """Step 8. Ages are told in seconds: they are the usual reason, and the clocks' difference."""
    age = (now - created).total_seconds()
    if age < -profile.ahead:
        remedy = f"it is {-age:.0f} s in the future, {profile.ahead} s pass; set the clock by NTP"
        raise VerificationError("time", "wsu:Created", remedy)
    if age > profile.max_age:
        remedy = f"it is {age:.0f} s old, {profile.max_age} s pass; sign just before sending"
        raise VerificationError("time", "wsu:Created", remedy)
    over = (now - expires).total_seconds()
    if expires <= created or over >= profile.tolerance:
        raise VerificationError("time", "wsu:Expires", "send it before it expires")


def read_addressing(parts: Parts) -> dict[str, str]:
    """Step 9. The texts of To, Action, MessageID and, if there, RelatesTo."""
    texts = {}
    for name in ("To", "Action", "MessageID", "RelatesTo"):
        element = parts.addressing.get(name)
        if element is not None:
            text = _plain_text(element)
            if not 0 < len(text) <= _MAX_URI:
                raise VerificationError("addressing", f"wsa:{name}", "write one URI in it")
            texts[name] = text
    return texts


def require_addressed(
    texts: dict[str, str], to: str | None, action: str | None, relates_to: Collection[str]
) -> None:
    """Step 9. A verified envelope for somebody else, or to something else, is not ours."""
    if to is not None and texts["To"] != to:
        raise VerificationError("addressing", "wsa:To", "address it to this service")
    if action is not None and texts["Action"] != action:
        raise VerificationError("addressing", "wsa:Action", "name the action that was called")
    if relates_to and texts.get("RelatesTo") not in relates_to:
        raise VerificationError("addressing", "wsa:RelatesTo", "name the request's MessageID")


def _plain_text(element: etree._Element) -> str:
    if len(element):
        raise VerificationError("shape", readable(element.tag), "put only text in it")
    return (element.text or "").strip()
