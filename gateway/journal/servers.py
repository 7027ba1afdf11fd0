"""Which of the URL's PostgreSQL servers is the primary: the writable one of the newest timeline.

A promotion begins a new timeline. A node that has seen it never goes back: the old primary, woken
or reachable again, still calls itself writable, and whatever it took would be lost. Where several
hosts are named all are asked, since a node that starts has seen nothing yet.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import psycopg

from gateway.errors import JournalError

CONNECT_SECONDS = 3
"""How long a server may take to let us in."""
ANSWER_SECONDS = 3.0
"""How long it may take to say where it stands."""

PARAMETERS: Mapping[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "icaro",
}
"""libpq's, unless the URL says otherwise: a cut cable is noticed in about ten seconds."""

_STANDING = """
SELECT system_identifier::text,
       CASE WHEN pg_is_in_recovery() THEN NULL
            ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END
FROM pg_control_system()"""

Dial = Callable[..., Any]
"""Opens a psycopg connection with libpq's parameters."""


class Standing(NamedTuple):
    """Which database cluster a server belongs to, and its timeline; 0: it only follows."""

    system: str
    timeline: int


class Servers:
    """Those of one journal. `bounded(seconds, connection)` cuts what does not answer in time."""

    def __init__(
        self, bounded: Callable[[float, Any], contextlib.AbstractContextManager[None]]
    ) -> None:
        self._bounded = bounded
        self._lock = threading.Lock()
        self._newest: Standing | None = None
        self._chosen: Mapping[str, Any] = {}
        self._asked: tuple[Dial, Mapping[str, Any]] | None = None

    @property
    def timeline(self) -> int:
        """The newest that was seen."""
        return self._newest.timeline if self._newest else 0

    def connect(
        self, dial: Dial, parameters: Mapping[str, Any], *, all_asked: bool
    ) -> tuple[Any, int]:
        """A connection to the primary, and its timeline. Raises JournalError, psycopg.Error.

        `all_asked`: look at every server first; else the one last chosen will do.
        """
        self._asked = dial, parameters
        if not all_asked and self._chosen:
            with contextlib.suppress(psycopg.Error, JournalError):
                return self._admitted(*self._tried(dial, self._chosen), self._chosen)
        return self._best(dial, _places(parameters))

    def look_round(self) -> None:
        """Ask them all whether one was promoted; what is connected to another is then outdated."""
        if self._asked is None or len(places := _places(self._asked[1])) < 2:
            return
        with contextlib.suppress(psycopg.Error, JournalError):
            self._best(self._asked[0], places)[0].close()

    def _best(self, dial: Dial, places: list[Mapping[str, Any]]) -> tuple[Any, int]:
        found, failure = [], None
        for place in places:
            try:
                found.append((*self._tried(dial, place), place))
            except psycopg.Error as error:
                failure = error
        found.sort(key=lambda each: each[1].timeline, reverse=True)
        for connection, _, _ in found[1:]:
            connection.close()
        if not found:
            raise failure or JournalError("journal.url names no server")
        return self._admitted(*found[0])

    def _tried(self, dial: Dial, place: Mapping[str, Any]) -> tuple[Any, Standing]:
        connection = dial(**place)
        try:
            with self._bounded(ANSWER_SECONDS, connection):
                system, timeline = connection.execute(_STANDING).fetchone()
                connection.rollback()
        except BaseException:
            connection.close()
            raise
        return connection, Standing(system, int(timeline or "0", 16))

    def _admitted(
        self, connection: Any, standing: Standing, place: Mapping[str, Any]
    ) -> tuple[Any, int]:
        with self._lock:
            refusal = _refusal(standing, self._newest)
            if refusal is None:
                self._newest, self._chosen = standing, place
        if refusal is not None:
            connection.close()
            raise JournalError(refusal)
        return connection, standing.timeline


def _refusal(standing: Standing, newest: Standing | None) -> str | None:
    if standing.timeline == 0:
        return "the server only follows another one: no primary can be reached"
    if newest is None or standing == newest:
        return None
    if standing.system != newest.system:
        return "the server holds another database cluster than before"
    if standing.timeline < newest.timeline:
        return "the server is an old primary: another one was promoted since"
    return None


def _places(parameters: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parameters once for each host that they name."""
    return list(_each_host(parameters))


def _each_host(parameters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    hosts = str(parameters.get("host", "")).split(",")
    ports = str(parameters.get("port", "")).split(",")
    for number, host in enumerate(hosts):
        own = {"host": host, "port": ports[number] if len(ports) == len(hosts) else ports[0]}
        yield {**parameters, **{name: value for name, value in own.items() if value}}
