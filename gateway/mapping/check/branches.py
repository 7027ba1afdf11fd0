"""Branches that are never reached: after what is always there, or under what is never true.

What comes from a caller or from a profile is another thing for another one: of that nothing is
said. The conditions of a tree are compared as they are written, each block by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.mapping.check.claims import (
    Claims,
    claim_of,
    claims_of,
    contradiction,
    held_under,
)
from gateway.mapping.finding import Findings
from gateway.mapping.syntax import Syntax, parsed
from gateway.mapping.tree import Scalar

if TYPE_CHECKING:
    from gateway.mapping.domain import Domain
    from gateway.mapping.emission import Node
    from gateway.mapping.names import Scope


def check_condition(domain: Domain, scope: Scope) -> None:
    """M11 for a `$when` that is always false; `scope` stands where it is written."""
    if domain.always(False):
        scope.warning(0, "M11", "never reached: this is always false")


def check_fallback(domains: Sequence[Domain], columns: Sequence[int], scope: Scope) -> None:
    """M11 for what follows something that is always there in `a ?? b`."""
    for domain, following in zip(domains, columns[1:], strict=False):
        if domain.present and not domain.outside:
            what = domain.path or "what stands before it"
            scope.warning(following, "M11", f"never reached: {what} is always there")
            return


def check_choice(conditions: Sequence[Domain | None], nodes: Sequence[Node], scope: Scope) -> None:
    """M11 for what follows an alternative of `$choose` that is always taken."""
    for domain, node in zip(conditions, nodes[1:], strict=False):
        if domain is not None and domain.always(True):
            text = "never reached: the one before is always taken"
            scope.world.findings.once(node.position, "warning", "M11", text)
            return


def check_tree(node: Node, findings: Findings) -> None:
    """M11 for conditions that those around them, or before them in a `$choose`, rule out."""
    _Walk(findings).node(node, {})


class _Walk:
    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def node(self, node: Node, held: Claims) -> None:
        """`held` are the claims of all conditions around the node."""
        if node.when is not None:
            held = self._under(node.when, held)
        if node.each is not None:
            held = {}  # its name may stand for another thing inside
        if node.choose:
            self._choice(node.choose, held)
        below = (*node.several, *(child for _, child in node.children))
        for each in (*below, *(attribute for _, attribute in node.attributes)):
            self.node(each, held)

    def _under(self, when: Scalar, held: Claims) -> Claims:
        tree = parsed(when.text)
        if tree is None or contradiction(tree):
            return held  # told already
        if found := contradiction(tree, held):
            text = "never reached: the condition around it says another value"
            self._tell(when, found.column, text)
            return held
        return held_under(tree, held)

    def _choice(self, nodes: Sequence[Node], held: Claims) -> None:
        before: list[Syntax] = []
        taken: dict[Syntax, frozenset[str]] = {}
        for node in nodes:
            tree = parsed(node.when.text) if node.when else None
            if node.when is not None and tree is not None:
                if tree in before or any(
                    claim.texts <= taken.get(claim.what, frozenset()) for claim in claims_of(tree)
                ):
                    self._tell(node.when, 0, "never reached: one before it takes all of this")
                before.append(tree)
                if claim := claim_of(tree):
                    taken[claim.what] = taken.get(claim.what, frozenset()) | claim.texts
            self.node(node, held)

    def _tell(self, when: Scalar, column: int, text: str) -> None:
        self._findings.once(when.start.after(column), "warning", "M11", text)
