"""Places in a message, as paths and as ERR-2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hl7.location import Location

small = st.integers(1, 99)
many = st.integers(2, 99)


@pytest.mark.parametrize(
    ("path", "location", "err2"),
    [
        ("PID", Location("PID"), "PID^1"),
        ("NK1[2]", Location("NK1", 2), "NK1^2"),
        ("PID-3", Location("PID", 1, 3), "PID^1^3"),
        ("PID-3[2]", Location("PID", 1, 3, 2), "PID^1^3^2"),
        ("NK1[2]-33[2].4.2", Location("NK1", 2, 33, 2, 4, 2), "NK1^2^33^2^4^2"),
    ],
)
def test_paths_and_err2_say_the_same_place(path: str, location: Location, err2: str) -> None:
    """A path read and written is the same path; ERR-2 reads back to the same place."""
    assert Location.parse(path) == location
    assert str(location) == path
    assert location.err2 == err2
    assert Location.from_err2(err2) == location


def test_a_component_without_repetition_points_at_the_first() -> None:
    """ERR-2 of MSH-9.2 is MSH^1^9^1^2."""
    assert Location.parse("MSH-9.2").err2 == "MSH^1^9^1^2"


@given(st.builds(Location, st.just("PID"), small, small, many, small, small))
def test_every_place_comes_back(location: Location) -> None:
    """No place is changed by being written."""
    assert Location.parse(str(location)) == location
    assert Location.from_err2(location.err2) == location


@pytest.mark.parametrize("path", ["", "PI", "PID-", "PID-3[", "PID-3.1.2.3", "PID-x", "PID-3[2]x"])
def test_what_is_no_path_is_refused(path: str) -> None:
    """A misspelt path is an error, not another place."""
    with pytest.raises(ValueError, match="not a path"):
        Location.parse(path)


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("", None),
        ("PATIENT^1", None),
        ("PID^x", None),
        ("PID^1^²", None),
        ("PID", Location("PID")),
        ("PID^^5", Location("PID", 1, 5)),
        ("PID^1^5^^^^9", Location("PID", 1, 5)),
    ],
)
def test_a_peers_err2_is_read_as_far_as_it_can_be(text: str, location: Location | None) -> None:
    """What a peer writes there never raises."""
    assert Location.from_err2(text) == location
