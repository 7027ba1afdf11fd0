"""Where one element comes from: expression, blocks, names, functions, table columns, conditions,
what the schema says of it, which tests touch it; and of one message, each intermediate value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.errors import GatewayError
from gateway.hl7.dictionary import VERSIONS, dictionary, spoken
from gateway.mapping.emission import Node
from gateway.mapping.finding import Position, did_you_mean
from gateway.mapping.library import Library
from gateway.mapping.samples import BadPatch
from gateway.mapping.seeing import words
from gateway.mapping.seeing.origin import Bound, Names, Origin, Reader
from gateway.mapping.seeing.schema_words import SchemaWords, schema_words
from gateway.mapping.seeing.traced import LeafSeen, Trace, Traced
from gateway.mapping.syntax import Call, Name, parsed
from gateway.mapping.tests import cases_of, given
from gateway.mapping.tracing import ELEMENT, LEAF, Condition, Site
from gateway.mapping.tree import Scalar


@dataclass(frozen=True, slots=True)
class Use:
    """A `$use` that brought the element in: its text, where, and the block's own place."""

    text: str
    position: Position
    block: str


@dataclass(frozen=True, slots=True)
class Gated:
    """A condition without which the element is not written, and the element it stands at.

    `word` is `$when`, `$each` or, for an alternative without a condition, `otherwise`.
    """

    word: str
    text: str
    position: Position
    target: str


@dataclass(frozen=True, slots=True)
class Expressed:
    """One expression (or fixed text) that gives the element its value."""

    text: str
    position: Position
    fixed: bool
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Touch:
    """A test in which the element is written; `expects` if the test names it."""

    test: str
    position: Position
    value: str = field(repr=False)
    expects: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of one element before any message."""

    target: str
    position: Position
    values: tuple[Expressed, ...]
    below: tuple[str, ...]
    uses: tuple[Use, ...]
    gates: tuple[Gated, ...]
    origin: Origin
    conditions: Origin
    field_names: dict[str, str]
    schema: SchemaWords | None
    touches: tuple[Touch, ...]
    required: str


def plain(target: str) -> str:
    """A path without its numbers."""
    return re.sub(r"\[\d+\]", "", target).strip("/")


def find(traced: Traced, target: str) -> list[Site]:
    """The elements of that path, or whose path ends so (`nato/sesso`, in any block)."""
    elements = [site for site in traced.sites if site.kind == ELEMENT]
    wanted = plain(target)
    exact = [site for site in elements if site.target == wanted]
    ends = [site for site in elements if re.search(rf"(^|[/.]){re.escape(wanted)}$", site.target)]
    return exact or ends


def guess(traced: Traced, target: str) -> str:
    """`; did you mean …?` for a path that no element has."""
    wanted, depth = plain(target), plain(target).count("/") + 1
    known = {site.target for site in traced.sites if site.kind == ELEMENT}
    # As many of a path's last steps as were typed: what is mistyped is compared with its like.
    ends = {"/".join(path.split("/")[-depth:]): path for path in sorted(known, reverse=True)}
    return did_you_mean(wanted, known) or did_you_mean(wanted, ends)


def explain(library: Library, traced: Traced, site: Site) -> Explanation:
    """One element of `find`. Raises ConfigurationError if the mapping's tests cannot be read."""
    chain, names = _chain(traced, site)
    leaves = [each for each in traced.sites if each.kind == LEAF and each.parent is site]
    origin, reader = Origin(), _reader(traced)
    for leaf in leaves:
        if leaf.node is not None and leaf.node.value is not None:
            _read(reader, leaf.node.value.text, _seen_by(names, leaf), origin)
    gates = list(_gates(site))
    conditions = Origin()
    for gate, around in gates:
        _read(
            reader,
            gate.text.rpartition(" as ")[0] or gate.text,
            _seen_by(names, around),
            conditions,
        )
    below = [each.text for each in traced.sites if each.kind == ELEMENT and each.parent is site]
    return Explanation(
        target=site.target,
        position=leaves[0].position if leaves else site.position,
        values=tuple(_expressed(leaf, site) for leaf in leaves),
        below=tuple(below),
        uses=tuple(chain),
        gates=tuple(gate for gate, _ in gates),
        origin=origin,
        conditions=conditions,
        field_names={path: _field_name(traced, path) for path in origin.fields},
        schema=_schema(library, traced, site),
        touches=tuple(_touches(library, traced, site)),
        required=next((n.required for n in (each.node for each in leaves) if n and n.required), ""),
    )


def _expressed(leaf: Site, site: Site) -> Expressed:
    fixed = leaf.node is not None and leaf.node.text is not None
    conditions = leaf.conditions[len(site.conditions) :] if leaf.conditions else ()
    return Expressed(leaf.text, leaf.position, fixed, conditions or leaf.conditions)


def _reader(traced: Traced) -> Reader:
    world = traced.compilation.world
    assert world is not None  # a traced mapping was compiled
    inputs = frozenset(world.inputs) | frozenset(world.profile_inputs)
    return Reader({**world.definitions, **world.lets}, inputs)


