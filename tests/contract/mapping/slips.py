"""What a slip of the hand makes of a word, a number, a code: each as a function of the dice."""

from __future__ import annotations

import random
from collections.abc import Callable

Change = Callable[[random.Random, str], str]
"""What a mistake makes of the text it replaces."""


def misspelt(dice: random.Random, word: str) -> str:
    """One letter dropped, doubled or swapped with its neighbour."""
    at = dice.randrange(max(len(word) - 1, 1))
    pair = word[at : at + 2]
    swapped = word[:at] + pair[::-1] + word[at + 2 :]
    return dice.choice((word[:at] + word[at + 1 :], word[: at + 1] + word[at:], swapped)) or word


def other_number(dice: random.Random, number: str) -> str:
    """Another field or component, there or not."""
    return dice.choice([str(n) for n in (1, 2, 3, 4, 5, 7, 9, 11, 40) if str(n) != number])


def other_code(dice: random.Random, code: str) -> str:
    """A letter less, one more, turned round, or no code at all."""
    return dice.choice((code[:-1] or "Q", f"{code}X", code[::-1] + "9", "QQ"))


def other_type(dice: random.Random, call: str) -> str:
    """Left out, or another type's function."""
    return dice.choice(("", another_type(dice, call)))


def another_type(dice: random.Random, _: str) -> str:
    """Another type's function."""
    return dice.choice([f" | {word}" for word in ("date", "time", "integer")])


def one_of(others: tuple[str, ...]) -> Change:
    """One of these instead."""
    return lambda dice, _: dice.choice(others)


def gone(_: random.Random, __: str) -> str:
    """Nothing is left."""
    return ""
