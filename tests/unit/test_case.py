"""The dossiers that are kept while a birth's steps go on."""

from __future__ import annotations

from gateway.case import Case, decoded
from gateway.flow.context import Context
from gateway.hl7.dossier import Dossier, fold
from gateway.hl7.message import Message
from gateway.recent import MOST


def dossier(control_id: str) -> Dossier:
    """Of one message."""
    raw = f"MSH|^~\\&|HIS|H|ICARO|ICARO|20261122||ADT^A01|{control_id}|P|2.5\rPID|1||7\r"
    return fold(None, Message.parse(raw.encode()), "m1")


def stored(told: Dossier) -> bytes:
    """As a case stores it."""
    return Case(None, told, Context(), None, None).stored  # type: ignore[arg-type]  # only the dossier is asked


def test_what_was_stored_is_read_without_being_parsed_again() -> None:
    """The dossier that a unit stored is the one that the next unit finds in its bytes."""
    told = dossier("1")
    assert decoded(stored(told)) is told


def test_bytes_that_nobody_stored_here_are_read() -> None:
    """Another process stored them, or they are older than what is kept."""
    kept = dossier("2").encode()
    found = decoded(kept)
    assert (found.encode(), decoded(kept)) == (kept, found)


def test_what_is_kept_is_bounded() -> None:
    """The oldest is forgotten, and read again where it is asked for."""
    first = dossier("3")
    kept = stored(first)
    for number in range(MOST):
        stored(dossier(f"4-{number}"))
    assert decoded(kept) is not first
    assert decoded(kept).origins == first.origins
