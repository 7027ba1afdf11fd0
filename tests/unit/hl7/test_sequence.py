"""Sequence numbers: which message is taken, and what is said to come next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import MessageRefused, OutOfSequence
from gateway.hl7.message import Message
from gateway.hl7.sequence import number_of, step


def numbered(said: str, content: str = "") -> Message:
    """A message with this MSH-13."""
    return Message.parse(f"MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5|{said}\r{content}".encode())


@pytest.mark.parametrize(("said", "number"), [("0", 0), ("-1", -1), (" 7 ", 7), ("007", 7)])
def test_numbers_are_read(said: str, number: int) -> None:
    """Blanks and zeros in front change nothing."""
    assert number_of(numbered(said)) == number


@pytest.mark.parametrize(
    ("said", "code"),
    [("", 101), ('""', 102), ("-2", 102), ("1.5", 102), ("+1", 102), ("٣", 102), ("9" * 16, 102)],
)
def test_what_is_no_number_is_refused(said: str, code: int) -> None:
    """With the code and the place; never taken for a number it is not."""
    with pytest.raises(MessageRefused) as told:
        number_of(numbered(said))
    assert (told.value.code, told.value.location) == (code, "MSH^1^13")


def test_what_starts_a_link_has_no_content() -> None:
    """A patient in such a message would be dropped in silence: it is refused."""
    assert number_of(numbered("0", "EVN|A01\r")) == 0
    with pytest.raises(MessageRefused, match="carry no content"):
        number_of(numbered("-1", "PID|1\r"))


@given(st.text(max_size=20))
def test_any_text_is_a_number_or_refused(said: str) -> None:
    """Nothing else comes out, whatever is sent."""
    line = "".join(c for c in said if c not in "|\r\n")
    try:
        number = number_of(numbered(line))
    except MessageRefused:
        return
    assert number >= -1


@given(st.lists(st.integers(-1, 6), max_size=40))
def test_a_link_takes_each_number_once_and_in_order(numbers: list[int]) -> None:
    """Between two restarts the numbers taken are consecutive, whatever is sent."""
    expected: int | None = None
    taken: list[int] = []
    for number in numbers:
        try:
            made = step(number, expected)
        except OutOfSequence:
            continue
        if number == -1:
            taken.clear()
        elif number > 0:
            taken.append(number)
        expected = made.expected
        assert made.told == (-1 if not taken and expected is None else expected)
        assert taken == list(range(taken[0], taken[0] + len(taken))) if taken else True
