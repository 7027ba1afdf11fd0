"""Writes a ds:SignedInfo in its canonical form, and reads one that is written like that.

What is read is written again and must give the same bytes: nothing of it was overlooked. What is
written in another way is signature.py's to read.
"""

from __future__ import annotations

from binascii import Error as BadBase64
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable
from typing import Final

from gateway.soap.names import DS, EXC_C14N, SHA256

# Canonical form: no empty-element tags, attributes sorted, the namespace declared where first used.
_BEGINNING: Final = (
    f'<ds:SignedInfo xmlns:ds="{DS}">'
    f'<ds:CanonicalizationMethod Algorithm="{EXC_C14N}"></ds:CanonicalizationMethod>'
    '<ds:SignatureMethod Algorithm="'
).encode()
_METHOD_END: Final = b'"></ds:SignatureMethod>'
_IDENTIFIER: Final = b'<ds:Reference URI="#'
_DIGEST: Final = (
    f'"><ds:Transforms><ds:Transform Algorithm="{EXC_C14N}"></ds:Transform></ds:Transforms>'
    f'<ds:DigestMethod Algorithm="{SHA256}"></ds:DigestMethod><ds:DigestValue>'
).encode()
_DIGEST_END: Final = b"</ds:DigestValue></ds:Reference>"
_DIGEST_LENGTH: Final = 44  # of 32 bytes in base64
_END: Final = b"</ds:SignedInfo>"


def write_references(references: Iterable[tuple[bytes, bytes]], algorithm: str) -> bytes:
    """SignedInfo over these Ids, as they stand in an attribute, and their SHA-256 digests."""
    pieces = [_BEGINNING, algorithm.encode(), _METHOD_END]
    for identifier, digest in references:
        value = b2a_base64(digest, newline=False)
        pieces += (_IDENTIFIER, identifier, _DIGEST, value, _DIGEST_END)
    return b"".join([*pieces, _END])


def read_as_written(content: bytes, algorithm: str) -> list[tuple[str, bytes]] | None:
    """Ids and digests of a canonical SignedInfo that `write_references` could have written.

    None if it could not: for its spelling, its algorithms, or for whatever is wrong in it.
    """
    found = [_reference(piece) for piece in content.split(_IDENTIFIER)[1:]]
    if not found or write_references(found, algorithm) != content:
        return None
    if any(not identifier or b"&" in identifier for identifier, _ in found):
        return None  # an Id with markup in it reads otherwise than it is written
    return [(identifier.decode(), digest) for identifier, digest in found]


def _reference(piece: bytes) -> tuple[bytes, bytes]:
    """Loosely; what it overlooks is not there when it is written again."""
    identifier = piece[: piece.find(b'"')]
    at = len(identifier) + len(_DIGEST)
    try:
        return identifier, a2b_base64(piece[at : at + _DIGEST_LENGTH])
    except BadBase64:
        return identifier, b""
