"""HL7 messages out of files, as people have them: framed or bare, one or many, CR or LF."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click

from gateway.hl7.framing import FS, VT, BlockReader

_BATCH = (b"FHS", b"BHS", b"BTS", b"FTS")
_START = re.compile(rb"(?<![^\r\n])MSH(?=[^A-Za-z0-9\r\n])")


def read_messages(path: Path) -> Iterator[bytes]:
    """Every message of the file, with CR segment ends where the file has only LF or CRLF.

    Raises click.ClickException if there is none.
    """
    content = path.read_bytes()
    found = list(_framed(content) if VT in content else _bare(content))
    if not found:
        raise click.ClickException(f"{path}: holds no HL7 message (no segment MSH)")
    yield from found


def _framed(content: bytes) -> list[bytes]:
    reader = BlockReader(limit=max(len(content), 1))
    # A file may end without the end of its last block.
    return reader.feed(content + (b"" if content.rstrip().endswith(FS) else FS) + b"\r")


def _bare(content: bytes) -> Iterator[bytes]:
    content = content.removeprefix(b"\xef\xbb\xbf")
    starts = [found.start() for found in _START.finditer(content)]
    for start, end in pairwise([*starts, len(content)]):
        message = content[start:end]
        # Ends as editors and version control leave them; a CR inside means the ends are right.
        if b"\r" not in message.replace(b"\r\n", b"\n"):
            message = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r")
        segments = message.rstrip(b"\r\n \x1c\x1a").split(b"\r")
        kept = [s for s in segments if s.strip() and not s.lstrip(b"\n").startswith(_BATCH)]
        yield b"\r".join(kept) + b"\r"
