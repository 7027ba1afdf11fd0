"""Simple types of an XSD, with xmlschema's facets, as the checker asks about them.

Where xmlschema and libxml2 read the standard differently, libxml2 is right: it judges the
document in the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, Final

from xmlschema.validators import XsdAtomicRestriction, XsdList, XsdUnion
from xmlschema.validators.facets import XsdEnumerationFacets, XsdFacet, XsdPatternFacets

from gateway.mapping.check.simple_type import SimpleType, one_of
from gateway.mapping.kinds import Kind
from gateway.xml import XSD

_KINDS: Final = {
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "dateTime": Kind.DATETIME,
    "time": Kind.TIME,
    "decimal": Kind.NUMBER,
    "float": Kind.NUMBER,
    "double": Kind.NUMBER,
}
# libxml2 takes no blanks around moments; xmlschema takes them even inside numbers.
_BLANKS: Final = {
    "decimal": re.compile(r"\S\s+\S"),
    **dict.fromkeys(("date", "dateTime", "time", "gYear", "gYearMonth"), re.compile(r"\s")),
}
_LIMITS: Final = {
    "length": "has not the length {}",
    "minLength": "is shorter than {}",
    "maxLength": "is longer than {}",
    "minInclusive": "is less than {}",
    "minExclusive": "is not more than {}",
    "maxInclusive": "is more than {}",
    "maxExclusive": "is not less than {}",
    "totalDigits": "has more than {} digits",
    "fractionDigits": "has more than {} decimal digits",
}


_TEXTS: Final = {f"{{{XSD}}}{name}" for name in ("string", "normalizedString", "token")}
_PLAIN: Final = {
    f"{{{XSD}}}{name}"
    for name in ("length", "minLength", "maxLength", "pattern", "enumeration", "whiteSpace")
}
_ANY_LENGTH: Final = 10**9


def simple_type(declared: Any) -> SimpleType:
    """The simple type `declared`, one of xmlschema's."""
    plainly = _plain_test(declared)
    blanks = _BLANKS.get(getattr(_root(declared), "local_name", None) or "")

    def refuse(text: str) -> str | None:
        if plainly is not None and plainly((text,)):
            return None
        if blanks is not None and blanks.search(text):
            return _no_value(declared)
        return None if declared.text_is_valid(text) else _reason(declared)

    name, kinds, values = declared.local_name or "", _kinds(declared), _values(declared)
    return SimpleType(name, kinds, refuse, values, plainly)


def _plain_test(declared: Any) -> Callable[[Collection[str]], bool] | None:
    """Passes only what xmlschema would, in no time: a column of a table has thousands of cells.

    For texts restricted by length, pattern and enumeration; None for all other types.
    """
    least, most, forms, values = 0, _ANY_LENGTH, [], []
    while isinstance(declared, XsdAtomicRestriction) and _PLAIN.issuperset(declared.facets):
        least = max(least, declared.min_length or 0)
        most = min(most, _ANY_LENGTH if declared.max_length is None else declared.max_length)
        if declared.patterns is not None:
            patterns = declared.patterns.patterns
            alone = patterns[0].match if len(patterns) == 1 else None
            forms.append(alone or declared.patterns.re_match)
        if declared.enumeration is not None:
            values.append(frozenset(declared.enumeration))
        declared = declared.base_type
    if declared.name not in _TEXTS:
        return None

    def test(texts: Collection[str]) -> bool:
        lengths = set(map(len, texts))
        return (
            least <= min(lengths, default=least)
            and max(lengths, default=least) <= most
            and all(map(_has_no_blanks_to_lose, texts))  # whatever the type makes of them
            and all(all(map(form, texts)) for form in forms)
            and all(known.issuperset(texts) for known in values)
        )

    return test


def _has_no_blanks_to_lose(text: str) -> bool:
    return text.isalnum() or " ".join(text.split()) == text


def _kinds(declared: Any) -> frozenset[Kind]:
    """A union has the kinds of its members, a list those of its items: it may be one of them."""
    root = _root(declared)
    if isinstance(root, XsdUnion):
        return frozenset(kind for member in root.member_types for kind in _kinds(member))
    if isinstance(root, XsdList):
        return _kinds(root.item_type) | {Kind.TEXT}
    name = getattr(root, "local_name", None) or ""
    if name == "decimal" and _is_integer(declared):
        return frozenset({Kind.INTEGER})
    return frozenset({_KINDS.get(name, Kind.TEXT)})


def _root(declared: Any) -> Any:
    """The primitive type, list or union that `declared` restricts; anySimpleType has none."""
    if isinstance(declared, XsdList | XsdUnion):
        return declared
    return getattr(declared, "primitive_type", declared)


def _is_integer(declared: Any) -> bool:
    while declared is not None:
        if declared.local_name == "integer":
            return True
        declared = declared.base_type
    return False


def _values(declared: Any) -> tuple[str, ...]:
    enumeration = declared.enumeration
    if enumeration is None or not all(isinstance(value, str) for value in enumeration):
        return ()
    return tuple(enumeration)


def _reason(declared: Any) -> str:
    """Why `text_is_valid` has just said no."""
    errors = declared.schema.validation_context.errors
    facet = errors[0].validator if errors else None
    if isinstance(facet, XsdEnumerationFacets):
        return one_of(str(value) for value in facet.enumeration or ())
    if isinstance(facet, XsdPatternFacets):
        return f"has not the form {' | '.join(each.attrib['value'] for each in facet)}"
    if isinstance(facet, XsdFacet):
        name = facet.elem.tag.rpartition("}")[2]
        return _LIMITS.get(name, "breaks " + name).format(getattr(facet, "value", ""))
    return _no_value(declared)


def _no_value(declared: Any) -> str:
    return f"is no {_root(declared).local_name or 'value of this type'}"
