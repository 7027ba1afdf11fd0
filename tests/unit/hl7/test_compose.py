"""Our own writing: canonical, and the same text in every leaf."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.hl7.compose import compose, fields_of
from gateway.hl7.delimiters import Delimiters
from gateway.hl7.escapes import escape
from gateway.hl7.message import Message

ODD = Delimiters("#", "$", "%", "*", "@")


@given(st.text(min_size=1).filter(lambda text: text.strip() and text != '""'), st.booleans())
def test_texts_survive_the_change_of_delimiters_and_character_set(text: str, odd: bool) -> None:
    """What a sender said in its own way reads the same in ours."""
    d = ODD if odd else Delimiters()
    written = escape(text, d)
    line = d.field.join(["PID", "", "", "", "", f"a{d.component}{written}{d.subcomponent}z"])
    raw = f"MSH{d.field}{d.encoding}{d.field}A\r{line}\r".encode()
    message = Message.parse(raw)
    again = compose(fields_of(segment) for segment in message)
    assert again.get("PID-5.2") == message.get("PID-5.2") == text
    assert again.get("PID-5.2.2") == "z"
    assert again.delimiters == Delimiters()
    assert not again.charset_guessed


def test_a_header_says_what_it_is_written_in() -> None:
    """MSH-1, 2 and 18 are ours, the rest the sender's."""
    message = Message.parse(b"MSH#$%*@#A$B\rZNE#x%y\r")
    assert compose(fields_of(segment) for segment in message).raw == (
        b"MSH|^~\\&|A^B|||||||||||||||UNICODE UTF-8\rZNE|x~y\r"
    )


def test_what_a_header_escapes_is_written_anew() -> None:
    """MSH-2 holds the escape character and is no escape; a later field that has one is."""
    plain, odd = Message.parse(b"MSH|^~\\&|A^B\r"), Message.parse(b"MSH|^~\\&|A\\X42\\C^\\T\\\r")
    assert fields_of(plain.msh)[3] == "A^B"
    assert fields_of(odd.msh)[3] == "ABC^\\T\\"
