"""Runs the `tests:` of a mapping: a sample, perhaps patched, and what must come of it.

Expectations are partial: what is not named is not looked at. Time stands still: where a test
says nothing, `flow.now` is a fixed moment. Samples are of invented people, so failures show
values. Gives results; prints nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from gateway.errors import ConfigurationError, GatewayError
from gateway.hl7.message import Message
from gateway.mapping import samples
from gateway.mapping.compiled import Compiled, Result
from gateway.mapping.differences import differences
from gateway.mapping.document import Document, read_document
from gateway.mapping.finding import Findings, Position
from gateway.mapping.library import Library
from gateway.mapping.problem import Problem
from gateway.mapping.tree import Scalar, Sequence, Table, Tree, read
from gateway.xml import parse

ABSENT: Final = "absent"
NOW: Final = "2026-03-02T10:00:00+01:00"
_FLOW: Final[Mapping[str, str]] = {
    "operationId": "1",
    "now": NOW,
    "today": NOW[:10],
    "kind": "register",
    "ambiente": "TEST",
}
_KEYS: Final = (
    *("name", "given", "patch", "inputs", "expect", "expect_errors", "expect_xml"),
    *("now", "profile", "$note"),
)


@dataclass(frozen=True, slots=True)
class Case:
    """One entry of `tests:` as written."""

    name: str
    position: Position
    given: str
    profile: str
    now: str
    patch: Mapping[str, str]
    inputs: Mapping[str, Mapping[str, str]]
    expect: Mapping[str, str]
    expect_errors: tuple[str, ...]
    expect_xml: str


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of a case; `failures` is empty if it holds."""

    mapping: str
    name: str
    position: Position
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.failures


def run_tests(library: Library, name: str, profile: str | None = None) -> list[CaseResult]:
    """Every test of a mapping. `profile` is for those that name none, else that of `source:`.

    Raises ConfigurationError if the mapping or its tests cannot be read.
    """
    return [_run(library, name, case) for case in cases_of(library, name, profile)]


def cases_of(library: Library, name: str, profile: str | None = None) -> list[Case]:
    """The tests of a mapping as written. Raises ConfigurationError, as `run_tests`."""
    findings = Findings()
    tree = read(library.content(name), name, findings)
    document = read_document(tree, name, findings) if tree else None
    wanted = profile or library.profile_of(name)
    cases = _cases(document.tests, findings, wanted) if document else []
    if findings.errors:
        raise ConfigurationError([str(finding) for finding in findings.errors])
    return cases


def check_tests(document: Document, findings: Findings) -> None:
    """Findings for tests that cannot be read, and for what they do not say."""
    for case in _cases(document.tests, findings, "default"):
        if not case.given:
            findings.error(case.position, "M06", "a test needs `given:`, a sample")
        if not (case.expect or case.expect_errors or case.expect_xml):
            findings.warning(case.position, "M07", "a test that expects nothing")


def _run(library: Library, name: str, case: Case) -> CaseResult:
    try:
        compiled = library.mapping(name, library.profile(case.profile))
        source, inputs = given(library, compiled, case)
        failures = _failures(library, case, compiled.run(source, inputs))
    except (GatewayError, samples.BadPatch) as error:
        failures = [str(error)]
    return CaseResult(name, case.name, case.position, tuple(failures))


def written_by(library: Library, name: str, case: Case) -> bytes | None:
    """The document that `expect_xml` of a test should hold as things are; None if there is none.

    Raises GatewayError if the sample cannot be translated at all.
    """
    compiled = library.mapping(name, library.profile(case.profile))
    try:
        value = compiled.run(*given(library, compiled, case)).value
    except samples.BadPatch as error:
        raise ConfigurationError([f"{name}: {case.name}: {error}"]) from None
    if not isinstance(value, etree._Element):
        return None
    etree.indent(value)
    return etree.tostring(value, encoding="UTF-8") + b"\n"


def given(
    library: Library, compiled: Compiled, case: Case
) -> tuple[Any, dict[str, dict[str, object]]]:
    """What a test translates: its sample, patched, and its facts. Raises GatewayError, BadPatch."""
    return _source(library, compiled, case), _inputs(compiled, case)


