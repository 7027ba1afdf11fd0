"""The dossier: what all messages of a case say, and which of them said it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UnreadableMessage
from gateway.hl7.dossier import Dossier, fold
from gateway.hl7.message import Message

HEAD = "MSH|^~\\&|IRIS|OSP|||20260302||ADT^{}|{}|P|2.5\r"


def message(body: str, event: str = "A01", control_id: str = "1") -> Message:
    return Message.parse((HEAD.format(event, control_id) + body).encode())


def folded(*bodies: str) -> Dossier:
    dossier = None
    for number, body in enumerate(bodies, 1):
        dossier = fold(dossier, message(body, f"A{number:02}", str(number)), f"m{number}")
    assert dossier is not None
    return dossier


def lines(dossier: Dossier) -> list[str]:
    return dossier.message.raw.decode().rstrip("\r").split("\r")[1:]


@pytest.mark.parametrize(
    ("before", "after", "result"),
    [
        ("PID|||1||A^B|||F", "PID|||||C^D", ["PID|||1||C^D|||F"]),
        ("PID|||1||A|||F", 'PID|||||""|||', ["PID|||1|||||F"]),
        ("PID|||1~2", "PID|||3", ["PID|||3"]),
        ("PID|||1\rOBX|1||W||3", "PID|||1", ["PID|||1", "OBX|1||W||3"]),
        ("PID|||1\rPV1||I", "PID|||1\rNK1|1|A", ["PID|||1", "PV1||I", "NK1|1|A"]),
        ("PID|||1\rPV1||I\rZNE|x", "PV1||O\rZBE|1", ["PID|||1", "PV1||O", "ZNE|x", "ZBE|1"]),
        ("ZNE|a|b", "ZNE||c", ["ZNE|a|c"]),
        ("PID|||1\rjunk", "PID||2", ["PID||2|1"]),
    ],
)
def test_a_later_message_replaces_what_it_carries(
    before: str, after: str, result: list[str]
) -> None:
    """Kinds it carries replace; empty leaves, "" deletes; kinds it does not carry stay."""
    assert lines(folded(before, after)) == result


@pytest.mark.parametrize(
    ("before", "after", "result"),
    [
        ("NK1|1|A^B|MTH|x", "NK1|2|A^B|MTH", ["NK1|2|A^B|MTH|x"]),
        ("NK1|1|A^B|MTH|x", "NK1|1||MTH", ["NK1|1|A^B|MTH|x"]),
        ("NK1|1|ROSSI^B|MTH|x", "NK1|1|rossi ^b|MTH", ["NK1|1|rossi ^b|MTH|x"]),
        ("NK1|1|A^B|MTH|x", "NK1|1|C^B|MTH", ["NK1|1|C^B|MTH"]),
        ("NK1|1|A^B|MTH|x", "NK1|1|A^C|MTH", ["NK1|1|A^C|MTH"]),
        ("NK1|1|A^B|MTH|x", "NK1|1|A^B|FTH", ["NK1|1|A^B|FTH"]),
        ("NK1|1|A^B||x", "NK1|1|A^B|", ["NK1|1|A^B"]),
        (
            "NK1|1|A|PAR|x\rNK1|2|B|PAR|y",
            "NK1|1|A|PAR\rNK1|2|B|PAR",
            ["NK1|1|A|PAR", "NK1|2|B|PAR"],
        ),
        ("NK1|1|A|MTH|x\rNK1|2|B|FTH|y", "NK1|1|B|FTH", ["NK1|1|B|FTH|y"]),
        ("NK1|1|A|MTH|x", 'NK1|1|""|MTH|', ["NK1|1||MTH|x"]),
    ],
)
def test_two_persons_are_never_mixed(before: str, after: str, result: list[str]) -> None:
    """A next of kin keeps its old fields only if relationship and name say it is the same."""
    assert lines(folded(before, after)) == result


@pytest.mark.parametrize(
    ("before", "after", "result"),
    [
        ("OBX|1|NM|W||3|kg", "OBX|9|NM|W||4", ["OBX|9|NM|W||4|kg"]),
        ("OBX|1|NM|W|1|3|kg", "OBX|1|NM|W|2|4", ["OBX|1|NM|W|2|4"]),
        ("OBX|1|NM||1|3|kg", "OBX|1|NM||1|4", ["OBX|1|NM||1|4"]),
        ("DG1|1||Z38|text", "DG1|1||P07", ["DG1|1||P07"]),
        ("DG1|1||Z38|text", "DG1|1||Z38", ["DG1|1||Z38|text"]),
        ("GT1|1||A^B||x", "GT1|1||C^B", ["GT1|1||C^B"]),
        ("ROL|1|AD|PP|A|x", "ROL|1|AD|PP|", ["ROL|1|AD|PP"]),
        ("AL1|1||X|SV\rAL1|1||X|MO", "AL1|1||X", ["AL1|1||X"]),
    ],
)
def test_repeated_segments_are_matched_only_when_surely_the_same(
    before: str, after: str, result: list[str]
) -> None:
    """Observations by code, others by number and code; what is unclear stands as it is."""
    assert lines(folded(before, after)) == result


def test_the_header_and_the_event_are_the_newest() -> None:
    """MSH and EVN tell of one message only."""
    dossier = folded("EVN|A01|2026|x\rPID|||1", "EVN|A02||", "PID|1")
    assert (dossier.message.event, dossier.message.control_id) == ("A03", "3")
    assert lines(folded("EVN|A01|2026|x", "EVN|A02")) == ["EVN|A02"]


def test_each_field_remembers_the_message_it_came_from() -> None:
    """Origins follow a field through later messages, per segment occurrence."""
    dossier = folded(
        "PID|||1||A\rNK1|1|A|MTH|x\rNK1|2|B|FTH|y",
        "NK1|2|B|FTH\rNK1|1|A|MTH|z\rPID|||2",
        'PID|||3||""',
    )
    told = dossier.origins
    assert {path: told[path] for path in told if not path.startswith("MSH")} == {
        "PID-3": "m3",
        "NK1-1": "m2",
        "NK1-2": "m2",
        "NK1-3": "m2",
        "NK1-4": "m1",
        "NK1[2]-1": "m2",
        "NK1[2]-2": "m2",
        "NK1[2]-3": "m2",
        "NK1[2]-4": "m2",
    }
    assert told["MSH-10"] == "m3"


def test_a_dossier_is_canonical() -> None:
    """Whatever a sender writes in, the dossier is UTF-8 with standard delimiters."""
    raw = "MSH#$%*@#A##########2.5######8859/1\rPID###1$$$M@1##È*F*|\r".encode("latin-1")
    dossier = fold(None, Message.parse(raw), "m1")
    assert dossier.message.get("PID-5") == "È#|"
    assert dossier.message.get("PID-3.4.2") == "1"
    assert dossier.message.raw.decode().endswith("PID|||1^^^M&1||È#\\F\\\r")


def test_a_dossier_is_stored_and_read() -> None:
    """The journal gives back the same message and the same origins."""
    dossier = folded("PID|||1||È", "PID|||2")
    again = Dossier.decode(dossier.encode())
    assert again.message.raw == dossier.message.raw
    assert again.origins == dossier.origins


@pytest.mark.parametrize("stored", [b"", b"{}", b"[]", b"\xff", b'{"ids":[],"origins":{"a":1}}'])
def test_a_damaged_dossier_is_not_half_read(stored: bytes) -> None:
    """What cannot be read is an error."""
    with pytest.raises(UnreadableMessage):
        Dossier.decode(stored)


def test_a_dossier_shows_nothing_of_a_person() -> None:
    """Its repr is safe in a log line."""
    assert "ROSSI" not in repr(folded("PID|||1||ROSSI"))


segments = st.lists(
    st.sampled_from(["PID|||1||A", "PID|||2", "NK1|1|A|MTH|x", "NK1|2|B|FTH", "OBX|1||W||3"]),
    max_size=6,
).map("\r".join)


@given(st.lists(segments, min_size=1, max_size=4))
def test_folding_the_same_message_twice_changes_nothing(bodies: list[str]) -> None:
    """A duplicate leaves the dossier as it was; every field of it has an origin."""
    dossier = folded(*bodies)
    last = message(bodies[-1], f"A{len(bodies):02}", str(len(bodies)))
    again = fold(dossier, last, f"m{len(bodies)}")
    assert again.message.raw == dossier.message.raw
    assert set(again.origins.values()) <= {f"m{n}" for n in range(1, len(bodies) + 1)}


def told(*said: tuple[str, str]) -> Dossier:
    """What (moment, body) after (moment, body) leave, in the order in which they came."""
    dossier = None
    for number, (moment, body) in enumerate(said, 1):
        dossier = fold(dossier, message(body, control_id=str(number)), f"m{number}", moment)
        dossier = Dossier.decode(dossier.encode())
    assert dossier is not None
    return dossier


@pytest.mark.parametrize(
    ("newer", "older", "result"),
    [
        ("PID|||2||B", "PID|||1||A|||F", ["PID|||2||B|||F"]),
        ('PID|||2||B|||""', "PID|||1||A|||F", ["PID|||2||B"]),
        ("PID|||2||B", 'PID|||1||""|||F', ["PID|||2||B|||F"]),
        ("PID|||2", "PID|||1\rOBX|1||W||3", ["PID|||2", "OBX|1||W||3"]),
        ("PID|||2\rOBX|1||W||4", "PID|||1\rOBX|1||W||3|kg", ["PID|||2", "OBX|1||W||4|kg"]),
        ("NK1|1|A^B|MTH", "NK1|1|A^B|MTH|x\rNK1|2|C^D|FTH", ["NK1|1|A^B|MTH|x"]),
        ("NK1|1|A^B|MTH", "NK1|1|E^F|MTH|x", ["NK1|1|A^B|MTH"]),
        ("ZNE|a|b", "ZNE||c|d", ["ZNE|a|b|d"]),
    ],
)
def test_a_late_message_takes_nothing_back(newer: str, older: str, result: list[str]) -> None:
    """An older message that comes later fills what nobody newer said, and no more than that."""
    dossier = told(("2", newer), ("1", older))
    assert lines(dossier) == result
    assert dossier.message.control_id == "1"
    assert dossier.newest == "2"


def test_a_late_message_counts_between_its_neighbours() -> None:
    """Field by field: it is newer than what the first said, and older than what the last said."""
    dossier = told(("1", "PID|||1||A|||F"), ("3", "PID|||3"), ("2", 'PID|||2||B|||""|||x'))
    assert lines(dossier) == ["PID|||3||B||||||x"]
    assert [dossier.origins[path] for path in ("PID-3", "PID-5")] == ["m2", "m3"]
    assert dossier.deleted == {"PID-8": "m3"}


def test_messages_of_one_moment_count_as_they_came() -> None:
    """Who writes no clock, or the same one twice, is believed in the order of arrival."""
    assert lines(told(("1", "PID|||1"), ("1", "PID|||2"), ("", "PID|||3"))) == ["PID|||3"]
    assert told(("1", "PID|||1"), ("", "PID|||2")).newest == "1"


def test_a_dossier_of_before_there_were_moments_is_read() -> None:
    """What an older release stored knows no moments: every message is newer."""
    stored = b'{"lang":1,"message":"MSH|^~\\\\&|A\\rPID|||1\\r","ids":["m1"],"origins":{"PID-3":0}}'
    dossier = fold(Dossier.decode(stored), message("PID|||2"), "m2", "1")
    assert lines(dossier) == ["PID|||2"]


bodies = st.tuples(
    st.sampled_from(["PID|||1", "PID|||2||A", 'PID|||3||""', "PID||||x"]),
    st.sampled_from(["", "NK1|1|A^B|MTH|x", "NK1|1|A^B|MTH||y", 'NK1|1|A^B|MTH|""']),
    st.sampled_from(["", "OBX|1||W||3", "OBX|1||W||4|kg", "ZNE|a", "ZNE||b", "PV1|1|I|BED"]),
).map(lambda parts: "\r".join(filter(None, parts)))


@given(st.lists(bodies, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(said: list[str], chance: Random) -> None:
    """Messages with moments leave the same dossier in whatever order they come."""
    in_order = [(f"{number:02}", body) for number, body in enumerate(said)]
    shuffled = in_order.copy()
    chance.shuffle(shuffled)
    assert sorted(lines(told(*shuffled))) == sorted(lines(told(*in_order)))
