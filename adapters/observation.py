"""What watches the gateway reads: /health and /metrics over HTTP, meant for loopback.

/health is green (200) only if the gateway can do its job: every check must pass. Knows no check
itself; the app gives them.
"""

# ruff: noqa: N802, N815  (the names are Twisted's)

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.web.pages import notFound
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from adapters.site import capped_site
from gateway.telemetry import Metrics

_LIMIT = 4096
"""Bytes of a body: who reads sends none."""
_IDLE_SECONDS = 30

Check = Callable[[], Awaitable[str | None]]
"""None if all is well, else why not, in words that name no person."""

Paused = Callable[[], Sequence[Mapping[str, str]]]
"""What is paused, and since when."""
Notes = Callable[[], Mapping[str, str]]
"""Subject to what is to be said of it; no person is named."""


class _ReadOnly(Resource):
    isLeaf = True

    def render(self, request: Any) -> Any:
        """GET and HEAD, nothing else."""
        if request.method in (b"GET", b"HEAD"):
            return super().render(request)  # type: ignore[no-untyped-call]  # Twisted's
        request.setResponseCode(405)
        request.setHeader(b"allow", b"GET, HEAD")
        return b""


class Health(_ReadOnly):
    """GET /health: `{"status": "green", "checks": {"store": {"ok": true}}}`, or 503 and reasons.

    `paused` and `notes` stand beside and are not red: what a person wished so, and what somebody
    should look at though the gateway itself is well.
    """

    def __init__(self, checks: Mapping[str, Check], paused: Paused, notes: Notes) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self._checks, self._paused, self._notes = dict(checks), paused, notes

    def render_GET(self, request: Request) -> int:
        """Ask every check, then answer; a check that raises is a check that failed."""
        Deferred.fromCoroutine(self._answer(request))
        return NOT_DONE_YET

    async def _answer(self, request: Any) -> None:
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)
        reasons = {name: await _asked(check) for name, check in self._checks.items()}
        if gone:
            return
        green = not any(reasons.values())
        request.setResponseCode(200 if green else 503)
        request.setHeader(b"content-type", b"application/json")
        request.setHeader(b"cache-control", b"no-store")
        beside = {"paused": list(self._paused()), "notes": dict(self._notes())}
        request.write(_told(reasons, green, beside))
        request.finish()


async def _asked(check: Check) -> str | None:
    try:
        return await check()
    except Exception as error:
        return f"the check itself failed: {type(error).__name__}"


def _told(reasons: Mapping[str, str | None], green: bool, beside: Mapping[str, object]) -> bytes:
    checks = {
        name: {"ok": True} if reason is None else {"ok": False, "reason": reason}
        for name, reason in reasons.items()
    }
    status = "green" if green else "red"
    said = {name: value for name, value in beside.items() if value}
    tree = {"status": status, "checks": checks, **said}
    return json.dumps(tree, ensure_ascii=False).encode() + b"\n"


class Exposition(_ReadOnly):
    """GET /metrics, in Prometheus's text format."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self._metrics = metrics

    def render_GET(self, request: Any) -> bytes:
        """The numbers of this moment."""
        request.setHeader(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
        return self._metrics.exposition()


class _Root(Resource):
    def getChild(self, path: bytes, request: Any) -> Any:
        """Nothing else is here."""
        return notFound()


def observation_site(
    checks: Mapping[str, Check], metrics: Metrics, paused: Paused = list, notes: Notes = dict
) -> Site:
    """The HTTP site with both; the app listens with it."""
    root: Any = _Root()  # type: ignore[no-untyped-call]  # Twisted's
    root.putChild(b"health", Health(checks, paused, notes))
    root.putChild(b"metrics", Exposition(metrics))
    site = capped_site(root, _LIMIT, idle=_IDLE_SECONDS)
    site.noisy = False
    # No access log: who asked for a number is of no use, and standard output is not ours.
    site.log = lambda request: None
    made: Site = site
    return made
