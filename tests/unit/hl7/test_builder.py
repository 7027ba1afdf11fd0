"""The builder: only paths that exist, texts escaped, segments in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigurationError, TranslationError
from gateway.hl7.builder import MORE, Builder, Target, target
from gateway.hl7.conformance import check
from gateway.hl7.message import NULL, Message


def a31() -> Builder:
    builder = Builder("2.5", "ADT_A05")
    for path, value in {
        "MSH-3": "ICARO",
        "MSH-7": "20260302100000+0100",
        "MSH-9.1": "ADT",
        "MSH-9.2": "A31",
        "MSH-10": "G1",
        "MSH-11": "P",
        "EVN-2": "20260302100000+0100",
        "PV1-2": "N",
    }.items():
        builder.set(path, value)
    return builder


def body(builder: Builder) -> list[str]:
    return builder.build().decode().rstrip("\r").split("\r")[1:]


def test_a_message_is_built_in_the_structures_order() -> None:
    """Segments stand where HL7 wants them, whatever the order they were set in."""
    builder = a31()
    builder.set("ZNE-2", "z")
    builder.set("NK1[+]", {"1": "1", "3.1": "MTH", "2.1": "ROSSI"})
    builder.set("PID-3[+]", {"1": "RSSNNA", "4.1": "MEF", "4.2": "", "5": "NNITA"})
    builder.set("PID-3[+]", {"1": "7", "5": "PI"})
    builder.set("PID-5.1.1", "BIANCHI")
    builder.set("PID-5.2", "EVA")
    builder.set("NK1[+]", {"1": "2", "3.1": "FTH"})
    builder.set("NK1[2]-2.1", "VERDI")
    assert builder.build().startswith(b"MSH|^~\\&|ICARO||||20260302100000+0100||ADT^A31^ADT_A05|")
    assert body(builder) == [
        "EVN||20260302100000+0100",
        "PID|||RSSNNA^^^MEF^NNITA~7^^^^PI||BIANCHI^EVA",
        "NK1|1|ROSSI|MTH",
        "NK1|2|VERDI|FTH",
        "PV1||N",
        "ZNE||z",
    ]
    assert check(Message.parse(builder.build())) == []


def test_what_is_absent_is_not_written() -> None:
    """None and '' set nothing, not even a segment; NULL is written as it is."""
    builder = Builder("2.5", "ADT_A05")
    builder.set("PID-5", None)
    builder.set("PID-5.2", "")
    builder.set("PID-3[+]", {"1": "", "5": ""})
    builder.set("NK1[+]", {})
    assert body(builder) == []
    builder.set("PID-5", NULL)
    assert body(builder) == ['PID|||||""']


def test_one_more_text_is_one_more_repetition() -> None:
    """`[+]` with a text appends it; a later path may go on in the same repetition."""
    builder = Builder("2.5", "ADT_A05")
    builder.set("PID-3[+]", "1")
    builder.set("PID-3[+].1", "2")
    builder.set("PID-3[2].5", "PI")
    builder.set("NK1[+]-5[+]", {"1": "x"})
    builder.set("NK1[+]-5[+]", "y")
    assert body(builder) == ["PID|||1~2^^^^PI", "NK1|||||x", "NK1|||||y"]


@given(st.text())
def test_any_text_reads_back(text: str) -> None:
    """Delimiters and control characters of a value never break the message."""
    builder = Builder("2.5", "ADT_A05")
    builder.set("PID-5.1.2", text)
    builder.set("PID-5.2", "end")
    message = Message.parse(builder.build())
    assert (message.get("PID-5.1.2") or "") == text
    assert message.get("PID-5.2") == "end"


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("PID-99", "PID has no field 99"),
        ("QQQ-1", "has no segment QQQ"),
        ("ORC-1", "has no segment ORC"),
        ("PID-5.99", "XPN has no component 99"),
        ("PID-5.1.9", "no subcomponent 9"),
        ("PID-5.2.2", "no subcomponent 2"),
        ("PID-8.2", "IS has no component 2"),
        ("PID-7[2]", "may be there 1 times"),
        ("PID-7[+]", "may be there 1 times"),
        ("MSH-18", "not set by a path"),
        ("MSH-1", "not set by a path"),
        ("PID-5[3]", "repetition 3 before 2"),
        ("NK1[3]-1", "segment 3 before 2"),
        ("PID", "names no field"),
        ("PID-3.", "not a path"),
        ("pid-3", "not a path"),
    ],
)
def test_a_path_that_cannot_be_is_refused(path: str, problem: str) -> None:
    """A mistake in a mapping is found by name, and carries no value."""
    with pytest.raises(ConfigurationError, match=problem) as refused:
        Builder("2.5", "ADT_A05").set(path, "ROSSI")
    assert "ROSSI" not in str(refused.value)


def test_a_mistake_below_a_repetition_is_refused() -> None:
    """The parts of a mapping are checked like paths."""
    with pytest.raises(ConfigurationError, match="CX has no component 99"):
        Builder("2.5", "ADT_A05").set("PID-3[+]", {"99": "x"})


def test_paths_can_be_checked_before_any_message() -> None:
    """The mapping checker asks the same question as the builder."""
    assert target("2.5", "ADT_A05", "PID-3[+].4.2") == Target("PID", 1, 3, MORE, 4, 2)
    assert target("2.5", "ADT_A05", "OBX-5.7.3").component == 7
    assert target("2.5", "ADT_A05", "NK1[+]").occurrence == MORE
    with pytest.raises(ConfigurationError, match="no structure ADT_X99"):
        target("2.5", "ADT_X99", "PID-3")
    with pytest.raises(ConfigurationError, match="known are"):
        Builder("2.9", "ADT_A05")


def test_old_versions_have_no_structure_in_msh_9() -> None:
    """MSH-9.3 is written from 2.3.1 on."""
    assert b"|2.2|" in Builder("2.2", "ADT_A31").build()
    assert b"ADT_A31" not in Builder("2.2", "ADT_A31").build()


def test_the_hospitals_character_set_is_written_or_the_character_refused() -> None:
    """A letter that the set does not have is an error at its path, never a question mark."""
    builder = Builder("2.5", "ADT_A05", "8859/1")
    builder.set("PID-5.1", "FORLÌ")
    assert b"FORL\xcc" in builder.build()
    assert Message.parse(builder.build()).get("PID-5.1") == "FORLÌ"
    with pytest.raises(TranslationError, match=r"PID-5\.2: .*8859/1") as refused:
        builder.set("PID-5.2", "ČIRIĆ")
    assert "IRI" not in str(refused.value)
    with pytest.raises(ConfigurationError):
        Builder("2.5", "ADT_A05", "klingon")
