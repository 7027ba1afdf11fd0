"""How the elements and attributes of a document are called in its text.

The root declares its namespace, as the default where its children are qualified too, else as
`ns`; what is of another namespace declares it where it stands. Knows no values and no message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from lxml import etree

from gateway.mapping.xml_write import quoted

XML: Final = "http://www.w3.org/XML/1998/namespace"
Tags: TypeAlias = tuple[str, str]
"""What stands before an element's content and after it."""


@dataclass(frozen=True, slots=True)
class Naming:
    """What is declared around an element: the default namespace and the prefixes."""

    default: str = ""
    prefixes: Mapping[str, str] = field(default_factory=dict)

    def element(self, tag: str) -> tuple[Tags, Naming]:
        """Of a tag in Clark notation: its tags, and what is declared inside."""
        qualified = etree.QName(tag)
        uri, local = qualified.namespace or "", qualified.localname
        if uri == self.default:
            return _tags(local), self
        if not uri:
            return _tags(local, 'xmlns=""'), replace(self, default="")
        if uri in self.prefixes:
            return _tags(f"{self.prefixes[uri]}:{local}"), self
        prefix = f"ns{len(self.prefixes)}"
        inside = replace(self, prefixes={**self.prefixes, uri: prefix})
        return _tags(f"{prefix}:{local}", f"xmlns:{prefix}={quoted(uri)}"), inside


def root_naming(tag: str, *, qualified: bool) -> tuple[Tags, Naming]:
    """As `Naming.element` for the root; `qualified`: its children are of its namespace."""
    name = etree.QName(tag)
    uri, local = name.namespace or "", name.localname
    if not uri:
        return _tags(local), Naming()
    if qualified:
        return _tags(local, f"xmlns={quoted(uri)}"), Naming(default=uri)
    return _tags(f"ns:{local}", f"xmlns:ns={quoted(uri)}"), Naming(prefixes={uri: "ns"})


def _tags(name: str, declares: str = "") -> Tags:
    return f"<{name} {declares}>" if declares else f"<{name}>", f"</{name}>"


def attribute_name(tag: str, number: int) -> str:
    """What stands before `=`; a namespace is declared beside it, by a prefix with a number."""
    name = etree.QName(tag)
    if name.namespace is None:
        return name.localname
    if name.namespace == XML:
        return f"xml:{name.localname}"
    return f"xmlns:a{number}={quoted(name.namespace)} a{number}:{name.localname}"
