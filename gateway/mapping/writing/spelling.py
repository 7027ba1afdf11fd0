"""How one scalar is written: the signs of an expression with a blank on both sides, quotes only
where YAML or a person would read something else without them.

Knows a text and whether it is an expression; nothing of the file around it.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.mapping.syntax import Unreadable, parse_expression

_PIECES: Final = re.compile(r"'(?:[^']|'')*'|[^']+")
_SIGNS: Final = re.compile(r"\s*(\|(?!\|)|==|!=|<=|>=|\?\?)\s*")
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "=", "<<"})
"""What some version of YAML takes for something else than a text."""

_UNSAFE: Final = re.compile(r"^[-?:,\[\]{}#&*!|>'\"%@`\s]|: |:$| #|\s$|[\n\t]")


def expression(text: str) -> str:
    """The expression with its signs apart; as it is where it means nothing or something else."""
    spaced = "".join(
        piece if piece.startswith("'") else _SIGNS.sub(r" \1 ", re.sub(r"\s+", " ", piece))
        for piece in _PIECES.findall(text)
    ).strip()
    try:
        same = parse_expression(spaced) == parse_expression(text)
    except Unreadable:
        return text
    return spaced if same else text


def scalar(text: str, *, keep: bool, in_flow: bool = False) -> str:
    """As YAML: plain if it can be, else in single quotes. `keep`: its quotes say something."""
    plain = not keep and bool(text) and not _UNSAFE.search(text) and _is_text(text)
    if plain and not (in_flow and re.search(r"[,\[\]{}]", text)):
        return text
    return "'" + text.replace("'", "''") + "'"


def _is_text(text: str) -> bool:
    """Whether everybody takes it for a text: YAML of any version, and who reads it."""
    return not (text[0].isdigit() or text[0] in "+-.~" or text.lower() in _WORDS)
