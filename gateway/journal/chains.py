"""Walks the chains entry by entry and compares them with the signed heads.

Anyone can recompute a SHA-256 chain; nobody without the key can sign a head. So a chain that is
whole in itself but passes by a signed head was recomputed, one that ends before it was cut.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.journal.checkpoints import Checkpoint
from gateway.journal.findings import Fault, Finding
from gateway.journal.transaction import chain_digest


class Heads:
    """What valid checkpoints saw: node → sequence number → digests."""

    def __init__(self, valid: Iterable[Checkpoint]) -> None:
        self.seen: dict[str, dict[int, set[str]]] = {}
        for checkpoint in valid:
            for node, (seq, digest) in checkpoint.witnessed().items():
                self.seen.setdefault(node, {}).setdefault(seq, set()).add(digest)

    def at(self, node: str, seq: int) -> set[str]:
        """The digests signed for this entry; more than one is itself a contradiction."""
        return self.seen.get(node, {}).get(seq, set())

    def last(self, node: str) -> int:
        """The highest sequence number signed of a chain; 0 if none."""
        return max(self.seen.get(node, {0: set()}))


class Chains:
    """Takes every entry, ordered by node and sequence number, and collects what does not fit."""

    def __init__(self, heads: Heads) -> None:
        self.findings: list[Finding] = []
        self.unsigned = 0
        self._heads = heads
        self._left = set(heads.seen)
        self._node: str | None = None
        self._seq = 0
        self._previous = ""
        self._whole = True

    def take(self, entry: Any) -> None:
        """The next entry, its columns as stored."""
        if entry.node != self._node:
            self._end_of_chain()
            self._node, self._seq, self._previous, self._whole = entry.node, 0, "", True
            self._left.discard(entry.node)
        self._continues(entry)
        self._unaltered(entry)
        self._as_signed(entry)
        self._seq, self._previous = entry.seq, entry.digest

    def end(self) -> None:
        """No more entries: chains that were signed must have been seen up to there."""
        self._end_of_chain()
        for node in sorted(self._left):
            self._cut(node, 0)

    def _continues(self, entry: Any) -> None:
        if entry.seq != self._seq + 1:
            text = f"entries {self._seq + 1} to {entry.seq - 1} are missing"
            self._broken(Fault.ENTRY_DELETED, self._seq + 1, text)
        elif entry.previous != self._previous:
            self._broken(Fault.ENTRY_EDITED, entry.seq, "does not follow from the entry before")

    def _unaltered(self, entry: Any) -> None:
        columns = (entry.at, entry.what, entry.subjects, entry.digests, entry.note)
        if chain_digest(entry.node, entry.seq, *columns, entry.previous) != entry.digest:
            self._broken(Fault.ENTRY_EDITED, entry.seq, "its digest is of other content")

    def _as_signed(self, entry: Any) -> None:
        signed = self._heads.at(entry.node, entry.seq)
        if signed and signed != {entry.digest} and self._whole:
            self._broken(
                Fault.CHAIN_RECOMPUTED,
                entry.seq,
                "the chain is whole, but not the one that was signed: it was written anew",
            )

    def _end_of_chain(self) -> None:
        if self._node is None:
            return
        signed = self._heads.last(self._node)
        self.unsigned += max(0, self._seq - signed)
        if not signed:
            text = "no valid checkpoint tells of this chain: it may have been written anew"
            self.findings.append(Finding(Fault.NO_CHECKPOINT, self._node, text))
        elif self._seq < signed:
            self._cut(self._node, self._seq)

    def _cut(self, node: str, last: int) -> None:
        signed = self._heads.last(node)
        text = f"ends at {last}, but entry {signed} was signed: the tail was cut off"
        self.findings.append(Finding(Fault.TAIL_TRUNCATED, f"{node} #{last}", text))

    def _broken(self, fault: Fault, seq: int, text: str) -> None:
        self._whole = False
        self.findings.append(Finding(fault, f"{self._node} #{seq}", text))
