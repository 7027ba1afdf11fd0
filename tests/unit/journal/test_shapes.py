"""Rows at hand: their digests, and what a change makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.journal.rows import ATTEMPTS, CALLBACKS, CASES, MESSAGES, SUBMISSIONS
from gateway.journal.shapes import Shape
from gateway.journal.stored import row_digest
from gateway.journal.tables import CIPHERS, EVIDENCED, ROWS_IN_EVIDENCE

SHAPES = (MESSAGES, CASES, SUBMISSIONS, ATTEMPTS, CALLBACKS)
VALUES = st.none() | st.integers() | st.booleans() | st.text(max_size=9) | st.binary(max_size=9)


def some_row(shape: Shape, draw: st.DataObject) -> dict[str, Any]:
    """A value for every column of its table."""
    names = [column.name for column in ROWS_IN_EVIDENCE[shape.name].c]
    values = {name: draw.draw(VALUES) for name in names}
    return {**values, "version": 7} if "version" in names else values


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
@given(draw=st.data())
def test_a_row_at_hand_has_the_digest_that_verification_computes(
    shape: Shape, draw: st.DataObject
) -> None:
    """Verification has its own way to it; every table of the evidence has a shape."""
    values = some_row(shape, draw)
    assert shape.digest(shape.of(values)) == row_digest(values, EVIDENCED[shape.name])
    assert {each.name for each in SHAPES} == set(EVIDENCED)


@pytest.mark.parametrize("shape", SHAPES[1:], ids=lambda shape: shape.name)
@given(draw=st.data())
def test_a_change_is_the_next_version(shape: Shape, draw: st.DataObject) -> None:
    """What was given is changed, a ciphertext left out, everything else as it was."""
    before, given_values = some_row(shape, draw), some_row(shape, draw)
    wanted = draw.draw(st.sets(st.sampled_from(sorted(before.keys() - {"version"}))))
    changes = {name: given_values[name] for name in wanted}
    after = shape.changed(shape.of(before), changes)
    assert after == shape.of({**before, **changes, "version": 8})
    assert shape.version(after) == 8
    assert not {column.name for column in shape.columns} & set(CIPHERS[shape.name])
