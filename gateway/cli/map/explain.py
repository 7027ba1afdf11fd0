"""`icaro map explain`: where an element comes from, and how a message's value came about."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.text import Text

from gateway.cli.console import plain, printer
from gateway.cli.map.folders import JSON, MAPPINGS, PROFILE, XSD, chosen, library_of
from gateway.cli.map.given import INPUTS, facts_for, path_of, source_of
from gateway.mapping import Library, Position
from gateway.mapping.seeing import LeafSeen, Traced, traced, words
from gateway.mapping.seeing.evaluation import Evaluated, evaluation
from gateway.mapping.seeing.explain import (
    Explanation,
    Gated,
    Touch,
    explain,
    find,
    guess,
    leaves_of,
)
from gateway.mapping.seeing.origin import Named, signature_of
from gateway.mapping.tracing import Site

_MOST = 4
"""Places of one path that are explained; the rest are named."""


class Seen(NamedTuple):
    """One value of a message, and the steps to it."""

    leaf: LeafSeen
    steps: list[Evaluated]


@click.command("explain")
@click.argument("mapping")
@click.argument("target")
@click.argument("message", metavar="[MSG]", required=False)
@PROFILE
@INPUTS
@MAPPINGS
@XSD
@JSON
def explain_verb(
    mapping: str,
    target: str,
    message: str | None,
    profile: str | None,
    inputs: tuple[str, ...],
    mappings: Path | None,
    xsd: Path | None,
    as_json: bool,
) -> None:
    """Say where the element TARGET of MAPPING comes from, and what rests on it.

    TARGET is a path of the document or the end of one, in any block. Told are the expression, the
    blocks it came through, the fields, names, functions and table columns it rests on, the
    conditions around it, what the schema says, and the tests that touch it. With MSG: each
    intermediate value.

    \b
      icaro map explain comune/nascita.yaml parto/pesoGrammi
      icaro map explain comune/nascita.yaml maternita/generalita/sesso samples/femmina.hl7
    """
    library = library_of(mappings, xsd, (mapping,))
    (name, *_) = chosen(library, (mapping,))
    known = traced(library, name, profile or library.profile_of(name))
    sites = find(known, target)
    if not sites:
        text = f"{name} writes no {target}{guess(known, target)}"
        raise click.BadParameter(text, param_hint="TARGET")
    targets = list(dict.fromkeys(site.target for site in sites))
    told = [(explain(library, known, site), site) for site in sites[:_MOST]]
    seen = _seen(library, known, [site for _, site in told], message, inputs) if message else {}
    if as_json:
        trees = [_as_tree(one, seen.get(id(site), [])) for one, site in told]
        click.echo(json.dumps(trees, ensure_ascii=False, indent=2, default=str))
        return
    console = printer()
    for one, site in told:
        draw(console, one, seen.get(id(site), []), bool(message))
    if len(sites) > _MOST:
        more = ", ".join(targets[1:]) if len(targets) > 1 else f"{len(sites)} times {targets[0]}"
        click.echo(f"also: {more}", err=True)


def _seen(
    library: Library,
    known: Traced,
    sites: Sequence[Site],
    message: str,
    inputs: Sequence[str],
) -> dict[int, list[Seen]]:
    path = path_of(library, message)
    facts, _ = facts_for(library, known, path, inputs)
    _, trace = known.run(source_of(known, path), facts)
    return {
        id(site): [Seen(leaf, evaluation(leaf.step)) for leaf in leaves_of(trace, site)]
        for site in sites
    }


def draw(console: Console, one: Explanation, seen: Sequence[Seen], asked: bool) -> None:
    """One explanation: a heading, then paragraphs of a word and lines."""
    heading = Text(plain(one.target), "bold")
    heading.append(f"   {_at(one.position)}", "dim")
    console.print(heading, soft_wrap=True)
    for word, lines in _paragraphs(one):
        for number, line in enumerate(lines):
            text = Text(f"  {word if number == 0 else '':<10} ", "cyan")
            console.print(text.append(plain(line), "none"), soft_wrap=True)
    if asked:
        _draw_seen(console, seen)
    console.print()


def _draw_seen(console: Console, seen: Sequence[Seen]) -> None:
    if not seen:
        console.print(Text("  in MSG     not reached: a condition above does not hold", "yellow"))
    for each in seen:
        leaf = each.leaf
        value = f"✗ {leaf.reason}" if leaf.reason else plain(words.value(leaf.value))
        text = Text("  in MSG     ", "cyan").append(f"{leaf.target} = ", "none")
        console.print(text.append(value, "bold red" if leaf.reason else "bold green"))
        for step in each.steps:
            console.print(_step(step), soft_wrap=True)


def _step(step: Evaluated) -> Text:
    text = Text(" " * 13 + "  " * step.depth + plain(step.text), "none")
    text.append(" → ", "dim")
    text.append(plain(step.reason or step.value), "red" if step.reason else "green")
    beside = ", ".join((*step.places, *step.rows))
    return text.append(f"   {beside}" if beside else "", "dim")


def _paragraphs(one: Explanation) -> Iterator[tuple[str, list[str]]]:
    yield "is", [*_values(one), *([f"required: {one.required}"] if one.required else [])]
    yield "holds", [", ".join(one.below)] if one.below else []
    yield "through", [f"$use: {use.text}   {_at(use.position)}" for use in one.uses]
    yield "if", [_gate(gate) for gate in one.gates]
    origin = one.origin
    yield "reads", [f"{path}  {one.field_names.get(path, '')}" for path in origin.fields]
    yield "facts", list(origin.facts)
    known = {**one.conditions.names, **origin.names}
    yield "names", [_named(named) for named in known.values()]
    yield "functions", [": ".join(signature_of(name)) for name in origin.functions]
    yield "tables", [f"{column.table}, column {column.column}" for column in origin.columns]
    if one.schema is not None:
        schema = one.schema
        yield "schema", [f"{schema.type}; {schema.occurs}", *schema.sentences]
    yield "tests", [_touch(touch) for touch in one.touches] or ["none touches it"]


def _gate(gate: Gated) -> str:
    said = f"{gate.word}: {gate.text}" if gate.text else gate.word
    return f"{said}   at {gate.target}   {_at(gate.position)}"


def _named(named: Named) -> str:
    said = f"{named.name} = {named.text}"
    return f"{said}   {_at(named.position)}" if named.position else said


def _touch(touch: Touch) -> str:
    expected = "   (expected)" if touch.expects else ""
    return f"{touch.test}: {touch.value}{expected}   {_at(touch.position)}"


def _values(one: Explanation) -> list[str]:
    lines = []
    for value in one.values:
        written = f"the text {value.text!r}" if value.fixed else value.text
        whens = " and ".join(each.text or "otherwise" for each in value.conditions)
        lines.append(f"{written}   if {whens}" if whens and len(one.values) > 1 else written)
    return lines


def _at(position: Position) -> str:
    return f"{position.file}:{position.line}"


def _as_tree(one: Explanation, seen: Sequence[Seen]) -> dict[str, Any]:
    origin = one.origin
    return {
        "target": one.target,
        "position": _at(one.position),
        "values": [
            {"text": each.text, "position": _at(each.position), "fixed": each.fixed}
            for each in one.values
        ],
        "through": [{"use": use.text, "position": _at(use.position)} for use in one.uses],
        "conditions": [
            {"word": gate.word, "text": gate.text, "target": gate.target} for gate in one.gates
        ],
        "fields": dict(one.field_names),
        "facts": list(origin.facts),
        "names": {each.name: each.text for each in origin.names.values()},
        "functions": list(origin.functions),
        "columns": [each._asdict() for each in origin.columns],
        "schema": asdict(one.schema) if one.schema else None,
        "tests": [
            {"test": each.test, "value": each.value, "expects": each.expects}
            for each in one.touches
        ],
        "seen": [
            {
                "target": each.leaf.target,
                "value": words.value(each.leaf.value),
                "reason": each.leaf.reason,
                "steps": [asdict(step) for step in each.steps],
            }
            for each in seen
        ],
    }
