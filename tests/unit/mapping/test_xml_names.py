"""Names in the text of a document: each reads back as the tag it stands for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.xml_names import XML, Naming, attribute_name, root_naming
from gateway.xml import own

TAGS = st.sampled_from(["a", "{urn:one}b", "{urn:two}c", "{urn:three?a=1&b=2}d"])


@given(st.lists(TAGS, min_size=1, max_size=6), st.booleans())
def test_nested_elements_have_the_tags_they_were_given(tags: list[str], qualified: bool) -> None:
    """Whatever is declared around an element, its name means its own namespace."""
    (start, end), inside = root_naming(tags[0], qualified=qualified)
    opened, closed = [start], [end]
    for tag in tags[1:]:
        (start, end), inside = inside.element(tag)
        opened.append(start)
        closed.append(end)
    found = own("".join(opened + closed[::-1]))
    assert [element.tag for element in found.iter()] == tags


def test_a_namespace_is_declared_where_it_is_first_needed() -> None:
    """Siblings and children of the root's namespace carry no declaration of their own."""
    (start, _), inside = root_naming("{urn:one}a", qualified=True)
    assert start == '<a xmlns="urn:one">'
    assert inside.element("{urn:one}b") == (("<b>", "</b>"), inside)
    (start, _), _ = root_naming("{urn:one}a", qualified=False)
    assert start == '<ns:a xmlns:ns="urn:one">'
    assert Naming().element("b")[0] == ("<b>", "</b>")


def test_attributes_have_the_names_they_were_given() -> None:
    """Attributes of several namespaces stand beside one another."""
    tags = ["a", "{urn:one}a", "{urn:one}b", "{urn:two}a", f"{{{XML}}}lang"]
    texts = [f"{attribute_name(tag, number)}='x'" for number, tag in enumerate(tags)]
    assert own(f"<r {' '.join(texts)}/>").keys() == tags
