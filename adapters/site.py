"""An HTTP site whose requests have a largest size, refused before they are held in memory.

Knows Twisted's HTTP only. A body that is announced too long is not read; one that grows too
long on its way ends the connection; none is read as a form, which takes Twisted seconds and
happens before anybody looks at a signature (CWE-400).
"""

# ruff: noqa: N802  (the names are Twisted's)

from __future__ import annotations

from typing import Any

from twisted.web.resource import Resource
from twisted.web.server import Request, Site

IDLE_SECONDS = 60


class CappedRequest(Request):
    """A request whose body has at most `limit` bytes; set on a subclass by `capped_site`."""

    limit = 0
    _refused = False
    _received = 0

    def gotLength(self, length: int | None) -> None:
        """Called with the announced length, None for a chunked body, before any of it is read."""
        super().gotLength(length)  # type: ignore[no-untyped-call]  # Twisted's
        if length is not None and length > self.limit:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """Called with each piece of the body."""
        self._received += len(data)
        if self._received > self.limit:
            self._refuse()
        if not self._refused:
            super().handleContentChunk(data)  # type: ignore[no-untyped-call]  # Twisted's

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Called when the body is whole; a refused one has no resource to go to."""
        if not self._refused:
            super().requestReceived(command, path, version)  # type: ignore[no-untyped-call]  # same

    def _refuse(self) -> None:
        if self._refused:
            return
        self._refused = True
        channel: Any = self.channel
        channel.transport.write(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n\r\n")
        channel.loseConnection()


def capped_site(
    resource: Resource, limit: int, reactor: Any = None, *, idle: float = IDLE_SECONDS
) -> Any:
    """A Site over `resource` that reads bodies of at most `limit` bytes and drops peers that are
    silent for `idle` seconds.

    `reactor` measures their idleness; None is the running one.
    """
    kind = type("Capped", (CappedRequest,), {"limit": limit})
    site: Any = Site
    return site(
        resource,
        requestFactory=kind,
        timeout=idle,
        reactor=reactor,
        parsePOSTFormSubmission=False,
    )
