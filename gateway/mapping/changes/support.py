"""All that a leaf's value rests on in the text of a mapping: its expression, the conditions and
calls around it, the names and tables in them. Two versions of a leaf differ where these do.

Reads syntax and sites; runs nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from gateway.mapping.document import TableUse
from gateway.mapping.emission import Node
from gateway.mapping.finding import Position
from gateway.mapping.seeing import Traced
from gateway.mapping.syntax import Call, Name, parsed
from gateway.mapping.tracing import LEAF, Site
from gateway.mapping.tree import Scalar

Key: TypeAlias = tuple[str, str]
"""What it is (`let`, `$when`, `table` …), and its name."""


@dataclass(frozen=True, slots=True)
class Support:
    """One text that a value rests on, and where it stands."""

    text: str
    position: Position


class Version:
    """One version of a mapping, and what its leaves rest on."""

    def __init__(self, traced: Traced) -> None:
        self.traced = traced
        compilation = traced.compilation
        self._lets = compilation.document.lets
        self._definitions = compilation.profile.definitions
        self._tables = {**compilation.profile.tables, **compilation.document.tables}

    def of(self, leaf: Site) -> dict[Key, Support]:
        """The nearest first: the leaf's own text, what stands around it, then what these name."""
        found: dict[Key, Support] = {("expression", ""): Support(leaf.text, leaf.position)}
        node = leaf.node
        if node is not None and node.required is not None:
            found["$required", ""] = Support(node.required, leaf.position)
        found |= self._around(leaf)
        texts = [each.text for key, each in found.items() if key[0] != "$required"]
        for text in texts:
            self._named(text, found)
        return found

    def all_at(self, target: str) -> dict[Key, Support]:
        """What every leaf that may write to a path rests on, leaf by leaf."""
        found: dict[Key, Support] = {}
        for number, leaf in enumerate(self.leaves_at(target)):
            found |= {
                (kind, f"{name}#{number}"): each for (kind, name), each in self.of(leaf).items()
            }
        return found

    def leaves_at(self, target: str) -> list[Site]:
        """The leaves that may write to a path without numbers."""
        return [
            site
            for site in self.traced.sites
            if site.kind == LEAF and (site.parent.target if site.parent else "") == target
        ]

    def _around(self, leaf: Site) -> dict[Key, Support]:
        found: dict[Key, Support] = {}
        for number, link in enumerate(filter(None, leaf.called_from.split(" > "))):
            use = self._uses.get(link)
            if use is not None:
                found["$use", str(number)] = Support(use.text, use.position)
        here: Site | None = leaf
        while here is not None:
            for each in here.conditions:
                word = "otherwise" if each.otherwise else each.text
                found.setdefault(
                    ("$when", f"{here.target} {len(found)}"), Support(word, each.position)
                )
            node = here.node
            if node is not None and node.when is not None:
                found["$when", here.target] = Support(node.when.text, node.when.position)
            if node is not None and node.each is not None:
                path = node.each.path
                found["$each", here.target] = Support(path.text, path.position)
            here = here.parent
        return found

    @cached_property
    def _uses(self) -> Mapping[str, Scalar]:
        compilation = self.traced.compilation
        nodes = [compilation.document.emit, *(b.node for b in compilation.blocks.values())]
        found = (use for node in nodes for use in _uses_below(node))
        return {f"{use.position.file}:{use.position.line}": use for use in found}

    def _named(self, text: str, found: dict[Key, Support]) -> None:
        """Lets, definitions and tables that a text names, and what those name in turn."""
        for name in _names(text):
            definition = self._lets.get(name) or self._definitions.get(name)
            if definition is not None:
                kind = "let" if name in self._lets else "definition"
                if (kind, name) not in found:
                    whole = f"({', '.join(definition.parameters)}) {definition.text.text}"
                    found[kind, name] = Support(whole, definition.text.position)
                    self._named(definition.text.text, found)
            elif name in self._tables:
                use = self._tables[name]
                found["table", name] = Support(_told(use), use.position)


def _told(use: TableUse) -> str:
    return f"{use.file} {use.key} {use.missing} {use.default} {use.valid}"


def _uses_below(node: Node) -> Iterator[Scalar]:
    if node.use is not None:
        yield node.use
    below = [*node.choose, *node.several]
    below += [child for _, child in (*node.children, *node.attributes)]
    for each in below:
        yield from _uses_below(each)


def _names(text: str) -> list[str]:
    """Every name and function of an expression, in order, each once."""
    tree = parsed(text)
    return [] if tree is None else list(dict.fromkeys(_words(tree)))


def _words(tree: Any) -> Iterator[str]:
    match tree:
        case Name(value):
            yield value
        case Call(name):
            yield name
    parts = tree if isinstance(tree, tuple) else ()
    if dataclasses.is_dataclass(tree):
        parts = tuple(getattr(tree, each.name) for each in dataclasses.fields(tree))
    for part in parts:
        if isinstance(part, tuple) or dataclasses.is_dataclass(part):
            yield from _words(part)
