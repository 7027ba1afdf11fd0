"""Changes a sample for a test, and looks at what came of it.

Patches are what a test says differs: one field, one element. They are made on the text of an
invented message; nothing of the delivery uses them.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from gateway.hl7.location import Location
from gateway.hl7.message import Message

_STEP = re.compile(r"(@?[\w.-]+)(?:\[(\d+)\])?")


class BadPatch(Exception):
    """A path of a test that cannot be followed."""


def with_hl7_ends(content: bytes) -> bytes:
    """A sample written with one segment a line, as HL7 sends it."""
    return content.replace(b"\r\n", b"\r").replace(b"\n", b"\r")


def patch_message(message: Message, path: str, text: str | None) -> Message:
    """The message with `text` at `path`; None removes. A segment's path takes a whole segment.

    Delimiters in `text` count: `PID-3: A^^^B~C` is two repetitions.
    """
    try:
        where = Location.parse(path)
    except ValueError as error:
        raise BadPatch(str(error)) from None
    lines = [segment.line for segment in message]
    places = [at for at, line in enumerate(lines) if line[:3] == where.segment]
    if where.occurrence > len(places) + 1:
        raise BadPatch(f"{path}: the message has {len(places)} of them")
    if where.occurrence > len(places):
        lines.append(where.segment)
        places.append(len(lines) - 1)
    at = places[where.occurrence - 1]
    if where.field:
        lines[at] = _with_field(lines[at], message, where, text or "")
    elif text is None:
        del lines[at]
    else:
        lines[at] = text
    raw = "\r".join(lines) + "\r"
    return Message.parse(raw.encode(message.charset))


def _with_field(line: str, message: Message, where: Location, text: str) -> str:
    marks = message.delimiters
    # MSH-1 is the separator itself, so that MSH's fields stand one place to the left.
    number = where.field - (where.segment == "MSH")
    fields = _filled(line.split(marks.field), number + 1)
    if where.repetition or where.component:
        repetitions = _filled(fields[number].split(marks.repetition), where.repetition or 1)
        at = (where.repetition or 1) - 1
        repetitions[at] = _with_part(repetitions[at], message, where, text)
        text = marks.repetition.join(repetitions)
    fields[number] = text
    return marks.field.join(fields)


def _with_part(repetition: str, message: Message, where: Location, text: str) -> str:
    if not where.component:
        return text
    marks = message.delimiters
    components = _filled(repetition.split(marks.component), where.component)
    if where.subcomponent:
        subs = components[where.component - 1].split(marks.subcomponent)
        subs = _filled(subs, where.subcomponent)
        subs[where.subcomponent - 1] = text
        text = marks.subcomponent.join(subs)
    components[where.component - 1] = text
    return marks.component.join(components)


def _filled(parts: list[str], length: int) -> list[str]:
    return parts + [""] * (length - len(parts))


def patch_element(root: etree._Element, path: str, text: str | None) -> None:
    """Set the text or attribute at `path` below the root, or remove it."""
    above, _, last = path.rpartition("/")
    holder = _element(root, above)
    if holder is None:
        raise BadPatch(f"{path}: is not in the sample")
    if last.startswith("@"):
        if text is not None:
            holder.set(last[1:], text)
        elif last[1:] in holder.attrib:
            del holder.attrib[last[1:]]
        return
    element = _element(holder, last)
    if element is None:
        raise BadPatch(f"{path}: is not in the sample")
    if text is None:
        holder.remove(element)
    else:
        element.text = text


def _element(root: etree._Element, path: str) -> etree._Element | None:
    """The element at `a/b[2]` by local names; without a number it is the only one."""
    here = root
    for step in path.split("/") if path else ():
        match = _STEP.fullmatch(step)
        if match is None:
            raise BadPatch(f"{path}: {step} is no step of a path")
        found = [each for each in here if etree.QName(each).localname == match[1]]
        if len(found) > 1 and not match[2]:
            raise BadPatch(f"{path}: {match[1]} repeats {len(found)} times; say which")
        number = int(match[2] or 1)
        if not 0 < number <= len(found):
            return None
        here = found[number - 1]
    return here


def text_at(value: Any, path: str) -> str | None:
    """What a result says at `path`: an element's text, a fact, a field; None if absent."""
    if isinstance(value, bytes):
        try:
            return Message.parse(value).get(path)
        except ValueError as error:
            raise BadPatch(str(error)) from None
    if isinstance(value, dict):
        return value.get(path)
    above, _, last = path.rpartition("/")
    if last.startswith("@"):
        holder = _element(value, above)
        return None if holder is None else holder.get(last[1:])
    element = _element(value, path)
    return None if element is None else (element.text or "").strip()
