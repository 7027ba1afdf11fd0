"""The language by example: each file in `cases/` is a message, a mapping, and what comes of it.

The first line is the promise. Under `expect`: `path = value` (or `absent`), `! KIND target: part
of the reason` for a problem of the message, `? CODE part of the text` for a finding before any,
`? only CODE …` if it is the only one, `? nothing`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway.hl7.message import Message
from gateway.mapping import Library, Result
from gateway.mapping.finding import Findings
from gateway.mapping.lint import lint_mapping
from gateway.mapping.problem import Problem
from gateway.mapping.samples import text_at
from gateway.mapping.tree import Scalar, Table, read
from gateway.xml import parse

HERE = Path(__file__).parent
CASES = sorted((HERE / "cases").glob("*.case"))
MSH = "MSH|^~\\&|HIS|BG|ICARO|ICARO|{at}||ADT^A01^ADT_A01|1|P|2.5"

_PARTS = (("let", "let"), ("tables", "tables"), ("blocks", "blocks"), ("rules", "rules"))


class Case:
    """A case file: its promise and its sections."""

    def __init__(self, path: Path) -> None:
        promise, *parts = re.split(r"^== (\w+)\n", path.read_text(encoding="utf-8"), flags=re.M)
        self.promise = promise.strip()
        self.sections = dict(zip(parts[::2], parts[1::2], strict=True))

    def mapping(self) -> str:
        """The mapping file that the sections stand for."""
        lines = ["lang: 1", "mapping: case", *self._ends()]
        for section, key in _PARTS:
            if section in self.sections:
                lines += [f"{key}:", _indented(self.sections[section])]
        if "use" in self.sections:
            lines.append(f"use: {self.sections['use'].strip()}")
        declared = self.sections.get("declare") or _declared(self.sections.get("inputs", ""))
        if declared:
            lines += ["inputs:", _indented(declared)]
        return "\n".join([*lines, "emit:", _indented(self.sections["emit"])])

    def _ends(self) -> list[str]:
        if "document" in self.sections:
            facts = ["target:", "  facts:", _indented(self.sections["facts"], "    ")]
            return ["source: {xsd: doc.xsd, root: doc}", *facts]
        source = self.sections.get("source", "{hl7: '2.5'}").strip()
        if "when" in self.sections:
            source = f"\n  hl7: '2.5'\n  when: {self.sections['when'].strip()}"
        root = self.sections.get("xsd", "doc").strip()
        target = f"{{xsd: {root}.xsd, root: {root}}}"
        if "hl7" in self.sections:
            target = f"{{hl7: '2.5', message: {self.sections['hl7'].strip()}}}"
        return [f"source: {source}", f"target: {target}"]

    def source(self) -> Any:
        if "document" in self.sections:
            return parse(self.sections["document"].strip().encode())
        at = self.sections.get("msh7", "20260302090000").strip()
        lines = [MSH.format(at=at), *self.sections.get("message", "").strip("\n").split("\n")]
        return Message.parse("\r".join(lines).encode())

    def inputs(self) -> dict[str, dict[str, object]]:
        tree = read(self.sections.get("inputs", "{}").encode(), "inputs", Findings())
        assert isinstance(tree, Table)
        return {name.text: _facts(facts) for name, facts in tree.pairs}


def _facts(tree: object) -> dict[str, object]:
    assert isinstance(tree, Table)
    return {key.text: value.text for key, value in tree.pairs if isinstance(value, Scalar)}


def _declared(inputs: str) -> str:
    """Every fact a text, unless the case declares more."""
    return re.sub(r": [^{},]+(?=[,}])", ": text", inputs)


def _indented(text: str, by: str = "  ") -> str:
    return "\n".join(by + line for line in text.strip("\n").split("\n"))


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_the_language_means_what_its_cases_say(path: Path, tmp_path: Path) -> None:
    """Each case file's first line is the promise it keeps."""
    case = Case(path)
    folder = tmp_path / "mappings"
    _copy(HERE / "mappings", folder)
    (folder / "case.yaml").write_text(case.mapping(), encoding="utf-8")
    library = Library(folder, HERE / "xsd")
    expected = case.sections["expect"].strip("\n").split("\n")
    findings = [line for line in expected if line.startswith("?")]
    if findings:
        _check_findings([str(each) for each in lint_mapping(library, "case.yaml")], findings)
        return
    compiled = library.mapping("case.yaml", library.profile("default"))
    _check(compiled.run(case.source(), case.inputs()), expected)


def _check_findings(told: list[str], expected: list[str]) -> None:
    """Each expected one is among those told; `nothing` and `only` leave no other."""
    if expected == ["? nothing"]:
        assert told == []
        return
    for line in expected:
        words = line[2:].removeprefix("only ")
        code, _, text = words.partition(" ")
        assert any(f" {code} " in one and _says(one, text) for one in told), told
        assert words == line[2:] or len(told) == 1, told


def _says(told: str, text: str) -> bool:
    return any(part in told for part in text.split("|")) if "|" in text else text in told


def _check(result: Result, expected: list[str]) -> None:
    problems = [line[2:] for line in expected if line.startswith("!")]
    told = [_told(problem) for problem in result.problems]
    assert len(told) == len(problems), told
    for line, problem in zip(problems, told, strict=True):
        assert problem.startswith(line.rstrip()), told
    for line in expected:
        if line.startswith("~"):
            assert any(line[2:] in str(problem) for problem in result.problems)
        elif not line.startswith("!"):
            path, _, value = line.partition(" = ")
            assert _found(result.value, path) == (None if value == "absent" else value), path
    assert (result.value is None) == bool(problems)


def _told(problem: Problem) -> str:
    code = f"{problem.code} " if problem.code else ""
    return f"{problem.kind} {code}{problem.target}: {problem.reason}"


def _found(value: Any, path: str) -> str | None:
    if path == "order":
        return " ".join(etree.QName(child).localname for child in value)
    if path == "segments":
        return " ".join(segment.name for segment in Message.parse(value))
    if "{" in path:
        return value[0].get(path.partition("@")[2])
    return text_at(value, path)


def _copy(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
