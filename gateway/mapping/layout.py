"""Where each character of a YAML scalar stands in its file.

A text on one line begins where YAML says and goes on from there. Folded lines, doubled quotes and
escapes do not: there the characters are found again in what was written, one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.mapping.finding import Position

_LONG_ESCAPES: Final = {"x": 4, "u": 6, "U": 10}


class Winding(Position):
    """The beginning of a text that does not stand on one line, sign by sign."""

    places: Sequence[tuple[int, int]]

    def after(self, columns: int) -> Position:
        line, column = self.places[min(columns, len(self.places) - 1)]
        return Position(self.file, line, column)


def winds(raw: str, style: str | None) -> bool:
    """Whether a scalar, as written with its quotes, is laid out otherwise than it reads."""
    if "\n" in raw or style in ("|", ">"):
        return True
    inside = raw[1:-1]
    return (style == "'" and "'" in inside) or (style == '"' and "\\" in inside)


def winding(text: str, raw: str, style: str | None, start: Position) -> Winding:
    """The places of `text`, which is written `raw` from `start` on."""
    offsets = _offsets(text, raw, style)
    begin = [0, *(number + 1 for number, sign in enumerate(raw) if sign == "\n")]
    places = []
    line = 0
    for offset in offsets:
        while line + 1 < len(begin) and begin[line + 1] <= offset:
            line += 1
        column = offset - begin[line] + (start.column if line == 0 else 1)
        places.append((start.line + line, column))
    made = Winding(start.file, *places[0])
    made.places = places
    return made


def _offsets(text: str, raw: str, style: str | None) -> list[int]:
    """For each sign of the text and for its end, where it stands in `raw`."""
    at = raw.find("\n") + 1 if style in ("|", ">") else 1 if style in ("'", '"') else 0
    offsets = []
    for sign in text:
        if style == '"' and raw[at : at + 1] == "\\":
            while raw[at : at + 2] == "\\\n":
                at = _past_blanks(raw, at + 2)
            offsets.append(at)
            at += _LONG_ESCAPES.get(raw[at + 1 : at + 2], 2) if raw[at : at + 1] == "\\" else 1
            continue
        while at < len(raw) and raw[at] != sign and raw[at].isspace():
            at += 1
        offsets.append(at)
        if raw[at : at + 1] == sign:
            at += 2 if style == "'" and sign == "'" else 1
    return [*offsets, at]


def _past_blanks(raw: str, at: int) -> int:
    while at < len(raw) and raw[at] in " \t":
        at += 1
    return at
