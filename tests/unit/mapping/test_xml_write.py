"""Values as they stand in XML: read back, they are what was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.problem import Fault
from gateway.mapping.xml_write import escaped, odd, quoted
from gateway.xml import own

ALLOWED = st.text(
    st.characters(
        exclude_categories=["Cs"], exclude_characters=[*map(chr, range(32)), "\ufffe", "\uffff"]
    )
    | st.sampled_from("\t\n\r&<>\"']")
)


@given(ALLOWED)
def test_a_text_is_read_back_as_it_was(text: str) -> None:
    """Whatever XML can hold comes back from an element and from an attribute unchanged."""
    between = escaped(text) if odd(text) else text
    found = own(f"<a b={quoted(text)}>{between}</a>")
    assert (found.text or "", found.get("b")) == (text, text)


@given(ALLOWED, st.sampled_from("\x00\x01\x08\x0b\x0c\x0e\x1f\ud800\udfff\ufffe\uffff"))
def test_a_character_that_xml_has_not_is_refused(text: str, bad: str) -> None:
    """No document breaks for a control character: the value is refused, and not shown."""
    assert odd(f"{text}{bad}")
    for write in (escaped, quoted):
        with pytest.raises(Fault) as caught:
            write(f"{bad}SECRET")
        assert "SECRET" not in caught.value.reason


def test_an_end_of_a_section_is_no_markup() -> None:
    """`]]>` may not stand in a text as it is."""
    assert escaped("]]>") == "]]&gt;"
