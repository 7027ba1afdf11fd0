"""HTTP/1.1 responses: however they are cut, and whatever is wrong with them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http1 import BadResponse, Response, ResponseReader

LENGTH = (
    b"HTTP/1.1 200 OK\r\nContent-Type: Text/XML; charset=utf-8\r\nContent-Length: 4\r\n\r\n<a/>"
)
CHUNKED = (
    b"HTTP/1.1 500 Errore\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2;x=y\r\n<a\r\n2\r\n/>\r\n0\r\nTrailer: x\r\n\r\n"
)
CLOSING = b"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n<a/>"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def read(*pieces: bytes, limit: int = 100, end: bool = False) -> ResponseReader:
    reader = ResponseReader(limit)
    for piece in pieces:
        reader.feed(piece)
    if end:
        reader.end()
    return reader


def response(reader: ResponseReader) -> Response:
    assert reader.response is not None
    return reader.response


@pytest.mark.parametrize("raw", [LENGTH, CHUNKED, CLOSING, CONTINUE + LENGTH])
def test_a_response_is_the_same_however_it_is_cut(raw: bytes) -> None:
    """Whole, byte by byte, and cut at every position."""
    whole = read(raw, end=True).response
    assert whole is not None
    assert whole.body == b"<a/>"
    assert read(*(raw[i : i + 1] for i in range(len(raw))), end=True).response == whole
    for cut in range(len(raw)):
        assert read(raw[:cut], raw[cut:], end=True).response == whole


@pytest.mark.parametrize("raw", [LENGTH, CHUNKED, CLOSING])
def test_a_response_that_is_cut_short_is_none(raw: bytes) -> None:
    """A close before the end is an error, not a shorter answer; without a length it is the end."""
    for cut in range(len(raw)):
        reader = read(raw[:cut])
        assert reader.response is None
        if raw is not CLOSING or cut <= raw.index(b"\r\n\r\n") + 3:
            with pytest.raises(BadResponse, match="closed"):
                reader.end()


def test_media_type_and_headers_are_read() -> None:
    """Names in lower case; the media type without its parameters."""
    found = response(read(LENGTH))
    assert (found.status, found.media_type) == (200, "text/xml")
    assert found.headers["content-length"] == "4"
    assert "<a/>" not in repr(found)
    assert response(read(b"HTTP/1.1 204 \r\n\r\n")).media_type == ""


@pytest.mark.parametrize(
    ("raw", "reusable"),
    [
        (LENGTH, True),
        (CHUNKED, True),
        (LENGTH.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive, Close\r\n\r\n"), False),
        (LENGTH.replace(b"1.1", b"1.0"), False),
        (
            LENGTH.replace(b"1.1", b"1.0").replace(b"OK\r\n", b"OK\r\nConnection: Keep-Alive\r\n"),
            True,
        ),
        (LENGTH + b"x", False),
        (CHUNKED + b"x", False),
    ],
)
def test_a_connection_is_used_again_only_if_it_is_clean(raw: bytes, reusable: bool) -> None:
    """Asked to close, HTTP/1.0, or bytes too many: never again."""
    reader = read(raw)
    assert reader.response is not None
    assert reader.reusable is reusable
    reader.feed(b"y")
    assert not reader.reusable


@pytest.mark.parametrize("status", [b"204", b"304"])
def test_some_responses_have_no_body(status: bytes) -> None:
    """204 and 304 end with their headers."""
    raw = b"HTTP/1.1 " + status + b" x\r\nContent-Length: 4\r\n\r\n"
    assert response(read(raw)).body == b""


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"SSH-2.0-x\r\n\r\n", "begin"),
        (b"HTTP/2 200\r\n\r\n", "begin"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "begin"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 101 + b"\r\n", "begin"),
        (b"HTTP/1.1 101 Altro\r\n\r\n", "protocol"),
        (HEAD + b"a: " + b"b" * 40_000, "too long"),
        (HEAD + b"a: " + b"b" * 40_000 + b"\r\n\r\n", "too long"),
        (HEAD + b"a : b\r\n\r\n", "malformed"),
        (HEAD + b"a: b\r\n c\r\n\r\n", "malformed"),
        (HEAD + b"a: b\nc: d\r\n\r\n", "malformed"),
        (HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", "both"),
        (HEAD + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\n", "twice"),
        (HEAD + b"Content-Length: +4\r\n\r\n", "no number"),
        (HEAD + b"Content-Length: 4, 4\r\n\r\n", "no number"),
        (HEAD + b"Content-Length: 101\r\n\r\n", "larger"),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", "not chunked"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "no length"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", "no length"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "longer"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 2000, "line is too long"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n" + b"a" * 255, "larger"),
        (HEAD + b"\r\n" + b"a" * 101, "larger"),
    ],
)
def test_a_doubtful_response_is_refused(raw: bytes, words: str) -> None:
    """Smuggling, folding, two lengths, endless heads and bodies: refused, with the reason."""
    with pytest.raises(BadResponse, match=words):
        read(raw)


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_a_response_or_refused(noise: bytes, after_head: bool) -> None:
    """No other exception, and never more body than allowed."""
    prefix = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" if after_head else b""
    with suppress(BadResponse):
        found = read(prefix + noise, end=True).response
        assert found is None or len(found.body) <= 100
