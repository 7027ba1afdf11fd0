"""The tree under `emit:` and in blocks: nodes, leaves and their `$` directives, as written.

Knows which directives there are and which may stand together, nothing of what they mean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from gateway.mapping.finding import Findings, Position, did_you_mean
from gateway.mapping.tree import Scalar, Sequence, Table, Tree

_EACH: Final = re.compile(r"(?s)(.*\S)\s+as\s+([A-Za-z_]\w*)\s*")
DIRECTIVES: Final = (
    *("$when", "$each", "$use", "$choose", "$attr", "$note"),
    *("$value", "$text", "$required", "$on_null"),
)


@dataclass(frozen=True, slots=True)
class Each:
    """`$each: path as alias`."""

    path: Scalar
    alias: str


@dataclass(frozen=True, slots=True)
class Node:
    """One place of the target: a leaf (`value` or `text`), children, or a list of such.

    `broken`: a finding says what is wrong with its directives; what it lacks is no mistake more.
    """

    position: Position
    value: Scalar | None = None
    text: Scalar | None = None
    when: Scalar | None = None
    each: Each | None = None
    use: Scalar | None = None
    choose: tuple[Node, ...] = ()
    attributes: tuple[tuple[Scalar, Node], ...] = ()
    children: tuple[tuple[Scalar, Node], ...] = ()
    several: tuple[Node, ...] = ()
    required: str | None = None
    on_null: str = "omit"
    broken: bool = False

    @property
    def is_leaf(self) -> bool:
        return self.value is not None or self.text is not None


class NodeReader:
    """Turns YAML under `emit:` into nodes, telling what is misplaced."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def node(self, tree: Tree) -> Node:
        """One value, one block of directives, or a sequence of either; faults are findings."""
        if isinstance(tree, Scalar):
            return Node(tree.position, value=tree)
        if isinstance(tree, Sequence):
            return Node(tree.position, several=tuple(self.node(item) for item in tree.items))
        before = len(self.findings.found)
        self._check_directives(tree)
        said = Node(
            position=tree.position,
            value=self._scalar(tree, "$value"),
            text=self._scalar(tree, "$text"),
            when=self._scalar(tree, "$when"),
            each=self._each(tree),
            use=self._scalar(tree, "$use"),
            required=self._required(tree),
            on_null=self._on_null(tree),
        )
        broken = len(self.findings.found) > before
        node = replace(
            said,
            choose=self._choose(tree),
            attributes=self._attributes(tree),
            children=self._pairs(tree),
            broken=broken,
        )
        self._check_shape(node)
        return node

    def _check_directives(self, tree: Table) -> None:
        for key, _ in tree.pairs:
            if key.text.startswith("$") and key.text not in DIRECTIVES:
                guess = did_you_mean(key.text, DIRECTIVES)
                self.findings.error(key.position, "M06", f"unknown directive {key.text}{guess}")

    def _scalar(self, tree: Table, key: str) -> Scalar | None:
        value = tree.get(key)
        if value is None or isinstance(value, Scalar):
            return value
        self.findings.error(value.position, "M06", f"{key} must be one text")
        return None

    def _each(self, tree: Table) -> Each | None:
        value = self._scalar(tree, "$each")
        if value is None:
            return None
        match = _EACH.fullmatch(value.text)
        if not match:
            self.findings.error(value.position, "M06", "$each must be `path as name`")
            return None
        return Each(replace(value, text=match[1]), match[2])

    def _choose(self, tree: Table) -> tuple[Node, ...]:
        value = tree.get("$choose")
        if value is None:
            return ()
        if not isinstance(value, Sequence) or not value.items:
            self.findings.error(value.position, "M06", "$choose must be a list of nodes")
            return ()
        nodes = tuple(self.node(item) for item in value.items)
        for node in nodes[:-1]:
            if node.when is None:
                text = "only the last of $choose may have no $when"
                self.findings.error(node.position, "M06", text)
        return nodes

    def _attributes(self, tree: Table) -> tuple[tuple[Scalar, Node], ...]:
        value = tree.get("$attr")
        if value is None:
            return ()
        if not isinstance(value, Table):
            self.findings.error(value.position, "M06", "$attr must be a table of attributes")
            return ()
        pairs = self._pairs(value)
        for key, node in pairs:
            if not node.is_leaf or node.attributes or node.each:
                self.findings.error(key.position, "M06", "an attribute has one value")
        return tuple(pair for pair in pairs if pair[1].is_leaf)

    def _pairs(self, tree: Table) -> tuple[tuple[Scalar, Node], ...]:
        pairs = (pair for pair in tree.pairs if not pair[0].text.startswith("$"))
        return tuple((key, self.node(value)) for key, value in pairs)

    def _required(self, tree: Table) -> str | None:
        value = self._scalar(tree, "$required")
        return value.text if value else None

    def _on_null(self, tree: Table) -> str:
        value = self._scalar(tree, "$on_null")
        if value is None:
            return "omit"
        if value.text not in ("error", "omit", "nil"):
            self.findings.error(value.position, "M06", "$on_null must be error, omit or nil")
            return "omit"
        return value.text

    def _check_shape(self, node: Node) -> None:
        inner = [node.children, node.use, node.choose]
        if node.value is not None and node.text is not None:
            self.findings.error(node.position, "M06", "$value and $text exclude each other")
        if node.is_leaf and any(inner):
            text = "a value and children exclude each other"
            self.findings.error(node.position, "M06", text)
        if node.required is not None and not node.is_leaf and not node.choose:
            self.findings.error(node.position, "M06", "$required stands beside $value only")
