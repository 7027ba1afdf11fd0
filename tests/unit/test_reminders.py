"""Who is told of terms, when, and how often."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from gateway.clocks import Standing
from gateway.reminders import EVERY, Reminder, Reminders, Telling
from gateway.telemetry import Log, Metrics
from tests.births import GIULIA, House


class Reactor(Clock):
    """Twisted's own clock, whose threads work at once."""

    def getThreadPool(self) -> Reactor:  # Twisted's own word
        return self

    def callInThreadWithCallback(  # likewise
        self, on_result: Callable[..., None], work: Callable[..., Any], *arguments: Any
    ) -> None:
        try:
            on_result(True, work(*arguments))
        except Exception as error:
            on_result(False, Failure(error))

    def callFromThread(self, work: Callable[..., None], *arguments: Any) -> None:
        work(*arguments)


@dataclass
class Heard:
    """Who is told."""

    counts: list[Mapping[Standing, int]] = field(default_factory=list)
    fresh: list[Reminder] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)

    def terms(self, standing: Mapping[Standing, int], fresh: Sequence[Reminder]) -> None:
        """Keep it."""
        self.counts.append(dict(standing))
        self.fresh += fresh

    def alarm(self, what: str, error: BaseException) -> None:
        """Keep it."""
        self.alarms.append(f"{what} {type(error).__name__}")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A node with a birth of the day before, not declared."""
    with House(tmp_path) as made:
        born = datetime.now() - timedelta(days=1)
        made.hears(replace(GIULIA, given="BABY", born=born).message("A01"))
        yield made


def test_a_term_is_told_of_once_when_it_is_near_and_once_when_it_has_passed(house: House):
    """However often it is looked; the counts are told every time."""
    reactor, heard, now = Reactor(), Heard(), [datetime.now(UTC)]
    reminders = Reminders(reactor, house.journal, lambda: house.flow, lambda: now[0], heard)
    reminders.begin()
    assert heard.counts == [{Standing.RUNS: 2}]
    assert heard.fresh == []
    now[0] += timedelta(days=60)
    for _ in range(3):
        reactor.advance(EVERY.total_seconds())
    case = house.case().id
    assert heard.fresh == [
        (case, "declare at the Comune", Standing.PASSED),
        (case, "declare at the birth centre", Standing.PASSED),
    ]
    assert heard.counts[1:] == [{Standing.PASSED: 2}] * 3
    reminders.stop()
    reactor.advance(EVERY.total_seconds() * 2)
    assert len(heard.counts) == 4
    reminders.stop()


def test_a_look_that_fails_is_an_alarm_and_the_next_one_comes(house: House):
    """A journal that cannot be read for a while silences no reminder for ever."""
    reactor, heard, flows = Reactor(), Heard(), [None, house.flow]
    broken: Any = lambda: flows.pop(0)  # noqa: E731  # a flow that is not there, then one that is
    reminders = Reminders(reactor, house.journal, broken, lambda: datetime.now(UTC), heard)
    reminders.begin()
    assert heard.alarms == ["clocks AttributeError"]
    reactor.advance(EVERY.total_seconds())
    assert heard.counts == [{Standing.RUNS: 2}]
    reminders.stop()


def test_many_terms_are_told_in_few_lines():
    """After a long night the log has twenty lines and a count, and the metrics have all."""
    stream, metrics = io.StringIO(), Metrics()
    telling = Telling(Log(stream, priority=False), metrics)
    many = [(f"c{number}", "transmit", Standing.PASSED) for number in range(30)]
    telling.terms({Standing.PASSED: 30}, many)
    telling.alarm("clocks", RuntimeError("ROSSI"))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "level=warning event=term_passed case=c0 term=transmit"
    assert len(lines) == 22
    assert lines[-2:] == [
        "level=warning event=terms_due count=30",
        "level=error event=alarm path=clocks error=RuntimeError",
    ]
    assert 'icaro_terms{standing="passed"} 30.0' in metrics.exposition().decode()
