"""Delimiters as MSH says them."""

from __future__ import annotations

import pytest

from gateway.hl7.delimiters import STANDARD, Delimiters


@pytest.mark.parametrize(
    ("field", "encoding", "delimiters"),
    [
        ("|", "^~\\&", STANDARD),
        ("|", "^~\\&#", STANDARD),
        ("|", "^~\\\\&", STANDARD),
        ("#", "$%*@", Delimiters("#", "$", "%", "*", "@")),
        ("|", "^", Delimiters("|", "^", "", "", "")),
        ("|", "", Delimiters("|", "", "", "", "")),
    ],
)
def test_encoding_characters_are_read_in_order(
    field: str, encoding: str, delimiters: Delimiters
) -> None:
    """A short MSH-2 leaves delimiters out; a character said twice counts once."""
    assert Delimiters.of(field, encoding) == delimiters


def test_delimiters_are_written_as_they_are_read() -> None:
    """MSH-2 of our answers is the sender's."""
    assert STANDARD.encoding == "^~\\&"
