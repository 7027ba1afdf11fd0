"""The patterns that `matches(value, 'name')` knows: a closed list, no expression of a user.

Each takes time linear in its text and says for itself whether a text is one of its kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from gateway.mapping import codice_fiscale

_PLACEHOLDERS: Final = frozenset(
    {
        *("BABY", "BB", "BBOY", "BGIRL", "BEBE", "BIMBO", "BIMBA", "BOY", "GIRL", "INFANT"),
        *("NEONATO", "NEONATA", "NASCITURO", "NASCITURA", "TWIN", "GEMELLO", "GEMELLA"),
        *("FIGLIO", "FIGLIA", "MASCHIO", "FEMMINA", "UNKNOWN", "UNNAMED", "SCONOSCIUTO"),
        *("SCONOSCIUTA", "IGNOTO", "IGNOTA", "ANONIMO", "ANONIMA", "NN", "NAME", "NOME"),
    }
)
_WORD: Final = re.compile(r"[^\W\d_]+")


def _placeholder_name(text: str) -> bool:
    """No name yet: `BB SARAH`, `Baby of …`, `NEONATO`, `N.N.`, single letters, `XXXX`."""
    if text.upper().replace(" ", "").strip("./-") in ("N.N", "N/N"):
        return True
    words = [word.upper() for word in _WORD.findall(text)]
    if not words:
        return True
    if any(word in _PLACEHOLDERS or word.startswith(("BABY", "NEWBORN")) for word in words):
        return True
    return all(len(word) == 1 or set(word) == {"X"} for word in words)


def _form(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


PATTERNS: Final[Mapping[str, Callable[[str], bool]]] = {
    "placeholder_name": _placeholder_name,
    "codice_fiscale": lambda text: codice_fiscale.is_valid(codice_fiscale.normal(text)),
    "istat": _form(r"\d{6}"),
    "istat_state": _form(r"\d{3}"),
    "belfiore": _form(r"[A-Z]\d{3}"),
    "province": _form(r"[A-Z]{2}"),
    "cap": _form(r"\d{5}"),
    "stp": _form(r"STP\d{13}"),
    "eni": _form(r"ENI\d{13}"),
    "email": _form(r"[\w.+-]{1,64}@[\w-]{1,63}(\.[\w-]{1,63}){1,8}"),
    "phone": _form(r"\+?\d[\d ./-]{4,18}\d"),
    "digits": _form(r"\d+"),
    "letters": lambda text: _WORD.fullmatch(text) is not None,
}
