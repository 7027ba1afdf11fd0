"""The simulator's control port: plain HTTP and JSON on loopback, for tests and for people.

`POST /bad-day`, `DELETE /bad-day[?name=…]`, `GET /state`, `POST /callback-now`. Knows the bad
days and the store; what an administration does is not its concern.
"""

# ruff: noqa: N802, N815  (the names are Twisted's)

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from twisted.web.resource import Resource

from adapters.simulation.bad_days import CATALOGUE, BadDay, BadDays
from adapters.simulation.store import Store
from gateway.errors import ConfigurationError

_LIMIT = 64 * 1024


class Control(Resource):
    """The root of the control port. `callback_now` sends what is owed and tells how many."""

    def __init__(
        self, partner: str, days: BadDays, store: Store, callback_now: Callable[[], int]
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        children: dict[bytes, Any] = {
            b"bad-day": _BadDay(days),
            b"state": _State(partner, days, store),
            b"callback-now": _CallbackNow(callback_now),
        }
        for name, child in children.items():
            self.putChild(name, child)


class _BadDay(Resource):
    isLeaf = True

    def __init__(self, days: BadDays) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self._days = days

    def render_POST(self, request: Any) -> bytes:
        try:
            self._days.add(read_bad_day(request.content.read(_LIMIT)))
        except (ValueError, TypeError, ConfigurationError) as error:
            return _answer(request, {"error": str(error)}, status=400)
        return _answer(request, {"bad_days": self._days.state()})

    def render_DELETE(self, request: Any) -> bytes:
        names = request.args.get(b"name") or [b""]
        self._days.clear(names[0].decode("ascii", "replace") or None)
        return _answer(request, {"bad_days": self._days.state()})


class _State(Resource):
    isLeaf = True

    def __init__(self, partner: str, days: BadDays, store: Store) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self._partner, self._days, self._store = partner, days, store

    def render_GET(self, request: Any) -> bytes:
        state = {
            "partner": self._partner,
            "effects": len(self._store.effects),
            "operations": [effect.operation for effect in self._store.effects],
            "owed": [effect.idOperazione for effect in self._store.owed()],
            "bad_days": self._days.state(),
            "catalogue": {name: kind.meaning for name, kind in CATALOGUE.items()},
        }
        return _answer(request, state)


class _CallbackNow(Resource):
    isLeaf = True

    def __init__(self, callback_now: Callable[[], int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self._callback_now = callback_now

    def render_POST(self, request: Any) -> bytes:
        return _answer(request, {"callbacks": self._callback_now()})


def read_bad_day(text: bytes | str) -> BadDay:
    """`{"name": …, "times": n|null, "match": {…}, "options": {…}}`; raises ValueError."""
    value = json.loads(text)
    if not isinstance(value, dict) or not {"name"} <= set(value) <= _MEMBERS:
        raise ValueError(f"write an object with name and, if wanted, {', '.join(sorted(_MEMBERS))}")
    return BadDay(
        name=str(value["name"]),
        times=None if value.get("times") is None else int(value["times"]),
        match={str(k): str(v) for k, v in (value.get("match") or {}).items()},
        options=dict(value.get("options") or {}),
    )


_MEMBERS = {"name", "times", "match", "options"}


def _answer(request: Any, value: Mapping[str, object], *, status: int = 200) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"application/json")
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
