"""How the elements and attributes of a document are called in its text.

The root declares its namespace, as the default where its children are qualified too, else as
`ns`; what is of another namespace declares it where it stands. Knows no values and no message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from lxml import etree

from gateway.mapping.xml_write import quoted

XML: Final = "http://www.w3.org/XML/1998/namespace"


@dataclass(frozen=True, slots=True)
class Naming:
    """What is declared around an element: the default namespace and the prefixes."""

    default: str = ""
    prefixes: Mapping[str, str] = field(default_factory=dict)

    def element(self, tag: str) -> tuple[str, str, Naming]:
        """Of a tag in Clark notation: its name, what stands after `<`, and what holds inside."""
        qualified = etree.QName(tag)
        uri, local = qualified.namespace or "", qualified.localname
        if uri == self.default:
            return local, local, self
        if not uri:
            return local, f'{local} xmlns=""', replace(self, default="")
        if uri in self.prefixes:
            name = f"{self.prefixes[uri]}:{local}"
            return name, name, self
        prefix = f"ns{len(self.prefixes)}"
        name = f"{prefix}:{local}"
        inside = replace(self, prefixes={**self.prefixes, uri: prefix})
        return name, f"{name} xmlns:{prefix}={quoted(uri)}", inside


def root_naming(tag: str, *, qualified: bool) -> tuple[str, str, Naming]:
    """As `Naming.element` for the root; `qualified`: its children are of its namespace."""
    name = etree.QName(tag)
    uri, local = name.namespace or "", name.localname
    if not uri:
        return local, local, Naming()
    if qualified:
        return local, f"{local} xmlns={quoted(uri)}", Naming(default=uri)
    return f"ns:{local}", f"ns:{local} xmlns:ns={quoted(uri)}", Naming(prefixes={uri: "ns"})


def attribute_name(tag: str, number: int) -> str:
    """What stands before `=`; a namespace is declared beside it, by a prefix with a number."""
    name = etree.QName(tag)
    if name.namespace is None:
        return name.localname
    if name.namespace == XML:
        return f"xml:{name.localname}"
    return f"xmlns:a{number}={quoted(name.namespace)} a{number}:{name.localname}"
