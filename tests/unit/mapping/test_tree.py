"""YAML is only the container: every scalar is text, everything clever is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mapping.finding import Findings
from gateway.mapping.tree import DEPTH, LEAVES, LIMIT, Scalar, Sequence, Table, read


def told(text: bytes) -> list[str]:
    findings = Findings()
    assert read(text, "m.yaml", findings) is None or findings.errors
    return [str(finding) for finding in findings.all]


def test_every_scalar_is_text() -> None:
    """Milano's ISTAT code, Norway and null stay what was written."""
    tree = read(b"a: 015146\nb: NO\nc: null\nd: 1_000\n", "m.yaml", Findings())
    assert isinstance(tree, Table)
    values = [value.text for _, value in tree.pairs if isinstance(value, Scalar)]
    assert values == ["015146", "NO", "null", "1_000"]


def test_quotes_are_remembered() -> None:
    """`'x'` and `x` differ where a quoted text is a default."""
    tree = read(b"a: 'x'\nb: x\n", "m.yaml", Findings())
    assert isinstance(tree, Table)
    quoted = [value.quoted for _, value in tree.pairs if isinstance(value, Scalar)]
    assert quoted == [True, False]


def test_positions_count_from_one() -> None:
    """A finding can name file, line and column."""
    tree = read(b"a:\n  - b\n", "m.yaml", Findings())
    assert isinstance(tree, Table)
    items = tree.get("a")
    assert isinstance(items, Sequence)
    assert items.items[0].position == ("m.yaml", 2, 5)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"a: &x 1", "Y03"),
        (b"a: 1\nb: *a", "Y03"),
        (b"a: !!str 1", "Y03"),
        (b"a: !!python/object:os.system 1", "Y03"),
        (b"a:\t1", "Y03"),
        (b"a: 1\na: 2", "Y02"),
        (b"a: {b: f(x, y)}", "Y05"),
        (b"a: {b: PID-3[5 in ('A','B')]}", "Y05"),
        (b"a: [", "Y01"),
        (b"\xff\xfe", "Y01"),
        (b"", "Y01"),
        (b"a: 1\n---\nb: 1", "Y01"),
        (b"- 1", "M06"),
        (b"? [a]\n: 1", "M06"),
        (b"a: " + b"[" * (DEPTH + 2) + b"]" * (DEPTH + 2), "Y04"),
        (b"a: [" + b"x, " * LEAVES + b"x]", "Y04"),
        (b"#" * (LIMIT + 1), "Y04"),
    ],
)
def test_what_is_clever_or_large_is_refused(text: bytes, code: str) -> None:
    """Anchors, tags, tabs, duplicates, second documents and oversize files are findings."""
    assert any(f"error {code} " in finding for finding in told(text))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@,? \n\t0", max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever the bytes, there is a table or a finding, never an exception."""
    findings = Findings()
    tree = read(text.encode(), "m.yaml", findings)
    assert tree is not None or findings.errors


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"\xef\xbb\xbfa: 1\n", "1:1: error Y03"),
        (b"a: 1\r\nb: 2\r\n", "1:5: error Y03"),
        (b"a: 1\nb: 2\r\n", "2:5: error Y03"),
        ("a: 'à'\nb: à\t1\n".encode(), "2:5: error Y03"),
        ("a: à\nb: c\x07\n".encode(), "2:5: error Y01"),
        ("a: à\u2028b: c\n".encode(), "1:5: error Y01"),
        ("a: à\nb: à".encode() + b"\xe0\n", "2:5: error Y01"),
        (b"a: 1\nb: 'x\nc: 2\n", "2:4: error Y01"),
        (b"a: 1\nb: [x\n", "2:4: error Y01"),
        (b"a: 1\nb\nc: 2\n", "2:1: error Y01"),
        (b"a: 1\n  b: 2\n", "2:4: error Y01"),
        (b"a: 1\nb: {c: f(x, y)}\n", "2:8: error Y05"),
        (b"a: 1\nb: {c: x[5 in ('A', 'B')]}\n", "2:9: error Y05"),
        (b"a: &x 1\n", "1:4: error Y03"),
        (b"a:\n  b: *x\n", "2:6: error Y03"),
        (b"a: !t 1\n", "1:4: error Y03"),
    ],
)
def test_a_mistake_is_told_at_its_character(text: bytes, place: str) -> None:
    """Line and column count characters; a token that does not end is told where it begins."""
    (finding,) = told(text)
    assert finding.startswith(f"m.yaml:{place}")


def test_all_that_is_clever_is_told_at_once() -> None:
    """The reading goes on after a tag or an anchor; the file is not used then."""
    findings = Findings()
    assert read(b"a: &x 1\nb: *x\nc: !!str 1\n", "m.yaml", findings) is None
    assert [finding.position.line for finding in findings.all] == [1, 2, 3]


def test_tests_are_no_leaves() -> None:
    """A mapping may have more expectations than leaves."""
    many = b"".join(b"  - x\n" for _ in range(LEAVES + 1))
    findings = Findings()
    assert read(b"a: 1\ntests:\n" + many, "m.yaml", findings) is not None
    assert read(b"a:\n" + many, "m.yaml", findings) is None
    assert [finding.position.line for finding in findings.all] == [LEAVES + 2]
