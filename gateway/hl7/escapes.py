"""Escape sequences: delimiters, line breaks and hexadecimal, both ways.

Reads \\F\\ \\S\\ \\T\\ \\R\\ \\E\\, \\.br\\ and \\Xhh..\\; what is none of these stays as it is
written. Hexadecimal has three readings among feeds: bytes of the message's set, UTF-8 bytes, and
`00hh` as a code point. Works in one pass: no input makes it quadratic.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import groupby
from typing import Literal

from gateway.hl7.charset import UTF8, WINDOWS, decode
from gateway.hl7.delimiters import Delimiters

HexReading = Literal["auto", "charset", "utf-8", "codepoint"]

_HEX = r"X(?:[0-9A-Fa-f]{2})+"


@lru_cache(maxsize=64)
def _sequence(escape: str) -> re.Pattern[str]:
    e = re.escape(escape)
    # Neighbouring \X..\ are one run: a character's bytes are often spread over several.
    return re.compile(rf"{e}(?:([FSRTE])|(\.(?:br|BR))|({_HEX}(?:{e}{e}{_HEX})*)){e}")


def unescape(text: str, delimiters: Delimiters, codec: str, reading: HexReading = "auto") -> str:
    """Replace every escape sequence of `text` by what it stands for."""
    if not delimiters.escape or delimiters.escape not in text:
        return text
    letters = {
        "F": delimiters.field,
        "S": delimiters.component,
        "R": delimiters.repetition,
        "T": delimiters.subcomponent,
        "E": delimiters.escape,
    }

    def meaning(match: re.Match[str]) -> str:
        letter, line_break, run = match.groups()
        if letter:
            return letters[letter]
        if line_break:
            return "\n"
        read = _hexadecimal(run, delimiters.escape, codec, reading)
        return match.group() if read is None else read

    return _sequence(delimiters.escape).sub(meaning, text)


def _hexadecimal(run: str, escape: str, codec: str, reading: HexReading) -> str | None:
    """The characters of a run of \\X..\\ sequences; None if they cannot be read so."""
    pieces = [bytes.fromhex(piece[1:]) for piece in run.split(escape + escape)]
    try:
        return "".join(
            b"".join(group).decode("utf-16-be")
            if points
            else _bytes_text(b"".join(group), codec, reading)
            for points, group in groupby(pieces, lambda octets: _are_points(octets, reading))
        )
    except UnicodeDecodeError:
        return None


def _are_points(octets: bytes, reading: HexReading) -> bool:
    """`00hh` pairs: nobody sends NUL, so a leading 00 means a code point."""
    if len(octets) % 2 or reading not in ("auto", "codepoint"):
        return False
    return reading == "codepoint" or not any(octets[::2])


def _bytes_text(octets: bytes, codec: str, reading: HexReading) -> str:
    if reading == "utf-8":
        return octets.decode(UTF8)
    if reading != "auto":
        return decode(octets, codec)
    # UTF-8 that happens to be valid is no accident; two accented letters in a row are rare.
    for candidate in (UTF8, codec):
        try:
            return decode(octets, candidate)
        except UnicodeDecodeError:
            continue
    return decode(octets, WINDOWS)


def escape(text: str, delimiters: Delimiters) -> str:
    """Write `text` so that it may stand in a message; `unescape` gives it back."""
    return _translation(delimiters)(text)


@lru_cache(maxsize=64)
def _translation(delimiters: Delimiters) -> Callable[[str], str]:
    e = delimiters.escape
    table = {code: f"{e}X{code:02X}{e}" for code in (*range(1, 32), 127)}
    table[0] = f"{e}X0000{e}"  # as a code point: \X00\ beside another byte would be one
    table[ord("\n")] = f"{e}.br{e}"
    for letter, char in zip("FSRET", delimiters, strict=True):
        if char:
            table[ord(char)] = f"{e}{letter}{e}"
    mapping = {code: value if e else "" for code, value in table.items()}
    return lambda text: text.translate(mapping)
