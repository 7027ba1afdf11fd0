"""Reads XML from outside, checks it against local schemas, writes it canonically.

The only room with an XML parser. What comes from outside is UTF-8, has no DTD, no entity, no
comment, no processing instruction, a bounded size and a bounded depth; anything else is refused
before anybody looks at it. Schemas come from local folders only. Faults name the path and the
rule, never the value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final
from urllib.parse import unquote, urlsplit

from lxml import etree

from gateway.errors import ConfigurationError, VerificationError

LIMIT: Final = 8 * 2**20
DEPTH: Final = 64

XSD: Final = "http://www.w3.org/2001/XMLSchema"
WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"

# lxml guards a parser with a lock of its own; one is enough for all threads.
_OUTSIDE: Final = etree.XMLParser(
    encoding="utf-8",
    resolve_entities=False,
    load_dtd=False,
    no_network=True,
    huge_tree=False,
    collect_ids=False,
)
_ODD_NODES: Final = etree.XPath("boolean(//comment() | //processing-instruction())")
# XML 1.0, 2.2.
_NO_CHARACTER: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARED: Final = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([^"'>]*)["']""")


def parse(data: bytes, *, limit: int = LIMIT, depth: int = DEPTH) -> etree._Element:
    """The root of a document from outside. `limit` in bytes, `depth` in nested elements.

    Comments are refused, not dropped: a dropped comment joins two texts that the sender's
    signature kept apart (signxml CVE-2025-48994, ruby-saml CVE-2025-25291). WS-I BP 1.2 forbids
    DTDs and processing instructions in messages (R1008, R1009).
    """
    if len(data) > limit:
        raise VerificationError("size", "document", f"send at most {limit} bytes")
    _require_utf8(data)
    # Before the parser sees it: entities in attributes are expanded whatever one asks for.
    if b"<!DOCTYPE" in data:
        raise VerificationError("DTD", "document", "send it without a DOCTYPE")
    root = _root(data)
    if _ODD_NODES(root):
        raise VerificationError("markup", "document", "send no comments or processing instructions")
    if _deeper_than(depth)(root):
        raise VerificationError("depth", "document", f"nest at most {depth} elements")
    return root


def canonical(element: etree._Element, inclusive: Sequence[str] = ()) -> bytes:
    """Exclusive XML Canonicalization 1.0 without comments (xml-exc-c14n#).

    `inclusive` is the InclusiveNamespaces PrefixList; `#default` names the default namespace.
    Raises VerificationError for what has no canonical form.
    """
    try:
        if not inclusive:
            return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
        # lxml looks for the listed prefixes on the element itself only.
        return etree.tostring(
            alone(element),
            method="c14n",
            exclusive=True,
            with_comments=False,
            inclusive_ns_prefixes=list(inclusive),
        )
    except etree.LxmlError:
        # Relative URIs (C14N 1.0, 1.3), and attributes that escaping makes too large to be read.
        name, remedy = etree.QName(element).localname, "declare absolute URIs, send smaller texts"
        raise VerificationError("canonical form", name, remedy) from None


class Canonical(bytes):
    """A whole document as `canonical` writes it: it can be digested as it is, and sent as it is."""

    @classmethod
    def of(cls, element: etree._Element) -> Canonical:
        """The canonical form of `element`, known as such."""
        return cls(canonical(element))


def escaped(text: str) -> str:
    """`text` as canonical character data (C14N 1.0, 2.3).

    Raises ValueError for characters that XML cannot carry.
    """
    if _NO_CHARACTER.search(text):
        raise ValueError("a character that XML cannot carry")
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#xD;")


def alone(element: etree._Element) -> etree._Element:
    """A copy of `element` as a document of its own; it declares all that its ancestors did."""
    return own(etree.tostring(element, with_tail=False))


def own(text: str | bytes) -> etree._Element:
    """The root of a text that this process has just written; never of anything from outside."""
    return etree.fromstring(text, _OUTSIDE)


def _require_utf8(data: bytes) -> None:
    """The parser reads UTF-8 whatever is declared; what declares another would be misread."""
    declared = _DECLARED.match(data[:200])
    if declared and declared[1].upper() not in (b"UTF-8", b"UTF8", b"US-ASCII"):
        raise VerificationError("encoding", "document", "send it as UTF-8")


