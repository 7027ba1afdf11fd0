"""Feeds that fall silent: told once, and taken back once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.silence import Silence
from tests.births import GIULIA, SENDER, House

HOUR = timedelta(hours=1)


class Watch:
    """A silence over one sender, its clock, and what it told."""

    def __init__(self, house: House) -> None:
        self.now = datetime.now(UTC)
        self.told: list[tuple[str, float | None]] = []
        senders = [SENDER.model_copy(update={"silence": HOUR})]
        senders.append(SENDER.model_copy(update={"name": "altro"}))
        self.silence = Silence(senders, house.journal, lambda: self.now, self._hear)

    def _hear(self, event: str, *_: str, sender: str, seconds: float = 0, path: str = "") -> None:
        assert (event, path) in (("alarm", "silence"), ("heard_again", ""))
        self.told.append((sender, seconds or None))

    def after(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)
        self.silence.look()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A node, whose journal another one shares."""
    with House(tmp_path) as made:
        yield made


def test_a_start_is_no_alarm(house: House) -> None:
    """Nobody knows how long the hospital was silent before: time runs from the start."""
    watch = Watch(house)
    watch.after(59)
    assert watch.told == []
    assert watch.silence.note() == {}


def test_a_feed_that_falls_silent_is_told_once(house: House) -> None:
    """One alarm for one silence, a figure while it lasts, and a word when it ends."""
    watch = Watch(house)
    watch.after(61)
    watch.after(1)
    assert watch.told == [("santa-prova", 3660)]
    assert watch.silence.seconds() == {"santa-prova": 3720.0}
    assert watch.silence.note() == {"santa-prova": "silent for 3720 s"}
    watch.silence.heard("santa-prova")
    watch.after(0)
    assert watch.told[1:] == [("santa-prova", None)]
    assert watch.silence.seconds() == {"santa-prova": 0.0}


def test_a_message_ends_the_wait(house: House) -> None:
    """Whatever became of it: a feed that is refused is not silent."""
    watch = Watch(house)
    for _ in range(4):
        watch.after(40)
        watch.silence.heard("santa-prova")
    assert watch.told == []


def test_what_another_node_hears_counts(house: House) -> None:
    """The hospital may speak to the other node: the journal knows."""
    watch = Watch(house)
    house.hears(GIULIA.message("A01"))
    watch.after(0.05)
    watch.now += timedelta(minutes=59.5)
    watch.silence.look()
    assert watch.told == []


def test_nobody_else_is_watched(house: House) -> None:
    """A sender without a time may say nothing for ever."""
    watch = Watch(house)
    watch.silence.heard("altro")
    watch.after(600)
    assert [name for name, _ in watch.told] == ["santa-prova"]
    assert Silence([SENDER], house.journal, lambda: watch.now, watch._hear).every is None


def test_a_short_time_is_looked_at_often(house: House) -> None:
    """Four looks in it, and never fewer than one in half a minute."""
    short = SENDER.model_copy(update={"silence": timedelta(seconds=8)})
    made = Silence([short], house.journal, lambda: datetime.now(UTC), lambda *_: None)
    assert made.every == timedelta(seconds=2)
    assert Watch(house).silence.every == timedelta(seconds=30)
