"""Turns bytes into MLLP payloads, and payloads into blocks.

Knows nothing of sockets or HL7. Every rule about block boundaries lives here and only here:
a block is `0B` payload `1C 0D`; `1C 0B` ends one too (the CR was forgotten). Other `0B` and `1C`
inside a payload are part of it. What is tolerated between blocks is counted, never kept.
"""

from __future__ import annotations

from collections import Counter

from gateway.errors import BlockTooLarge

VT = b"\x0b"
FS = b"\x1c"
END = b"\x1c\r"
ACK = b"\x06"
NAK = b"\x15"
"""The whole payload of a commit block (MLLP release 2): stored, or not."""
HEAD = 4096
"""Bytes kept of a block that grew too large: enough for its MSH."""
JUNK_LIMIT = 64 * 2**10
"""Bytes outside any block after which the peer surely does not speak MLLP."""

_BLANK = b"\t\n\r \x00"


class BlockReader:
    """One connection's reader. `limit`: bytes a payload may have.

    `tolerated` counts what was passed over: 'blank', 'empty', 'junk', 'missing CR'.
    """

    def __init__(self, limit: int = 4 * 2**20) -> None:
        self.tolerated: Counter[str] = Counter()
        self._limit = limit
        self._buffer = bytearray()
        self._inside = False
        self._scanned = 0
        self._junk = bytearray()
        self._junk_run = 0
        self._failure: BlockTooLarge | None = None

    @property
    def pending(self) -> int:
        """Bytes of the block that has begun and not ended."""
        return len(self._buffer)

    @property
    def junk(self) -> bytes:
        """The first bytes found outside any block, for the operator."""
        return bytes(self._junk)

    def feed(self, data: bytes) -> list[bytes]:
        """Take what arrived; give back every payload that is now complete.

        Raises BlockTooLarge once a payload passes the limit; payloads completed before it in the
        same read are given back first, and the next call raises.
        """
        if self._failure is not None:
            raise self._failure
        self._buffer += data
        payloads: list[bytes] = []
        while self._failure is None and self._step(payloads):
            pass
        if self._failure is not None and not payloads:
            raise self._failure
        return payloads

    def _step(self, payloads: list[bytes]) -> bool:
        """Pass one boundary; False when more bytes are needed."""
        return self._leave(payloads) if self._inside else self._enter()

    def _enter(self) -> bool:
        start = self._buffer.find(VT)
        self._pass_over(bytes(self._buffer if start < 0 else self._buffer[:start]))
        if start < 0:
            self._buffer.clear()
            return False
        del self._buffer[: start + 1]
        self._inside, self._scanned, self._junk_run = True, 0, 0
        return True

    def _pass_over(self, outside: bytes) -> None:
        junk = outside.translate(None, _BLANK)
        if len(outside) > len(junk):
            self.tolerated["blank"] += len(outside) - len(junk)
        if not junk:
            return
        self.tolerated["junk"] += len(junk)
        self._junk += outside[: HEAD - len(self._junk)]
        self._junk_run += len(junk)
        if self._junk_run > JUNK_LIMIT:
            self._fail(f"no block began within {JUNK_LIMIT} bytes", self.junk)

    def _leave(self, payloads: list[bytes]) -> bool:
        at = self._buffer.find(FS, self._scanned)
        while 0 <= at < len(self._buffer) - 1 and self._buffer[at + 1] not in b"\r\x0b":
            at = self._buffer.find(FS, at + 1)
        length = len(self._buffer) if at < 0 else at
        if length > self._limit:
            self._fail(f"block is larger than {self._limit} bytes", bytes(self._buffer[:HEAD]))
            return False
        if at < 0 or at == len(self._buffer) - 1:
            self._scanned = length
            return False
        self._complete(at, payloads)
        return True

    def _complete(self, at: int, payloads: list[bytes]) -> None:
        if at:
            payloads.append(bytes(self._buffer[:at]))
        else:
            self.tolerated["empty"] += 1
        forgotten = self._buffer[at + 1] == VT[0]
        if forgotten:
            self.tolerated["missing CR"] += 1
        del self._buffer[: at + (1 if forgotten else 2)]
        self._inside = False

    def _fail(self, text: str, head: bytes) -> None:
        self._failure = BlockTooLarge(text, head=head)
        self._buffer.clear()


def wrap(payload: bytes) -> bytes:
    """The block of `payload`; ValueError if it holds an end of block itself."""
    if END in payload or FS + VT in payload:
        raise ValueError("the payload holds an end of block")
    return VT + payload + END
