"""The kinds of value in settings files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings import Settings
from gateway.units import Address, Duration, Istat, Label, address, duration, size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30 s", 30), ("5 min", 300), ("10 days", 864000), ("1 day", 86400), ("1.5 h", 5400),
     ("500 ms", 0.5), ("2h", 7200)],
)  # fmt: skip
def test_durations(text: str, seconds: float):
    """A number and a unit, as one says it."""
    assert duration(text) == timedelta(seconds=seconds)
    assert duration(duration(text)) == duration(text)


@pytest.mark.parametrize("text", ["", "30", "s", "-1 s", "5 parsecs", "1e3 s", "٣ s", None, 30])
def test_what_is_no_duration(text: object):
    """A bare number could be seconds or minutes: it is refused, with examples."""
    with pytest.raises(ValueError, match="such as '30 s'"):
        duration(text)


def test_a_duration_longer_than_a_life():
    """No date overflows later: it is refused here."""
    with pytest.raises(ValueError, match="hundred years"):
        duration("999999999.999 days")


def test_a_setting_of_no_time_is_refused():
    """A time-out of nothing would never let anything pass."""

    class Wait(Settings):
        wait: Duration

    with pytest.raises(ValueError, match="more than nothing"):
        Wait(wait="0 s")  # type: ignore[arg-type]  # text, as a file has it


@pytest.mark.parametrize(
    ("text", "count"), [("4 MiB", 4 * 2**20), ("512 KiB", 2**19), ("7 B", 7), ("7", 7), (7, 7)]
)
def test_sizes(text: object, count: int):
    """Binary units, or bytes."""
    assert size(text) == count


@pytest.mark.parametrize("text", ["4 MB", "4M", "-1", "", "x"])
def test_what_is_no_size(text: str):
    """MB could be 1000 or 1024: refused."""
    with pytest.raises(ValueError, match="such as '4 MiB'"):
        size(text)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:2575", "127.0.0.1", 2575), ("[::1]:0", "::1", 0),
     ("his.example:1", "his.example", 1), ("localhost:65535", "localhost", 65535)],
)  # fmt: skip
def test_addresses(text: str, host: str, port: int):
    """Host and port; IPv6 in brackets; written back the same."""
    assert address(text) == Address(host, port)
    assert str(address(text)) == text


@pytest.mark.parametrize(
    "text", ["", "2575", "host", ":2575", "::1:2575", "a b:1", "http://a:1", "a:65536", "[::x]:1",
             "[:::]:1", "-a:1", "a@b:1", "a:1\n"],
)  # fmt: skip
def test_what_is_no_address(text: str):
    """Only HOST:PORT."""
    with pytest.raises(ValueError, match="must be"):
        address(text)


@given(st.text(max_size=30))
def test_no_text_breaks_a_reader(text: str):
    """Any text is read or refused with a ValueError, and the refusal does not repeat it."""
    for reader in (duration, size, address):
        # Without what it says to everybody: a text may happen to be a word of that.
        said = refused(reader, text).replace(refused(reader, "\0"), "")
        assert len(text) < 4 or text not in said


def refused(reader: Callable[[str], object], text: str) -> str:
    """What the reader says of this text; '' if it reads it."""
    try:
        reader(text)
    except ValueError as error:
        return str(error)
    return ""


class Named(Settings):
    label: Label = "a"
    istat: Istat = "015146"


@pytest.mark.parametrize("label", ["", "a b", "-a", "a" * 65, "a\n", "a=b", 'a"'])
def test_labels_are_safe_in_logs_and_metrics(label: str):
    """A name cannot break a log line."""
    with pytest.raises(ValueError, match="short name"):
        Named(label=label)


@pytest.mark.parametrize("istat", ["15146", "0151460", "A15146", "٠١٥١٤٦"])
def test_istat_codes_have_six_digits(istat: str):
    """The leading zero counts."""
    with pytest.raises(ValueError, match="six digits"):
        Named(istat=istat)
