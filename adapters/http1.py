"""Turns bytes into one HTTP/1.1 response. Knows nothing of sockets, TLS or SOAP.

Strict where request smuggling and desynchronisation came from (Twisted CVE-2022-24801,
CVE-2023-46137): one length, one way to tell it, bounded head, bounded body; anything doubtful is
BadResponse, and its connection is never used again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

MAX_HEAD: Final = 32 * 1024
MAX_HEADERS: Final = 100
_MAX_LINE: Final = 1024

_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [^\x00-\x08\x0a-\x1f\x7f]*)?")
_HEADER: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?")
_NO_BODY: Final = (204, 304)
_ONCE: Final = ("content-length", "transfer-encoding", "content-type", "connection")

_Until = Literal["length", "chunks", "close"]


class BadResponse(Exception):
    """The bytes are no HTTP/1.1 response that we accept; the text says why, without values."""


@dataclass(frozen=True, slots=True)
class Response:
    """One complete response. Header names are in lower case; of a doubled one the last counts."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case; empty if there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class ResponseReader:
    """Reads the one response that a POST gets; informational ones (1xx) before it are skipped.

    `limit` is the greatest body in bytes.
    """

    def __init__(self, limit: int) -> None:
        self.response: Response | None = None
        self.reusable = False
        """Whether the connection may carry another request; meaningful with a response."""
        self._limit = limit
        self._buffer = bytearray()
        self._status = 0
        self._headers: dict[str, str] = {}
        self._until: _Until | None = None
        self._length = 0
        self._trailing = False
        self._persistent = False
        self._body = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what arrived; `response` is there when it is complete. Raises BadResponse."""
        if self.response is not None:
            self.reusable = False  # bytes that nobody asked for
            return
        self._buffer += data
        while self._until is None:
            if not self._read_head():
                return
        if self._until == "length":
            self._read_length()
        elif self._until == "chunks":
            self._read_chunks()
        else:
            self._take(len(self._buffer))

    def end(self) -> None:
        """The peer closed. Ends a body that has no length; BadResponse if anything is missing."""
        if self.response is None:
            if self._until != "close":
                raise BadResponse("the connection closed in the middle of the response")
            self._finish()
        self.reusable = False

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end > MAX_HEAD or (end < 0 and len(self._buffer) > MAX_HEAD):
            raise BadResponse("the headers are too long")
        if end < 0:
            return False
        status, *lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        match = _STATUS.fullmatch(status)
        if match is None or len(lines) > MAX_HEADERS:
            raise BadResponse("it does not begin like an HTTP/1.1 response")
        self._status = int(match[2])
        self._headers = _headers(lines)
        if self._status < 200:
            if self._status == 101:
                raise BadResponse("it wants to speak another protocol")
            return True
        self._persistent = _persistent(match[1] == b"1", self._headers)
        self._until, self._length = self._framing()
        return True

    def _framing(self) -> tuple[_Until, int]:
        length, coding = self._headers.get("content-length"), self._headers.get("transfer-encoding")
        if length is not None and coding is not None:
            raise BadResponse("it has both Content-Length and Transfer-Encoding")
        if self._status in _NO_BODY:
            return "length", 0
        if coding is not None:
            if coding.lower() != "chunked":
                raise BadResponse("its Transfer-Encoding is not chunked")
            return "chunks", 0
        if length is None:
            return "close", 0
        if not _LENGTH.fullmatch(length):
            raise BadResponse("its Content-Length is no number")
        if int(length) > self._limit:
            raise BadResponse(f"it is larger than {self._limit} bytes")
        return "length", int(length)

    def _read_length(self) -> None:
        self._take(min(self._length - len(self._body), len(self._buffer)))
        if len(self._body) == self._length:
            self._finish()

    def _read_chunks(self) -> None:
        while self._chunk_step():
            pass

    def _chunk_step(self) -> bool:
        """Read one chunk size, piece, chunk end or trailer; False when more bytes are needed.

        `_length` counts what is left of the current chunk and its two bytes of line end.
        """
        if self._length > 2:
            count = min(self._length - 2, len(self._buffer))
            self._take(count)
            self._length -= count
            return count > 0
        if self._length:
            return self._end_chunk()
        line = self._line()
        if line is None:
            return False
        if self._trailing:
            return bool(line) or self._finish()
        match = _CHUNK.fullmatch(line)
        if match is None:
            raise BadResponse("a chunk has no length")
        size = int(match[1], 16)
        self._trailing, self._length = size == 0, size + 2 if size else 0
        return True

    def _end_chunk(self) -> bool:
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] != b"\r\n":
            raise BadResponse("a chunk is longer than it says")
        del self._buffer[:2]
        self._length = 0
        return True

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n", 0, _MAX_LINE)
        if end < 0:
            if len(self._buffer) >= _MAX_LINE:
                raise BadResponse("a chunk's line is too long")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _take(self, count: int) -> None:
        if len(self._body) + count > self._limit:
            raise BadResponse(f"it is larger than {self._limit} bytes")
        self._body += self._buffer[:count]
        del self._buffer[:count]

    def _finish(self) -> bool:
        self.reusable = self._persistent and not self._buffer and self._until != "close"
        self.response = Response(self._status, self._headers, bytes(self._body))
        return False  # nothing more is read


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        match = _HEADER.fullmatch(line)  # a folded line begins with a space, and is refused
        if match is None:
            raise BadResponse("a header is malformed")
        name = match[1].decode("ascii").lower()
        if name in headers and name in _ONCE:
            raise BadResponse(f"it has {name} twice")
        headers[name] = match[2].decode("latin-1").rstrip()
    return headers


def _persistent(http11: bool, headers: dict[str, str]) -> bool:
    wishes = {wish.strip() for wish in headers.get("connection", "").lower().split(",")}
    return "close" not in wishes if http11 else "keep-alive" in wishes
