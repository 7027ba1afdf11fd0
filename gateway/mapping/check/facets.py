"""Simple types of an XSD, with xmlschema's facets, as the checker asks about them.

Where xmlschema and libxml2 read the standard differently, libxml2 is right: it judges the
document in the end.
"""

from __future__ import annotations

from typing import Any, Final

from xmlschema.validators import XsdList, XsdUnion
from xmlschema.validators.facets import XsdEnumerationFacets, XsdFacet, XsdPatternFacets

from gateway.mapping.check.simple_type import SimpleType, one_of
from gateway.mapping.kinds import Kind

_KINDS: Final = {
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "dateTime": Kind.DATETIME,
    "time": Kind.TIME,
    "decimal": Kind.NUMBER,
    "float": Kind.NUMBER,
    "double": Kind.NUMBER,
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


def simple_type(declared: Any) -> SimpleType:
    """The simple type `declared`, one of xmlschema's."""

    def refuse(text: str) -> str | None:
        return None if declared.text_is_valid(text) else _reason(declared, text)

    return SimpleType(declared.local_name or "", _kinds(declared), refuse, _values(declared))


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
    """The primitive type, list or union that `declared` restricts."""
    return declared if isinstance(declared, XsdList | XsdUnion) else declared.primitive_type


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


def _reason(declared: Any, text: str) -> str:
    error = next(declared.iter_errors(text), None)
    facet = error.validator if error is not None else None
    if isinstance(facet, XsdEnumerationFacets):
        return one_of(str(value) for value in facet.enumeration or ())
    if isinstance(facet, XsdPatternFacets):
        return f"has not the form {' | '.join(each.attrib['value'] for each in facet)}"
    if isinstance(facet, XsdFacet):
        name = facet.elem.tag.rpartition("}")[2]
        return _LIMITS.get(name, "breaks " + name).format(getattr(facet, "value", ""))
    return f"is no {_root(declared).local_name or 'value of this type'}"
