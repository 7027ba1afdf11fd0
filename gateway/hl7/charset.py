"""Names of character sets (HL7 table 0211 and what feeds write instead) and reversible reading.

Only the closed table below is ever asked of Python's codecs: a name out of a message never
reaches the codec registry. The set is MSH-18's first repetition; where that is empty or wrong,
strict UTF-8, then windows-1252, and the message is marked as guessed.
"""

from __future__ import annotations

import codecs
from functools import lru_cache

from gateway.errors import ConfigurationError

WINDOWS = "windows-1252"
UTF8 = "utf-8"
_LATIN = {"100": 1, "101": 2, "109": 3, "110": 4, "144": 5, "127": 6, "126": 7, "138": 8, "148": 9}
_JAPANESE = "iso2022_jp_ext"

_CODECS = {
    "ASCII": "ascii",
    "USASCII": "ascii",
    "ISOIR6": "ascii",
    **{f"8859{n}": f"iso8859-{n}" for n in range(1, 17) if n != 12},
    **{f"ISO8859{n}": f"iso8859-{n}" for n in range(1, 17) if n != 12},
    **{f"ISOIR{registration}": f"iso8859-{n}" for registration, n in _LATIN.items()},
    "LATIN1": "iso8859-1",
    "UNICODE": UTF8,
    "UNICODEUTF8": UTF8,
    "UTF8": UTF8,
    "ISOIR192": UTF8,
    "ISOIR13": _JAPANESE,
    "ISOIR14": _JAPANESE,
    "ISOIR87": _JAPANESE,
    "ISOIR159": _JAPANESE,
    "ISO2022JP": _JAPANESE,
    "ISO2022JPEXT": _JAPANESE,
    "GB180302000": "gb18030",
    "GB18030": "gb18030",
    "BIG5": "big5",
    "KSX1001": "euc_kr",
    "EUCKR": "euc_kr",
    "WINDOWS1252": WINDOWS,
    "CP1252": WINDOWS,
}


@lru_cache(maxsize=256)
def codec_of(name: str) -> str | None:
    """The codec for a name of table 0211 (`8859/1`, `UNICODE UTF-8`) or None if unknown."""
    return _CODECS.get("".join(filter(str.isalnum, name[:40])).upper())


def named_codec(name: str) -> str:
    """As `codec_of`, for a name out of our own configuration: ConfigurationError if unknown."""
    codec = codec_of(name)
    if codec is None:
        raise ConfigurationError([f"charset {name!r} is not one of HL7 table 0211"])
    return codec


# windows-1252 leaves five bytes undefined; here they stand for themselves, so that every byte
# string can be read and written back.
_WINDOWS_TABLE = "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in range(256))
_WINDOWS_MAP = {ord(char): byte for byte, char in enumerate(_WINDOWS_TABLE)}


def decode(raw: bytes, codec: str) -> str:
    """Text of `raw`; raises UnicodeDecodeError where the bytes are not of that set."""
    if codec == WINDOWS:
        return codecs.charmap_decode(raw, "strict", _WINDOWS_TABLE)[0]
    return raw.decode(codec)


def encode(text: str, codec: str) -> bytes:
    """Bytes of `text`; raises UnicodeEncodeError where the set has no such character."""
    if codec == WINDOWS:
        return codecs.charmap_encode(text, "strict", _WINDOWS_MAP)[0]
    return text.encode(codec)


def read(raw: bytes, named: str | None) -> tuple[str, str, bool]:
    """(text, codec, guessed) of a whole message; `named` is MSH-18 or the sender's override.

    Guessed is True when the name was unknown or wrong, or when there was none and the bytes
    are not plain ASCII.
    """
    codec = codec_of(named) if named else None
    if codec is not None:
        try:
            return decode(raw, codec), codec, False
        except UnicodeDecodeError:
            pass
    guessed = bool(named) or not raw.isascii()
    try:
        return raw.decode(UTF8), UTF8, guessed
    except UnicodeDecodeError:
        return decode(raw, WINDOWS), WINDOWS, True
