"""Rules asked of documents: what they see, what they tell, what they cost."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from gateway.mapping import Library
from gateway.mapping.lint import lint_mapping

from .conftest import HEAD, message

Write = Callable[..., Library]
EMIT = "emit:\n  testo: PID-5[1].1.1\n  corto: PID-8\n"
RULE = "- when: {when}\n    code: A1\n    at: testo\n    refuse: not so\n"


def checked(written: Write, when: str, document: str) -> list[str]:
    library = written(m=f"{HEAD}{EMIT}rules:\n  {RULE.format(when=when)}")
    compiled = library.mapping("m.yaml", library.profile("default"))
    root = etree.fromstring(f'<d:doc xmlns:d="urn:test:doc">{document}</d:doc>')
    return [problem.told for problem in compiled.check(root)]


def test_a_rule_holds_for_a_document_that_others_made(written: Write) -> None:
    """It reads the document, not what the mapping read."""
    assert checked(written, "testo == 'x'", "<testo>x</testo>") == ["RULE A1 testo"]
    assert checked(written, "testo == 'x'", "<testo>y</testo>") == []


def test_only_what_is_true_refuses(written: Write) -> None:
    """An empty or absent element compares to nothing."""
    assert checked(written, "testo != 'x'", "<testo/>") == []
    assert checked(written, "not (testo in ('x', 'y'))", "") == []
    assert checked(written, "not exists(testo)", "") == ["RULE A1 testo"]


def test_what_cannot_be_read_is_told_and_does_not_stop(written: Write) -> None:
    """Two elements where one is asked for: a problem at the rule's place."""
    twice = "<testo>x</testo><testo>y</testo>"
    assert checked(written, "testo == 'x'", twice) == ["VALUE testo"]


def test_a_problem_names_the_line_of_its_rule(written: Write) -> None:
    """And says its sentence, with no value in it."""
    library = written(m=f"{HEAD}{EMIT}rules:\n  {RULE.format(when='exists(corto)')}")
    compiled = library.mapping("m.yaml", library.profile("default"))
    (problem,) = compiled.run(message("PID|1||||ROSSI|||F"), {}).problems
    assert str(problem) == "RULE A1 testo m.yaml:9: not so"


def test_a_table_that_only_rules_ask_is_used(written: Write) -> None:
    """The checker counts what rules look into."""
    tables = "tables:\n  s: {file: sesso.csv, key: hl7, missing: absent}\n"
    rule = RULE.format(when="not exists(testo | lookup(s, anpr))")
    library = written(m=f"{HEAD}{tables}{EMIT}rules:\n  {rule}")
    assert [finding.code for finding in lint_mapping(library, "m.yaml")] == []


def test_without_rules_a_document_is_not_read_again(written: Write) -> None:
    """Of nothing, nothing is asked."""
    library = written(m=HEAD + EMIT)
    compiled = library.mapping("m.yaml", library.profile("default"))
    assert compiled.run(message("PID|1||||ROSSI|||F"), {}).problems == ()
