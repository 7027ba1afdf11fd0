"""Whether what an expression gives can go where a simple type is wanted, before any message.

Known values (a constant, the cells of a column, a closed table) are judged one by one; of all
others the kind, by what such values look like. Nothing known is nothing said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.mapping.check.simple_type import FACTS, Refused, SimpleType
from gateway.mapping.domain import Domain
from gateway.mapping.finding import Findings, Position, Severity
from gateway.mapping.kinds import NUMERIC, Kind, written
from gateway.mapping.meaning import Value

_GOES_INTO: Final[Mapping[Kind, frozenset[Kind]]] = {
    **{kind: frozenset({kind}) for kind in Kind},
    **dict.fromkeys(NUMERIC, NUMERIC),
}
"""Which kinds a writer takes for a schema's kind; see `xml_write.writer_of`."""

_LOOKS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.DATE: ("2026-03-02", "1999-12-31", "2024-02-29"),
    Kind.DATETIME: ("2026-03-02T10:15:00+01:00", "1999-12-31T23:59:59", "2024-02-29T00:00:00Z"),
    Kind.TIME: ("10:15:00", "23:59:59", "00:00:00"),
    Kind.INTEGER: (*map(str, range(-1, 101)), *(str(10**power) for power in range(3, 19))),
    Kind.NUMBER: (*map(str, range(-1, 101)), "0.5", "3.25", "50.8", "1000", "3250", "1000000"),
    Kind.BOOLEAN: ("true", "false"),
}
"""What values of a kind are written like: a type that takes none of these takes no such kind."""

_HL7: Final[Mapping[str, tuple[str, ...]]] = {
    "DT": ("20260302", "202603", "2026"),
    "TM": ("101500", "1015", "101500+0100"),
    "TS": ("20260302", "202603021015", "20260302101500", "20260302101500+0100", "2026"),
}
"""What moments of HL7 are written like (2.5 ch. 2.A)."""

_REMEDIES: Final[Mapping[Kind, str]] = {
    Kind.INTEGER: "convert it with `integer`",
    Kind.NUMBER: "convert it with `number`",
    Kind.DATE: "convert it with `date`",
    Kind.DATETIME: "convert it with `datetime(zone)`",
    Kind.TIME: "convert it with `time`",
    Kind.BOOLEAN: "compare it with something",
}


def check_value(
    value: Value, wanted: SimpleType, where: str, position: Position, findings: Findings
) -> None:
    """A finding at `position` if `value` cannot go to `where`, whose type is `wanted`."""
    texts = _known(value)
    if value.kind not in (Kind.TEXT, Kind.UNKNOWN) and not _is_taken(value.kind, wanted):
        text = f"{a_kind(value.kind)}, where {where} wants {_named(wanted)}"
        findings.error(position, "X05", text + _remedy(value.kind, wanted))
    elif texts is not None:
        refused = wanted.refuses_any(texts)
        if refused is not None:
            findings.error(position, "X06", _refusal(refused, wanted, where))
    elif value.kind in (Kind.TEXT, *_LOOKS) and (found := _unlike(value, wanted)):
        severity, what = found
        tell = findings.error if severity == "error" else findings.warning
        text = f"{what}, where {where} wants {_named(wanted)}{_remedy(value.kind, wanted)}"
        tell(position, "X05", text)


def a_kind(kind: Kind) -> str:
    """`an integer`."""
    return f"an {kind}" if kind is Kind.INTEGER else f"a {kind}"


def _known(value: Value) -> Mapping[str, str] | None:
    """Every text that may be written, if that is known; '' is never written."""
    texts = value.domain.values
    if texts is None and value.is_constant and value.constant is not None:
        texts = {written(value.constant): ""}
    if texts is not None and "" in texts:
        return {text: where for text, where in texts.items() if text}
    return texts


def _is_taken(kind: Kind, wanted: SimpleType) -> bool:
    if wanted.kind is Kind.TEXT:  # a union too: any text is tried
        return True
    return kind in _GOES_INTO[wanted.kind]


def _unlike(value: Value, wanted: SimpleType) -> tuple[Severity, str] | None:
    """How sure it is, and what `value` is, if `wanted` takes nothing that looks like it."""
    if value.kind is not Kind.TEXT:
        looks = (*_LOOKS[value.kind], *_of_kind(wanted.values, value.kind))
        reason = wanted.refuses_all(looks)
        which = "" if wanted.values else f", which {reason}"
        return ("error", f"{a_kind(value.kind)}{which}") if reason else None
    domain = value.domain
    moments = _HL7.get("TS" if domain.datatype == "DTM" else domain.datatype, ())
    if moments and wanted.refuses_all(moments):
        return "error", f"{_read(domain)} is written as {moments[0]} is"
    if wanted.values and domain.datatype:
        return "warning", f"{_read(domain)} as it stands"
    if Kind.TEXT in wanted.kinds:
        return None
    return "warning", f"{_read(domain)} as it stands"


def _of_kind(texts: Sequence[str], kind: Kind) -> Sequence[str]:
    """An enumeration may hold numbers that nobody thought of."""
    return [text for text in texts if FACTS[kind].refuses(text) is None] if kind in NUMERIC else ()


def _read(domain: Domain) -> str:
    if domain.path and domain.datatype:
        return f"{domain.path} ({domain.datatype})"
    return domain.path or "a text"


def _named(wanted: SimpleType) -> str:
    if wanted.kind is not Kind.TEXT:
        return a_kind(wanted.kind)
    if wanted.values:
        return f"one of {', '.join(wanted.values[:8])}{', …' if len(wanted.values) > 8 else ''}"
    return wanted.name or "another text"


def _remedy(kind: Kind, wanted: SimpleType) -> str:
    moment = kind is Kind.DATETIME and wanted.kind in (Kind.DATE, Kind.TIME)
    if kind is Kind.TEXT and wanted.values:
        return "; look it up in a table"
    if kind is Kind.TEXT or moment:
        remedy = _REMEDIES.get(wanted.kind, "")
        return f"; {remedy}" if remedy else ""
    return ""


def _refusal(refused: Refused, wanted: SimpleType, where: str) -> str:
    cell = f" ({refused.written})" if refused.written else ""
    more = f"; {refused.more} more like it" if refused.more else ""
    who = f"{wanted.name} of {where}" if wanted.name else where
    return f"'{refused.text}'{cell} {refused.reason}: {who} refuses it{more}"
