"""What a condition claims of the paths in it, as they are written: `PID-24` is one of `Y`.

Two trees that are written alike mean the same within one text, so no meaning is needed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.mapping.syntax import Comparison, Logic, Membership, Syntax, Text
from gateway.mapping.wording import column_of

Claims = Mapping[Syntax, frozenset[str]]
"""What is compared → the texts of which it is one."""


@dataclass(frozen=True, slots=True)
class Claim:
    """`what` is one of `texts`; `column` is where the texts stand."""

    what: Syntax
    texts: frozenset[str]
    column: int


def claim_of(tree: Syntax) -> Claim | None:
    """The one claim of `a == 'x'` or `a in ('x', 'y')`, which says that and nothing else."""
    match tree:
        case Comparison(what, "==", Text(text)):
            return Claim(what, frozenset({text}), column_of(tree.right))
        case Comparison(Text(text), "==", what):
            return Claim(what, frozenset({text}), column_of(tree.left))
        case Membership(what, choices) if all(isinstance(each, Text) for each in choices):
            texts = frozenset(each.value for each in choices if isinstance(each, Text))
            return Claim(what, texts, column_of(choices[0]))
    return None


def claims_of(tree: Syntax) -> Iterator[Claim]:
    """All that must hold together where the tree is true."""
    if isinstance(tree, Logic) and tree.operator == "and":
        for operand in tree.operands:
            yield from claims_of(operand)
    elif found := claim_of(tree):
        yield found


def contradiction(tree: Syntax, before: Claims | None = None) -> Claim | None:
    """The first claim that cannot hold beside those before it."""
    held = dict(before or {})
    for claim in claims_of(tree):
        if claim.what not in held:
            held[claim.what] = claim.texts
            continue
        held[claim.what] &= claim.texts
        if not held[claim.what]:
            return claim
    return None


def held_under(tree: Syntax, before: Claims) -> Claims:
    """The claims before and those of the tree."""
    held = dict(before)
    for claim in claims_of(tree):
        held[claim.what] = held.get(claim.what, claim.texts) & claim.texts
    return held
