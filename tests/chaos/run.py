"""One run from a seed: births, faults among them, then rest, and then the proof.

The plan (families, faults, bad days) is the seed's; which meets which at what moment is the
machine's. So a replay plays the same plan again, on the same kinds of partners.
"""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import psycopg

from adapters.keys import DevelopmentPki
from gateway.demo.ports import free_port
from gateway.demo.proof import effects
from gateway.demo.region import STORIES, Family, Region
from gateway.demo.stage import ADMINISTRATIONS
from gateway.deployment import lay_out
from gateway.errors import GatewayError, StageError
from gateway.lifecycle import Status
from tests.chaos.checker import Left, check
from tests.chaos.clerk import Clerk
from tests.chaos.database import Database
from tests.chaos.deployment import Deployment
from tests.chaos.faults import Faults
from tests.chaos.hospital import Hospital
from tests.journey.theatre import end, sql, start, submissions

PARTIES = ("gateway", *ADMINISTRATIONS, "ospedale")
BAD_DAYS_EACH = 3
"""Bad days between two faults."""
FEW = 10
"""Families: where no more wait for a line, so many are born before the next fault."""
REST = 150.0
"""Seconds in which everything must have come to its end after the last fault."""


@dataclass(frozen=True)
class Ended:
    """How a run ended: figures, and every promise that it broke."""

    seed: int
    figures: Mapping[str, object]
    faults: Counter[str]
    broken: list[str] = field(default_factory=list)


def prepared(folder: Path, certs: Path | None = None, **options: object) -> Deployment:
    """A deployment laid out and configured; nothing runs. `certs`: a PKI to copy."""
    stage = Deployment(folder, **options)  # type: ignore[arg-type]  # the caller names our fields
    lay_out(folder)
    if certs is None:
        DevelopmentPki(datetime.now(UTC)).write(folder / "certs", PARTIES)
    else:
        shutil.copytree(certs, folder / "certs", dirs_exist_ok=True)
    for name in ADMINISTRATIONS:
        stage.services[name], stage.controls[name] = free_port(), free_port()
    stage.configure()
    return stage


def perform(
    stage: Deployment,
    seed: int,
    seconds: float,
    say: Callable[[str], None],
    database: Database | None = None,
    *,
    pause: tuple[float, float] = (0.5, 3.0),
    pace: float = 1.0,
) -> Ended:
    """Run, come to rest, end every process, and check what is left."""
    faults = Faults(stage, random.Random(seed), database, pace)
    clerk = Clerk(stage)
    hospital = Hospital(stage.links["hospital"].port, stage.folder, lines=6)
    troubles: list[str] = []
    try:
        start(stage, {})
        clerk.start()
        _play(faults, hospital, Region(seed, datetime.now()), seconds, say, pause)
        say("no more faults")
        troubles += rest(stage, hospital)
    except (GatewayError, RuntimeError, OSError, psycopg.Error) as error:
        # A node that does not come back breaks a promise too; what is left is checked all the same.
        troubles.append(f"the run ended early: {type(error).__name__}: {error}")
    finally:
        hospital.leave()
        clerk.stop()
        troubles += _ended(stage)
    say("everything has ended, now the proof")
    left = Left.by(stage, stage.idempotence, database.folders if database else ())
    try:
        broken = [*troubles, *check(left)]
    except (OSError, psycopg.Error) as error:
        broken = [*troubles, f"what is left cannot be read: {type(error).__name__}: {error}"]
    broken += [f"{kind} was never injected" for kind in faults.kinds if not faults.done[kind]]
    broken += [f"no administration had this bad day: {name}" for name in faults.unplayed()]
    return Ended(seed, figures(left, faults, clerk, broken), faults.done, broken)


def _play(
    faults: Faults,
    hospital: Hospital,
    region: Region,
    seconds: float,
    say: Callable[[str], None],
    pause: tuple[float, float],
) -> None:
    """Births, and faults one after the other, until the time is over and each kind was there."""
    families, until = region.families(), time.monotonic() + seconds
    for family in islice(families, len(STORIES)):
        _send(faults.stage, hospital, family)
    for kind in faults.plan():
        if time.monotonic() > until and faults.complete():
            return
        if hospital.waiting < FEW:
            for family in islice(families, FEW):
                _send(faults.stage, hospital, family)
        for _ in range(BAD_DAYS_EACH):
            faults.bad_day()
        time.sleep(faults.chance.uniform(*pause))  # by chance, nothing is waited for
        say(kind)
        faults.inject(kind)


def _send(stage: Deployment, hospital: Hospital, family: Family) -> None:
    """With the bad days that the story is about; an administration may be dead at the moment."""
    for name, day in family.days:
        with suppress(OSError):
            stage.control(name, "POST", "/bad-day", day)
    hospital.send(family)


def _ended(stage: Deployment) -> list[str]:
    """End every process; gives who would not."""
    try:
        end(stage)
    except StageError as error:
        return [str(error)]
    return []


def rest(stage: Deployment, hospital: Hospital) -> list[str]:
    """Everything is mended; what waits goes, and ends. Gives what did not."""
    stage.mend()
    for name in ADMINISTRATIONS:
        stage.control(name, "DELETE", "/bad-day")
        stage.control(name, "POST", "/callback-now")
    stage.icaro("journal", "backup", str(stage.folder / "copy.icaro"), "-c", str(stage.yaml(1)))
    hospital.close(REST)
    moving = set(Status) - {Status.ACCEPTED, Status.REPLACED, Status.WITHDRAWN}

    def at_rest() -> bool:
        try:
            rows = [row for row in submissions(stage) if row.status in moving]
        except GatewayError:
            return False
        return all(row.status is Status.WAITING and row.reason == "CHOICE" for row in rows)

    try:
        stage.wait_for(at_rest, "everything to end", seconds=REST / stage.patience)
    except StageError as error:
        return [str(error)]
    return []


def figures(left: Left, faults: Faults, clerk: Clerk, broken: list[str]) -> dict[str, object]:
    """The closing table."""
    sent, acknowledged = Counter(left.ids("sent")), set(left.ids("acknowledged"))
    births = {line["control_id"] for line in left.book if line["what"] == "sent" and line["birth"]}
    doubts = sql(left.stage, MOVED, '%"to":"IN_DOUBT"%')[0][0]
    resolved = sql(left.stage, MOVED, '%"from":"IN_DOUBT"%')[0][0]
    resends = sql(left.stage, RESENT)[0][0]

    def kind(word: str) -> int:
        return sum(number for name, number in faults.done.items() if word in name)

    return {
        "births": len(births & acknowledged),
        "messages": len(acknowledged),
        "effects": len(effects(left.stage.folder / "simulators")),
        "faults": faults.done.total(),
        "kills": kind("kill"),
        "freezes": kind("freeze"),
        "fail-overs": kind("fail-over"),
        "restarts": kind("restart"),
        "cuts and delays": kind("network"),
        "bad days": faults.bad_days.total(),
        "duplicates sent by the hospital": sent.total() - len(sent),
        "resends by us": int(resends),
        "in doubt": int(doubts),
        "in doubt, resolved": int(resolved),
        "in doubt, ended by a person": clerk.resolved,
        "lost": sum("never arrived" in each or "stored 0" in each for each in broken),
        "doubled": sum(" times" in each and "stored 0" not in each for each in broken),
    }


MOVED = "SELECT count(*) FROM evidence WHERE what = 'submission.moved' AND note LIKE ?"
RESENT = "SELECT coalesce(sum(attempts - 1), 0) FROM submissions WHERE attempts > 1"