def _read(reader: Reader, text: str, names: Names, origin: Origin) -> None:
    tree = parsed(text)
    if tree is not None:
        reader.read(tree, names, origin)


def _seen_by(names: Sequence[Names], site: Site) -> Names:
    """The names of the block in which a site stands."""
    depth = len(site.called_from.split(" > ")) if site.called_from else 0
    return names[min(depth, len(names) - 1)]


def _above(site: Site) -> Iterator[Site]:
    """The elements around, the nearest first."""
    here = site.parent
    while here is not None:
        yield here
        here = here.parent


def _chain(traced: Traced, site: Site) -> tuple[list[Use], list[Names]]:
    """The `$use`s from the mapping to the element, and the names that each level sees."""
    uses = {f"{text.position.file}:{text.position.line}": text for text in _uses(traced)}
    links = site.called_from.split(" > ") if site.called_from else []
    around = [site, *_above(site)]
    found: list[Use] = []
    names = [_aliases(around, "", Names())]
    for number, link in enumerate(links, 1):
        text = uses.get(link)
        tree = parsed(text.text) if text else None
        if text is None or not isinstance(tree, Call | Name):
            break
        name = tree.name if isinstance(tree, Call) else tree.value
        block = traced.compilation.blocks[name]
        arguments = tree.arguments if isinstance(tree, Call) else ()
        pairs = zip(block.parameters, arguments, strict=False)
        passed = Names({word: Bound(argument, names[-1]) for word, argument in pairs})
        found.append(Use(text.text, text.position, name))
        names.append(_aliases(around, " > ".join(links[:number]), passed))
    return found, names


def _aliases(around: Sequence[Site], called_from: str, names: Names) -> Names:
    """`names` and the aliases of every `$each` of that level around an element."""
    bound = dict(names.bound)
    for site in reversed(around):
        nodes = (site.node, *site.node.several) if site.node else ()
        for each in (node.each for node in nodes if node.each and site.called_from == called_from):
            tree = parsed(each.path.text)
            if tree is not None:
                bound[each.alias] = Bound(tree, Names(dict(bound)))
    return Names(bound)


def _uses(traced: Traced) -> Iterator[Scalar]:
    """Every `$use` of the mapping and its blocks."""
    waiting = [traced.compilation.document.emit]
    waiting += [block.node for block in traced.compilation.blocks.values()]
    while waiting:
        node: Node = waiting.pop()
        if node.use is not None:
            yield node.use
        waiting += [*node.choose, *node.several]
        waiting += [child for _, child in (*node.children, *node.attributes)]


def _gates(site: Site) -> Iterator[tuple[Gated, Site]]:
    """The conditions around an element, the outermost first, and where each stands."""
    for one in (*reversed(list(_above(site))), site):
        for each in one.conditions:
            word = "otherwise" if each.otherwise else "$when"
            yield Gated(word, each.text, each.position, one.target), one
        node = one.node
        if node is not None and node.each is not None:
            text = f"{node.each.path.text} as {node.each.alias}"
            yield Gated("$each", text, node.each.path.position, one.target), one
        if node is not None and node.when is not None:
            yield Gated("$when", node.when.text, node.when.position, one.target), one


def _field_name(traced: Traced, path: str) -> str:
    """`Patient name`, as HL7 calls a field."""
    segment, _, number = path.partition("-")
    version = traced.compilation.document.source.text("hl7") or traced.profile.version
    shape = dictionary(version).segment(segment) if version in VERSIONS else None
    found = shape[int(number)] if shape else None
    return spoken(found.name) if found else ""


def _schema(library: Library, traced: Traced, site: Site) -> SchemaWords | None:
    end = traced.compilation.document.target
    if traced.compiled.direction != "hl7_to_xml":
        return None
    library.schema(end.text("xsd"))  # refuses what lies outside
    return schema_words(library.xsd / end.text("xsd"), end.text("root"), site.target)


def _touches(library: Library, traced: Traced, site: Site) -> Iterator[Touch]:
    """The tests of the mapping in which a leaf of the element got a value, or an error."""
    for case in cases_of(library, traced.compiled.name, traced.profile.name):
        if case.profile != traced.profile.name:
            continue
        try:
            source, inputs = given(library, traced.compiled, case)
        except (GatewayError, BadPatch):
            continue
        _, trace = traced.run(source, inputs)
        named = {plain(path) for path in case.expect}
        named |= {plain(error.partition(" ")[2]) for error in case.expect_errors}
        expects = any(path == site.target or path.startswith(f"{site.target}/") for path in named)
        found = [words.value(leaf.value) for leaf in leaves_of(trace, site)]
        values = [value for value in found if value != words.ABSENT]
        if values or expects:
            yield Touch(case.name, case.position, ", ".join(values) or words.ABSENT, expects)


def leaves_of(trace: Trace, site: Site) -> list[LeafSeen]:
    """What a run gave the element: a leaf, or one for each item of a `$each`."""
    return [leaf for leaf in trace.leaves if leaf.site.parent is site]
