"""A message of several patients, as one message each."""

from __future__ import annotations

import pytest

from gateway.errors import MessageRefused
from gateway.hl7.message import Message
from gateway.hl7.patients import MOST, each_patient

HEAD = b"MSH|^~\\&|HIS|A|||20260302||ADT^A40^ADT_A39|C1|P|2.5\rEVN||20260302\r"


def parts(body: bytes) -> list[list[str]]:
    found = each_patient(Message.parse(HEAD + body))
    return [[segment.line for segment in each][2:] for each in found]


@pytest.mark.parametrize("body", [b"", b"PID|||1\rMRG|2\r"])
def test_a_message_of_one_patient_is_itself(body: bytes) -> None:
    """Nothing is written anew, so its bytes stay what they were."""
    message = Message.parse(HEAD + body)
    assert each_patient(message) == (message,)


def test_what_follows_a_patient_is_that_patients() -> None:
    """The optional segments and those of the site go with the PID before them."""
    assert parts(b"PID|||1\rPD1|a\rMRG|2\rZZZ|x\rPID|||3\rMRG|4\rPV1||I\r") == [
        ["PID|||1", "PD1|a", "MRG|2", "ZZZ|x"],
        ["PID|||3", "MRG|4", "PV1||I"],
    ]


def test_each_patient_has_the_header_of_all() -> None:
    """Event, control id and the moment are those of the message."""
    for each in each_patient(Message.parse(HEAD + b"PID|||1\rMRG|2\rPID|||3\rMRG|4\r")):
        assert (each.event, each.control_id, each.get("EVN-2")) == ("A40", "C1", "20260302")


def test_a_crowd_is_refused_with_its_place() -> None:
    """One commit does not take work without end."""
    body = b"PID|||1\rMRG|2\r"
    assert len(each_patient(Message.parse(HEAD + body * MOST))) == MOST
    with pytest.raises(MessageRefused) as refused:
        each_patient(Message.parse(HEAD + body * (MOST + 1)))
    assert (refused.value.code, refused.value.rejects) == (100, False)
    assert refused.value.location == f"PID^{MOST + 1}"
