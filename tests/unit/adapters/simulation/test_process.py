"""A simulator put together on a reactor in memory: ports, control, certificates."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.web.test.requesthelper import DummyRequest

from adapters.keys import DevelopmentPki
from adapters.simulation.bad_days import BadDay
from adapters.simulation.process import Setting, Simulator
from gateway import shipped
from gateway.errors import ConfigurationError
from gateway.units import Address


@cache
def pki() -> Path:
    """Keys of all parties."""
    folder = Path(mkdtemp(prefix="icaro-test-"))
    DevelopmentPki(datetime.now(UTC)).write(folder)
    return folder


class Reactor(MemoryReactorClock):
    """Remembers the ports that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[Any] = []

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        """Open a port."""
        opened: Any = super().listenTCP(port, factory, backlog, interface)
        opened.factory, reactor = factory, self

        def stop() -> None:
            reactor.open.remove(opened)

        opened.stopListening = stop
        self.open.append(opened)
        return opened


Make = Callable[..., Simulator]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes simulators on a reactor of their own."""

    def made(partner: str = "comune", **options: Any) -> Simulator:
        reactor = options.pop("reactor", None) or Reactor()
        setting = Setting(
            partner=partner,
            listen=Address("127.0.0.1", 4001),
            control=Address("127.0.0.1", 4002),
            certs=pki(),
            store=tmp_path / partner,
            xsd=shipped.xsd(),
            mappings=shipped.mappings(),
            **options,
        )
        return Simulator(reactor, setting)

    return made


def ask(reactor: Reactor, method: bytes, child: bytes, body: bytes = b"", **args: bytes) -> Any:
    """Ask the control port's resource; status and value."""
    control = next(port.factory for port in reactor.open if hasattr(port.factory, "resource"))
    request: Any = DummyRequest([])
    request.method, request.content = method, io.BytesIO(body)
    request.args = {key.encode(): [value] for key, value in args.items()}
    resource = control.resource.getStaticEntity(child)
    return json.loads(resource.render(request)), request.responseCode


@pytest.mark.parametrize("partner", ["comune", "agenzia_entrate", "asl"])
def test_each_administration_can_be_put_together(make: Make, partner: str) -> None:
    """Contract, rules, keys and both ports are there."""
    reactor = Reactor()
    simulator = make(partner, reactor=reactor, callback_url="https://localhost/")
    assert simulator.port
    assert simulator.control_port
    assert len(reactor.open) == 2
    state, status = ask(reactor, b"GET", b"state")
    assert (status, state["partner"], state["effects"]) == (200, partner, 0)
    assert ask(reactor, b"POST", b"callback-now") == ({"callbacks": 0}, 200)
    simulator.close()
    assert reactor.open == []


def test_a_shut_port_opens_again(make: Make) -> None:
    """The listener follows the bad days: shut, open, and nothing else changes it."""
    reactor = Reactor()
    make(reactor=reactor, bad_days=[BadDay("refuse_connections")])
    assert len(reactor.open) == 1
    ask(reactor, b"POST", b"bad-day", b'{"name": "slow"}')
    assert len(reactor.open) == 1
    told, _ = ask(reactor, b"DELETE", b"bad-day", name=b"refuse_connections")
    assert [day["name"] for day in told["bad_days"]] == ["slow"]
    assert len(reactor.open) == 2
    assert ask(reactor, b"DELETE", b"bad-day")[0] == {"bad_days": []}


def test_another_certificate_cuts_what_is_open(make: Make) -> None:
    """Open connections end when the certificate changes, so that nobody keeps the right one."""
    reactor = Reactor()
    make(reactor=reactor)
    port = next(port for port in reactor.open if not hasattr(port.factory, "resource"))
    tls = port.factory.buildProtocol(None)
    transport: Any = StringTransport()
    transport.setTcpNoDelay = lambda _: None
    tls.makeConnection(transport)
    day = {"name": "expired_certificate", "options": {"folder": str(pki() / "asl")}}
    assert ask(reactor, b"POST", b"bad-day", json.dumps(day).encode())[1] == 200
    assert transport.disconnecting or transport.disconnected


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"name": "nobody"}', b'{"name": "slow", "times": "x"}', b'{"x": 1}'],
)
def test_what_is_no_bad_day_is_told(make: Make, body: bytes) -> None:
    """The control port says what is wrong and changes nothing."""
    reactor = Reactor()
    simulator = make(reactor=reactor)
    told, status = ask(reactor, b"POST", b"bad-day", body)
    assert status == 400
    assert told["error"]
    assert simulator.days.state() == []


def test_a_folder_without_certificates_is_told(make: Make) -> None:
    """A wrong folder is a 400, and the day is not on."""
    reactor = Reactor()
    simulator = make(reactor=reactor)
    day = b'{"name": "other_host", "options": {"folder": "/nowhere"}}'
    assert ask(reactor, b"POST", b"bad-day", day)[1] == 400
    assert simulator.days.state() == []


def test_without_keys_it_does_not_start(make: Make, tmp_path: Path) -> None:
    """Missing certificates are named."""
    with pytest.raises(ConfigurationError, match=r"ca\.pem"):
        Simulator(
            Reactor(),
            Setting(
                partner="asl",
                listen=Address("127.0.0.1", 1),
                control=Address("127.0.0.1", 2),
                certs=tmp_path,
                store=tmp_path,
                xsd=shipped.xsd(),
                mappings=shipped.mappings(),
            ),
        )
