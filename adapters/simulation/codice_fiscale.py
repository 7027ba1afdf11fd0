"""The official algorithm of the codice fiscale, as administrations apply it.

Source: DM 23/12/1976 and its tables. Pure: names, sex, day and Belfiore code in, sixteen
characters out. A code computed here counts only when it is the simulated administration that
answers it; the gateway itself never computes one to send it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import date
from itertools import combinations
from typing import Final

MONTHS: Final = "ABCDEHLMPRST"
OMOCODIA: Final = "LMNPQRSTUV"
"""The letter that stands for each digit, 0 to 9, when two persons have the same code."""

DIGIT_PLACES: Final = (14, 13, 12, 10, 9, 7, 6)
"""Where the digits stand (from 0), in the order in which omocodia replaces them."""

_ODD: Final = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21),
            *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22),
            *(25, 24, 23),
        ),
        strict=True,
    )
)
_EVEN: Final = {character: n for n, character in enumerate("0123456789")} | {
    character: n for n, character in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}


def compute(surname: str, name: str, *, sex: str, born: date, belfiore: str) -> str:
    """The code of a person, before any omocodia. `sex` is M or F; `belfiore` like F205."""
    day = born.day + (40 if sex == "F" else 0)
    code = (
        _three(surname)
        + _three_of_name(name)
        + f"{born.year % 100:02d}{MONTHS[born.month - 1]}{day:02d}{belfiore.upper()}"
    )
    return code + check_letter(code)


def omocodici(code: str) -> Iterator[str]:
    """The 127 variants of a code, in the order of their use: first the last digit is replaced.

    Each replaces some of the seven digits by their letter and has its own check letter.
    """
    for count in range(1, len(DIGIT_PLACES) + 1):
        for places in combinations(DIGIT_PLACES, count):
            characters = list(code[:15])
            for place in places:
                characters[place] = OMOCODIA[int(characters[place])]
            variant = "".join(characters)
            yield variant + check_letter(variant)


def without_omocodia(code: str) -> str:
    """The code that a variant comes from: letters in the places of digits become digits again."""
    characters = list(code[:15])
    for place in DIGIT_PLACES:
        if characters[place] in OMOCODIA:
            characters[place] = str(OMOCODIA.index(characters[place]))
    plain = "".join(characters)
    return plain + check_letter(plain)


def check_letter(code: str) -> str:
    """The sixteenth character, from the first fifteen (odd places count by their own table)."""
    total = sum(_ODD[c] for c in code[0:15:2]) + sum(_EVEN[c] for c in code[1:15:2])
    return chr(ord("A") + total % 26)


def is_valid(code: str) -> bool:
    """Whether the shape of sixteen letters and digits has its right check letter."""
    shaped = len(code) == 16 and all(c in _ODD for c in code)
    return shaped and check_letter(code) == code[15] and _digits_in_place(code)


def provisional(number: int) -> str:
    """A provisional eleven-digit code: ten digits and the check digit of a partita IVA.

    Source: DM 23/12/1976 art. 4 and the Luhn rule that Agenzia delle Entrate publishes.
    """
    digits = f"{number:010d}"
    return digits + _luhn(digits)


def is_provisional(code: str) -> bool:
    """Whether these are eleven digits whose last one is the right check digit."""
    return len(code) == 11 and code.isascii() and code.isdigit() and _luhn(code[:10]) == code[10]


def _luhn(digits: str) -> str:
    doubled = (2 * int(digit) for digit in digits[1::2])
    total = sum(map(int, digits[0::2])) + sum(d - 9 if d > 9 else d for d in doubled)
    return str(-total % 10)


def _digits_in_place(code: str) -> bool:
    return all(code[place].isdigit() or code[place] in OMOCODIA for place in DIGIT_PLACES)


def _letters(text: str) -> tuple[str, str]:
    """Consonants and vowels in their order; accents fall, other signs do not count."""
    plain = unicodedata.normalize("NFKD", text.upper())
    letters = [c for c in plain if c.isascii() and c.isalpha()]
    vowels = "".join(c for c in letters if c in "AEIOU")
    return "".join(c for c in letters if c not in "AEIOU"), vowels


def _three(surname: str) -> str:
    consonants, vowels = _letters(surname)
    return (consonants + vowels + "XXX")[:3]


def _three_of_name(name: str) -> str:
    """As for the surname, but of four consonants or more the second is skipped."""
    consonants, vowels = _letters(name)
    if len(consonants) >= 4:
        return consonants[0] + consonants[2] + consonants[3]
    return (consonants + vowels + "XXX")[:3]
