"""Builds a message of our own, such as the A31 that goes back to the hospital.

Targets are paths: `PID-5.1.1` one text, `PID-3[+]` one more repetition whose components a mapping
gives, `NK1[+]` one more segment whose fields a mapping gives. Every path is checked against the
dictionary of the version and the structure; texts are escaped; segments stand in the structure's
order. Z segments go where they are first set: at the end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from gateway.errors import ConfigurationError, TranslationError
from gateway.hl7 import charset as charsets
from gateway.hl7.compose import CHARSET
from gateway.hl7.delimiters import STANDARD
from gateway.hl7.dictionary import UNBOUNDED, dictionary
from gateway.hl7.escapes import escape
from gateway.hl7.segment import NULL

_TARGET = re.compile(
    r"([A-Z][A-Z0-9]{2})(?:\[(\d{1,3}|\+)\])?"
    r"(?:-(\d{1,3})(?:\[(\d{1,3}|\+)\])?(?:\.(\d{1,2})(?:\.(\d{1,2}))?)?)?"
)
MORE = 0
"""The number of `[+]`: one more than there are."""

_Repetition = dict[tuple[int, int], str]


@dataclass(frozen=True, slots=True)
class Target:
    """A path that may be set; `MORE` where it says `[+]`, field 0 where it names a segment."""

    segment: str
    occurrence: int = 1
    field: int = 0
    repetition: int = 1
    component: int = 1
    subcomponent: int = 1


@lru_cache(maxsize=1024)
def target(version: str, structure: str, path: str) -> Target:
    """Read `path` and hold it against the dictionary; ConfigurationError says what is wrong."""
    match = _TARGET.fullmatch(path)
    if match is None:
        raise ConfigurationError([f"{path}: not a path such as PID-5.1.1, PID-3[+] or NK1[+]"])
    name, occurrence, number, repetition, component, subcomponent = match.groups()
    found = Target(
        name,
        _number(occurrence),
        int(number or 0),
        _number(repetition),
        int(component or 1),
        int(subcomponent or 1),
    )
    if problem := _problem(version, structure, found):
        raise ConfigurationError([f"{path}: {problem}"])
    return found


def _number(text: str | None) -> int:
    return MORE if text == "+" else int(text or 1)


def _problem(version: str, structure: str, where: Target) -> str | None:
    known = dictionary(version)
    tree = known.structure(structure)
    if tree is None:
        return f"HL7 {version} has no structure {structure}"
    if where.segment == "MSH" and where.field in (1, 2, 18):
        return "the delimiters and the character set are not set by a path"
    if where.segment.startswith("Z"):
        return None
    shape = known.segment(where.segment)
    if shape is None or where.segment not in tree.segments():
        return f"HL7 {version} {structure} has no segment {where.segment}"
    if not where.field:
        return None
    described = shape[where.field]
    if described is None:
        return f"{where.segment} has no field {where.field} in HL7 {version}"
    if (where.repetition or UNBOUNDED) > described.repeats:
        return f"{where.segment}-{where.field} may be there {described.repeats} times"
    return _component_problem(version, described.datatype, where)


def _component_problem(version: str, datatype: str, where: Target) -> str | None:
    """What is wrong with the component and subcomponent, if the type's are known."""
    known = dictionary(version)
    components = known.datatype(datatype)
    if components is None or datatype in ("varies", "CM"):
        return None
    if where.component > max(1, len(components)):
        return f"{datatype} has no component {where.component}"
    inner = known.datatype(components[where.component - 1].datatype) if components else ()
    if where.subcomponent > max(1, len(inner or ())):
        return f"{datatype}.{where.component} has no subcomponent {where.subcomponent}"
    return None


