"""Expression texts to syntax trees: what is written, not yet what it means.

The grammar is `expression.lark`. Length, depth and every mistake give one `Unreadable` with the
column; no other exception leaves this module. Knows no HL7, no names, no types.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, v_args

LENGTH: Final = 4000
DEPTH: Final = 40


class Unreadable(Exception):
    """The text is no expression; `column` counts from 0 in the text."""

    def __init__(self, reason: str, column: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    column: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A number; inside a selector, the number of a field or component (`3.1`)."""

    value: str
    column: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Truth:
    value: bool
    column: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    value: str
    column: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Attribute:
    """`@codice`."""

    value: str
    column: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """`name(a, b)`; a stage of a pipe is a call whose first argument is what came before."""

    name: str
    arguments: tuple[Syntax, ...]
    column: int = field(compare=False)
    piped: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Select:
    """`[1]`, `[*]` (None) or `[5 == 'CF']`."""

    condition: Syntax | None
    column: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Field:
    number: int
    column: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Part:
    """`.4` or `.4.1`: component and subcomponent."""

    component: int
    subcomponent: int | None
    column: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Member:
    """`.codiceFiscale` of `codice_fiscale.codiceFiscale`."""

    name: str
    column: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Child:
    """`/nome` or `/@codice`; also what follows a group (`PROCEDURE/PR1`)."""

    name: str
    attribute: bool
    column: int = field(compare=False)


Step: TypeAlias = Select | Field | Part | Member | Child
Head: TypeAlias = Name | Attribute | Call


@dataclass(frozen=True, slots=True)
class Walk:
    """A head and at least one step."""

    head: Head
    steps: tuple[Step, ...]

    @property
    def column(self) -> int:
        return self.head.column


@dataclass(frozen=True, slots=True)
class Logic:
    """`and` / `or` over two or more."""

    operator: str
    operands: tuple[Syntax, ...]
    column: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    operand: Syntax
    column: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    left: Syntax
    operator: str
    right: Syntax
    column: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Membership:
    left: Syntax
    choices: tuple[Syntax, ...]
    column: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Fallback:
    """`a ?? b ?? c`."""

    operands: tuple[Syntax, ...]
    column: int = field(compare=False)


Syntax: TypeAlias = (
    Text
    | Number
    | Truth
    | Name
    | Attribute
    | Call
    | Walk
    | Logic
    | Not
    | Comparison
    | Membership
    | Fallback
)


# The same expression stands in many mappings, and each is compiled for every profile.
@lru_cache(maxsize=10_000)
def parse_expression(text: str) -> Syntax:
    """The tree of one expression; raises Unreadable."""
    if len(text) > LENGTH:
        raise Unreadable(f"longer than {LENGTH} characters", 0)
    if not text.strip():
        raise Unreadable("an expression is missing", 0)
    _check_depth(text)
    try:
        tree: Any = _parser().parse(text)
    except UnexpectedInput as error:
        raise Unreadable(_reason(error, text), _column(error, text)) from None
    return tree  # type: ignore[no-any-return]  # the transformer made it a Syntax


def parsed(text: str) -> Syntax | None:
    """The tree of one expression; None if it cannot be read."""
    try:
        return parse_expression(text)
    except Unreadable:
        return None


def _check_depth(text: str) -> None:
    """Brackets and `not` are all that nests; counting them first bounds every recursion."""
    depth = 0
    for column, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if depth > DEPTH:
            raise Unreadable(f"nested deeper than {DEPTH}", column)
    if text.split().count("not") > DEPTH or text.count("|") > DEPTH:
        raise Unreadable(f"more than {DEPTH} stages or negations", 0)


def _column(error: UnexpectedInput, text: str) -> int:
    position = error.pos_in_stream
    token: Token | None = getattr(error, "token", None)
    if token is not None and token.type == "$END":
        return len(text.rstrip())
    return position if position is not None and position >= 0 else len(text)


def _reason(error: UnexpectedInput, text: str) -> str:
    if isinstance(error, UnexpectedCharacters):
        character = text[_column(error, text)]
        if character == "'":
            return "a text that does not end, or stands where none may stand"
        return f"{character!r} cannot stand here"
    token: Token | None = getattr(error, "token", None)
    if token is None or token.type == "$END":
        return "the expression ends too early"
    return f"{str(token)!r} cannot stand here"


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("expression.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", transformer=_Trees(), propagate_positions=False)


def _at(token: Token) -> int:
    return token.start_pos or 0


@v_args(inline=True)
class _Trees(Transformer[Token, Any]):
    """Grammar rules to trees, bottom up, while parsing."""

    def start(self, tree: Syntax) -> Syntax:
        return tree

    group = start

    def pipeline(self, first: Syntax, *stages: Call) -> Syntax:
        for stage in stages:
            arguments = (first, *stage.arguments)
            first = Call(stage.name, arguments, stage.column, piped=True)
        return first

    def stage(self, name: Token, arguments: tuple[Syntax, ...] | None = None) -> Call:
        return Call(str(name), arguments or (), _at(name))

    call = stage

    def arguments(self, *trees: Syntax) -> tuple[Syntax, ...]:
        return trees

    def disjunction(self, *operands: Syntax) -> Logic:
        return Logic("or", operands, operands[0].column)

    def conjunction(self, *operands: Syntax) -> Logic:
        return Logic("and", operands, operands[0].column)

    def negation(self, operand: Syntax) -> Not:
        return Not(operand, operand.column)

    def comparison(self, left: Syntax, operator: Token, right: Syntax) -> Comparison:
        return Comparison(left, str(operator), right, left.column)

    def membership(self, left: Syntax, *choices: Syntax) -> Membership:
        return Membership(left, choices, left.column)

    def fallback(self, *operands: Syntax) -> Fallback:
        return Fallback(operands, operands[0].column)

    def text(self, token: Token) -> Text:
        return Text(token[1:-1].replace("''", "'"), _at(token))

    def number(self, token: Token) -> Number:
        return Number(str(token), _at(token))

    def true(self, token: Token) -> Truth:
        return Truth(True, _at(token))

    def false(self, token: Token) -> Truth:
        return Truth(False, _at(token))

    def path(self, head: Head, *steps: Step) -> Syntax:
        return Walk(head, steps) if steps else head

    def name(self, token: Token) -> Name:
        return Name(str(token), _at(token))

    def attribute(self, token: Token) -> Attribute:
        return Attribute(token[1:], _at(token))

    def select(self, condition: Syntax | None) -> Select:
        return Select(condition, condition.column if condition else 0)

    def all(self) -> None:
        return None

    def field(self, token: Token) -> Field:
        return Field(int(token[1:]), _at(token))

    def part(self, token: Token) -> Part:
        component, _, subcomponent = token[1:].partition(".")
        return Part(int(component), int(subcomponent) if subcomponent else None, _at(token))

    def member(self, token: Token) -> Member:
        return Member(token[1:], _at(token))

    def child(self, token: Token) -> Child:
        return Child(str(token), False, _at(token))

    def child_attribute(self, token: Token) -> Child:
        return Child(token[1:], True, _at(token))
