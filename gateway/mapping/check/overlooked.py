"""What stands where nothing can be written is read all the same.

Its own mistakes are told with the one that keeps it from being written, and the names it uses
are not told to be unused.
"""

from __future__ import annotations

from gateway.mapping import expressions
from gateway.mapping.content import Flattening, items_of
from gateway.mapping.emission import Node
from gateway.mapping.leaves import leaf_of
from gateway.mapping.names import Scope


def read_overlooked(node: Node, scope: Scope, flattening: Flattening, called_from: str) -> None:
    """Compile everything at and below `node`, for its findings alone."""
    for one in node.several:
        read_overlooked(one, scope, flattening, called_from)
    if node.each is not None:
        _, scope = items_of(node.each, scope)
    if node.when is not None:
        expressions.read_condition(node.when, scope)
    content = flattening.content(node, scope, called_from)
    if content.leaves:
        leaf_of(content, scope)
    for entry in (*content.entries, *content.attributes):
        read_overlooked(entry.node, entry.scope, flattening, entry.called_from)
