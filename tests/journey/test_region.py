"""The bench of a region, with a small one: what it sends is taken, what is born arrives."""

from __future__ import annotations

from pathlib import Path

from bench import region


def test_a_small_day_arrives_whole(tmp_path: Path) -> None:
    """Every message answered by its own AA, every birth once everywhere with its code back."""
    course = region.run(600, 6, 12, keep=tmp_path / "stage")
    assert course.rows[-1]["messages"] == 600
    assert (course.wrong, course.faults) == (0, [])
    assert 300 < course.bytes_a_message < 20_000
