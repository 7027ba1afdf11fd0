"""Escape sequences in three readings, and texts that come back."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hl7.delimiters import STANDARD, Delimiters
from gateway.hl7.escapes import HexReading, escape, unescape

ODD = Delimiters("#", "$", "%", "*", "@")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r"\F\\S\\R\\T\\E\ ", "|^~&\\ "),
        (r"a\.br\b", "a\nb"),
        (r"\X0D0A\x", "\r\nx"),
        (r"C:\dir\file", r"C:\dir\file"),
        (r"C:\dir\.br\x", "C:\\dir\nx"),
        (r"\H\bold\N\ ", r"\H\bold\N\ "),
        (r"\X4\ ", r"\X4\ "),
        (r"\Xzz\ ", r"\Xzz\ "),
        ("\\", "\\"),
        ("", ""),
    ],
)
def test_sequences_are_read_and_what_is_none_stays(written: str, text: str) -> None:
    """Delimiters, line breaks and hexadecimal; a lone backslash is a backslash."""
    assert unescape(written, STANDARD, "utf-8") == text


@pytest.mark.parametrize(
    ("written", "codec", "reading", "text"),
    [
        (r"\XC3A8\ ", "iso8859-1", "auto", "è "),
        (r"\XC3\\XA8\ ", "utf-8", "auto", "è "),
        (r"\XE8\ ", "iso8859-1", "auto", "è "),
        (r"\XE8\ ", "utf-8", "auto", "è "),
        (r"\X00E8\ ", "utf-8", "auto", "è "),
        (r"\X00E800E0\ ", "utf-8", "auto", "èà "),
        (r"\XC3\\X00E8\ ", "iso8859-1", "auto", "Ãè "),
        (r"\XC3A8\ ", "iso8859-1", "charset", "Ã¨ "),
        (r"\XC3A8\ ", "iso8859-1", "utf-8", "è "),
        (r"\XE8\ ", "iso8859-1", "utf-8", r"\XE8\ "),
        (r"\X0160\ ", "utf-8", "codepoint", "Š "),
        (r"\XE8\ ", "iso8859-1", "codepoint", "è "),
        (r"\XD800\ ", "utf-8", "codepoint", r"\XD800\ "),
        (r"\XE8\ ", "utf-8", "charset", r"\XE8\ "),
    ],
)
def test_hexadecimal_has_three_readings(
    written: str, codec: str, reading: HexReading, text: str
) -> None:
    """Bytes of the message's set, UTF-8 bytes, or 00hh code points; what cannot be read stays."""
    assert unescape(written, STANDARD, codec, reading) == text


def test_delimiters_are_the_messages_own() -> None:
    """Sequences are written with the escape character of MSH-2 and stand for its delimiters."""
    assert unescape("*F**S**R**T**E*", ODD, "utf-8") == "#$%@*"
    assert escape("#$%@*|", ODD) == "*F**S**R**T**E*|"


@given(st.text(), st.sampled_from([STANDARD, ODD]))
def test_any_text_comes_back(text: str, delimiters: Delimiters) -> None:
    """Escaping and reading again loses nothing, control characters included."""
    written = escape(text, delimiters)
    assert unescape(written, delimiters, "utf-8") == text
    assert not set(written) & set("\r\n\x0b\x1c" + delimiters.field + delimiters.component)


def test_without_an_escape_character_nothing_is_escaped() -> None:
    """A message without one (2.1) cannot hold delimiters: they are dropped, never written."""
    bare = Delimiters("|", "^", "", "", "")
    assert escape("a|b^c\r~", bare) == "abc~"
    assert unescape(r"a\F\b", bare, "utf-8") == r"a\F\b"


@pytest.mark.parametrize("hostile", ["\\", "\\X41", "\\X41\\", "\\F", "\\X4"])
def test_hostile_sequences_are_read_in_linear_time(hostile: str) -> None:
    """A megabyte of half sequences costs no more than a megabyte of text should."""
    text = hostile * (10**6 // len(hostile))
    started = time.process_time()
    unescape(text, STANDARD, "utf-8")
    assert time.process_time() - started < 5
