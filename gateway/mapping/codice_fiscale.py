"""The codice fiscale: its check letter, its omocodia, its computation.

Source: DM 23/12/1976; partita-IVA form of the provisional code: DPR 633/1972 art. 35 as
published by Agenzia delle Entrate. Pure text in, text out; knows no register: a code computed
here is only ever 'computed'.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Final

_FORM: Final = re.compile(
    r"[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]"
)
_PROVISIONAL: Final = re.compile(r"[0-9]{11}")
_MONTHS: Final = "ABCDEHLMPRST"
_CHARACTERS: Final = (*"0123456789", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_RANKS: Final = (*range(10), *range(26))
_VALUES: Final = (
    *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18),
    *(20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
)
_EVEN: Final = dict(zip(_CHARACTERS, _RANKS, strict=True))
_ODD: Final = {character: _VALUES[rank] for character, rank in _EVEN.items()}
_OMOCODIA: Final = str.maketrans("LMNPQRSTUV", "0123456789")
_DIGITS: Final = (6, 7, 9, 10, 12, 13, 14)
_LETTERS: Final = re.compile(r"[^A-Z]")


def normal(text: str) -> str:
    """Capitals, without blanks."""
    return "".join(text.split()).upper()


def is_valid(code: str) -> bool:
    """Whether a normalised code has the right form and check character; 11 digits too."""
    if is_provisional(code):
        return _PROVISIONAL.fullmatch(code) is not None and _luhn(code)
    return _FORM.fullmatch(code) is not None and check_letter(code[:15]) == code[15]


def is_provisional(code: str) -> bool:
    """Whether a valid code is a number of eleven digits, given until the definitive one comes."""
    return len(code) == 11


def check_letter(first_fifteen: str) -> str:
    """The sixteenth character: odd places by the decree's table, even ones by rank."""
    total = sum(map(_ODD.__getitem__, first_fifteen[::2]))
    total += sum(map(_EVEN.__getitem__, first_fifteen[1::2]))
    return chr(ord("A") + total % 26)


def _luhn(digits: str) -> bool:
    """The partita-IVA check: digits in even places doubled, nines cast out."""
    total = 0
    for place, digit in enumerate(map(int, digits)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def without_omocodia(code: str) -> str:
    """The code as it was before letters stood for digits, check letter recomputed."""
    characters = list(code[:15])
    for place in _DIGITS:
        characters[place] = characters[place].translate(_OMOCODIA)
    plain = "".join(characters)
    return plain + check_letter(plain)


def may_be_of_day(code: str, day: date) -> bool:
    """Whether a valid code can be that of somebody born on this day; eleven digits tell no day."""
    if is_provisional(code):
        return True
    plain = without_omocodia(code)
    born = f"{day.year % 100:02}{_MONTHS[day.month - 1]}"
    return plain[6:9] == born and int(plain[9:11]) % 40 == day.day


def compute(surname: str, given_name: str, sex: str, born: date, belfiore: str) -> str:
    """The code that the decree gives for these; `sex` is M or F, `belfiore` as `F205`.

    Raises ValueError where one of them cannot be part of a code.
    """
    if sex not in ("M", "F"):
        raise ValueError("the sex must be M or F")
    if not re.fullmatch(r"[A-Z][0-9]{3}", belfiore):
        raise ValueError("no Belfiore code")
    day = born.day + (40 if sex == "F" else 0)
    when = f"{born.year % 100:02}{_MONTHS[born.month - 1]}{day:02}"
    first = _surname(surname) + _given_name(given_name) + when + belfiore
    return first + check_letter(first)


def _surname(text: str) -> str:
    consonants, vowels = _split(text)
    return (consonants + vowels + "XXX")[:3]


def _given_name(text: str) -> str:
    """Of four or more consonants the first, third and fourth."""
    consonants, vowels = _split(text)
    if len(consonants) > 3:
        consonants = consonants[0] + consonants[2:4]
    return (consonants + vowels + "XXX")[:3]


def _split(text: str) -> tuple[str, str]:
    """Consonants and vowels; accents are dropped, as the decree asks."""
    plain = unicodedata.normalize("NFKD", text.upper())
    letters = _LETTERS.sub("", plain)
    if not letters:
        raise ValueError("a name without letters")
    vowels = "".join(letter for letter in letters if letter in "AEIOU")
    return "".join(letter for letter in letters if letter not in "AEIOU"), vowels
