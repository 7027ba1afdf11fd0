"""Who does not want to be named is nowhere; and nobody is in logs, metrics or error output.

Files are searched as they lie on the disk while the gateway runs, write-ahead log and all; the
journal's ciphertexts are opened and searched too.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.hospital import Feed, ReturnFeed, read
from gateway.demo.people import Child, Parent
from gateway.demo.ports import HOST
from gateway.hl7.acknowledgment import Verdict
from gateway.hl7.framing import wrap
from gateway.hl7.message import Message
from gateway.lifecycle import Status
from tests.journey.theatre import (
    Theatre,
    at_rest,
    in_the_journal,
    marks_of,
    newborn,
    on_the_disk,
    prepare,
    running,
    send,
    settle,
    sql,
)

NOBODY = Parent("ZZYZXMARK", "QUINZIAMARK", "F", date(1994, 4, 4), street="VIA SEGRETAMARK 77")
"""A mother who does not want to be named."""

STEM = "XQZ"
"""How everything begins that must not be logged; a codice fiscale takes the same letters."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, pki: Path) -> Iterator[Theatre]:
    """A stage whose hospital refuses what comes back for children called RIFIUTATO."""
    stage = prepare(tmp_path_factory.mktemp("watched") / "stage", pki)
    back = ReturnFeed(stage.return_feed, _judge)
    try:
        with running(stage, back=False):
            yield stage
    finally:
        back.close()


def _judge(message: Message) -> Verdict:
    return Verdict.ERROR if b"RIFIUTATO" in message.raw else Verdict.ACCEPTED


@pytest.mark.journey
def test_a_mother_who_does_not_want_to_be_named_is_nowhere(watched: Theatre):
    """Accepted, repeated, refused, moved or cancelled: no file and no ciphertext names her."""
    child = replace(newborn(mother=NOBODY), surname=NOBODY.surname, given="BABY", unnamed=True)
    first = child.message("A01")
    assert send(watched, first) == "AA"
    assert send(watched, first) == "AA"
    assert send(watched, child.message("A08", bed="9")) == "AA"
    assert send(watched, replace(child, identifier="J90001").message("A01", processing="T")) == "AA"
    assert send(watched, child.message("ZZ9")) == "AR"
    assert send(watched, replace(child, identifier="").message("A01")) == "AE"
    settle(watched)
    done = [effect["operation"] for effect in watched.effects("comune")]
    assert done == ["registraNascita"]
    marks = marks_of(NOBODY)
    assert on_the_disk(watched.folder, marks) == []
    assert in_the_journal(watched, marks) == []
    assert not any(mark in watched.metrics() for mark in marks)


@pytest.mark.journey
def test_a_wish_said_later_reaches_what_was_stored_before(watched: Theatre):
    """Named in the first message, unnamed in the second: the journal forgets her, backwards too."""
    late = Parent("YYVONMARK", "TARDAMARK", "F", date(1993, 3, 3), street="VIA TARDIVAMARK 7")
    child = replace(newborn(mother=late), surname=late.surname, given="BABY")
    assert send(watched, child.message("A01")) == "AA"
    assert in_the_journal(watched, [late.given]) != []
    assert send(watched, replace(child, unnamed=True).message("A08")) == "AA"
    settle(watched)
    assert in_the_journal(watched, marks_of(late)) == []
    assert on_the_disk(watched.folder, marks_of(late)) == []


# ------------------------------------------------------------------------ everybody else


def marked(**more: Any) -> Child:
    """A child whose every value, and whose parents', begins with the stem."""
    child = newborn()
    word = child.surname.removeprefix("FIGLIO")
    mother = Parent(f"{STEM}MADRE{word}", f"{STEM}ILDE", "F", date(1990, 1, 9), street=f"{STEM} 7")
    father = Parent(f"{STEM}PADRE{word}", f"{STEM}ALDO", "M", date(1988, 1, 9), street=f"{STEM} 8")
    fields = {
        "surname": f"{STEM}FIGLIO{word}",
        "given": f"{STEM}NINO",
        "mother": mother,
        "father": father,
        "identifier": f"{STEM}{child.identifier}",
    }
    return replace(child, **(fields | more))


def refused_for(message: bytes) -> dict[str, bytes]:
    """The message made unacceptable, by reason."""
    number = message.split(b"|")[9]
    stem = STEM.encode()
    return {
        "no control id": message.replace(number, b""),
        "unknown version": message.replace(b"|P|2.5|", b"|P|" + stem + b"|"),
        "unknown type": message.replace(b"ADT^A01", stem + b"^A01"),
        "unknown event": message.replace(b"ADT^A01", b"ADT^" + stem),
        "unknown processing id": message.replace(b"|P|2.5|", b"|" + stem + b"|2.5|"),
        "unknown sender": message.replace(b"|HIS|", b"|" + stem + b"|", 1),
        "no identifier": re.sub(rb"\|[^|]*\^\^\^HIS\^PI", b"|", message),
        "no PID": b"\r".join(s for s in message.split(b"\r") if not s.startswith(b"PID")),
        "no HL7": b"this is " + stem,
        "no header": message.partition(b"\r")[2],
        "strange delimiters": message.replace(b"MSH|^~\\&|", b"MSH|||||" + stem),
    }