def _source(library: Library, compiled: Compiled, case: Case) -> Any:
    content = library.content(case.given)
    if compiled.direction == "xml_to_facts":
        root = parse(content)
        for path, text in case.patch.items():
            samples.patch_element(root, path, None if text == ABSENT else text)
        return root
    message = Message.parse(samples.with_hl7_ends(content))
    for path, text in case.patch.items():
        message = samples.patch_message(message, path, None if text == ABSENT else text)
    return message


def _inputs(compiled: Compiled, case: Case) -> dict[str, dict[str, object]]:
    """The test's facts, and for `flow` what is always there."""
    inputs: dict[str, dict[str, object]] = {
        namespace: dict(facts) for namespace, facts in case.inputs.items()
    }
    flow = {**_FLOW, "now": case.now, "today": case.now[:10]}
    declared = compiled.inputs.get("flow", {})
    known: dict[str, object] = {key: text for key, text in flow.items() if key in declared}
    inputs["flow"] = known | inputs.get("flow", {})
    for facts in inputs.values():
        for key in [key for key, text in facts.items() if text == ABSENT]:
            del facts[key]
    return inputs


def _failures(library: Library, case: Case, result: Result) -> list[str]:
    failures = _of_problems(case.expect_errors, result.problems)
    if result.value is None:
        if case.expect or case.expect_xml:
            failures += ["nothing was written, so nothing that is expected is there"]
        return failures
    for path, expected in case.expect.items():
        found = samples.text_at(result.value, path)
        if found != (None if expected == ABSENT else expected):
            failures.append(f"{path}: expected {expected}, found {_shown(found)}")
    if case.expect_xml:
        failures += _of_document(library, case.expect_xml, result.value)
    return failures


def _shown(found: str | None) -> str:
    return ABSENT if found is None else found


def _of_problems(expected: tuple[str, ...], problems: tuple[Problem, ...]) -> list[str]:
    """Every problem is expected and every expectation met, by kind and target."""
    open_ = list(expected)
    failures = []
    for problem in problems:
        words = problem.told
        if words in open_:
            open_.remove(words)
        else:
            failures.append(f"unexpected: {problem}")
    return failures + [f"expected and not there: {words}" for words in open_]


def _of_document(library: Library, name: str, value: object) -> list[str]:
    if not isinstance(value, etree._Element):
        return [f"{name}: expect_xml is for documents"]
    return [f"{name}: {one}" for one in differences(parse(library.content(name)), value)]


def _cases(tree: Tree | None, findings: Findings, profile: str) -> list[Case]:
    if tree is None:
        return []
    if not isinstance(tree, Sequence):
        findings.error(tree.position, "M06", "tests must be a list")
        return []
    cases = [_case(item, findings, profile) for item in tree.items if isinstance(item, Table)]
    if len(cases) != len(tree.items):
        findings.error(tree.position, "M06", "each test is a table of keys")
    return cases


def _case(tree: Table, findings: Findings, profile: str) -> Case:
    for key, _ in tree.pairs:
        if key.text not in _KEYS:
            findings.error(key.position, "M06", f"unknown key {key.text} in a test")
    errors = tree.get("expect_errors")
    items = errors.items if isinstance(errors, Sequence) else ()
    return Case(
        name=_text(tree, "name") or f"line {tree.position.line}",
        position=tree.position,
        given=_text(tree, "given"),
        profile=_text(tree, "profile") or profile,
        now=_text(tree, "now") or NOW,
        patch=_texts(tree.get("patch")),
        inputs=_inputs_of(tree.get("inputs")),
        expect=_texts(tree.get("expect")),
        expect_errors=tuple(item.text for item in items if isinstance(item, Scalar)),
        expect_xml=_text(tree, "expect_xml"),
    )


def _text(tree: Table, key: str) -> str:
    value = tree.get(key)
    return value.text if isinstance(value, Scalar) else ""


def _texts(tree: Tree | None) -> dict[str, str]:
    pairs = tree.pairs if isinstance(tree, Table) else ()
    return {key.text: value.text for key, value in pairs if isinstance(value, Scalar)}


def _inputs_of(tree: Tree | None) -> dict[str, dict[str, str]]:
    pairs = tree.pairs if isinstance(tree, Table) else ()
    return {key.text: _texts(value) for key, value in pairs}
