"""The forms in which values are stored."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.journal.stored import (
    LONGEST_TEXT,
    canonical,
    canonical_object,
    canonical_words,
    moment,
    new_id,
    optional_moment,
    optional_stamp,
    row_digest,
    seal_of,
    stamp,
    storable,
)

ZONES = st.integers(-12, 12).map(lambda hours: timezone(timedelta(hours=hours)))
TIMES = st.datetimes(datetime(1900, 1, 2), datetime(9000, 1, 1), timezones=ZONES)


@given(TIMES, TIMES)
def test_times_sort_as_text_as_they_do_as_times(one: datetime, other: datetime) -> None:
    """Both databases compare times as text; it is of one width and in UTC."""
    assert (stamp(one) < stamp(other)) == (one < other)
    assert len(stamp(one)) == len(stamp(other)) == 27
    assert moment(stamp(one)) == one
    assert moment(stamp(one)).tzinfo == UTC


def test_a_time_without_a_zone_is_refused() -> None:
    """Nobody could say which moment it is."""
    with pytest.raises(ValueError, match="zone"):
        stamp(datetime(2026, 11, 21))
    assert optional_stamp(None) is None
    assert optional_moment(None) is None


@given(st.text(max_size=600), st.text(max_size=600))
def test_any_text_can_be_stored_and_stays_itself(one: str, other: str) -> None:
    """Every database takes it, it is bounded, the same stays the same."""
    kept = storable(one)
    assert "\0" not in kept
    assert len(kept) <= LONGEST_TEXT
    kept.encode("utf-8")
    assert storable(one) == kept
    if len(one) > LONGEST_TEXT and len(other) > LONGEST_TEXT:
        assert (storable(other) == kept) == (one == other)


def test_usual_text_is_stored_as_it_is() -> None:
    """Control ids, senders and events are readable in the database."""
    assert storable("ADT^A01") == "ADT^A01"
    assert storable("Niccolò") == "Niccolò"


@given(st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.binary() | st.text()))
def test_a_row_has_one_digest(values: dict[str, object]) -> None:
    """Whatever the order of its columns; a new empty column changes nothing, a new value does."""
    backwards = dict(reversed(values.items()))
    assert row_digest(values) == row_digest(backwards)
    assert row_digest({**values, "later": None}) == row_digest({**values, "later": None})
    assert row_digest(values) != row_digest({**values, "xxxxxx": 1})


VALUES = st.none() | st.integers() | st.booleans() | st.text() | st.binary()


@given(st.dictionaries(st.text(max_size=5), VALUES), st.lists(st.text()))
def test_what_is_put_together_is_the_canonical_json(values: dict, words: list[str]) -> None:
    """Without the encoder, for speed, but the same bytes for every value a column can have."""
    plain = {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in values.items()
        if value is not None
    }
    told = json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()
    assert row_digest(values) == hashlib.sha256(told).hexdigest()
    assert row_digest(values, sorted(values)) == row_digest(values)
    assert row_digest({**values, "zzzzzz": 1}, sorted(values)) == row_digest(values)
    assert canonical_words(words) == json.dumps(words, separators=(",", ":"))


def test_digests_can_be_computed_by_others() -> None:
    """Canonical JSON and SHA-256, nothing of our own."""
    row = {"b": b"\x01", "a": 1, "c": None, "d": True}
    assert row_digest(row) == hashlib.sha256(b'{"a":1,"b":"01","d":true}').hexdigest()
    assert seal_of(b"x") == hashlib.sha256(b"x").hexdigest()
    assert seal_of(None) is None
    assert json.loads(canonical({"è": [1]})) == {"è": [1]}
    assert canonical({"è": 1}).isascii()


def test_ids_grow_and_never_repeat() -> None:
    """Also from many threads; so that rows of one moment keep their order."""
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: [new_id() for _ in range(500)], range(4)))
    for ids in made:
        assert ids == sorted(ids)
    everything = [each for ids in made for each in ids]
    assert len(set(everything)) == 2000
    assert {len(each) for each in everything} == {32}


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(max_size=5), NESTED))
def test_an_object_is_its_canonical_json(values: dict[str, object]) -> None:
    """Notes and facts are written without the encoder: whatever is in them, the same bytes."""
    assert canonical_object(values) == canonical(values)
