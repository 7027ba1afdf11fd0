"""What a path into a message can be: from the sender's dialect, before any message.

A field is optional unless dictionary or profile requires it; it is only said to be always there
where the profile refuses a birth without it, for real messages break the dictionary.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gateway.hl7.dictionary import Part
from gateway.mapping.dialect import Dialect
from gateway.mapping.domain import Domain
from gateway.mapping.hl7_paths import Repetitions, Segments

_REQUIRED = "R"


def domain_of(path: Repetitions, dialect: Dialect | None, structures: Collection[Part]) -> Domain:
    """Of the text that is read there; with `[*]`, of each of them."""
    part = f".{path.component}" if path.component else ""
    told = path.label + part
    if dialect is None:
        return Domain(path=told)
    name, number = path.segments.name, path.number
    datatype, table = dialect.part(name, number, path.component, path.subcomponent)
    there = _is_there(path.segments, dialect, structures)
    return Domain(
        values=_closed(table, dialect),
        present=there and _is_promised(path, dialect),
        datatype=datatype,
        path=told,
        table=table,
        optional=not (there and _is_expected(path, dialect)),
    )


def _closed(table: str, dialect: Dialect) -> Mapping[str, str] | None:
    codes = dialect.codes(table) if table else None
    return codes.values if codes and codes.closed else None


def _is_there(path: Segments, dialect: Dialect, structures: Collection[Part]) -> bool:
    """Whether the segment is: the one that `$each` stands at, or one that no message lacks."""
    if path.varies:
        return True
    return not path.chosen and not path.many and dialect.always_has(path.name, structures)


def _is_expected(path: Repetitions, dialect: Dialect) -> bool:
    """Whether dictionary or profile wants the field filled; of its parts only a profile speaks."""
    name, number = path.segments.name, path.number
    if path.chosen and path.index != 1:
        return False
    said = dialect.usage(f"{name}-{number}.{path.component}") if path.component else ""
    shape = dialect.field(name, number)
    return said in ("", _REQUIRED) and shape is not None and shape.required


def _is_promised(path: Repetitions, dialect: Dialect) -> bool:
    """Whether the profile refuses a birth without it, or says that it is always there."""
    field = f"{path.segments.name}-{path.number}"
    if path.many or (path.chosen and path.index != 1):
        return False
    if path.component > 1 or path.subcomponent > 1:
        return dialect.is_refused_without(f"{field}.{path.component}") and path.subcomponent <= 1
    return dialect.is_refused_without(field)
