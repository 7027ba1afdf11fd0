"""Changes a file at random, as no integrator would: bytes, lines, words, branches of the tree.

Everything is drawn from the dice it is given, so that a seed makes the same file again.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Final

Noise = Callable[[random.Random, str, str], str]
"""Dice, the text, another file's text → the text changed."""

_BYTES: Final = "\t\r\n\0\x7f\ufeff\xa0'\"{}[]:,&*!|>#%@`\\-é𝄞 aZ09"
_WORDS: Final = (
    *("??", "|", "(", ")", "[", "]", "[*]", "[+]", "[1]", "[0]", "'", "''", ",", "=", "==", "<"),
    *("and", "or", "not", "in", "exists(", "count(", "join(", "| date", "| integer", "| upper"),
    *("| left(-1)", "| left(99999999999)", "| round(40)", "| pad(9999, '0')", "default", "sesso"),
    *("| lookup(sesso, anpr)", "?? PID-8", "cf", "upper", "[5 == 'NNITA']"),
    *("PID-0", "PID-5", "PID-5[9].1.1", "PID-3[*]", "OBX[*]-5", "ZZZ-1", "MSH-1", "NK1", "a/b/@c"),
    *("$when", "$each", "$use", "$choose", "$value", "$text", "$attr", "$required", "$on_null"),
    *("absent", "null", "true", "~", "NO", "1e400", "9" * 30, "0x1F", "&a", "*a", "!!str", "<<"),
    *("{}", "[]", "{$text: x}", "flow.now", "flow.today", "newborn", "madre", "cf_of(PID-3)"),
)
_CALLS: Final = (
    *("| upper", "| lower", "| trim", "| left(3)", "| right(2)", "| words(1)", "| before('A')"),
    *("| date", "| time", "| integer", "| number", "| year", "| round(1)", "| pad(12, '0')"),
    *("| cf", "| cf_place", "| anpr_name", "| datetime('Europe/Rome')", "?? 'X'", "?? PID-8"),
    *("?? flow.operationId", "?? PID-5[1].2", "== 'M'", "in ('1', '2')", "| age_on(PID-7)"),
)
_WORD: Final = re.compile(r"[\w$.'-]+|[^\w\s]")
_VALUE: Final = re.compile(r"(?m)^( *(?:- )?[^\s:#]+: )(.+)$")


def _byte(dice: random.Random, text: str, _: str) -> str:
    at = dice.randrange(len(text) + 1)
    return text[:at] + dice.choice(("", dice.choice(_BYTES))) + text[at + dice.randrange(2) :]


def _line(dice: random.Random, text: str, _: str) -> str:
    """Gone, doubled, moved, deeper or less deep."""
    lines = text.split("\n")
    one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    line = lines[one]
    change = dice.randrange(5)
    if change == 0:
        del lines[one]
    elif change == 1:
        lines.insert(other, line)
    elif change == 2:
        lines[one], lines[other] = lines[other], line
    else:
        lines[one] = "  " + line if change == 3 else line.removeprefix("  ")
    return "\n".join(lines)


def _word(dice: random.Random, text: str, _: str) -> str:
    """Another word of the file, or one that means something somewhere, instead or before."""
    words = list(_WORD.finditer(text))
    if not words:
        return text
    old = dice.choice(words)
    new = dice.choice((dice.choice(words)[0], dice.choice(_WORDS), ""))
    end = dice.choice((old.start(), old.end(), old.end()))
    return text[: old.start()] + new + text[end:]


def _expression(dice: random.Random, text: str, other: str) -> str:
    """Another expression of this file, or of another one, at a leaf."""
    here = list(_VALUE.finditer(text))
    there = list(_VALUE.finditer(dice.choice((text, other))))
    if not here or not there:
        return text
    old, new = dice.choice(here), dice.choice(there)[2]
    joined = dice.choice(
        (new, new, f"({old[2]}) ?? ({new})", f"exists({new})", f"{old[2]} | {new}")
    )
    return text[: old.start(2)] + joined + text[old.end(2) :]


def _number(dice: random.Random, text: str, _: str) -> str:
    """Another field, component, repetition or length: most are there, and mean something else."""
    numbers = list(re.finditer(r"(?<=[-.\[(])\d+(?=[^'\d])", text))
    if not numbers:
        return text
    old = dice.choice(numbers)
    return text[: old.start()] + str(dice.choice((*range(1, 12), 23, 33))) + text[old.end() :]


def _call(dice: random.Random, text: str, _: str) -> str:
    """One function more at the end of an expression."""
    values = [each for each in _VALUE.finditer(text) if "{" not in each[2] and "'" not in each[1]]
    if not values:
        return text
    old = dice.choice(values)
    return text[: old.end(2)] + " " + dice.choice(_CALLS) + text[old.end(2) :]


def _branch(dice: random.Random, text: str, other: str) -> str:
    """A line with all below it, of this file or of another, put somewhere at that place's depth."""
    lines, source = text.split("\n"), dice.choice((text, other)).split("\n")
    first = dice.randrange(len(source))
    depth = _depth(source[first])
    last = first + 1
    while last < len(source) and _depth(source[last]) > depth:
        last += 1
    at = dice.randrange(len(lines))
    more = " " * (_depth(lines[at]) + dice.choice((0, 0, 2)))
    branch = [more + line[depth:] for line in source[first:last]]
    return "\n".join((*lines[: at + dice.randrange(2)], *branch, *lines[at + dice.randrange(2) :]))


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


_NOISES: Final[tuple[Noise, ...]] = (
    *(_byte, _line, _word, _branch),
    *(_expression, _expression, _expression, _number, _number, _number, _call, _call),
)


def noisy(dice: random.Random, text: str, other: str) -> bytes:
    """The text, changed once, twice or thrice; sometimes no UTF-8 in the end.

    Most changes are made in what is compiled, from the first `let:`, `emit:`, `define:` or
    `blocks:` to the tests, or they would be lost in the many lines of tests.
    """
    start = re.search(r"(?m)^(?:let|emit|define|blocks|rules):\n", text)
    first = start.end() if start and dice.random() < 0.8 else 0
    last = text.find("\ntests:") if first and "\ntests:" in text else len(text)
    part = text[first:last]
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        part = dice.choice(_NOISES)(dice, part, other.partition("\ntests:")[0])
    content = (text[:first] + part + text[last:]).encode("utf-8", "replace")
    if dice.random() < 0.01:
        at = dice.randrange(len(content) + 1)
        return content[:at] + b"\xff" + content[at:]
    return content
