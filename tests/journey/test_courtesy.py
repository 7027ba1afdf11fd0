"""Partners are respected, and none delays another: real processes, real sockets."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.people import MILANO, SESTO, Parent
from gateway.demo.ports import HOST
from gateway.lifecycle import Status
from tests.journey.theatre import Theatre, newborn, prepare, running, send, submissions

pytestmark = pytest.mark.journey

WHO = ("--by", "m.rossi", "--reason", "ticket 81")
Home = tuple[str, str, str, str]
MONZA = ("108033", "MONZA", "MB", "F704")
DELIVERY = (
    "{concurrency: 1, poll: 500 ms, lease: 2 min, "
    "retry: {first: 300 ms, factor: 1.5, ceiling: 2 s, jitter: 0.2}}"
)
"""One document is prepared at a time: whoever kept that place would stop everybody."""


@pytest.fixture(scope="module")
def mute() -> Iterator[int]:
    """A real listener that accepts every connection (in its backlog) and never says a word."""
    with socket.create_server((HOST, 0), backlog=64) as listening:
        yield listening.getsockname()[1]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, pki: Path, mute: int) -> Iterator[Theatre]:
    """A stage on which the Comune of Monza is the listener that says nothing."""
    made = prepare(tmp_path_factory.mktemp("sqlite") / "stage", pki, delivery=DELIVERY)
    path = made.folder / "partners.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if "108033" in line)
    endpoint = f"https://{HOST}:{mute}/NotificaNascita"
    lines[at] = f"    '108033': {{name: Comune di Monza, endpoint: '{endpoint}', timeout: 60 s}}\n"
    path.write_text("".join(lines), encoding="utf-8")
    with running(made) as open_now:
        yield open_now


def birth(stage: Theatre, home: Home) -> str:
    """A birth whose mother lives there; gives the child's name."""
    child = newborn()
    mother = Parent(child.mother.surname, "LUCIA", "F", child.mother.born, home)
    assert send(stage, newborn(surname=child.surname, mother=mother).message("A01")) == "AA"
    return child.surname


def operator(stage: Theatre, verb: str, home: Home) -> None:
    """Pause a Comune, or let it go on."""
    config = ("-c", str(stage.folder / "icaro.yaml"))
    stage.icaro("partner", verb, "comune", home[0], *WHO, *config)


def standing(stage: Theatre, code: str) -> list[Status]:
    """Where the documents for this Comune stand, the oldest first."""
    rows = [each for each in submissions(stage) if each.step == "comune"]
    return [row.status for row in sorted(rows, key=lambda row: row.id) if row.endpoint == code]


def accepted(stage: Theatre, code: str, number: int) -> Callable[[], bool]:
    """Whether so many documents for this Comune are accepted."""
    return lambda: standing(stage, code).count(Status.ACCEPTED) == number


def health(stage: Theatre) -> Any:
    """What /health says."""
    with urllib.request.urlopen(f"http://{HOST}:{stage.http}/health", timeout=5) as answer:
        return json.loads(answer.read())


def test_a_comune_that_hangs_delays_nobody(stage: Theatre) -> None:
    """Its calls last, one place is all there is, and the others' documents are accepted."""
    for _ in range(3):
        birth(stage, MONZA)
    stage.wait_for(lambda: Status.SUBMITTING in standing(stage, MONZA[0]), "the call", seconds=20)
    began = time.monotonic()
    for _ in range(3):
        birth(stage, SESTO)
    stage.wait_for(accepted(stage, SESTO[0], 3), "the others", seconds=9)
    # Ten seconds is what the gateway gives a handshake: nothing at Monza can have ended.
    assert time.monotonic() - began < 10
    assert Status.SUBMITTING in standing(stage, MONZA[0])
    operator(stage, "pause", MONZA)


def test_a_pause_holds_while_the_gateway_runs(stage: Theatre) -> None:
    """An operator's word is obeyed by the running gateway, shown in /health, and ends."""
    before = len(standing(stage, MILANO[0]))
    operator(stage, "pause", MILANO)
    birth(stage, MILANO)
    stage.wait_for(
        lambda: MILANO[0] in str(health(stage).get("paused")), "the pause in /health", seconds=5
    )
    asl = len(stage.effects("asl"))
    birth(stage, SESTO)
    stage.wait_for(lambda: len(stage.effects("asl")) > asl, "the others", seconds=20)
    assert standing(stage, MILANO[0])[before:] == [Status.READY]
    assert health(stage)["status"] == "green"
    assert 'icaro_pauses{partner="comune"} 2.0' in stage.metrics()
    operator(stage, "resume", MILANO)
    stage.wait_for(accepted(stage, MILANO[0], before + 1), "what was paused", seconds=5)


def test_a_comune_that_is_down_is_asked_whether_it_is_back(stage: Theatre) -> None:
    """By an echo: no more documents than opened the circuit are tried; then all go, once each."""
    stage.control(
        "comune",
        "POST",
        "/bad-day",
        {"name": "outage", "options": {"how": "http", "retry_after": "1"}},
    )
    before = len(standing(stage, SESTO[0]))
    for _ in range(6):
        birth(stage, SESTO)
    stage.wait_for(lambda: "icaro_circuits_open 1.0" in stage.metrics(), "the circuit", seconds=20)
    stage.wait_for(lambda: 'outcome="Unknown"' in echoes(stage), "an echo", seconds=10)
    stage.control("comune", "DELETE", "/bad-day")
    stage.wait_for(accepted(stage, SESTO[0], before + 6), "all of them", seconds=30)
    assert 'outcome="Accepted"' in echoes(stage)
    done = [each["idOperazione"] for each in stage.effects("comune")]
    assert len(done) == len(set(done))


def echoes(stage: Theatre) -> str:
    """The lines of the metrics about echoes."""
    lines = stage.metrics().splitlines()
    return "\n".join(line for line in lines if line.startswith("icaro_echoes_total{"))