@dataclass
class Builder:
    """One message. `structure` is such as `ADT_A05`; `charset` a name of table 0211.

    MSH-12, MSH-18 and, from 2.3.1 on, MSH-9.3 are written by themselves where not set.
    """

    version: str
    structure: str
    charset: str = CHARSET
    _segments: dict[str, list[dict[int, list[_Repetition]]]] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        self._codec = charsets.named_codec(self.charset)
        self.set("MSH-12.1", self.version)
        if self.version not in ("2.1", "2.2", "2.3"):
            self.set("MSH-9.3", self.structure)

    def set(self, path: str, value: str | Mapping[str, str] | None) -> None:
        """Set one text (`NULL` deletes at the receiver), or the parts below `path`.

        None and '' set nothing. Below a repetition the keys are `1`, `4.2`; below a segment
        `3.1`, `5[+]`. Raises ConfigurationError for a path that cannot be, TranslationError
        for a character that the message's set does not have.
        """
        where = self._target(path)
        if isinstance(value, Mapping):
            self._set_below(where, path, value)
        elif value:
            if not where.field:
                raise ConfigurationError([f"{path}: names no field"])
            self._put(where, path, value)

    def _target(self, path: str) -> Target:
        return target(self.version, self.structure, path)

    def _set_below(self, where: Target, path: str, parts: Mapping[str, str]) -> None:
        said = {key: value for key, value in parts.items() if value}
        if not said:
            return
        occurrence = where.occurrence or len(self._segments.get(where.segment, ())) + 1
        prefix = f"{where.segment}[{occurrence}]-"
        if where.field:
            field_there = self._field(where.segment, occurrence, where.field, path)
            prefix += f"{where.field}[{where.repetition or len(field_there) + 1}]."
        for key, text in said.items():
            self.set(prefix + key, text)

    def _put(self, where: Target, path: str, text: str) -> None:
        try:
            charsets.encode(text, self._codec)
        except UnicodeEncodeError:
            raise TranslationError([f"{path}: a character is not in {self.charset}"]) from None
        there = self._field(where.segment, where.occurrence, where.field, path)
        rep = where.repetition or len(there) + 1
        if rep > len(there) + 1:
            raise ConfigurationError([f"{path}: repetition {rep} before {rep - 1}"])
        if rep > len(there):
            there.append({})
        there[rep - 1][where.component, where.subcomponent] = text

    def _field(self, segment: str, occurrence: int, number: int, path: str) -> list[_Repetition]:
        """The repetitions of a field, of a segment that is made if it is the next one."""
        there = self._segments.setdefault(segment, [])
        occurrence = occurrence or len(there) + 1
        if occurrence > len(there) + 1:
            raise ConfigurationError([f"{path}: segment {occurrence} before {occurrence - 1}"])
        if occurrence > len(there):
            there.append({})
        return there[occurrence - 1].setdefault(number, [])

    def build(self) -> bytes:
        """The message's bytes, CR-ended, without MLLP framing."""
        tree = dictionary(self.version).structure(self.structure)
        ordered = dict.fromkeys([*(tree.segments() if tree else ()), *self._segments])
        lines = [
            self._line(name, fields) for name in ordered for fields in self._segments.get(name, ())
        ]
        return charsets.encode("".join(line + "\r" for line in lines), self._codec)

    def _line(self, name: str, fields: Mapping[int, list[_Repetition]]) -> str:
        last = max(fields, default=0)
        texts = ["~".join(map(_written, fields.get(n, ()))) for n in range(1, last + 1)]
        if name == "MSH":
            texts += [""] * (18 - len(texts))
            texts[:2] = [STANDARD.encoding]
            texts[16] = self.charset
        return "|".join([name, *texts])


def _written(repetition: _Repetition) -> str:
    """One repetition's components and subcomponents, escaped, without empty ends."""
    last = max((component for component, _ in repetition), default=0)
    return "^".join(_component(repetition, number) for number in range(1, last + 1))


def _component(repetition: _Repetition, number: int) -> str:
    subs = {sub: text for (component, sub), text in repetition.items() if component == number}
    texts = (subs.get(sub, "") for sub in range(1, max(subs, default=0) + 1))
    return "&".join(text if text == NULL else escape(text, STANDARD) for text in texts)