def strange_in(child: Child) -> dict[str, bytes]:
    """Messages that are taken, and whose content cannot be what it says."""
    message, stem = child.message("A01"), STEM.encode()
    lines = message.split(b"\r")
    mother = next(line for line in lines if line.startswith(b"NK1|1"))
    return {
        "birth date": message.replace(
            f"{child.born:%Y%m%d%H%M}|{child.sex}".encode(), stem + b"|M"
        ),
        "check letter": message.replace(child.mother.codice_fiscale.encode(), b"XQZKMA90A49F205Z"),
        "comune": message.replace(b"|015146|", b"|").replace(b"^^015146", b"^^" + stem),
        "two mothers": message.replace(mother, mother + b"\r" + mother),
        "no mother": message.replace(mother + b"\r", b""),
        "sex": message.replace(b"|M|", b"|" + stem + b"|"),
        "weight": message.replace(b"|3250|", b"|" + stem + b"|"),
        "no segment": message + stem + b" and no more\r",
        "no character": message.replace(b"NINO", b"\xff\xfeNINO"),
    }


ANSWERS = (
    "refuse",
    "outage",
    "drop_after_storing",
    "fault_after_storing",
    "garbage",
    "html",
    "http_500",
    "empty",
    "unsigned_fault",
    "wrong_signature",
    "several_candidates",
    "already_known",
    "answer_later",
    "callback_before_reply",
    "callback_twice",
)
"""How an administration may answer, other than by saying yes."""


WALKED = {Status.ACCEPTED, Status.REJECTED, Status.INVALID, Status.HELD, Status.WAITING}
OUTCOMES = {"Accepted", "Taken", "Rejected", "Choice", "Unavailable", "Unknown"}
"""What must have been seen, or the test has not walked every path."""


def answered_badly(stage: Theatre) -> None:
    """One marked child for each way of answering, at one office and then at the other."""
    for office in ("agenzia_entrate", "comune"):
        for name in ANSWERS:
            if office == "comune" and name in ("several_candidates", "already_known"):
                continue
            child = marked()
            day = {"name": name, "times": 1, "match": {"cognome": child.surname}}
            stage.control(office, "POST", "/bad-day", day)
            assert send(stage, child.message("A01")) == "AA"


def raw(stage: Theatre, content: bytes) -> None:
    """Bytes as they are, and the line is cut."""
    with socket.create_connection((HOST, stage.mllp), timeout=10) as connection:
        connection.sendall(content)


@pytest.mark.journey
def test_no_value_of_anybody_is_told(watched: Theatre):
    """Whatever becomes of a message full of marks, no mark is in a log, a metric or an error."""
    answers: list[bytes] = []
    feed = Feed(watched.mllp)
    for reason, message in refused_for(marked().message("A01")).items():
        answer = feed.raw(wrap(message))
        reply = read(answer)
        assert reply is None or reply.code in ("AE", "AR"), reason
        answers.append(answer or b"")
    answers += [feed.send(strange_in(marked())[what]) for what in strange_in(marked())]
    large = marked().message("A01") + b"OBX|1|TX|||" + STEM.encode() * 2_000_000 + b"\r"
    answers.append(feed.raw(wrap(large)) or b"")
    feed.close()
    whole = wrap(marked().message("A01"))
    for content in (whole[: len(whole) // 2], STEM.encode() * 99, b"\x16\x03\x01" + STEM.encode()):
        raw(watched, content)
    answered_badly(watched)
    assert send(watched, marked(surname=f"{STEM}RIFIUTATO").message("A01")) == "AA"
    assert send(watched, marked(paediatrician=f"{STEM}NESSUNO").message("A01")) == "AA"
    rows = at_rest(watched)
    assert {row.status for row in rows} >= WALKED
    outcomes = {row[0] for row in sql(watched, "SELECT outcome FROM attempts")}
    assert outcomes >= OUTCOMES, "a path was not walked"

    config = ("-c", str(watched.folder / "icaro.yaml"))
    told = [answer.partition(b"\r")[2].decode() for answer in answers]  # MSH is copied
    told.append(watched.metrics())
    told.append(watched.icaro("evidence", "show", "--json", "--limit", "100000", *config))
    told.append(watched.icaro("evidence", "verify", *config))
    assert [text for text in told if STEM in text.upper()] == []
    assert on_the_disk(watched.folder / "logs", [STEM]) == []
    # Three letters occur in any ciphertext; whole words do not.
    words = [STEM + word for word in ("FIGLIO", "NINO", "MADRE", "PADRE", "ILDE", "ALDO")]
    found = on_the_disk(watched.folder, [*words, marked().mother.codice_fiscale[:9]])
    assert [each for each in found if not each.startswith("simulators/")] == []
