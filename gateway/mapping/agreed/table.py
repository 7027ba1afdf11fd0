"""The rows of the table: one for each element, attribute, fact or field that a mapping writes.

Blocks are put in where they are used, with what was passed to them; the order is the schema's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.hl7.dictionary import VERSIONS, spoken
from gateway.mapping.agreed.phrases import names_in, phrase
from gateway.mapping.library import Library
from gateway.mapping.rules import Rule
from gateway.mapping.seeing import Traced, traced, words
from gateway.mapping.seeing.explain import plain
from gateway.mapping.seeing.origin import Bound, Names, Origin, Reader
from gateway.mapping.shape import ElementShape, Particle
from gateway.mapping.syntax import Call, Name, parsed
from gateway.mapping.tests import Case, cases_of
from gateway.mapping.tracing import LEAF, Site
from gateway.mapping.tree import Scalar

_DEEPEST: Final = 32


@dataclass(frozen=True, slots=True)
class Row:
    """One value of the target. `tests` name those that say what it must be."""

    path: str
    occurs: str
    fields: tuple[str, ...]
    rule: str
    tables: tuple[str, ...]
    conditions: tuple[str, ...]
    tests: tuple[str, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Agreed:
    """One mapping. `names`: what is called by a name, in words; `digest` is of all its files."""

    mapping: str
    source: str
    target: str
    profile: str
    digest: str
    rows: tuple[Row, ...]
    rules: tuple[Rule, ...]
    names: Mapping[str, str]
    tests: tuple[Case, ...]


def agreed(library: Library, name: str, profile: str | None = None) -> Agreed:
    """The table of one mapping. Raises ConfigurationError if it cannot be compiled."""
    known = traced(library, name, profile or library.profile_of(name))
    document, cases = known.compilation.document, cases_of(library, name, profile)
    builder = _Builder(known, cases)
    rows = [builder.row(site) for site in known.sites if site.kind == LEAF]
    order = builder.order
    # What the schema does not know stands where the mapping has it.
    rows.sort(key=lambda row: order.get(row.path, len(order)))
    return Agreed(
        mapping=document.name or name,
        source=_end(document.source.values),
        target=_end(document.target.values),
        profile=known.profile.name,
        digest=known.compiled.content_hash,
        rows=tuple(rows),
        rules=document.rules,
        names=builder.names,
        tests=tuple(cases),
    )


def _end(values: Mapping[str, object]) -> str:
    texts = {key: each.text for key, each in values.items() if isinstance(each, Scalar)}
    if "xsd" in texts:
        return f"{texts.get('root', '')} ({texts['xsd']})"
    if "hl7" in texts:
        return f"HL7 {texts['hl7']} {texts.get('message', '')}".strip()
    return "facts"


class _Builder:
    """Makes rows of one mapping, and collects the names that they use."""

    def __init__(self, known: Traced, cases: list[Case]) -> None:
        self.names: dict[str, str] = {}
        self._known = known
        self._cases = cases
        document, profile = known.compilation.document, known.profile
        self._definitions = {**profile.definitions, **document.lets}
        inputs = frozenset(document.inputs) | {"sender"}
        self._reader = Reader(self._definitions, inputs)
        self._uses = {f"{use.position.file}:{use.position.line}": use for use in self._every_use()}
        self._occurs = dict(self._shapes())
        self.order = {path: number for number, path in enumerate(self._occurs)}

    def row(self, leaf: Site) -> Row:
        """One leaf; several may write to one path, each under its own condition."""
        path = leaf.parent.target if leaf.parent else ""
        origin, names = Origin(), self._names(leaf)
        fixed = leaf.node is not None and leaf.node.text is not None
        rule = f"always “{leaf.text}”" if fixed else self._rule(leaf, names, origin)
        conditions = tuple(dict.fromkeys(self._conditions(leaf)))
        if leaf.node is not None and leaf.node.required is not None:
            rule += f"; without it the message is refused: {leaf.node.required}"
        columns = (f"{each.table}.{each.column}" for each in origin.columns)
        return Row(
            path=path,
            occurs=self._occurs.get(path, ""),
            fields=(*(self._field(each) for each in origin.fields), *origin.facts),
            rule=rule,
            tables=tuple(columns),
            conditions=conditions,
            tests=tuple(case.name for case in self._cases if _expects(case, path)),
            place=f"{leaf.position.file}:{leaf.position.line}",
        )

    def _rule(self, leaf: Site, names: Names, origin: Origin) -> str:
        tree = parsed(leaf.text)
        if tree is None:
            return leaf.text
        self._reader.read(tree, names, origin)
        self._note(leaf.text)
        passed = {
            word: phrase_of(bound) for word, bound in names.bound.items() if word in names_in(tree)
        }
        where = "; ".join(f"{word}: {text}" for word, text in passed.items())
        return phrase(leaf.text) + (f" ({where})" if where else "")

    def _note(self, text: str) -> None:
        """Remember what the names in a text mean, and those in them."""
        tree = parsed(text)
        for name in names_in(tree) if tree is not None else ():
            definition = self._definitions.get(name)
            if definition is not None and name not in self.names:
                self.names[name] = phrase(definition.text.text)
                self._note(definition.text.text)

    def _conditions(self, leaf: Site) -> Iterator[str]:
        above: list[Site] = []
        here: Site | None = leaf
        while here is not None:
            above.append(here)
            here = here.parent
        for site in reversed(above):
            for each in site.conditions:
                self._note(each.text)
                yield "otherwise" if each.otherwise else f"if {phrase(each.text)}"
            node = site.node
            if node is not None and node.each is not None:
                self._note(node.each.path.text)
                yield f"once for each {phrase(node.each.path.text)}, here “{node.each.alias}”"
            if node is not None and node.when is not None:
                self._note(node.when.text)
                yield f"if {phrase(node.when.text)}"

    def _names(self, leaf: Site) -> Names:
        """What parameters and aliases stand for at a leaf."""
        names, chain = self._aliases(leaf, "", Names()), ""
        for link in filter(None, leaf.called_from.split(" > ")):
            chain = f"{chain} > {link}" if chain else link
            use = self._uses.get(link)
            tree = parsed(use.text) if use else None
            if not isinstance(tree, Call | Name):
                break
            called = tree.name if isinstance(tree, Call) else tree.value
            arguments = tree.arguments if isinstance(tree, Call) else ()
            parameters = self._known.compilation.blocks[called].parameters
            pairs = zip(parameters, arguments, strict=False)
            passed = Names({word: Bound(argument, names) for word, argument in pairs})
            names = self._aliases(leaf, chain, passed)
        return names

    def _aliases(self, leaf: Site, called_from: str, names: Names) -> Names:
        bound, here = dict(names.bound), leaf.parent
        while here is not None:
            each = here.node.each if here.node and here.called_from == called_from else None
            tree = parsed(each.path.text) if each else None
            if each is not None and tree is not None:
                bound.setdefault(each.alias, Bound(tree, names))
            here = here.parent
        return Names(bound)

    def _every_use(self) -> Iterator[Scalar]:
        compilation = self._known.compilation
        waiting = [compilation.document.emit, *(b.node for b in compilation.blocks.values())]
        while waiting:
            node = waiting.pop()
            if node.use is not None:
                yield node.use
            waiting += [*node.choose, *node.several]
            waiting += [child for _, child in (*node.children, *node.attributes)]

    def _field(self, path: str) -> str:
        """`PID-5 Patient name`."""
        segment, _, number = path.partition("-")
        version = self._known.compilation.document.source.text("hl7") or self._known.profile.version
        if version not in VERSIONS:
            return path
        found = self._known.profile.dialect(version).field(segment, int(number))
        name = spoken(found.name) if found else ""
        return f"{path} {name}".strip()

    def _shapes(self) -> Iterator[tuple[str, str]]:
        """Path → how often, of every element that the mapping may write, as the schema has them."""
        target = self._known.compilation.document.target
        if self._known.compiled.direction != "hl7_to_xml":
            return
        wanted = {site.target for site in self._known.sites if site.target}
        root = self._known.compilation.files.roots(target.text("xsd"))[target.text("root")]
        yield from _below(root, "", wanted)


def _below(shape: ElementShape, above: str, wanted: set[str]) -> Iterator[tuple[str, str]]:
    for name, each in shape.attributes.items():
        yield f"{above}/@{name}".lstrip("/"), "required" if each.required else "optional"
    for name, required, choice in _occurring(shape.content, True, False):
        path, child = f"{above}/{name}".lstrip("/"), shape.children[name]
        if path in wanted and path.count("/") < _DEEPEST:
            need = "one of a choice" if choice else "required" if required else "optional"
            yield path, f"{need}, several" if child.repeats else need
            yield from _below(child, path, wanted)


def _occurring(model: Particle, required: bool, choice: bool) -> Iterator[tuple[str, bool, bool]]:
    """Every element, whether it must be there, and whether another may stand in its place."""
    required = required and model.least > 0
    if model.element:
        yield model.element, required, choice and required
    several = model.choice and len(model.parts) > 1
    for part in model.parts:
        yield from _occurring(part, required, choice or several)


def phrase_of(bound: Bound) -> str:
    """What a parameter or an alias stands for, as it was passed."""
    return words.expression(bound.tree)


def _expects(case: Case, path: str) -> bool:
    """Whether a test says something of a path, or of what is in it."""
    named = [*case.expect, *(error.rpartition(" ")[2] for error in case.expect_errors)]
    return any(plain(each) == path for each in named)