def _root(data: bytes) -> etree._Element:
    try:
        return etree.fromstring(data, _OUTSIDE)
    except etree.XMLSyntaxError as error:
        # The parser's own text may quote the document, so only the place is told.
        line = error.lineno or 1
        remedy = "send well-formed XML in UTF-8"
        raise VerificationError("well-formedness", f"document, line {line}", remedy) from None


@cache
def _deeper_than(depth: int) -> etree.XPath:
    """Whether some element has more than `depth` elements from the root to itself."""
    return etree.XPath(f"boolean({'/*' * (depth + 1)})")


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """One rule of the schema that the document breaks: where, and which rule; no value."""

    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class Schema:
    """An XSD, or the types of a WSDL 1.1, compiled once and used for many documents."""

    def __init__(self, compiled: etree.XMLSchema) -> None:
        self._compiled = compiled
        # libxml2 keeps the last document's errors in the schema: two threads would mix them.
        self._lock = Lock()

    @classmethod
    def load(cls, path: Path, root_folder: Path) -> Schema:
        """Compile `path`; whatever it imports or includes lies inside `root_folder`.

        Raises ConfigurationError naming every file that is missing, outside or unusable.
        """
        problems = _problems_of_files(path.resolve(), root_folder.resolve())
        if problems:
            raise ConfigurationError(problems)
        try:
            return cls(etree.XMLSchema(_schema_of(path)))
        except etree.XMLSchemaParseError as error:
            raise ConfigurationError([f"{path}: {error}"]) from error

    def check(self, element: etree._Element) -> list[SchemaFault]:
        """Every rule that `element`, taken as a document of its own, breaks; empty if none."""
        with self._lock:
            if self._compiled.validate(element):
                return []
            entries: list[etree._LogEntry] = [*self._compiled.error_log]  # type: ignore[misc]  # stubs
        places = _places(element)
        return [_fault(entry, places) for entry in entries]


def read_local(path: Path) -> etree._Element:
    """The root of a file of ours or of a partner's contract; raises ConfigurationError.

    Contracts may have comments and an internal DTD (W3C's xmldsig schema has), but no entities
    of their own and at most LIMIT bytes; nothing outside the file is loaded.
    """
    parser = etree.XMLParser(load_dtd=False, no_network=True, resolve_entities=False)
    try:
        # Before the parser sees it: entities in attributes are expanded whatever one asks for.
        _refuse_bombs(path)
        return etree.parse(path, parser).getroot()
    except (OSError, etree.XMLSyntaxError) as error:
        raise ConfigurationError([f"{path}: {error}"]) from error


_ENTITY_DECLARED: Final = re.compile(rb"<!ENTITY\s+[^%\s]")


def _refuse_bombs(path: Path) -> None:
    if path.stat().st_size > LIMIT:
        raise ConfigurationError([f"{path}: larger than {LIMIT // 2**20} MiB"])
    content = path.read_bytes()
    if b"\0" in content[:200]:
        raise ConfigurationError([f"{path}: is not UTF-8"])
    if found := _ENTITY_DECLARED.search(content):
        line = content.count(b"\n", 0, found.start()) + 1
        raise ConfigurationError([f"{path}:{line}: declares an entity; schemas have none"])


_IMPORTS: Final = (
    *(f"{{{XSD}}}{name}" for name in ("import", "include", "redefine")),
    f"{{{WSDL}}}import",
)


def imports_of(path: Path, root: etree._Element) -> list[tuple[int, str, Path | None]]:
    """Line, address as written, and file (None if not a local one) of each import and include."""
    found = []
    for element in root.iter(*_IMPORTS):
        address = element.get("schemaLocation", element.get("location"))
        if address is not None:
            line: int = element.sourceline or 0  # type: ignore[assignment]  # the stubs know no type
            found.append((line, address, _local(path, address)))
    return found


def _local(path: Path, address: str) -> Path | None:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path:
        return None
    return (path.parent / unquote(parts.path)).resolve()


