"""Facts for a run that no flow gives."""

from __future__ import annotations

import pytest

from gateway import shipped
from gateway.errors import ConfigurationError
from gateway.mapping import Library
from gateway.mapping.seeing.inputs import facts_of, likeliest, over, read_facts, said
from gateway.mapping.tests import cases_of

SHIPPED = Library(shipped.mappings(), shipped.xsd())


def test_facts_are_said_one_by_one() -> None:
    """Values may hold dots and equal signs."""
    assert said(["flow.a=1", "flow.b=x=y.z", "sender.c="]) == {
        "flow": {"a": "1", "b": "x=y.z"},
        "sender": {"c": ""},
    }


@pytest.mark.parametrize("word", ["a=1", "a.b", ".b=1", "a.=1", ""])
def test_what_is_no_fact_is_refused(word: str) -> None:
    """With an example of one."""
    with pytest.raises(ValueError, match=r"flow\.protocollo=P/1"):
        said([word])


def test_a_file_of_facts_is_yaml_or_json() -> None:
    """Every value is text, as everywhere in mappings."""
    assert read_facts(b"flow: {a: 015146}\n", "f") == {"flow": {"a": "015146"}}
    assert read_facts(b'{"flow": {"a": "NO"}}', "f") == {"flow": {"a": "NO"}}


@pytest.mark.parametrize("content", [b"[1]", b"flow: x\n", b"a: {b: 1\n"])
def test_a_bad_file_of_facts_is_told_with_its_line(content: bytes) -> None:
    """As a mapping's mistakes are."""
    with pytest.raises(ConfigurationError, match=r"f:\d"):
        read_facts(content, "f")


def test_what_is_said_wins_over_the_test() -> None:
    """Fact by fact; the others stay."""
    assert over({"a": {"x": "1", "y": "2"}}, {"a": {"y": "3"}, "b": {"z": "4"}}) == {
        "a": {"x": "1", "y": "3"},
        "b": {"z": "4"},
    }


def test_the_facts_are_those_of_the_sample_s_own_test() -> None:
    """Else of the first; a mapping without tests has none."""
    cases = cases_of(SHIPPED, "comune/nascita.yaml")
    twin = likeliest(cases, "samples/gemello_2.hl7")
    first = likeliest(cases, "nowhere.hl7")
    assert twin is not None
    assert first is cases[0]
    assert twin.given == "samples/gemello_2.hl7"
    assert likeliest([], "samples/femmina.hl7") is None
    compiled = SHIPPED.mapping("comune/nascita.yaml", SHIPPED.profile("default"))
    assert facts_of(SHIPPED, compiled, first)["flow"]["destinatario"] == "015209"
    assert facts_of(SHIPPED, compiled, None) == {}
