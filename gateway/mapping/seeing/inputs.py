"""The facts for a run that nobody's flow gives: those of the mapping's tests, and what one says.

Facts come as `namespace.name=value` or as a file of YAML (JSON too): namespaces, and facts in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gateway.errors import ConfigurationError
from gateway.mapping.compiled import Compiled
from gateway.mapping.finding import Findings
from gateway.mapping.library import Library
from gateway.mapping.tests import Case, given
from gateway.mapping.tree import Scalar, Table, read

Facts = dict[str, dict[str, object]]


def likeliest(cases: Sequence[Case], sample: str) -> Case | None:
    """The test whose facts fit a message best: one of the same sample, else the first."""
    same = (case for case in cases if case.given == sample and not case.patch)
    return next(same, next(iter(cases), None))


def facts_of(library: Library, compiled: Compiled, case: Case | None) -> Facts:
    """What a test says; nothing without one."""
    return {} if case is None else given(library, compiled, case)[1]


def over(facts: Facts, more: Mapping[str, Mapping[str, object]]) -> Facts:
    """`facts`, with those of `more` in their place."""
    namespaces = {**facts, **more}
    return {name: {**facts.get(name, {}), **more.get(name, {})} for name in namespaces}


def said(words: Iterable[str]) -> Facts:
    """`flow.protocollo=P/1`, any number of them. Raises ValueError."""
    facts: Facts = {}
    for word in words:
        key, sign, text = word.partition("=")
        namespace, dot, name = key.partition(".")
        if not (sign and dot and namespace and name):
            raise ValueError("a fact is NAMESPACE.NAME=VALUE, as flow.protocollo=P/1")
        facts.setdefault(namespace, {})[name] = text
    return facts


def read_facts(content: bytes, file: str) -> Facts:
    """A file of facts. Raises ConfigurationError."""
    findings = Findings()
    tree = read(content, file, findings)
    if tree is None:
        raise ConfigurationError([str(finding) for finding in findings.errors])
    facts: Facts = {}
    for namespace, values in tree.pairs:
        if not isinstance(values, Table):
            where = namespace.position
            raise ConfigurationError([f"{file}:{where.line}: {namespace.text} needs facts"])
        pairs = ((key.text, each) for key, each in values.pairs)
        facts[namespace.text] = {key: each.text for key, each in pairs if isinstance(each, Scalar)}
    return facts
