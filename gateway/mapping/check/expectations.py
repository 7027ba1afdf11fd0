"""What the tests of a mapping expect must be possible: a path that is misspelt expects nothing.

`parto/ordne: absent` would hold for ever, whatever the mapping does. So each path is held against
the schema, the declared facts or the form of a field's path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from gateway.errors import ConfigurationError
from gateway.hl7.location import Location
from gateway.mapping.compiler import Compilation
from gateway.mapping.finding import Findings, did_you_mean
from gateway.mapping.shape import ElementShape
from gateway.mapping.tree import Scalar, Sequence, Table, Tree

Known = Callable[[str], str | None]
"""Why a path can never be there; None if it can."""

_STEP: Final = re.compile(r"([\w.-]+)(?:\[\d+\])?")
_INDEX: Final = re.compile(r"\[\d+\]")
_KINDS_OF_PATHS: Final = ("VALUE", "REQUIRED", "CHOICE", "NULL", "SCHEMA")


def check_expectations(compilation: Compilation, findings: Findings) -> None:
    """An X01 at each path of `expect:` and `expect_errors:` that can never be there.

    Nothing where the target itself is a finding already.
    """
    known = _known(compilation)
    for path, at in _paths(compilation.document.tests) if known else ():
        assert known is not None  # else there are no paths
        for each in _alternatives(path):
            reason = known(each)
            if reason is not None:
                findings.error(at.position, "X01", f"expected {reason}")
    _check_rules(compilation, findings)


def _check_rules(compilation: Compilation, findings: Findings) -> None:
    """`RULE code place` must be what some rule tells."""
    told = [f"{rule.code} {rule.at.text}" for rule in compilation.document.rules]
    for kind, path, at in _problems(compilation.document.tests):
        if kind == "RULE" and path not in told:
            text = f"expected {path}: no rule tells that{did_you_mean(path, told)}"
            findings.error(at.position, "X01", text)


def _alternatives(path: str) -> Iterator[str]:
    """`a/b | c`, what a choice asks for: `a/b` and `a/c`."""
    first, *others = path.split(" | ")
    above, mark, _ = first.rpartition("/")
    yield first
    yield from (f"{above}{mark}{other}" for other in others)


def _known(compilation: Compilation) -> Known | None:
    target = compilation.document.target
    if "facts" in target.values:
        return in_facts(compilation.facts())
    if "hl7" in target.values:
        return in_message
    try:
        root = compilation.files.roots(target.text("xsd")).get(target.text("root"))
    except ConfigurationError:
        return None
    return in_document(root) if root else None


def in_document(root: ElementShape) -> Known:
    """Paths of elements and attributes below the root."""

    def known(path: str) -> str | None:
        here = root
        for step in filter(None, path.split("/")):
            if step.startswith("@"):
                return _attribute(here, step[1:])
            match = _STEP.fullmatch(step)
            name = match[1] if match else step
            if name not in here.children:
                return f"{name}: {here.name} has none{did_you_mean(name, here.children)}"
            here = here.children[name]
        return None

    return known


def _attribute(shape: ElementShape, name: str) -> str | None:
    if name in shape.attributes:
        return None
    return f"@{name}: {shape.name} has none{did_you_mean(name, shape.attributes)}"


def in_facts(declared: Mapping[str, str | Mapping[str, str]]) -> Known:
    """Names of facts; of a group's, `group[1].name`."""
    names = {
        name if isinstance(kind, str) else f"{name}.{inner}"
        for name, kind in declared.items()
        for inner in ([""] if isinstance(kind, str) else kind)
    }

    def known(path: str) -> str | None:
        name = _INDEX.sub("", path)
        return None if name in names else f"{name}: no such fact{did_you_mean(name, names)}"

    return known


def in_message(path: str) -> str | None:
    """Paths of fields."""
    try:
        Location.parse(path.replace("[+]", ""))
    except ValueError:
        return f"{path}: no path such as PID-5.1"
    return None


def _paths(tests: Tree | None) -> Iterator[tuple[str, Scalar]]:
    for test in _tables(tests):
        expect = test.get("expect")
        for key, _ in expect.pairs if isinstance(expect, Table) else ():
            yield key.text, key
    for kind, path, at in _problems(tests):
        if kind in _KINDS_OF_PATHS and path:
            yield path, at


def _problems(tests: Tree | None) -> Iterator[tuple[str, str, Scalar]]:
    """Of each line of `expect_errors:`, its kind and the rest."""
    for test in _tables(tests):
        errors = test.get("expect_errors")
        for item in errors.items if isinstance(errors, Sequence) else ():
            if isinstance(item, Scalar):
                kind, _, rest = item.text.partition(" ")
                yield kind, rest, item


def _tables(tests: Tree | None) -> Iterator[Table]:
    for test in tests.items if isinstance(tests, Sequence) else ():
        if isinstance(test, Table):
            yield test
