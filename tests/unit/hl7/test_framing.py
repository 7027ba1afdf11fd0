"""Blocks: whole, byte by byte, and cut at every position give the same payloads."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BlockTooLarge
from gateway.hl7.framing import HEAD, JUNK_LIMIT, BlockReader, wrap

ONE, TWO = b"MSH|^~\\&|A\r", b"MSH|^~\\&|B\rPID|1\r"


def read(chunks: list[bytes], limit: int = 4096) -> tuple[list[bytes], BlockReader]:
    reader = BlockReader(limit)
    return [payload for chunk in chunks for payload in reader.feed(chunk)], reader


def every_way(stream: bytes) -> list[list[bytes]]:
    """The stream whole, in single bytes, and cut in two at every position."""
    ways = [[stream], [stream[at : at + 1] for at in range(len(stream))]]
    return ways + [[stream[:at], stream[at:]] for at in range(1, len(stream))]


STREAMS = {
    "one": (wrap(ONE), [ONE], {}),
    "pipelined": (wrap(ONE) + wrap(TWO), [ONE, TWO], {}),
    "LF after the end": (wrap(ONE) + b"\n" + wrap(TWO) + b"\n", [ONE, TWO], {"blank": 2}),
    "blank and NUL before": (b" \r\n\x00" + wrap(ONE), [ONE], {"blank": 4}),
    "CR forgotten": (b"\x0b" + ONE + b"\x1c" + wrap(TWO), [ONE, TWO], {"missing CR": 1}),
    "VT inside": (wrap(b"MSH|\x0bx\r"), [b"MSH|\x0bx\r"], {}),
    "FS inside": (wrap(b"MSH|\x1cx\x1c\x1c|\r"), [b"MSH|\x1cx\x1c\x1c|\r"], {}),
    "FS at the end of the payload": (wrap(b"MSH|\x1c"), [b"MSH|\x1c"], {}),
    "junk before": (b"hello" + wrap(ONE), [ONE], {"junk": 5}),
    "empty block": (b"\x0b\x1c\r" + wrap(ONE), [ONE], {"empty": 1}),
    "not ended": (b"\x0b" + ONE, [], {}),
    "not ended after FS": (b"\x0b" + ONE + b"\x1c", [], {}),
}


@pytest.mark.parametrize("name", STREAMS)
def test_every_cut_of_a_stream_gives_the_same_payloads(name: str) -> None:
    """Block boundaries are a matter of bytes, never of reads; what is tolerated is counted."""
    stream, payloads, tolerated = STREAMS[name]
    for chunks in every_way(stream):
        found, reader = read(chunks)
        assert found == payloads
        assert dict(reader.tolerated) == tolerated


@given(st.lists(st.binary(min_size=1).filter(lambda p: b"\x1c" not in p), max_size=4), st.data())
def test_any_payload_comes_back(payloads: list[bytes], cut: st.DataObject) -> None:
    """What was wrapped is read back, however it was cut."""
    stream = b"".join(map(wrap, payloads))
    cuts = sorted(cut.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    edges = [0, *cuts, len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(edges)]
    assert read(chunks, 10**6)[0] == payloads


@given(st.binary())
def test_any_bytes_are_read_without_error(noise: bytes) -> None:
    """Whatever a peer sends, nothing is kept beyond the block that has begun."""
    reader = BlockReader()
    for payload in reader.feed(noise):
        assert payload
        assert b"\x1c\r" not in payload
    assert reader.pending <= len(noise)


@pytest.mark.parametrize("size", [65, 300])
def test_a_block_over_the_limit_is_refused_with_its_head(size: int) -> None:
    """The block that grew too large gives its first bytes, enough to answer it."""
    for chunks in ([b"\x0b" + b"x" * size], [b"\x0b", *[b"x"] * size]):
        reader = BlockReader(64)
        with pytest.raises(BlockTooLarge) as refused:
            [reader.feed(chunk) for chunk in chunks]
        assert refused.value.head.startswith(b"x" * 64)
        assert len(refused.value.head) <= HEAD
        assert reader.pending == 0
        with pytest.raises(BlockTooLarge):
            reader.feed(b"more")


def test_a_complete_block_over_the_limit_is_refused_too() -> None:
    """The limit is of payloads, whether or not their end has come."""
    with pytest.raises(BlockTooLarge):
        BlockReader(64).feed(wrap(b"x" * 65))
    assert BlockReader(64).feed(wrap(b"x" * 64)) == [b"x" * 64]


def test_payloads_before_a_too_large_block_are_not_lost() -> None:
    """Complete messages of a read are given back before its too large one is refused."""
    reader = BlockReader(64)
    assert reader.feed(wrap(ONE) + b"\x0b" + b"x" * 65) == [ONE]
    with pytest.raises(BlockTooLarge):
        reader.feed(b"")


def test_a_peer_that_does_not_speak_mllp_is_given_up() -> None:
    """Endless bytes outside any block are refused; a few are kept for the operator."""
    reader = BlockReader()
    reader.feed(b"GET / HTTP/1.1")
    assert reader.junk == b"GET / HTTP/1.1"
    with pytest.raises(BlockTooLarge, match="no block began"):
        reader.feed(b"x" * JUNK_LIMIT)
    assert len(reader.junk) == HEAD


def test_pending_counts_the_bytes_of_the_block_that_has_begun() -> None:
    """What waits in memory can be seen and so bounded."""
    reader = BlockReader()
    reader.feed(b"\x0b12345")
    assert reader.pending == 5


@pytest.mark.parametrize("payload", [b"a\x1c\rb", b"a\x1c\x0bb"])
def test_a_payload_that_holds_an_end_is_not_wrapped(payload: bytes) -> None:
    """Two blocks are never written where one was meant."""
    with pytest.raises(ValueError, match="end of block"):
        wrap(payload)
