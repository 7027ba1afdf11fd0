"""/health and /metrics, asked over an in-memory transport."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from adapters.observation import Check, observation_site
from gateway.telemetry import Metrics


async def good() -> str | None:
    return None


async def bad() -> str | None:
    return "the certificate has expired"


async def broken() -> str | None:
    raise RuntimeError("ROSSI MARIO")


def ask(
    request: bytes,
    checks: Mapping[str, Check] | None = None,
    metrics: Metrics | None = None,
    paused: Sequence[Mapping[str, str]] = (),
    headers: bytes = b"",
) -> tuple[bytes, bytes]:
    site = observation_site(checks or {}, metrics or Metrics(), lambda: paused)
    protocol, transport = site.buildProtocol(None), StringTransport()
    protocol.makeConnection(transport)
    protocol.dataReceived(request + b" HTTP/1.0\r\n" + headers + b"\r\n")
    head, _, body = transport.value().partition(b"\r\n\r\n")
    protocol.connectionLost(Failure(ConnectionDone()))
    return head, body


def test_green_when_every_check_passes():
    """200 and each check by name."""
    head, body = ask(b"GET /health", {"store": good, "sign": good})
    assert b" 200 " in head.splitlines()[0]
    assert json.loads(body) == {
        "status": "green",
        "checks": {"store": {"ok": True}, "sign": {"ok": True}},
    }


def test_red_when_one_does_not():
    """503, which check and why."""
    head, body = ask(b"GET /health", {"store": good, "sign": bad})
    assert b" 503 " in head.splitlines()[0]
    told = json.loads(body)
    assert told["status"] == "red"
    assert told["checks"]["sign"] == {"ok": False, "reason": "the certificate has expired"}


def test_what_is_paused_stands_beside_and_is_not_red():
    """A person wished it so: what, and since when."""
    paused = [{"what": "comune 015146", "since": "2026-03-01T09:00:00+00:00"}]
    head, body = ask(b"GET /health", {"store": good}, paused=paused)
    assert b" 200 " in head.splitlines()[0]
    assert json.loads(body)["paused"] == paused


def test_a_check_that_breaks_is_a_check_that_failed():
    """Not being able to tell is not green; and what the exception said is not repeated."""
    head, body = ask(b"GET /health", {"store": broken})
    assert b" 503 " in head.splitlines()[0]
    assert b"RuntimeError" in body
    assert b"ROSSI" not in body


def test_who_hangs_up_is_not_answered():
    """A check that ends after its caller has gone disturbs nobody."""
    waiting: Deferred[str | None] = Deferred()

    async def slow() -> str | None:
        return await waiting

    assert ask(b"GET /health", {"store": slow}) == (b"", b"")
    waiting.callback(None)


def test_metrics_are_prometheus_text():
    """The exposition format, with its content type."""
    metrics = Metrics()
    metrics.connections("main", 4)
    head, body = ask(b"GET /metrics", metrics=metrics)
    assert b"text/plain; version=0.0.4" in head
    assert b'icaro_connections{listener="main"} 4.0' in body


def test_only_reading():
    """POST does nothing, and other paths are not there."""
    assert b" 405 " in ask(b"POST /health")[0].splitlines()[0]
    assert b" 404 " in ask(b"GET /admin")[0].splitlines()[0]


def test_a_body_is_not_read():
    """Who reads sends none: a large one is refused before it comes, a form is never taken apart."""
    head, _ = ask(b"POST /health", headers=b"Content-Length: 8000000\r\n")
    assert head.startswith(b"HTTP/1.1 413")
    form = b"Content-Length: 3\r\nContent-Type: multipart/form-data\r\n\r\na=1"
    assert ask(b"POST /health", headers=form)[0].startswith(b"HTTP/1.0 405")
