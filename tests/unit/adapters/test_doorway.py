"""A port's largest number of callers, over in-memory transports."""

from __future__ import annotations

import io
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory
from twisted.internet.testing import StringTransport
from twisted.protocols.wire import Echo
from twisted.python.failure import Failure

from adapters.doorway import Doorway, Room
from gateway.telemetry import Log, Metrics

OSPEDALE, COMUNE = "10.0.0.1", "10.0.0.2"


class Port:
    """A port that echoes, with room for three, two from one address."""

    def __init__(self) -> None:
        self.lines, self.metrics = io.StringIO(), Metrics()
        inside: Any = Factory.forProtocol(Echo)
        log = Log(self.lines, priority=False)
        self.door = Doorway(inside, "callbacks", Room(3, 2), log, self.metrics)

    def call(self, host: str) -> Any:
        """A caller's connection; None if it is sent away."""
        address = IPv4Address("TCP", host, 1)
        made = self.door.buildProtocol(address)
        if made is not None:
            made.makeConnection(StringTransport(peerAddress=address))
        return made

    @property
    def refused(self) -> float | None:
        """What the metric counts."""
        name = "icaro_connections_refused_total"
        return self.metrics.registry.get_sample_value(name, {"listener": "callbacks"})


def hangs_up(made: Any) -> None:
    """The caller goes."""
    made.connectionLost(Failure(ConnectionDone()))


@pytest.fixture
def port() -> Port:
    """Nobody has called yet."""
    return Port()


def test_who_is_let_in_speaks_with_what_is_inside(port: Port) -> None:
    """The door changes no byte."""
    caller = port.call(OSPEDALE)
    caller.dataReceived(b"ciao")
    assert caller.transport.value() == b"ciao"


def test_one_address_has_its_share(port: Port) -> None:
    """Its third connection is sent away; another's is not, until its own go."""
    first, second = port.call(OSPEDALE), port.call(OSPEDALE)
    assert first
    assert port.call(OSPEDALE) is None
    assert port.call(COMUNE)
    hangs_up(second)
    assert port.call(OSPEDALE)


def test_all_together_have_no_more_than_the_room(port: Port) -> None:
    """The fourth is sent away whoever it is; when one goes there is room again."""
    callers = [port.call(f"10.0.0.{n}") for n in range(3)]
    assert port.call(COMUNE) is None
    hangs_up(callers[0])
    assert port.call("10.0.0.9")
    assert port.call(COMUNE) is None


def test_a_flood_is_one_line_and_a_number(port: Port) -> None:
    """It is said once, not for each; and again when there was room between."""
    callers = [port.call(OSPEDALE), port.call(OSPEDALE)]
    for _ in range(5):
        port.call(OSPEDALE)
    assert port.refused == 5
    told = "level=warning event=connections_full listener=callbacks peer=10.0.0.1\n"
    assert port.lines.getvalue() == told
    hangs_up(callers[0])
    port.call(OSPEDALE)
    port.call(OSPEDALE)
    assert port.lines.getvalue() == 2 * told


def test_who_went_is_forgotten(port: Port) -> None:
    """However many addresses call, only those that are here are remembered."""
    for n in range(50):
        hangs_up(port.call(f"10.0.1.{n}"))
    assert not port.door._peers
    assert not port.door._hosts
