"""Where the cursor stands in a YAML text that may be broken: under which keys, in which word.

Works on lines and their indentation, because a text that is being written is no YAML yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_KEY: Final = re.compile(
    r"(?P<lead>\s*(?:- +)*)(?P<quote>['\"]?)(?P<key>[^\s#'\"][^:'\"]*?)(?P=quote):(?:\s+|$)"
)
_WORD: Final = re.compile(r"[\w.$-]+")


@dataclass(frozen=True, slots=True)
class Cursor:
    """`above` are the keys that hold the line, outermost first; `key` is the line's own, '' while
    it is being written; `left` is what stands before the cursor of the key or of its value.
    """

    above: tuple[str, ...]
    key: str
    left: str
    line: str
    column: int

    @property
    def in_value(self) -> bool:
        """Whether the cursor stands behind a key."""
        return bool(self.key)

    @property
    def path(self) -> tuple[str, ...]:
        """All keys that hold what is written here."""
        return (*self.above, self.key) if self.key else self.above

    def word(self) -> str:
        """The word that the cursor touches; '' if none."""
        for match in _WORD.finditer(self.line):
            if match.start() <= self.column <= match.end():
                return match.group()
        return ""


def cursor_at(text: str, line: int, column: int) -> Cursor:
    """`line` and `column` count from 0, in characters."""
    lines = text.split("\n")
    here = lines[line] if line < len(lines) else ""
    left = here[:column]
    match = _KEY.match(left)
    indent = _indent(here)
    if match and column >= match.end():
        key, before = match["key"], left[match.end() :]
        return Cursor(_above(lines, line, indent), key, before.lstrip("'\""), here, column)
    blank = not here.strip()
    depth = column if blank else indent
    return Cursor(_above(lines, line, depth), "", left.strip().removeprefix("- "), here, column)


def _indent(line: str) -> int:
    """Where the key of a line begins; the marks of a list are part of the indentation."""
    match = _KEY.match(line)
    return len(match["lead"]) if match else len(line) - len(line.lstrip(" -"))


def _above(lines: list[str], line: int, indent: int) -> tuple[str, ...]:
    found: list[str] = []
    for each in reversed(lines[:line]):
        match = _KEY.match(each)
        if match and len(match["lead"]) < indent:
            found.append(match["key"])
            indent = len(match["lead"])
        if indent == 0:
            break
    return tuple(reversed(found))
