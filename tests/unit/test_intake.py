"""What is kept of what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import BlockTooLarge, NotWhole, PeerError
from gateway.hl7.message import Message
from tests.births import ROOT, House, run

UNNAMED = (ROOT / "mappings" / "samples" / "anonima.hl7").read_bytes().replace(b"\n", b"\r")
MOTHER = Message.parse(UNNAMED).first("NK1")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A gateway with one hospital."""
    with House(tmp_path) as made:
        yield made


def kept(house: House, piece: bytes, error: PeerError) -> bytes:
    """What an operator can still read of a piece that is refused."""
    run(house.intake.refuse(piece, error))
    with house.journal.view() as view:
        return view.reject_body(view.rejects()[0].id) or b""


@pytest.mark.parametrize("error", [NotWhole("cut"), BlockTooLarge("too large")])
def test_of_a_mother_whose_message_was_cut_nothing_is_kept(house: House, error: PeerError) -> None:
    """Her wish may stand in what is missing: wherever it was cut, she is not in what is kept."""
    assert MOTHER is not None
    names = [each.encode() for each in (MOTHER.text(2, 1, 1), MOTHER.text(2, 1, 2)) if each]
    assert len(names) == 2
    for end in range(UNNAMED.index(names[-1]) + len(names[-1]), len(UNNAMED), 7):
        body = kept(house, UNNAMED[:end], error)
        assert body.startswith(b"MSH|")
        assert not [name for name in names if name in body]


@pytest.mark.parametrize("piece", [b"NK1|1|FONTANA^RITA|MTH\r", b"\xff" + UNNAMED])
def test_of_bytes_that_belong_to_no_message_only_the_outline_is_kept(
    house: House, piece: bytes
) -> None:
    """Names of segments, for whoever looks for the mistake."""
    body = kept(house, piece, NotWhole("stray"))
    assert b"FONTANA" not in body
    assert b"NK1" in body
