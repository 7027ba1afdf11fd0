"""What a simulated administration did, in a folder that anybody can read.

`effects.jsonl` has one line an effect, `documents/NNNNNN.xml` the Body of each as it came. Both
are on disk (fsync) before the answer leaves, so that a test sees every double; a restart reads
them again and knows what it knew. No personal data in the lines but what an answer must repeat.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import IO, Any, TypedDict

from adapters.simulation.documents import Answer


class Promise(TypedDict):
    """The callback that is owed: seconds to wait (None: until asked), and how many times."""

    after: float | None
    messages: int


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing done: what came (`sha256` of its canonical Body), and what was answered."""

    seq: int
    at: str
    operation: str
    idOperazione: str  # noqa: N815  # the contract's own word, as written in the file
    messageId: str  # noqa: N815  # likewise
    protocollo: str
    sha256: str
    facts: Mapping[str, str]
    answer: Answer = field(repr=False)
    outcome: Answer = field(repr=False)
    """The answer, unless that was PRESA_IN_CARICO: then what the callback will tell."""
    promise: Promise | None = None


_MEMBERS = tuple(member.name for member in fields(Effect))


class Store:
    """The effects of one administration. `now` gives the time that lines carry."""

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._now = now
        (folder / "documents").mkdir(parents=True, exist_ok=True)
        self.effects = [Effect(**line) for line in _lines(folder / "effects.jsonl")]
        self._last: dict[str, Effect] = {e.idOperazione: e for e in self.effects}
        self._done = {line["idOperazione"] for line in _lines(folder / "callbacks.jsonl")}

    def last(self, operation_id: str) -> Effect | None:
        """The newest effect that this operation id had."""
        return self._last.get(operation_id)

    def next_number(self) -> int:
        """The number that the next effect will have; from 1."""
        return len(self.effects) + 1

    def keep(
        self,
        *,
        operation: str,
        operation_id: str,
        message_id: str,
        body: bytes,
        sha256: str,
        answer: Answer,
        outcome: Answer,
        facts: Mapping[str, str],
        promise: Promise | None,
    ) -> Effect:
        """Write an effect and its document; both are on disk when this returns."""
        effect = Effect(
            seq=self.next_number(),
            at=self._now().isoformat(timespec="milliseconds"),
            operation=operation,
            idOperazione=operation_id,
            messageId=message_id,
            protocollo=str(answer.get("protocollo", "")),
            sha256=sha256,
            facts=facts,
            answer=answer,
            outcome=outcome,
            promise=promise,
        )
        # One without its line, left by a crash, is overwritten: it was never answered.
        with open(self._folder / "documents" / f"{effect.seq:06d}.xml", "wb") as file:
            _write(file, body)
        self._append("effects.jsonl", {name: getattr(effect, name) for name in _MEMBERS})
        self.effects.append(effect)
        self._last[operation_id] = effect
        return effect

    def called_back(self, operation_id: str, messages: int) -> None:
        """Remember that the later outcome of an operation was delivered."""
        line = {"at": self._now().isoformat(), "idOperazione": operation_id, "messages": messages}
        self._append("callbacks.jsonl", line)
        self._done.add(operation_id)

    def is_owed(self, effect: Effect) -> bool:
        """Whether it was taken in charge and its outcome was not delivered yet."""
        return effect.promise is not None and effect.idOperazione not in self._done

    def owed(self) -> list[Effect]:
        """Every effect whose outcome is still to be delivered."""
        return [effect for effect in self.effects if self.is_owed(effect)]

    def _append(self, name: str, line: Mapping[str, object]) -> None:
        with open(self._folder / name, "ab") as file:
            _write(file, json.dumps(line, ensure_ascii=False).encode() + b"\n")


def _write(file: IO[bytes], content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Whole lines only: a line cut by a crash was never answered, so it is no effect."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        path.write_bytes(whole)
    for line in whole.splitlines():
        yield json.loads(line)
