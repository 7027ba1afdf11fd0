"""SOAP faults, written and read, in both versions.

A fault is a Body like any other and is signed like it. Reading tells the declared detail element
apart from the rest: only a declared, signed fault is a refusal (wire.md, SOAP).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from lxml import etree

from gateway.soap.names import PREFIXES, SOAP11, SOAP12, WSA
from gateway.soap.profile import SecurityProfile

FAULT_ACTION: Final = f"{WSA}/soap/fault"
"""wsa:Action of a fault that the contract does not declare (WS-Addressing 1.0 SOAP, 6)."""

_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_CODES: Final = {
    SOAP11: {"sender": "Client", "receiver": "Server"},
    SOAP12: {"sender": "Sender", "receiver": "Receiver"},
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that came. `code` is the local name; `detail` the declared element, if there is one.

    The reason is free text of the partner's and may hold personal values: it is never printed.
    """

    code: str
    reason: str = field(repr=False)
    detail: etree._Element | None = field(default=None, repr=False)


def write_fault(
    profile: SecurityProfile,
    *,
    blame: Literal["sender", "receiver"],
    reason: str,
    detail: etree._Element | None = None,
) -> etree._Element:
    """A soap:Fault for `build`; `blame` says whose fault it is."""
    soap = profile.namespace
    fault = etree.Element(f"{{{soap}}}Fault", nsmap={PREFIXES[soap]: soap})
    code = f"{PREFIXES[soap]}:{_CODES[soap][blame]}"
    if soap == SOAP11:
        etree.SubElement(fault, "faultcode").text = code
        etree.SubElement(fault, "faultstring").text = reason
        holder = "detail"
    else:
        value = etree.SubElement(fault, f"{{{soap}}}Code")
        etree.SubElement(value, f"{{{soap}}}Value").text = code
        text = etree.SubElement(etree.SubElement(fault, f"{{{soap}}}Reason"), f"{{{soap}}}Text")
        text.set(_LANG, "it")
        text.text = reason
        holder = f"{{{soap}}}Detail"
    if detail is not None:
        etree.SubElement(fault, holder).append(detail)
    return fault


def read_fault(body: etree._Element) -> Fault | None:
    """The fault that `body` (the element in soap:Body) is; None if it is none."""
    if body.tag == f"{{{SOAP11}}}Fault":
        code, reason, detail = (body.find(name) for name in ("faultcode", "faultstring", "detail"))
    elif body.tag == f"{{{SOAP12}}}Fault":
        names = {"s": SOAP12}
        code, reason, detail = (
            body.find(path, names) for path in ("s:Code/s:Value", "s:Reason/s:Text", "s:Detail")
        )
    else:
        return None
    first = detail[0] if detail is not None and len(detail) else None
    return Fault(_text(code).rpartition(":")[2], _text(reason), first)


def _text(element: etree._Element | None) -> str:
    return "" if element is None else (element.text or "").strip()
