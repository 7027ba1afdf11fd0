"""Functions on texts and numbers. Entered in `functions.FUNCTIONS` when imported."""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from gateway.mapping import codice_fiscale
from gateway.mapping.finding import did_you_mean
from gateway.mapping.functions import function
from gateway.mapping.patterns import PATTERNS
from gateway.mapping.problem import Fault

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_GRAMS: Final = {
    **dict.fromkeys(("g", "gr", "gm", "gram", "grams", "grammi"), Decimal(1)),
    **dict.fromkeys(("kg", "kilogram", "kilograms"), Decimal(1000)),
    **dict.fromkeys(("oz", "[oz_av]", "ounce", "ounces"), Decimal("28.349523125")),
    **dict.fromkeys(("lb", "lbs", "[lb_av]", "pound", "pounds"), Decimal("453.59237")),
}
_CENTIMETRES: Final = {
    **dict.fromkeys(("cm", "centimeter", "centimeters"), Decimal(1)),
    **dict.fromkeys(("m", "meter", "meters"), Decimal(100)),
    **dict.fromkeys(("mm", "millimeter", "millimeters"), Decimal("0.1")),
    **dict.fromkeys(("in", "[in_i]", "inch", "inches"), Decimal("2.54")),
}
_FOLDED: Final = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "–": "-", "‐": "-"})


@function({"'Nicolò' | upper": "NICOLÒ"}, settles=True)
def upper(text: str) -> str:
    """Capital letters."""
    return text.upper()


@function({"'ROSSI' | lower": "rossi"}, settles=True)
def lower(text: str) -> str:
    """Small letters."""
    return text.lower()


@function({"' Rossi ' | trim": "Rossi", "'  ' | trim": "absent"}, settles=True)
def trim(text: str) -> str | None:
    """Without blanks at both ends."""
    return text.strip() or None


@function(
    {"join('Anna', 'Maria')": "Anna Maria", "join('', 'Maria')": "Maria", "join('')": "absent"}
)
def join(*values: str) -> str | None:
    """What is there of the values, with one blank between; a path with `[*]` gives all."""
    return " ".join(value for value in values if value) or None


@function(
    {"'Anna Maria Luisa Pia' | words(3)": "Anna Maria Luisa", "' ' | words(1)": "absent"},
    settles=True,
)
def words(text: str, most: int) -> str | None:
    """The first words, with one blank between."""
    return " ".join(text.split()[:most]) or None


@function({"'Anna, Maria' | before(',')": "Anna", "'Anna' | before(',')": "Anna"}, settles=True)
def before(text: str, mark: str) -> str | None:
    """What stands before the first mark, or all of it (DPR 396/2000 art. 35: names, comma)."""
    return (text.partition(mark)[0] if mark else text).strip() or None


@function({"'015146' | left(3)": "015", "'ab' | left(9)": "ab"}, settles=True)
def left(text: str, length: int) -> str | None:
    """The first characters."""
    return text[:length] or None


@function({"'015146' | right(3)": "146", "'ab' | right(0)": "absent"}, settles=True)
def right(text: str, length: int) -> str | None:
    """The last characters."""
    return text[-length:] if length else None


@function(
    {"'15146' | pad(6)": "015146", "'7' | pad(3, ' ')": "  7", "'1234' | pad(2)": "1234"},
    settles=True,
)
def pad(text: str, width: int, fill: str = "0") -> str:
    """Filled on the left up to a width (at most 100)."""
    return text.rjust(min(width, 100), fill[:1] or "0")


@function({"'42' | integer": "42", "'42.0' | integer": "42", "'4,2' | integer": "error"})
def integer(value: str | Decimal) -> int:
    """A whole number; a fraction is an error."""
    if isinstance(value, str) and len(value) <= 30 and value.isascii() and value.isdigit():
        return int(value)
    exact = _decimal(value)
    if exact != exact.to_integral_value():
        raise Fault("is no whole number")
    return int(exact)


@function({"'3.50' | number": "3.50", "' 7 ' | number": "7", "'7 kg' | number": "error"})
def number(value: str | Decimal) -> Decimal:
    """A number with a decimal point."""
    return _decimal(value)


