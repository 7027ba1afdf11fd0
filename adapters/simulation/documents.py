"""Reads a request's Body by names and writes an answer's Body from values.

Knows XML elements and the words that the contracts share; no administration, no sockets. What
it reads was checked by the XSD, what it writes will be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from lxml import etree

from gateway.xml import canonical

Answer: TypeAlias = Mapping[str, "str | Answer | Sequence[str] | Sequence[Answer]"]
"""The children of an answer's root in the schema's order; a list is a repeated element."""


def text(body: etree._Element, path: str) -> str:
    """The text at `path` (local names, `a/b`) below `body`; empty if it is not there."""
    found = at(body, path)
    return (found.text or "") if found is not None else ""


def at(body: etree._Element, path: str) -> etree._Element | None:
    """The first element at `path` (local names) below `body`."""
    return body.find("/".join(f"{{*}}{name}" for name in path.split("/")))


def anywhere(body: etree._Element, name: str) -> str:
    """The text of the first element with this local name, at any depth; empty if there is none."""
    found = body.find(f".//{{*}}{name}")
    return (found.text or "") if found is not None else ""


def render(name: str, answer: Answer) -> etree._Element:
    """`{namespace}Root` with the answer's values as children in that namespace."""
    namespace = etree.QName(name).namespace or ""
    root = etree.Element(name, nsmap={"icaro": namespace})
    _fill(root, answer, namespace)
    return root


def _fill(parent: etree._Element, answer: Answer, namespace: str) -> None:
    for name, value in answer.items():
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        for one in values:
            child = etree.SubElement(parent, etree.QName(namespace, name))
            if isinstance(one, str):
                child.text = one
            else:
                _fill(child, one, namespace)


def digest(body: etree._Element) -> str:
    """SHA-256 of the canonical Body, in hexadecimal: equal for every attempt of a submission."""
    return hashlib.sha256(canonical(body)).hexdigest()
