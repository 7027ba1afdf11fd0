"""When a message was written: which of two is the newer one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.hl7.message import Message
from gateway.hl7.moment import Order, moment_of

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def moment(recorded: str, sent: str, order: Order = "recorded") -> str:
    raw = f"MSH|^~\\&|A|B|||{sent}||ADT^A08|1|P|2.5\rEVN|A08|{recorded}\rPID|||1\r"
    return moment_of(Message.parse(raw.encode()), NOW, order)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (("20260302101500+0100", ""), ("20260302101501+0100", "")),
        (("20260302101500+0100", "20260302110000+0100"), ("20260302101600+0100", "")),
        (("202603021015", "20260302101510"), ("202603021015", "20260302101520")),
        (("", "20260302101500+0100"), ("20260302101600+0100", "")),
        (("20260302101500+0200", ""), ("20260302091600+0100", "")),
        (("20260302", "20260302101500"), ("20260302", "20260302101600")),
        (("20260302101500.1", ""), ("20260302101500.2", "")),
    ],
)
def test_recorded_decides_then_sent(older: tuple[str, str], newer: tuple[str, str]) -> None:
    """EVN-2 first, MSH-7 where EVN-2 says nothing or the same; zones are reckoned with."""
    assert moment(*older) < moment(*newer)


@pytest.mark.parametrize(
    ("recorded", "sent"),
    [
        ("", ""),
        ("20260302", "2026"),
        ("yesterday", ""),
        ("20620302101500+0100", ""),
        ("202510260230", ""),
    ],
)
def test_what_tells_no_moment_tells_none(recorded: str, sent: str) -> None:
    """No clock, no time, a time of the future, an hour that a clock change makes doubtful."""
    assert moment(recorded, sent) == ""


def test_a_sender_may_be_read_otherwise() -> None:
    """Where EVN-2 means something else, MSH-7 alone decides, or only the order of arrival."""
    assert moment("20260302101500", "20260302110000", "sent").startswith("/") is False
    first = moment("20260302101500", "20260302100000", "sent")
    second = moment("20260302091500", "20260302110000", "sent")
    assert first < second
    assert moment("20260302101500", "20260302110000", "arrival") == ""
