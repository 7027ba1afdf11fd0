"""Outputs are compared by path."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.mapping.differences import differences, flat


def xml(text: str) -> etree._Element:
    return etree.fromstring(text)


DOCUMENT = xml("<a v='1'><b>x</b><c><d>1</d></c><c><d>2</d></c></a>")


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ("<a v='1'>\n <b>x</b>\n <c><d>1</d></c><c><d> 2 </d></c></a>", []),
        ("<a v='2'><b>x</b><c><d>1</d></c><c><d>2</d></c></a>", ["@v: expected 1, found 2"]),
        ("<a v='1'><b>x</b><c><d>1</d></c><c><d>3</d></c></a>", ["c[2]/d: expected 2, found 3"]),
        (
            "<a v='1'><c><d>1</d></c><c><d>2</d></c></a>",
            ["b: expected x, found nothing"],
        ),
        (
            "<a v='1'><b>x</b><c><d>1</d></c><c><d>2</d></c><e>9</e></a>",
            ["e: not expected, found 9"],
        ),
    ],
)
def test_documents_differ_by_path(other: str, told: list[str]) -> None:
    """Blanks aside; a repeated element has its number."""
    assert differences(DOCUMENT, xml(other)) == told


def test_facts_and_messages_have_paths_too() -> None:
    """Names of facts; fields as they are written."""
    assert differences({"a": "1"}, {"a": "2"}) == ["a: expected 1, found 2"]
    message = b"MSH|^~\\&|A||||||ADT^A08|1|P|2.5\rNK1|1|X\rNK1|2|Y^Z\r"
    assert flat(message)["NK1[2]-2"] == "Y^Z"
    assert flat(message)["MSH-9"] == "ADT^A08"
    assert flat(None) == {}


NAMES = st.sampled_from(["a", "b", "c"])
TREES: Any = st.recursive(
    st.text("xyz", min_size=1, max_size=3),
    lambda inner: st.lists(st.tuples(NAMES, inner), min_size=1, max_size=4),
    max_leaves=12,
)


def built(name: str, tree: Any) -> etree._Element:
    element = etree.Element(name)
    if isinstance(tree, str):
        element.text = tree
    else:
        element.extend(built(child, inner) for child, inner in tree)
    return element


@given(TREES)
def test_a_document_does_not_differ_from_itself(tree: Any) -> None:
    """However it is nested; and every text has a path of its own."""
    document = built("r", tree)
    assert differences(document, built("r", tree)) == []
    texts = [each.text for each in document.iter() if not len(each)]
    assert sorted(flat(document).values()) == sorted(texts)
