"""Patches of samples."""

from __future__ import annotations

import pytest
from lxml import etree

from gateway.mapping.samples import BadPatch, patch_message, text_at

from .conftest import message


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("PID-5", "X^Y", "PID|1||A^B&C~D||X^Y"),
        ("PID-3.2", "Z", "PID|1||A^Z~D||R"),
        ("PID-3[2].3", "Z", "PID|1||A^B&C~D^^Z||R"),
        ("PID-3.2.2", "Z", "PID|1||A^B&Z~D||R"),
        ("PID-3[3]", "E", "PID|1||A^B&C~D~E||R"),
        ("PID-7", "2026", "PID|1||A^B&C~D||R||2026"),
        ("PID-5", None, "PID|1||A^B&C~D||"),
        ("PID", "PID|9", "PID|9"),
    ],
)
def test_a_patch_changes_one_place(path: str, text: str | None, line: str) -> None:
    """The rest of the line stays, delimiters of the text count."""
    patched = patch_message(message("PID|1||A^B&C~D||R"), path, text)
    assert patched.segments[1].line == line


def test_a_segment_may_be_added_and_removed() -> None:
    """The next of its name, at the end; None takes one away."""
    before = message("PID|1", "NK1|1")
    assert patch_message(before, "NK1[2]-3", "MTH").all("NK1")[1].line == "NK1|||MTH"
    assert [each.name for each in patch_message(before, "NK1", None)] == ["MSH", "PID"]
    with pytest.raises(BadPatch, match="has 1 of them"):
        patch_message(before, "NK1[4]-3", "MTH")


def test_fields_of_msh_count_from_the_separator() -> None:
    """MSH-3 is the sending application."""
    assert patch_message(message(), "MSH-3", "OTHER").sending_application == "OTHER"


def test_a_repeated_element_must_be_told_by_number() -> None:
    """As in mappings, nothing is picked silently."""
    root = etree.fromstring("<a><b>1</b><b>2</b></a>")
    assert text_at(root, "b[2]") == "2"
    assert text_at(root, "b[3]") is None
    with pytest.raises(BadPatch, match="repeats 2 times"):
        text_at(root, "b")
