"""Comparisons that can say nothing: with a code that is in no table, or never true.

Gives what a comparison can be, and tells H06 and M09 at the constant that is compared. Numbers
and moments are not looked at: `3` and `3.0` are written differently and equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from gateway.mapping.check.claims import contradiction
from gateway.mapping.check.codes import check_code
from gateway.mapping.domain import ANY, Domain, Doubt
from gateway.mapping.kinds import Kind
from gateway.mapping.syntax import Comparison, Logic, Membership, Syntax
from gateway.mapping.wording import column_of

if TYPE_CHECKING:
    from gateway.mapping.meaning import Value
    from gateway.mapping.names import Scope

_COMPARED: Final = frozenset({Kind.TEXT, Kind.BOOLEAN})


def compared(tree: Comparison, left: Value, right: Value, scope: Scope) -> Domain:
    """What `left == right` can be; its mistakes are findings."""
    if Kind.UNKNOWN in (left.kind, right.kind):
        return ANY
    if tree.operator in ("==", "!="):
        always = "never true" if tree.operator == "==" else "always true"
        _check_pair(left, right, (tree.left, tree.right), always, scope)
    doubts: tuple[Doubt, ...] = ()
    if not left.domain.path or left.domain.path != right.domain.path:
        sides = ((left, tree.left), (right, tree.right))
        doubts = tuple(
            _doubt(value, side, tree.operator == "!=", scope)
            for value, side in sides
            if _is_doubtful(value, scope)
        )
    return _outcome((left, right), doubts)


def member(tree: Membership, left: Value, choices: Sequence[Value], scope: Scope) -> Domain:
    """What `left in (…)` can be; a choice that never comes is a finding of its own."""
    for choice, written in zip(choices, tree.choices, strict=True):
        _check_pair(left, choice, (tree.left, written), "never true", scope)
    doubts = (_doubt(left, tree.left, False, scope),) if _is_doubtful(left, scope) else ()
    return _outcome((left, *choices), doubts)


def check_together(tree: Logic, scope: Scope) -> None:
    """M09 for a claim that cannot hold beside those before it: `a == 'x' and a == 'y'`."""
    # Of a selector that was told already, at each place where it stands.
    if scope.relative is None and (found := contradiction(tree)):
        scope.warning(found.column, "M09", "never true: what stands before it says another value")


def _outcome(values: Sequence[Value], doubts: tuple[Doubt, ...]) -> Domain:
    domains = [value.domain for value in values]
    # An absent choice of `in` equals nothing; the left side alone decides.
    present = domains[0].present and (len(domains) > 2 or domains[1].present)
    return Domain(present=present, outside=any(each.outside for each in domains), doubts=doubts)


def _is_doubtful(value: Value, scope: Scope) -> bool:
    """A selector looks at one item after the other; there, absent is simply another one."""
    return value.domain.optional and bool(value.domain.path) and scope.relative is None


def _doubt(value: Value, tree: Syntax, reads: bool, scope: Scope) -> Doubt:
    return Doubt(scope.position.after(column_of(tree)), value.domain.path, reads)


def _check_pair(
    left: Value, right: Value, trees: tuple[Syntax, Syntax], always: str, scope: Scope
) -> None:
    for coded, other, tree in ((left, right, trees[1]), (right, left, trees[0])):
        if coded.domain.table:
            if other.domain.is_own and not other.domain.table:
                check_code(coded.domain, other.domain, scope, column_of(tree))
            return
    reason = _apart(left, right) or _apart(right, left)
    if reason and left.kind is right.kind and left.kind in _COMPARED:
        column = column_of(trees[0] if left.is_constant and not right.is_constant else trees[1])
        scope.warning(column, "M09", f"{always}: {reason}")


def _apart(one: Value, other: Value) -> str:
    """Why none of the values of `other` is ever that of `one`; '' if one may be."""
    texts = other.domain.values
    if texts is None or other.domain.outside or one.domain.outside:
        return ""
    shown = f"'{next(iter(texts))}'" if len(texts) == 1 else "none of these values"
    known, form = one.domain.values, one.domain.form
    if known is not None:
        return f"{_named(one)} is never {shown}" if known.keys().isdisjoint(texts) else ""
    if form is None or any(form(text) == text for text in texts):
        return ""
    return f"{_named(one)} is never written {shown}"


def _named(value: Value) -> str:
    if value.is_constant:
        return f"'{value.constant}'"
    return value.label or "the left side"
