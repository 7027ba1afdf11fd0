"""What rules mean: conditions compiled over the target, asked of each finished document.

A rule sees the document alone, by element names, and the tables of its mapping: it holds for the
document whoever made it. Absent is not true, as in `$when`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lxml import etree

from gateway.mapping import expressions
from gateway.mapping.content import Place
from gateway.mapping.finding import Findings, Position, did_you_mean
from gateway.mapping.meaning import Read, Run
from gateway.mapping.names import Scope, World
from gateway.mapping.problem import Fault, Problem, ProblemKind
from gateway.mapping.rules import Rule
from gateway.mapping.shape import ElementShape
from gateway.mapping.tables import CodeTable
from gateway.mapping.tree import Scalar

RuleCheck: TypeAlias = Callable[[etree._Element], list[Problem]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A rule that can be asked: whether it refuses, and what is told then."""

    refuses: Read[object]
    place: Place
    problem: Problem


def compile_rules(
    rules: Sequence[Rule],
    root: ElementShape,
    tables: Mapping[str, CodeTable],
    used: set[tuple[str, ...]],
    findings: Findings,
) -> RuleCheck:
    """All rules over documents of `root`. `used` learns which tables they look into."""
    world = World(findings, tables=tables, root=root, used=used)
    asked = tuple(_asked(rule, root, world) for rule in rules)
    slots = world.slots
    if not asked:
        return _nothing

    def check(document: etree._Element) -> list[Problem]:
        run = Run(document, {}, slots.memo, slots.items)
        problems = []
        for rule in asked:
            try:
                if rule.refuses(run) is True:
                    problems.append(rule.problem)
            except Fault as fault:
                problems.append(rule.place.fault(fault))
        return problems

    return check


def _nothing(document: etree._Element) -> list[Problem]:
    """Of a mapping without rules, and at no cost: every birth is asked."""
    return []


def _asked(rule: Rule, root: ElementShape, world: World) -> _Asked:
    target, line = rule.at.text, rule.when.position
    refuses = expressions.read_condition(rule.when, Scope(world, line)).read
    _check_place(rule.at, root, world.findings)
    told = Problem(ProblemKind.RULE, target, line.file, line.line, rule.refuse, code=rule.code)
    return _Asked(refuses, Place(target, Position(line.file, line.line)), told)


def _check_place(at: Scalar, root: ElementShape, findings: Findings) -> None:
    """Every step of `at` is an element of the schema."""
    here = root
    for step in at.text.split("/"):
        below = here.children.get(step)
        if below is None:
            text = f"{here.name} has no element {step}{did_you_mean(step, here.children)}"
            findings.error(at.position, "X01", text)
            return
        here = below
