"""The largest size of a request, over an in-memory transport."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import Resource

from adapters.site import capped_site


class Length(Resource):
    """Answers how long the body was."""

    isLeaf = True  # noqa: N815  # Twisted's name

    def render_POST(self, request: Any) -> bytes:
        """The body's length, and the names that the address has."""
        return b"%d" % len(request.content.read()) + b"".join(sorted(request.args))


def answer(*pieces: bytes) -> tuple[bytes, bool]:
    """What comes back for the pieces of a connection, and whether it was closed."""
    protocol = capped_site(Length(), 10, Clock()).buildProtocol(None)
    transport = StringTransport()
    protocol.makeConnection(transport)
    for piece in pieces:
        protocol.dataReceived(piece)
    closed = transport.disconnecting
    protocol.connectionLost(Failure(ConnectionDone()))
    return transport.value(), closed


def test_a_body_within_the_limit_is_served() -> None:
    """Ten bytes of ten are read, whole or chunked."""
    reply, _ = answer(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n" + b"x" * 10)
    assert reply.startswith(b"HTTP/1.1 200")
    assert reply.endswith(b"10")
    chunked = (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nxxxxx\r\n0\r\n\r\n"
    )
    assert answer(chunked)[0].startswith(b"HTTP/1.1 200")


def test_an_announced_length_over_the_limit_is_not_read() -> None:
    """The refusal comes before the first byte of the body."""
    reply, closed = answer(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 413")
    assert closed


@given(st.integers(11, 200), st.integers(1, 50))
def test_a_body_that_grows_over_the_limit_ends(length: int, size: int) -> None:
    """A chunked body is refused, once, however it is cut."""
    chunks = [min(size, length - at) for at in range(0, length, size)]
    pieces = [b"%x\r\n%s\r\n" % (chunk, b"x" * chunk) for chunk in chunks]
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    reply, closed = answer(head, *pieces, b"0\r\n\r\n")
    assert reply.count(b"HTTP/1.1 413") == 1
    assert b"200 OK" not in reply
    assert closed


@pytest.mark.parametrize("both", [b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"])
def test_two_lengths_are_refused(both: bytes) -> None:
    """A request with two ways to tell its length is request smuggling."""
    reply, _ = answer(b"POST / HTTP/1.1\r\nHost: x\r\n" + both + b"\r\n0\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "kind", [b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x"]
)
def test_a_body_is_never_read_as_a_form(kind: bytes) -> None:
    """Only the address has names: nobody's body is taken apart before its signature is seen."""
    head = b"POST /?q=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nContent-Type: "
    reply, _ = answer(head + kind + b"\r\n\r\na=1&b=2&c=")
    assert reply.startswith(b"HTTP/1.1 200")
    assert reply.endswith(b"\r\n\r\n10q")
