"""The forms in which values are stored, the same in SQLite and PostgreSQL, and the digest of a row.

Times are UTC text of one width, so that they sort and compare as text; JSON has one canonical
form; ids tell nothing. What is digested is what is stored, byte for byte, so that a third party
can compute it again without this code.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from operator import call, itemgetter
from types import NoneType
from typing import Any

LONGEST_TEXT = 250
"""Characters of a peer's identifier that are kept; longer ones end with a digest of the whole."""

PURGED = "purged:"
"""Before the seal of what was purged, in the digests of an entry."""

canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
"""The one JSON text of a value: keys sorted, no blanks, ASCII."""

quoted = encode_basestring_ascii
"""`canonical` of a text."""


def canonical_words(words: Iterable[str]) -> str:
    """`canonical` of a list of texts; the encoder takes longer to start than this to end."""
    return f"[{','.join(map(quoted, words))}]"


def canonical_object(values: Mapping[str, object]) -> str:
    """`canonical` of an object: its texts, numbers and objects are put together without it."""
    return _object_of(tuple(values), tuple(map(type, values.values())))(tuple(values.values()))


def writing_object(
    names: Sequence[str], kinds: Sequence[type], writers: Mapping[type, Callable[[Any], str]]
) -> Callable[[Sequence[Any]], str]:
    """Writes the canonical object of values of these names and types, in this order; without those
    that are None where `writers` has nothing for them.

    Made once for a shape of object, of which there are few, because looking at each value of
    each object takes longer than all the rest.
    """
    there = [at for at, kind in enumerate(kinds) if kind is not NoneType or NoneType in writers]
    order = sorted(there, key=lambda at: names[at])
    members = ",".join(f"{quoted(names[at]).replace('%', '%%')}:%s" for at in order)
    template = f"{{{members}}}"
    write = tuple(writers.get(kinds[at], canonical) for at in order)
    if len(order) < 2:
        return lambda values: template % tuple(write[0](values[at]) for at in order)
    pick = itemgetter(*order)
    return lambda values: template % tuple(map(call, write, pick(values)))


def stamp(moment: datetime) -> str:
    """`2026-11-21T10:00:00.000000Z`; raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def moment(text: str) -> datetime:
    """The time that `stamp` wrote."""
    return datetime.fromisoformat(text)


def optional_stamp(moment: datetime | None) -> str | None:
    """`stamp`, for a column that may be empty."""
    return None if moment is None else stamp(moment)


def optional_moment(text: str | None) -> datetime | None:
    """`moment`, for a column that may be empty."""
    return None if text is None else datetime.fromisoformat(text)


def storable(text: str) -> str:
    """A peer's identifier as every database can keep and index it: no NUL, no halves, bounded."""
    if not text.isascii() or "\0" in text:
        text = text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[: LONGEST_TEXT - 33]}#{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def seal_of(cipher: bytes | None) -> str | None:
    """SHA-256 (hex) of a ciphertext as stored; it stands beside it in the row."""
    return None if cipher is None else hashlib.sha256(cipher).hexdigest()


def row_digest(values: Mapping[str, object], columns: Iterable[str] | None = None) -> str:
    """SHA-256 (hex) over the canonical JSON of a row: empty columns left out, bytes as hex.

    `columns`: those that count, in alphabetical order; all of them if not given.
    """
    parts = [
        f"{quoted(name)}:{column_text(value)}"
        for name in (sorted(values) if columns is None else columns)
        if (value := values.get(name)) is not None
    ]
    return hashlib.sha256(f"{{{','.join(parts)}}}".encode()).hexdigest()


def column_text(value: Any) -> str:
    """`canonical` of what a column holds; bytes as hex."""
    return TEXTS.get(type(value), canonical)(value)


TEXTS: Mapping[type, Callable[[Any], str]] = {
    str: quoted,
    int: str,
    bool: lambda flag: "true" if flag else "false",
    bytes: lambda raw: f'"{raw.hex()}"',
}
"""`canonical` of what columns hold, without the encoder."""


_PLAIN: Mapping[type, Callable[[Any], str]] = {
    str: quoted,
    int: str,
    dict: canonical_object,
    NoneType: lambda _: "null",
}
"""`canonical` of what notes, pins and facts are made of."""


@lru_cache(maxsize=1024)
def _object_of(names: tuple[str, ...], kinds: tuple[type, ...]) -> Callable[[Sequence[Any]], str]:
    return writing_object(names, kinds, _PLAIN)


class Ids:
    """Makes opaque ids that grow: 16 hex digits of this process's clock, 16 of chance."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        """A new id, 32 hex digits; later ones sort after earlier ones of the same process."""
        with self._lock:
            self._last = max(self._last + 1, time.time_ns())
            return f"{self._last:016x}{secrets.token_hex(8)}"


new_id = Ids()
