"""HL7 messages out of files as people have them."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.messages import read_messages
from gateway.hl7.framing import wrap

ONE = b"MSH|^~\\&|A|B\rEVN|A01\r"
TWO = b"MSH|^~\\&|C|D\rPID|1\r"


def found(tmp_path: Path, content: bytes) -> list[bytes]:
    path = tmp_path / "x.hl7"
    path.write_bytes(content)
    return list(read_messages(path))


@pytest.mark.parametrize(
    "content",
    [
        ONE + TWO,
        wrap(ONE) + wrap(TWO),
        wrap(ONE) + b"\n" + wrap(TWO) + b"\n",
        (ONE + TWO).replace(b"\r", b"\n"),
        (ONE + TWO).replace(b"\r", b"\r\n"),
        ONE.replace(b"\r", b"\n") + b"\n\n" + TWO.replace(b"\r", b"\n") + b"\n",
        b"\xef\xbb\xbf" + ONE + TWO,
        b"FHS|^~\\&\rBHS|^~\\&\r" + ONE + TWO + b"BTS|2\rFTS|1\r",
        b"a note before\n" + (ONE + TWO).replace(b"\r", b"\n"),
    ],
    ids=["CR", "blocks", "blocks and LF", "LF", "CRLF", "blank lines", "BOM", "batch", "a note"],
)
def test_two_messages_in_one_file(tmp_path: Path, content: bytes):
    """However a person keeps them, they are read as two, with CR ends."""
    assert [m.rstrip(b"\r") for m in found(tmp_path, content)] == [
        ONE.rstrip(b"\r"),
        TWO.rstrip(b"\r"),
    ]


def test_a_framed_file_without_its_last_end(tmp_path: Path):
    """A capture that stops in the middle of the end of block still holds the message."""
    assert found(tmp_path, wrap(ONE)[:-1]) == [ONE]
    assert found(tmp_path, wrap(ONE)[:-2]) == [ONE]


def test_an_lf_inside_a_cr_message_is_kept(tmp_path: Path):
    """Where segments end with CR, an LF belongs to a value."""
    content = b"MSH|^~\\&|A\rNTE|1|a\nb\r"
    assert found(tmp_path, content) == [content]


def test_msh_inside_a_value_starts_no_message(tmp_path: Path):
    """Only at the start of a line."""
    content = b"MSH|^~\\&|A\rNTE|1|MSH|x\r"
    assert found(tmp_path, content) == [content]


@pytest.mark.parametrize("content", [b"", b"PID|1\r", b"hello", b"MSHABC", b"\x0b\x1c\r"])
def test_a_file_without_a_message(tmp_path: Path, content: bytes):
    """It is named; nothing is sent of it."""
    with pytest.raises(click.ClickException, match="holds no HL7 message"):
        found(tmp_path, content)


@given(st.binary(max_size=200))
def test_no_bytes_break_it(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    """Any file gives messages or says that it has none."""
    path = tmp_path_factory.mktemp("m") / "x.hl7"
    path.write_bytes(content)
    try:
        messages = list(read_messages(path))
    except click.ClickException:
        return
    assert messages
