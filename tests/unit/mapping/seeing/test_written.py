"""Problems beside the document: each once, at its line or in the nearest element."""

from __future__ import annotations

from gateway.mapping import Problem, ProblemKind
from gateway.mapping.seeing.written import written_lines
from gateway.xml import parse


def problem(target: str, kind: ProblemKind = ProblemKind.REQUIRED) -> Problem:
    return Problem(kind, target, "m.yaml", 7, "why")


DOCUMENT = parse(b"<r><a><b>1</b></a><c>x</c><c>y</c><d v='2'>z</d></r>")


def told(*problems: Problem) -> list[tuple[int, str, int]]:
    lines = written_lines(DOCUMENT, problems)
    return [(line.depth, line.target, len(line.problems)) for line in lines]


def test_a_document_has_a_line_for_each_element_and_attribute() -> None:
    """Indented, with paths as mappings write them."""
    assert told() == [
        *((0, "", 0), (1, "a", 0), (2, "a/b", 0), (1, "c[1]", 0), (1, "c[2]", 0)),
        *((1, "d", 0), (2, "d/@v", 0)),
    ]


def test_a_problem_stands_at_what_it_names() -> None:
    """Also where the problem numbers what stands alone."""
    assert (2, "a/b", 1) in told(problem("a/b", ProblemKind.VALUE))
    assert (1, "d", 1) in told(problem("d[1]", ProblemKind.SCHEMA))


def test_what_is_missing_stands_in_the_nearest_element_that_is_there() -> None:
    """Below its parent, or below what is left of its path."""
    lines = told(problem("a/x"), problem("nowhere/at/all"))
    assert lines.index((2, "a/x", 1)) == lines.index((1, "a", 0)) + 1
    assert sum(count for _, _, count in lines) == 2


def test_without_a_document_only_the_problems_are_told() -> None:
    """A message that is not for the mapping writes nothing."""
    lines = list(written_lines(None, [problem("")]))
    assert [len(line.problems) for line in lines] == [1]
