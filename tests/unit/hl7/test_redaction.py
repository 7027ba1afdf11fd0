"""Redaction: what is not listed is gone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigurationError
from gateway.hl7.dossier import fold
from gateway.hl7.message import Message
from gateway.hl7.redaction import mark_unnamed, redact, redact_dossier

RAW = (
    "MSH|^~\\&|IRIS|OSP|||20260302||ADT^A01|42|P|2.5||||||8859/1\r"
    "EVN||20260302\r"
    "PID|||1^^^A^PI~2^^^MEF^NNITA||BIANCHI^EVA||20260301|F|||VIA 1^^X^^^^H~OSP^^Y^^^^N~^^Z^^^^BDL\r"
    "NK1|1|ROSSI^ANNA|MTH\r"
    "OBX|1|NM|8339-4^Peso||3250|g\rOBX|2|ST|NOTE||ROSSI ANNA\rOBX|3|NM|11884-4||39|wk\r"
    "ZNE|ROSSI\r"
)


def lines(*keep: str) -> list[str]:
    found = redact(Message.parse(RAW.encode()), keep)
    return found.raw.decode().rstrip("\r").split("\r")


def test_with_an_empty_list_only_the_bare_header_stays() -> None:
    """Type, control id, processing id and version: without them there is no message."""
    assert lines() == ["MSH|^~\\&|||||||ADT^A01|42|P|2.5||||||UNICODE UTF-8"]
    assert redact(Message.parse(b"MSH|^~\\&|A"), []).raw.startswith(b"MSH|^~\\&||||")


@pytest.mark.parametrize(
    ("keep", "line"),
    [
        (["EVN"], ["EVN||20260302"]),
        (["PID-3"], ["PID|||1^^^A^PI~2^^^MEF^NNITA"]),
        (["PID-3[5 in (PI)]", "PID-7"], ["PID|||1^^^A^PI||||20260301"]),
        (["PID-11[7 in (N, BDL)]"], ["PID|||||||||||OSP^^Y^^^^N~^^Z^^^^BDL"]),
        (["PID-11[7 in ('N')]", "PID-11[7 in (BDL)]"], ["PID|||||||||||OSP^^Y^^^^N~^^Z^^^^BDL"]),
        (["PID-3[4.1 in (MEF)]"], ["PID|||2^^^MEF^NNITA"]),
        (["PID-3[5 in (XX)]"], ["PID"]),
        (["PID-8, 7"], ["PID|||||||20260301|F"]),
        (["OBX[3.1 in (8339-4)]"], ["OBX|1|NM|8339-4^Peso||3250|g"]),
        (
            ["OBX[3.1 in (8339-4, 11884-4)]-3[2 in (Peso)],5"],
            ["OBX|||8339-4^Peso||3250", "OBX|||||39"],
        ),
        (["OBX[3 in (NONE)]", "PV1"], []),
    ],
)
def test_entries_keep_what_they_name(keep: list[str], line: list[str]) -> None:
    """Segments, fields, chosen repetitions, chosen segments, some fields of those."""
    assert lines(*keep)[1:] == line


def test_msh_is_kept_whole_if_listed() -> None:
    """Its names stay then; its delimiters and character set are always ours."""
    assert lines("MSH")[0] == ("MSH|^~\\&|IRIS|OSP|||20260302||ADT^A01|42|P|2.5||||||UNICODE UTF-8")
    assert lines("MSH-3")[0].startswith("MSH|^~\\&|IRIS|||||")


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "pid-3",
        "PID-",
        "PID-x",
        "PID-3.1",
        "PID[3]",
        "PID-3[5 == PI]",
        "PID-3[5 in ()]",
        "PID-3,",
    ],
)
def test_an_entry_that_cannot_be_read_is_refused(entry: str) -> None:
    """A misspelt list is a mistake of configuration, never a smaller or larger list."""
    with pytest.raises(ConfigurationError) as refused:
        redact(Message.parse(RAW.encode()), ["PID-3", entry, "?"])
    assert len(refused.value.problems) == 2


PLACES = [("PID", n) for n in range(1, 12)] + [("NK1", n) for n in range(1, 6)] + [("ZNE", 1)]


@given(st.lists(st.sampled_from(PLACES), max_size=4), st.sampled_from(["|^~\\&", "#$%*@"]))
def test_no_value_outside_the_list_survives(keep: list[tuple[str, int]], delimiters: str) -> None:
    """Every leaf is marked; the marks that are left are those of the list, in any dialect."""
    field, component, repetition, _, subcomponent = delimiters
    text = f"MSH{delimiters}{field * 7}ADT{field}1{field}P{field}2.5\r"
    for name in ("PID", "NK1", "ZNE"):
        marks = [
            f"<{name}{n}a>{component}<{name}{n}b>{subcomponent}<{name}{n}c>{repetition}<{name}{n}d>"
            for n in range(1, 12)
        ]
        text += field.join([name, *marks]) + "\r"
    left = redact(Message.parse(text.encode()), [f"{name}-{n}" for name, n in keep]).raw.decode()
    for name in ("PID", "NK1", "ZNE"):
        for n in range(1, 12):
            kept = (name, n) in keep
            assert all((f"<{name}{n}{part}>" in left) == kept for part in "abcd")


def test_a_dossier_keeps_the_origins_of_what_stays() -> None:
    """Origins of dropped fields go, those of kept segments follow their new number."""
    dossier = fold(None, Message.parse(RAW.encode()), "m1")
    dossier = fold(dossier, Message.parse(RAW.encode()[:62] + b"\rPID|||9\r"), "m2")
    left = redact_dossier(dossier, ["PID-3", "PID-8", "OBX[3.1 in (11884-4)]-3,5"])
    assert left.message.get("OBX-5") == "39"
    assert {path: told for path, told in left.origins.items() if path[:3] != "MSH"} == {
        "PID-3": "m2",
        "PID-8": "m1",
        "OBX-3": "m1",
        "OBX-5": "m1",
    }
    assert b"ROSSI" not in left.encode()


@pytest.mark.parametrize(
    ("visit", "marked"),
    [
        ("", "PID|||1\rPV2||||||||||||||||||||||Y\rOBX|1\r"),
        ("PV1|1|I\r", "PID|||1\rPV1|1|I\rPV2||||||||||||||||||||||Y\rOBX|1\r"),
        (
            "PV1|1|I\rPV2||X" + "|" * 20 + "N|9\r",
            "PID|||1\rPV1|1|I\rPV2||X" + "|" * 20 + "Y|9\rOBX|1\r",
        ),
    ],
)
def test_a_wish_is_marked_in_the_visit(visit: str, marked: str) -> None:
    """PV2-22 says so, where the standard has the segment; all else stays, with its origins."""
    raw = f"MSH|^~\\&|A|||||ADT^A01|42|P|2.5\rPID|||1\r{visit}OBX|1\r"
    dossier = fold(None, Message.parse(raw.encode()), "m1")
    found = mark_unnamed(dossier)
    assert found.message.raw.decode().partition("\r")[2] == marked
    assert found.origins == dossier.origins
    assert mark_unnamed(found).message.raw == found.message.raw
