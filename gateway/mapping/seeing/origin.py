"""Where an expression gets its values from, read off the text: fields, facts, names, functions,
tables. Parameters of blocks are followed to what was passed, names to what they stand for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.mapping.document import Definition
from gateway.mapping.finding import Position
from gateway.mapping.functions import FUNCTIONS, SPECIAL
from gateway.mapping.seeing import words
from gateway.mapping.syntax import (
    Call,
    Comparison,
    Fallback,
    Field,
    Logic,
    Member,
    Membership,
    Name,
    Not,
    Select,
    Syntax,
    Walk,
    parsed,
)


class Bound(NamedTuple):
    """What a name stands for, and the names that this text sees."""

    tree: Syntax
    names: Names


@dataclass(frozen=True, slots=True)
class Names:
    """Parameters and aliases at one place."""

    bound: Mapping[str, Bound] = field(default_factory=dict)


class Named(NamedTuple):
    """A let, a definition, a parameter or an alias, and what it says."""

    name: str
    text: str
    position: Position | None


class Column(NamedTuple):
    """`table` as the mapping calls it, and the column that is read."""

    table: str
    column: str


@dataclass(slots=True)
class Origin:
    """Everything an expression rests on, each once, in the order of reading."""

    fields: dict[str, None] = field(default_factory=dict)
    facts: dict[str, None] = field(default_factory=dict)
    names: dict[str, Named] = field(default_factory=dict)
    functions: dict[str, None] = field(default_factory=dict)
    columns: dict[Column, None] = field(default_factory=dict)


class Reader:
    """Reads expressions of one mapping: `definitions` by name, `inputs` by namespace."""

    def __init__(self, definitions: Mapping[str, Definition], inputs: frozenset[str]) -> None:
        self._definitions = definitions
        self._inputs = inputs

    def read(self, tree: Syntax, names: Names, origin: Origin) -> None:
        """Enter into `origin` what the tree rests on."""
        for path in self._fields(tree, names):
            origin.fields[path] = None
        match tree:
            case Name(name):
                self._name(name, names, origin)
            case Call():
                self._call(tree, names, origin)
            case Walk():
                self._walk(tree, names, origin)
            case _:
                for part in _parts(tree):
                    self.read(part, names, origin)

    def _walk(self, tree: Walk, names: Names, origin: Origin) -> None:
        head, first = tree.head, tree.steps[0]
        if isinstance(head, Name) and isinstance(first, Member) and head.value in self._inputs:
            origin.facts[f"{head.value}.{first.name}"] = None
            return
        self.read(head, names, origin)
        for step in tree.steps:
            if isinstance(step, Select) and step.condition is not None:
                self.read(step.condition, names, origin)

    def _name(self, name: str, names: Names, origin: Origin) -> None:
        if name in names.bound:
            bound = names.bound[name]
            # A parameter passed on under its own name says nothing new.
            if bound.tree != Name(name, 0):
                origin.names.setdefault(name, Named(name, words.expression(bound.tree), None))
            self.read(bound.tree, bound.names, origin)
        elif name in self._definitions and name not in origin.names:
            self._definition(self._definitions[name], Names(), origin)

    def _definition(self, definition: Definition, names: Names, origin: Origin) -> None:
        text = definition.text
        parameters = f"({', '.join(definition.parameters)})" if definition.parameters else ""
        name = definition.name + parameters
        first = name not in origin.names
        origin.names[name] = Named(name, text.text, text.position)
        tree = parsed(definition.text.text)
        if tree is not None and (first or definition.parameters):
            self.read(tree, names, origin)

    def _call(self, tree: Call, names: Names, origin: Origin) -> None:
        definition = self._definitions.get(tree.name)
        if definition is not None and definition.parameters:
            self._definition(definition, _passed(definition.parameters, tree, names), origin)
            return
        origin.functions[tree.name] = None
        arguments = tree.arguments
        if tree.name == "lookup" and len(arguments) > 2:
            table, column = map(words.expression, arguments[1:3])
            origin.columns[Column(table, column)] = None
            arguments = (arguments[0], *arguments[3:])
        for argument in arguments:
            self.read(argument, names, origin)

    def _fields(self, tree: Syntax, names: Names) -> Iterator[str]:
        """`PID-5` for each field that a path of this tree itself reaches."""
        if isinstance(tree, Walk | Name):
            for segment, number in self._reached(tree, names, 0):
                if number:
                    yield f"{segment}-{number}"

    def _reached(self, tree: Syntax, names: Names, depth: int) -> Iterator[tuple[str, int]]:
        """Segments and fields that a path may mean; through names, calls and `??`."""
        if depth > len(self._definitions) + len(names.bound) + 8:
            return
        match tree:
            case Walk(head, steps):
                numbers = [step.number for step in steps if isinstance(step, Field)]
                for segment, number in self._reached(head, names, depth + 1):
                    yield segment, numbers[0] if numbers else number
            case Name(name) if name in names.bound:
                bound = names.bound[name]
                yield from self._reached(bound.tree, bound.names, depth + 1)
            case Name(name) if name in self._definitions:
                found = parsed(self._definitions[name].text.text)
                if found is not None:
                    yield from self._reached(found, Names(), depth + 1)
            case Name(name) if len(name) == 3 and name.isupper():
                yield name, 0


def _passed(parameters: tuple[str, ...], call: Call, names: Names) -> Names:
    pairs = zip(parameters, call.arguments, strict=False)
    return Names({name: Bound(argument, names) for name, argument in pairs})


def _parts(tree: Syntax) -> tuple[Syntax, ...]:
    match tree:
        case Comparison(left, _, right):
            return left, right
        case Membership(left, choices):
            return left, *choices
        case Logic(_, operands) | Fallback(operands):
            return operands
        case Not(operand):
            return (operand,)
    return ()


def signature_of(name: str) -> tuple[str, str]:
    """How a function is called, and what it does, in a sentence."""
    if name in SPECIAL:
        return SPECIAL[name]
    known = FUNCTIONS.get(name)
    if known is None:
        return f"{name}()", ""
    return known.signature, known.sentence.split("\n\n")[0].replace("\n", " ")
