"""Two outputs of a mapping compared by path, whatever they are: documents, facts, messages.

What a person reads is `parto/pesoGrammi: expected 3250, found 3410`, not lines of text. Blanks
between elements and the order that the schema decides are no difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from gateway.hl7.message import Message


def flat(value: Any) -> dict[str, str]:
    """Path → text of everything an output says; a sibling of the same name has its number.

    An element that holds neither text nor elements has the text ''.
    """
    if value is None:
        return {}
    if isinstance(value, bytes):
        return dict(_fields(Message.parse(value)))
    if isinstance(value, Mapping):
        return {str(key): str(text) for key, text in value.items()}
    return dict(_below(value, ""))


def differences(expected: Any, found: Any) -> list[str]:
    """One sentence for each path that is not the same, in the order of the paths."""
    one, other = flat(expected), flat(found)
    paths = list(dict.fromkeys([*one, *other]))
    return [_sentence(path, one, other) for path in paths if one.get(path) != other.get(path)]


def _sentence(path: str, expected: Mapping[str, str], found: Mapping[str, str]) -> str:
    if path not in found:
        return f"{path}: expected {expected[path]}, found nothing"
    if path not in expected:
        return f"{path}: not expected, found {found[path]}"
    return f"{path}: expected {expected[path]}, found {found[path]}"


def _below(element: etree._Element, above: str) -> Iterator[tuple[str, str]]:
    for key, text in sorted(element.attrib.items()):
        yield f"{above}/@{_local(key)}".removeprefix("/"), str(text)
    names = [_local(child.tag) for child in element]
    several, seen = Counter(names), Counter[str]()
    for child, name in zip(element, names, strict=True):
        seen[name] += 1
        step = f"{name}[{seen[name]}]" if several[name] > 1 else name
        yield from _below(child, f"{above}/{step}".removeprefix("/"))
    if not names:
        yield above, (element.text or "").strip()


def _local(name: str | bytes | bytearray | etree.QName) -> str:
    return etree.QName(str(name)).localname


def _fields(message: Message) -> Iterator[tuple[str, str]]:
    """Fields as they are written, by `PID-3`; a second segment of a name is `NK1[2]-3`."""
    seen = Counter[str]()
    for segment in message:
        seen[segment.name] += 1
        name = segment.name if seen[segment.name] == 1 else f"{segment.name}[{seen[segment.name]}]"
        parts = segment.line.split(message.delimiters.field)
        first = 2 if segment.name == "MSH" else 1
        for number, text in enumerate(parts[1:], first):
            if text:
                yield f"{name}-{number}", text
