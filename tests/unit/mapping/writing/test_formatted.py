"""The layout of a file: one, reached once, that says what the file said before."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import shipped
from gateway.mapping.finding import Findings
from gateway.mapping.tree import read
from gateway.mapping.writing.formatted import formatted, meaning

FILES = sorted(
    path
    for path in shipped.mappings().rglob("*.yaml")
    if path.parent.name != "profiles" and not path.name.endswith(".flow.yaml")
)

WINDING = re.compile(r"[|>]-?$", re.MULTILINE)
"""Texts of several lines; blanks at their ends are their own."""


def laid_out(text: str) -> str:
    """The layout, which laid out again is itself and says the same."""
    found = formatted(text.encode(), "m.yaml", Findings())
    assert found is not None
    assert formatted(found.encode(), "m.yaml", Findings()) == found
    before, after = (read(each.encode(), "m.yaml", Findings()) for each in (text, found))
    assert before is not None
    assert after is not None
    assert meaning(before) == meaning(after)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_shipped_files_are_laid_out_so(path) -> None:  # type: ignore[no-untyped-def]  # a Path
    """No shipped mapping or library would change."""
    text = path.read_text(encoding="utf-8")
    assert laid_out(text) == text


def test_order_indentation_blanks_and_quotes() -> None:
    """Comments go with what they are about."""
    text = (
        "# head\n\nemit:\n    # about nato\n    nato:\n"
        "        cognome:   PID-5[1].1.1|upper # trailing\n"
        '        nome: "PID-5[1].2"\n'
        "        # optional: x\n\n\n"
        "        sesso: {$text:  'a=='}\n"
        "    several:\n    -   a: 'b|c'\n        b: \"1\"\n    -   $text: 'b|c'\n"
        "# the name\nmapping:  'a/b'\nlang: 1\nsource:   {hl7: '2.5'}   \n"
    )
    assert laid_out(text) == (
        "# head\n\nlang: 1\n# the name\nmapping: a/b\nsource: {hl7: '2.5'}\nemit:\n"
        "  # about nato\n  nato:\n    cognome: PID-5[1].1.1 | upper  # trailing\n"
        "    nome: PID-5[1].2\n    # optional: x\n\n    sesso: {$text:  'a=='}\n"
        "  several:\n    - a: b | c\n      b: '1'\n    - $text: b|c\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "lang: 1\nemit:\n    a: one\n      two\n    b: |\n      x\n        y\n",
        "lang: 1\nemit:\n    c: 'a\n      b'\n    d: >-\n        x\n\n        y\n",
        "lang: 1\nemit:\n  a:\n      PID-8\n",
        "lang: 1\ntables:\n  a: {missing: 'error',\n      file: b}\n  c:\n      missing: 'keep'\n",
        "lang: 1\nemit:\n  a:\n  b: ''\n  c: null\n  d: 'null'\n",
        "lang: 1\nemit: {a: b}\ntests:\n- name: x\n  expect: {a: '1'}\n",
        "? lang\n: 1\nemit: x\n",
        "lang: 1\nemit:\n  - - a\n    - b\n  -\n    c: d\n",
        "{lang: 1, emit: {a: b}}\n",
    ],
)
def test_what_winds_or_is_empty_says_the_same(text: str) -> None:
    """Texts over several lines, braces, lists in lists, quotes that mean something."""
    laid_out(text)


@pytest.mark.parametrize("text", ["a: [", "\ta: b", "a: b\na: c", "- a", "", "a: &x b\r\n"])
def test_what_cannot_be_read_is_left_alone(text: str) -> None:
    """With the finding that says why."""
    findings = Findings()
    assert formatted(text.encode(), "m.yaml", findings) is None
    assert findings.errors


def disturbed(text: str, seed: int, comments: float) -> str:
    """The same file laid out otherwise: deeper, with blanks, lines and comments between."""
    chance = random.Random(seed)
    wide = chance.choice([1, 2, 3])
    lines = []
    for line in text.split("\n"):
        inside = line.lstrip(" ")
        indent = (len(line) - len(inside)) * wide
        if chance.random() < comments:
            lines.append(" " * indent + "# a comment")
        # In what errors are expected a `|` is no filter: it belongs to the path that is told.
        if chance.random() < 0.1 and not inside.startswith("#") and "REQUIRED" not in inside:
            inside = re.sub(r" \| ", "|", inside)
        if chance.random() < 0.1:
            inside = re.sub(r"^([$\w]+): ", r"\1:   ", inside)
        lines.append(" " * indent + inside + " " * chance.choice([0, 0, 2]))
    return "\n".join(lines)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FILES), st.integers(0, 10**6))
def test_a_file_laid_out_otherwise_says_the_same_after(path, seed: int) -> None:  # type: ignore[no-untyped-def]  # a Path
    """And all its comments are still there."""
    text = disturbed(path.read_text(encoding="utf-8"), seed, 0.1)
    if read(text.encode(), "m.yaml", Findings()) is not None:
        assert laid_out(text).count("#") == text.count("#")


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(FILES), st.integers(0, 10**6))
def test_there_is_one_layout(path, seed: int) -> None:  # type: ignore[no-untyped-def]  # a Path
    """However a shipped file was laid out, it is laid out as it is shipped."""
    text = path.read_text(encoding="utf-8")
    other = disturbed(text, seed, 0)
    if read(other.encode(), "m.yaml", Findings()) is not None and not WINDING.search(text):
        assert laid_out(other) == text


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_a_mutation_is_left_alone_or_says_the_same_after(path, data: st.DataObject) -> None:  # type: ignore[no-untyped-def]  # a Path
    """Whatever sign is changed, nothing is lost and nothing breaks."""
    text = path.read_text(encoding="utf-8")
    at = data.draw(st.integers(0, len(text) - 1))
    text = text[:at] + data.draw(st.sampled_from(list("'\"{}[]:#-| \nxé,?!"))) + text[at + 1 :]
    if read(text.encode(), "m.yaml", Findings()) is not None:
        laid_out(text)
    else:
        assert formatted(text.encode(), "m.yaml", Findings()) is None