def _decimal(value: str | Decimal | int) -> Decimal:
    if not isinstance(value, str):
        return Decimal(value)
    if not _NUMBER.fullmatch(value.strip()):
        raise Fault("is no number")
    return Decimal(value.strip())


@function({"round(2.5)": "3", "round(3.14159, 2)": "3.14"}, name="round")
def rounded(value: Decimal, digits: int = 0) -> Decimal:
    """A number with so many decimal digits, halves away from zero."""
    return _to_places(Decimal(value), min(digits, 12))


def _to_places(value: Decimal, digits: int) -> Decimal:
    try:
        return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    except InvalidOperation:
        raise Fault("a number with too many digits") from None


@function(
    {"grams('3.25', 'kg')": "3250", "grams('42.3', 'oz')": "1199", "grams('3', 'st')": "error"}
)
def grams(value: str | Decimal, unit: str | None) -> int:
    """A weight in whole grams; knows g, kg, oz and lb. A weight without unit is an error."""
    return _whole(_in_unit(value, unit, _GRAMS, "weight"))


@function({"cm('51', 'cm')": "51", "cm('20', 'in')": "50.8", "cm('51', 'ft')": "error"})
def cm(value: str | Decimal, unit: str | None) -> Decimal:
    """A length in centimetres; knows cm, m, mm and in."""
    return _in_unit(value, unit, _CENTIMETRES, "length").normalize()


def _in_unit(
    value: str | Decimal, unit: str | None, factors: dict[str, Decimal], what: str
) -> Decimal:
    factor = factors.get((unit or "").strip().lower())
    if factor is None:
        raise Fault(f"a {what} with an unknown unit" if unit else f"a {what} without a unit")
    return _decimal(value) * factor


def _whole(value: Decimal) -> int:
    return int(_to_places(value, 0))


@function(
    {
        "' rssmra85t10a562s ' | cf": "RSSMRA85T10A562S",
        "'RSSMRA85T10A562X' | cf": "error",
        "'RSSMRA85T10A5SNH' | cf": "error",
        "'00743110157' | cf": "00743110157",
    },
    settles=True,
)
def cf(text: str) -> str | None:
    """A codice fiscale: capitals, check letter right, omocodia or 11 digits allowed."""
    code = codice_fiscale.normal(text)
    if not code:
        return None
    if not codice_fiscale.is_valid(code):
        raise Fault("is no codice fiscale: its form or check letter is wrong")
    return code


@function(
    {
        "cf_place('RSSMRA85T10A562S')": "A562",
        "cf_place('RSSMRA85T10AR6NH')": "A562",
        "cf_place('00743110157')": "absent",
    }
)
def cf_place(code: str) -> str | None:
    """The Belfiore code of the place of birth in a codice fiscale, omocodia undone."""
    if len(code) != 16:
        return None
    return codice_fiscale.without_omocodia(code)[11:15]


@function(
    {
        "matches('BABY BOY', 'placeholder_name')": "true",
        "matches('015146', 'istat')": "true",
        "matches('RSSMRA85T10A562X', 'codice_fiscale')": "false",
    },
    constants={"pattern": lambda name: _unknown_pattern(name)},
)
def matches(text: str, pattern: str) -> bool:
    """Whether a text has one of the gateway's named forms."""
    return PATTERNS[pattern](text)


def _unknown_pattern(name: str) -> str | None:
    if name in PATTERNS:
        return None
    return f"no pattern {name}{did_you_mean(name, PATTERNS)}"


@function(
    {
        "anpr_name('D’Angelo  Nicolò')": "D'Angelo Nicolò",
        "anpr_name('R2')": "error",
        "anpr_name('.')": ".",
    },
    settles=True,
)
def anpr_name(text: str) -> str | None:
    """A name with the characters ANPR takes: letters, apostrophe, blank, hyphen, dot, comma."""
    if text.isascii() and text.isalpha():
        return text  # as most are: nothing to fold
    name = unicodedata.normalize("NFC", " ".join(text.translate(_FOLDED).split()))
    if not all(character.isalpha() or character in "' -.," for character in name):
        raise Fault("a name with a character that ANPR does not take")
    return name or None
