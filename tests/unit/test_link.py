"""A hospital's link with sequence numbers, through intake and journal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.hl7.acknowledgment import Reply, read_acknowledgment
from tests.births import SENDER, House, run

NUMBERED = SENDER.model_copy(update={"sequence": True})


def numbered(number: str, control_id: str, event: str = "ADT^A02") -> bytes:
    """A message about nobody we know, with this MSH-13."""
    body = "" if number in ("0", "-1") else "PID|1||9^^^H^PI\r"
    head = f"MSH|^~\\&|HIS|SANTA_PROVA|ICARO|R|20260306||{event}|{control_id}|P|2.5|{number}"
    return f"{head}\r{body}".encode()


def hears(house: House, number: str, control_id: str, event: str = "ADT^A02") -> tuple[str, str]:
    """MSA-1 and MSA-4."""
    reply = told(house, numbered(number, control_id, event))
    return reply.code, reply.expected


def told(house: House, message: bytes) -> Reply:
    """The acknowledgment."""
    answer = run(house.intake.accept(message))
    assert answer is not None
    return read_acknowledgment(answer)


def stored(house: House) -> list[str]:
    """Control ids of what was taken."""
    with house.journal.view() as view:
        return [row.control_id for row in reversed(view.recent_messages())]


def test_the_link_starts_goes_on_and_outlives_the_process(tmp_path: Path) -> None:
    """0 is told what comes next (-1: anything), what is next is taken, also after a restart."""
    with House(tmp_path, sender=NUMBERED) as house:
        assert hears(house, "0", "L1", "^") == ("AA", "-1")
        assert hears(house, "7", "M7") == ("AA", "8")
        assert hears(house, "8", "M8") == ("AA", "9")
    with House(tmp_path, sender=NUMBERED) as house:
        assert hears(house, "0", "L2", "^") == ("AA", "9")
        assert hears(house, "9", "M9") == ("AA", "10")
        assert stored(house) == ["M7", "M8", "M9"]


@pytest.mark.parametrize("number", ["1", "3", "5"])
def test_a_number_that_is_not_next_is_refused(tmp_path: Path, number: str) -> None:
    """AR with what is expected in MSA-4 and the place; nothing is stored, the link stays."""
    with House(tmp_path, sender=NUMBERED) as house:
        for n in ("2", "3"):
            hears(house, n, f"M{n}")
        reply = told(house, numbered(number, "X"))
        assert (reply.code, reply.expected) == ("AR", "4")
        assert reply.errors[0].startswith("207 MSH^1^13")
        assert hears(house, "4", "M4") == ("AA", "5")
        assert stored(house) == ["M2", "M3", "M4"]


def test_the_same_message_again_hears_the_same_again(tmp_path: Path) -> None:
    """Who read no acknowledgment resends: its number is no longer next, and yet it is answered."""
    with House(tmp_path, sender=NUMBERED) as house:
        assert hears(house, "1", "M1") == hears(house, "1", "M1") == ("AA", "2")
        assert stored(house) == ["M1"]


def test_minus_one_begins_anew(tmp_path: Path) -> None:
    """After it the first positive number is taken, whichever it is; the evidence tells of it."""
    with House(tmp_path, sender=NUMBERED) as house:
        assert hears(house, "5", "M5") == ("AA", "6")
        assert hears(house, "-1", "L", "^") == ("AA", "-1")
        assert hears(house, "1", "M1") == ("AA", "2")
        with house.journal.view() as view:
            assert "link.restarted" in [each.what for each in view.evidence()]


def test_a_refused_message_does_not_move_the_link(tmp_path: Path) -> None:
    """The number is that of the last message taken: the mended one comes under the same."""
    with House(tmp_path, sender=NUMBERED) as house:
        assert hears(house, "1", "M1") == ("AA", "2")
        assert hears(house, "2", "M2", "ADT^A99")[0] == "AR"
        assert hears(house, "2", "M2") == ("AA", "3")
        assert told(house, numbered("", "M3")).errors[0].startswith("101 MSH^1^13")


def test_without_the_setting_the_number_means_nothing(tmp_path: Path) -> None:
    """Most feeds fill MSH-13 with something, or not at all."""
    with House(tmp_path) as house:
        assert hears(house, "9", "M1") == hears(house, "9", "M2") == ("AA", "")


@pytest.mark.parametrize(
    ("mode", "codes"), [("original", ("AA", "AR")), ("enhanced", ("CA", "CR"))]
)
def test_the_senders_mode_stands_over_what_its_messages_ask(
    tmp_path: Path, mode: str, codes: tuple[str, str]
) -> None:
    """For what is taken and for what is refused before it is judged: MSH-15/16 do not decide."""
    asks: Callable[[str], bytes] = lambda event: (  # noqa: E731  # two messages, one shape
        f"MSH|^~\\&|HIS|SANTA_PROVA|I|R|2026||{event}|1|P|2.5|||"
        f"{'AL|NE' if mode == 'original' else ''}\rPID|1||9\r"
    ).encode()
    sender = SENDER.model_copy(update={"acknowledgment": mode})
    with House(tmp_path, sender=sender) as house:
        assert told(house, asks("ADT^A02")).code == codes[0]
        assert told(house, asks("ORU^R01")).code == codes[1]
