"""What the bench of a region promises, held against courses that keep it and that do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from bench.day import Day
from bench.region import Course, Row, bars, judgement, table

PART = {"count": 100.0, "seconds": 0.05, "p50_ms": 20.0, "p99_ms": 40.0, "max_ms": 50.0}
USED = {"gateway": 0.03, "feed": 0.01, "others": 0.0, "rss": 200.0, "wal": 9.0, "wrong": 0.0}


def rows(**late: float) -> list[Row]:
    """Twenty parts of a good day; the last tenth is as said."""
    told = [{**PART, **USED, "messages": 100.0 * n, "journal": 0.1 * n} for n in range(1, 21)]
    return [*told[:18], *({**row, **late} for row in told[18:])]


@pytest.fixture
def course() -> Course:
    """A good day."""
    return Course(Day(2000, 4, 4, datetime(2026, 11, 22)), rows(), signature_ms=0.3)


def kept(course: Course) -> list[bool]:
    """Which promises were: rate, answers, memory, waits, births."""
    return [met for _, _, met in bars(course)]


def test_a_good_day_keeps_every_promise(course: Course) -> None:
    """Twice the rate that is asked, and flat."""
    assert kept(course) == [True] * 5
    assert "NO" not in "\n".join(table(course) + judgement(bars(course)))


@pytest.mark.parametrize(
    ("late", "broken"),
    [({"rss": 220.0}, 2), ({"p99_ms": 60.0}, 3), ({"seconds": 0.7}, 0)],
)
def test_an_end_that_is_worse_than_the_beginning_breaks_one(
    course: Course, late: dict[str, float], broken: int
) -> None:
    """Memory that grew, waits that grew, a rate that fell."""
    assert kept(replace(course, rows=rows(**late))) == [each != broken for each in range(5)]


def test_a_wrong_answer_and_a_birth_that_is_missing_break_theirs(course: Course) -> None:
    """One is too many; what is missing is named."""
    assert kept(replace(course, wrong=1)) == [True, False, True, True, True]
    lost = replace(course, faults=["B00001: comune: never arrived"])
    assert kept(lost) == [True, True, True, True, False]
    assert "- B00001: comune: never arrived" in table(lost)


def test_what_a_message_costs_is_told(course: Course) -> None:
    """CPU and journal of one message, from what the rows say."""
    assert course.cpu_ms == pytest.approx(0.3)
    assert course.bytes_a_message == pytest.approx(0.1 * 2**20 / 100)
