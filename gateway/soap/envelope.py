"""Writes the parts of an envelope, and knows where everything in an envelope stands.

Every part that will be signed is written at once in its exclusive canonical form, so that only
a document that is not canonical yet needs a canonicalization. Signs and checks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from lxml import etree

from gateway.errors import VerificationError
from gateway.soap.names import (
    SECURITY,
    SIGNATURE,
    TIMESTAMP,
    TOKEN,
    WSA,
    WSU,
    readable,
)
from gateway.soap.profile import SecurityProfile
from gateway.xml import Canonical, canonical, escaped, own

_ADDRESSING = ("To", "Action", "MessageID", "RelatesTo", "ReplyTo", "From", "FaultTo")
_REQUIRED = ("To", "Action", "MessageID")
_LASTING = ("To", "Action")


# Canonical form: a part declares what it uses, namespaces and attributes sorted.
_ADDRESS: Final = '<wsa:{name}{spaces} wsu:Id="{name}">{text}</wsa:{name}>'
_ADDRESS_SPACES: Final = f' xmlns:wsa="{WSA}" xmlns:wsu="{WSU}"'
_TIMESTAMP: Final = (
    '<wsu:Timestamp{spaces} wsu:Id="Timestamp"><wsu:Created>{created}</wsu:Created>'
    "<wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>"
)
_TIMESTAMP_SPACES: Final = f' xmlns:wsu="{WSU}"'
_BODY: Final = f'<soap:Body xmlns:soap="{{soap}}" xmlns:wsu="{WSU}" wsu:Id="Body">'
_BODY_END: Final = b"</soap:Body>"


class Part(NamedTuple):
    """One signed element: as it is digested, and as it is sent in an envelope whose Header declares
    `wsa`, `wsse` and `wsu`; a receiver's canonical form of the second is the first.
    """

    digested: bytes
    sent: bytes


@dataclass(frozen=True, slots=True)
class Unsigned:
    """The parts to sign by their wsu:Id, in the order of signing.

    `soap` is the namespace of the envelope that they belong in.
    """

    soap: str
    created: datetime
    parts: Mapping[str, Part] = field(repr=False)


def build(
    body: etree._Element | Canonical,
    *,
    to: str,
    action: str,
    message_id: str,
    created: datetime,
    profile: SecurityProfile,
    relates_to: str | None = None,
) -> Unsigned:
    """The Timestamp, the addressing headers and the Body around `body`.

    `message_id` is new for every attempt; `relates_to` is for replies only. Characters that XML
    cannot carry raise ValueError. As canonical form, it holds no comments, and no declaration of a
    prefix that only values use.
    """
    expires = created + timedelta(seconds=profile.ttl)
    times = {"created": instant(created), "expires": instant(expires)}
    texts = {"To": to, "Action": action, "MessageID": message_id, "RelatesTo": relates_to}
    parts = {"Timestamp": _part(_TIMESTAMP, _TIMESTAMP_SPACES, times)}
    for name, text in texts.items():
        if text is not None:
            parts[name] = (_lasting if name in _LASTING else _addressed)(name, text)
    content = body if isinstance(body, Canonical) else canonical(body)
    whole = _body(content, profile.namespace)
    parts["Body"] = Part(whole, whole)
    return Unsigned(profile.namespace, created, parts)


def _addressed(name: str, text: str) -> Part:
    return _part(_ADDRESS, _ADDRESS_SPACES, {"name": name, "text": escaped(text)})


_lasting = lru_cache(1024)(_addressed)
"""Of an office and its operations: the same in every envelope."""


def _part(template: str, spaces: str, values: Mapping[str, str]) -> Part:
    digested = template.format(spaces=spaces, **values)
    return Part(digested.encode(), template.format(spaces="", **values).encode())


def _body(content: bytes, soap: str) -> bytes:
    """soap:Body around `content`, canonical like it."""
    body = _BODY.format(soap=soap).encode() + content + _BODY_END
    if b' xmlns:soap="' in content or b' xmlns:wsu="' in content:
        # What the Body declares already, its content must not declare again.
        return canonical(own(body))
    return body


def instant(moment: datetime) -> str:
    """An aware datetime as xs:dateTime in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Parts:
    """The elements of one envelope, each found at its only allowed place."""

    body: etree._Element
    security: etree._Element
    timestamp: etree._Element
    addressing: dict[str, etree._Element]
    token: etree._Element | None
    signature: etree._Element | None

    def signable(self) -> list[etree._Element]:
        """What the signature must cover, in the order in which we write it."""
        return [self.timestamp, *self.addressing.values(), self.body]


def locate(root: etree._Element, profile: SecurityProfile) -> Parts:
    """Find every part of an envelope; raise VerificationError if one is absent, doubled or moved.

    Elements are taken by their place, never by their Id: a signed Body moved aside is not found.
    """
    soap = profile.namespace
    if root.tag != f"{{{soap}}}Envelope":
        raise VerificationError("shape", readable(root.tag), f"send a SOAP {profile.soap} Envelope")
    if [child.tag for child in root] != [f"{{{soap}}}Header", f"{{{soap}}}Body"]:
        raise VerificationError("shape", "soap:Envelope", "put one Header and one Body in it")
    header, body = root
    if len(body) != 1:
        raise VerificationError("shape", "soap:Body", "put exactly one element in it")
    addressing = _addressing(header)
    security = _only(header, SECURITY)
    _refuse_not_understood(header, soap)
    _refuse_strangers(security)
    return Parts(
        body=body,
        security=security,
        timestamp=_only(security, TIMESTAMP),
        addressing=addressing,
        token=_at_most_one(security, TOKEN),
        signature=_at_most_one(security, SIGNATURE),
    )


def _addressing(header: etree._Element) -> dict[str, etree._Element]:
    """Every WS-Addressing header by its local name; all of them must be signed."""
    found: dict[str, etree._Element] = {}
    for child in header:
        namespace, _, name = child.tag[1:].rpartition("}")
        if namespace != WSA:
            continue
        if name not in _ADDRESSING or name in found:
            raise VerificationError("shape", f"wsa:{name}", "send each WS-Addressing header once")
        found[name] = child
    for name in _REQUIRED:
        if name not in found:
            raise VerificationError("shape", f"wsa:{name}", "put it in soap:Header")
    return found


def _refuse_not_understood(header: etree._Element, soap: str) -> None:
    """A header we do not know is not read; one that insists cannot be served (SOAP 1.1, 4.2.3)."""
    attribute = f"{{{soap}}}mustUnderstand"
    for child in header:
        insists = child.get(attribute, "0").strip() in ("1", "true")
        if insists and child.tag != SECURITY and not child.tag.startswith(f"{{{WSA}}}"):
            raise VerificationError(
                "shape", readable(child.tag), "send no such header with mustUnderstand"
            )


def _refuse_strangers(security: etree._Element) -> None:
    for child in security:
        if child.tag not in (TOKEN, TIMESTAMP, SIGNATURE):
            remedy = "put only the token, the Timestamp and the Signature in it"
            raise VerificationError("shape", "wsse:Security", remedy)


def _only(parent: etree._Element, tag: str) -> etree._Element:
    found = _at_most_one(parent, tag)
    if found is None:
        raise VerificationError("shape", readable(tag), f"put it in {readable(parent.tag)}")
    return found


def _at_most_one(parent: etree._Element, tag: str) -> etree._Element | None:
    found = [*parent.iterchildren(tag)]
    if len(found) > 1:
        raise VerificationError("shape", readable(tag), f"put one in {readable(parent.tag)}")
    return found[0] if found else None