def _problems_of_files(start: Path, root_folder: Path) -> list[str]:
    """Walk all imports before the schema compiler does, which would say less."""
    problems: list[str] = []
    seen, waiting = {start}, [start]
    while waiting:
        path = waiting.pop()
        try:
            root = read_local(path)
        except ConfigurationError as error:
            problems += error.problems
            continue
        for line, address, target in imports_of(path, root):
            if target is None or not target.is_relative_to(root_folder):
                where = path.relative_to(root_folder) if path.is_relative_to(root_folder) else path
                text = f"{where}:{line}: {address} is not inside {root_folder}"
                problems.append(text)
            elif target not in seen:
                seen.add(target)
                waiting.append(target)
    return problems


def _schema_of(path: Path) -> etree._Element:
    """The schema in the file: itself, or the only one among a WSDL's types."""
    root = read_local(path)
    if root.tag == f"{{{XSD}}}schema":
        return root
    schemas = root.findall(f"{{{WSDL}}}types/{{{XSD}}}schema")
    if len(schemas) != 1:
        text = f"{path}: has {len(schemas)} schemas; write one, which imports the others"
        raise ConfigurationError([text])
    # Written and read again, it keeps the prefixes that the WSDL's root declares for it.
    parser = etree.XMLParser(load_dtd=False, no_network=True)
    return etree.fromstring(etree.tostring(schemas[0]), parser, base_url=str(path.resolve()))


_ENTRY: Final = re.compile(
    r"Element '[^']*'(?:, attribute '(?:\{[^}]*\})?([^']*)')?: (.*)", re.DOTALL
)
_RULES: Final = (
    "is not a valid value of the ",
    "is not accepted by the pattern ",
    "is not an element of the set ",
    "exceeds the allowed maximum length of ",
    "underruns the allowed minimum length of ",
    "differs from the allowed length of ",
    "is greater than the maximum value allowed ",
    "is less than the minimum value allowed ",
    "must be less than ",
    "must be greater than ",
    "has more digits than are allowed ",
    "has more fractional digits than are allowed ",
    "does not match the fixed value constraint ",
)
# libxml2's texts of these kinds speak of names only.
_NAMES_ONLY: Final = re.compile(r"SCHEMAV_(ELEMENT_CONTENT|CVC_COMPLEX_TYPE_\w+|CVC_ELT_(1|2|3_1))")


def _fault(entry: etree._LogEntry, places: dict[str, str]) -> SchemaFault:
    match = _ENTRY.match(entry.message)
    attribute, text = (match[1], match[2]) if match else (None, "")
    place = places.get(_below_root(entry.path or ""), "")
    path = f"{place}/@{attribute}" if attribute else place
    return SchemaFault(path, entry.line, _reason(entry.type_name, text.strip()))


def _reason(kind: str, text: str) -> str:
    """The rule of libxml2's text without the value it quotes.

    What follows the *last* rule phrase is the schema's own text, whatever the value contains.
    """
    at = max(text.rfind(rule) for rule in _RULES)
    if at >= 0:
        return f"value {text[at:].removesuffix('.')}"
    if _NAMES_ONLY.fullmatch(kind):
        return re.sub(r"\{[^}]*\}", "", text)
    return f"breaks the schema's rule {kind}"


def _below_root(path: str) -> str:
    """`/a:x/a:y[2]` → `/a:y[2]`: the root's own step depends on where the element stands."""
    return path[path.find("/", 1) :] if "/" in path[1:] else ""


def _places(element: etree._Element) -> dict[str, str]:
    """libxml2's path of each element under `element` → the names one reads (`nato/sesso`)."""
    tree = element.getroottree()
    start = len(tree.getpath(element))
    places: dict[str, str] = {}
    for child in element.iter(etree.Element):
        below = tree.getpath(child)[start:]
        places[below] = _readable(child, element, below)
    return places


def _readable(child: etree._Element, top: etree._Element, below: str) -> str:
    names = [etree.QName(child).localname]
    for ancestor in child.iterancestors() if child is not top else ():
        names.append(etree.QName(ancestor).localname)
        if ancestor is top:
            break
    counts = [re.search(r"\[\d+\]$", step) for step in below.split("/")]
    steps = zip(reversed(names), counts, strict=True)
    return "/".join(name + (count[0] if count else "") for name, count in steps)
