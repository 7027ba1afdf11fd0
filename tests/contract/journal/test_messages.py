"""Messages on both databases: kept once, recognised when they come again."""

from __future__ import annotations

import pytest

from gateway.errors import JournalError, NotFound
from gateway.journal import Journal
from tests.journal_rows import BODY, case, message


def test_a_repeated_message_is_recognised_with_its_first_acknowledgment(journal: Journal) -> None:
    """The same sender, control id and bytes find the row, and the answer it got."""
    made = journal.run(lambda unit: message(unit))
    with journal.view() as view:
        found = view.find_duplicate("his", "1", view.digest(BODY))
    assert found is not None
    assert (found.id, found.acknowledgment, found.verdict) == (made, b"MSA|AA|1", "ACCEPTED")


def test_other_bytes_under_the_same_control_id_are_no_duplicate_but_noticed(
    journal: Journal,
) -> None:
    """A control id used twice for different messages is seen, and is not the same message."""
    journal.run(lambda unit: message(unit))
    with journal.view() as view:
        assert view.find_duplicate("his", "1", view.digest(b"other")) is None
        assert view.control_id_seen("his", "1")
        assert not view.control_id_seen("other-his", "1")


def test_a_refused_message_is_judged_anew(journal: Journal) -> None:
    """The filter remembers only what was accepted."""
    for _ in range(2):
        journal.run(lambda unit: message(unit, verdict="ERROR"))
    with journal.view() as view:
        assert view.find_duplicate("his", "1", view.digest(BODY)) is None
        assert not view.control_id_seen("his", "1")
        assert view.message_counts() == {"ERROR": 2}


def test_a_group_sees_its_own_messages_before_they_are_stored(journal: Journal) -> None:
    """Two copies that arrive in the same group are told apart from two messages."""

    def twice(unit):
        first = message(unit)
        found = unit.find_duplicate("his", "1", unit.digest(BODY))
        return first, found.id, unit.control_id_seen("his", "1"), unit.message(first).id

    first, *others = journal.run(twice)
    assert others == [first, True, first]


def test_a_unit_asks_the_database_for_messages_of_earlier_groups(journal: Journal) -> None:
    """Intake asks twice, for the same bytes and for the same control id, within its unit."""
    first = journal.run(lambda unit: message(unit))

    def ask(unit):
        digest = unit.digest(BODY)
        found = unit.find_duplicate("his", "1", digest)
        other = unit.find_duplicate("his", "2", digest)
        return found.id, other, unit.control_id_seen("his", "1"), unit.control_id_seen("his", "2")

    assert journal.run(ask) == (first, None, True, False)


def test_the_filter_holds_in_the_database_itself(journal: Journal) -> None:
    """A unit that forgets to ask cannot store the same accepted message a second time."""
    journal.run(lambda unit: message(unit))
    with pytest.raises(JournalError):
        journal.run(lambda unit: message(unit))
    with pytest.raises(JournalError, match="twice"):
        journal.run(lambda unit: [message(unit, "2"), message(unit, "2")])
    with journal.view() as view:
        assert view.message_counts() == {"ACCEPTED": 1}


def test_a_message_without_a_case_leaves_no_body(journal: Journal) -> None:
    """Of what is not for us only header, keyed digest and acknowledgment stay."""
    made = journal.run(lambda unit: message(unit))
    with journal.view() as view:
        assert view.message_body(made) is None
        assert view.message(made).size == len(BODY)


def test_a_message_of_a_case_gives_its_bytes_back(journal: Journal) -> None:
    """Byte for byte, in the order in which they came."""

    def write(unit):
        opened = case(unit)
        return opened.id, [
            message(unit, str(n), raw=b"%d" % n, case_id=opened.id) for n in range(5)
        ]

    case_id, made = journal.run(write)
    with journal.view() as view:
        assert [row.id for row in view.messages(case_id)] == made
        assert [view.message_body(each) for each in made] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_body_without_a_case_can_be_kept_and_read(journal: Journal) -> None:
    """A flagged message of no case is encrypted too, under the key of what is unmatched."""
    made = journal.run(lambda unit: message(unit, body=BODY, flagged=True))
    with journal.view() as view:
        assert view.message_body(made) == BODY
        assert [row.id for row in view.recent_messages(flagged=True)] == [made]
        assert view.recent_messages(flagged=False) == []
        assert len(view.recent_messages()) == 1


