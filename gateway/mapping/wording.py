"""How findings and faults speak of an expression: the path that was read, and where it begins."""

from __future__ import annotations

from gateway.mapping.syntax import (
    Attribute,
    Call,
    Comparison,
    Fallback,
    Field,
    Logic,
    Membership,
    Name,
    Not,
    Part,
    Select,
    Syntax,
    Walk,
)


def label(tree: Syntax) -> str:
    """How an error names what was read: the first path in the tree, as written."""
    if isinstance(tree, Call) and tree.arguments:
        return label(tree.arguments[0])
    if isinstance(tree, Walk):
        return label(tree.head) + "".join(map(_label_of_step, tree.steps))
    if isinstance(tree, Name):
        return tree.value
    if isinstance(tree, Attribute):
        return f"@{tree.value}"
    operands = getattr(tree, "operands", ())
    return label(operands[0]) if operands else "the value"


def _label_of_step(step: object) -> str:
    if isinstance(step, Field):
        return f"-{step.number}"
    if isinstance(step, Part):
        return f".{step.component}" + (f".{step.subcomponent}" if step.subcomponent else "")
    if isinstance(step, Select):
        return "[…]"
    name: str = getattr(step, "name", "")
    return f"/{name}" if hasattr(step, "attribute") else f".{name}"


def column_of(tree: Syntax) -> int:
    """Where the tree begins: of a pipe what comes first, not its last function."""
    match tree:
        case Call(arguments=(first, *_), piped=True):
            return column_of(first)
        case Walk(head):
            return column_of(head)
        case Logic(_, operands) | Fallback(operands):
            return column_of(operands[0])
        case Comparison(left) | Membership(left) | Not(left):
            return column_of(left)
    return tree.column


def step_of(tree: Syntax) -> int:
    """Where a path names its field; of what is no such path, where it begins."""
    steps = tree.steps if isinstance(tree, Walk) else ()
    fields = [step.column for step in steps if isinstance(step, Field)]
    return fields[-1] if fields else column_of(tree)
