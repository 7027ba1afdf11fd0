"""Character sets: names as feeds write them, and bytes that always come back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigurationError
from gateway.hl7.charset import WINDOWS, codec_of, decode, encode, named_codec, read

NAMES = {
    "ASCII": "ascii",
    "8859/1": "iso8859-1",
    "8859/15": "iso8859-15",
    "ISO IR100": "iso8859-1",
    "ISO_IR 192": "utf-8",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "utf-8": "utf-8",
    "ISO IR87": "iso2022_jp_ext",
    "ISO IR159": "iso2022_jp_ext",
    "GB 18030-2000": "gb18030",
    "BIG-5": "big5",
    "KS X 1001": "euc_kr",
    "windows-1252": "windows-1252",
    "ISO IR 999": None,
    "rot13": None,
    "idna": None,
}


@pytest.mark.parametrize("name", NAMES)
def test_names_of_table_0211_and_their_variants_are_known(name: str) -> None:
    """A name finds its codec; a name out of a message never reaches Python's registry."""
    assert codec_of(name) == NAMES[name]


def test_every_codec_of_the_table_exists() -> None:
    """No name of the table fails when it is first met."""
    for codec in filter(None, NAMES.values()):
        assert decode(encode("A", codec), codec) == "A"


@given(st.binary())
def test_windows_1252_reads_and_writes_every_byte(raw: bytes) -> None:
    """The last resort never fails and loses nothing."""
    assert encode(decode(raw, WINDOWS), WINDOWS) == raw


@pytest.mark.parametrize(
    ("raw", "named", "text", "codec", "guessed"),
    [
        (b"abc", None, "abc", "utf-8", False),
        ("è".encode(), None, "è", "utf-8", True),
        (b"\xe8\x80", None, "è€", WINDOWS, True),
        (b"\xe8", "8859/1", "è", "iso8859-1", False),
        ("è".encode(), "UNICODE UTF-8", "è", "utf-8", False),
        (b"\xe8", "UNICODE UTF-8", "è", WINDOWS, True),
        ("è".encode(), "ASCII", "è", "utf-8", True),
        (b"abc", "ISO IR 999", "abc", "utf-8", True),
        ("日本".encode("iso2022_jp"), "ISO IR87", "日本", "iso2022_jp_ext", False),
        ("中文".encode("gb18030"), "GB 18030-2000", "中文", "gb18030", False),
    ],
)
def test_a_wrong_or_absent_name_falls_back_and_is_marked(
    raw: bytes, named: str | None, text: str, codec: str, guessed: bool
) -> None:
    """MSH-18, else strict UTF-8, else windows-1252; and the message says that it was guessed."""
    assert read(raw, named) == (text, codec, guessed)


def test_a_setting_with_an_unknown_name_is_a_mistake_of_configuration() -> None:
    """Our own settings are not guessed at."""
    assert named_codec("8859/1") == "iso8859-1"
    with pytest.raises(ConfigurationError, match="0211"):
        named_codec("klingon")