@pytest.mark.parametrize(
    "odd", ["a\0b", "x" * 5000, "\ud800", "è" * 300, "x" * 4999 + "y"], ids=range(5)
)
def test_what_a_peer_calls_itself_is_stored_whatever_it_is(journal: Journal, odd: str) -> None:
    """NUL, halves of characters and endless identifiers neither fail nor collide."""
    journal.run(lambda unit: message(unit, odd))
    journal.run(lambda unit: message(unit, odd + "!", raw=b"other"))
    with journal.view() as view:
        assert view.find_duplicate("his", odd, view.digest(BODY)) is not None
        assert view.find_duplicate("his", odd + "!", view.digest(BODY)) is None


def test_reads_within_a_unit_see_what_the_unit_wrote(journal: Journal) -> None:
    """Lists, bodies and counts include messages that were still in memory."""

    def write(unit):
        opened = case(unit)
        made = message(unit, case_id=opened.id)
        return (
            unit.message_body(made),
            len(unit.messages(opened.id)),
            unit.message_counts(),
            len(unit.recent_messages()),
        )

    assert journal.run(write) == (BODY, 1, {"ACCEPTED": 1}, 1)


def test_a_reading_unit_stores_waiting_messages_of_the_group_first(journal: Journal) -> None:
    """A unit that only reads sees messages of units before it in the same group."""
    futures = [
        journal.submit(lambda unit: message(unit, "1")),
        journal.submit(lambda unit: unit.message_counts()),
        journal.submit(lambda unit: [message(unit, "2"), unit.message_counts()][1]),
    ]
    assert [future.result() for future in futures][1:] == [{"ACCEPTED": 1}, {"ACCEPTED": 2}]


def test_an_unknown_message_is_named(journal: Journal) -> None:
    """NotFound, not an empty answer."""
    with journal.view() as view:
        with pytest.raises(NotFound):
            view.message("none")
        with pytest.raises(NotFound):
            view.message_body("none")


def test_refused_bytes_are_kept_for_a_while(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest stay, encrypted and bounded; their keyed digest stays in the evidence for good."""
    monkeypatch.setattr("gateway.journal.rejects._OLDEST_KEPT", _oldest_of(3))

    def refuse(unit):
        return [
            unit.add_reject(sender="his", body=b"%d" % n * 70_000, note="100") for n in range(5)
        ]

    made = journal.run(refuse)
    with journal.view() as view:
        assert [row.id for row in view.rejects()] == made[:1:-1]
        assert view.reject_body(made[4]) == b"4" * 64 * 1024
        with pytest.raises(NotFound):
            view.reject_body(made[0])
        assert [e.what for e in view.evidence(limit=9)] == ["reject.kept"] * 5


def _oldest_of(kept: int):
    from gateway.journal.rejects import _OLDEST_KEPT

    return _OLDEST_KEPT.offset(kept - 1)


def test_a_message_id_is_fresh_once(journal: Journal) -> None:
    """WS-Addressing ids are remembered until they can no longer be accepted anyway."""
    from datetime import timedelta

    def seen(until):
        return journal.run(lambda unit: unit.seen("urn:uuid:1", unit.now + until))

    assert not seen(timedelta(minutes=5))
    assert seen(timedelta(minutes=5))
    journal.run(lambda unit: unit.seen("urn:uuid:2", unit.now - timedelta(minutes=1)))
    assert not journal.run(lambda unit: unit.seen("urn:uuid:2", unit.now))
