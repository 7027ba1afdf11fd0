"""A lane: three administrations that stay, a hospital, and one gateway after the other.

Each gateway has a fresh journal; the births of a lane come one after the other, so that whatever
reaches an administration while one is played belongs to that one.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg

from gateway.demo.hospital import ReturnFeed
from gateway.demo.ports import HOST
from gateway.demo.stage import ADMINISTRATIONS
from gateway.hl7.acknowledgment import Verdict
from tests.journey.theatre import ROOT, prepare, sql

LATER = {
    "name": "answer_later",
    "match": {"operation": "registraNascita"},
    "options": {"after": None},
}
"""The Comune takes every birth in charge, and tells the outcome when it is asked to."""

QUICK = (
    "{concurrency: 8, poll: 100 ms, lease: 20 s, settle: 1 ms, "
    "retry: {first: 50 ms, factor: 1.5, ceiling: 3 s, jitter: 0.2}}"
)
STARTING = 60.0

Rows = list[tuple[Any, ...]]
_ROWS = "SELECT step, kind, status FROM submissions"


class Nursery:
    """The program `nursery.py`, as its parent sees it; from any thread."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.journey.crash.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        self._told = threading.Condition()
        self._lives: dict[str, list[dict[str, Any]]] = {}
        self._pids: dict[str, int] = {}
        self._compiled = False
        threading.Thread(target=self._listen, daemon=True).start()

    def compile(self, configuration: Path) -> None:
        """Compile its mappings, for all that are started after."""
        self._say(compile=str(configuration))
        with self._told:
            if not self._told.wait_for(lambda: self._compiled, STARTING):
                raise TimeoutError("the nursery compiled nothing")

    def start(self, name: str, verb: list[str], log: Path, **more: Any) -> None:
        """Start `icaro VERB`; `more` are fields of `nursery.Family`."""
        self._lives[name] = []
        self._say(start={"name": name, "verb": verb, "log": str(log), **more})

    def end(self, name: str) -> None:
        """SIGTERM; returns when this life is over."""
        with self._told:
            gone = len(self._lives[name])
        self._say(end=name)
        with self._told:
            if not self._told.wait_for(lambda: len(self._lives[name]) > gone, 30):
                raise TimeoutError(f"{name} did not end")

    def pid(self, name: str) -> int:
        """Of the life that began last."""
        with self._told:
            if not self._told.wait_for(lambda: name in self._pids, STARTING):
                raise TimeoutError(f"{name} was not born")
            return self._pids[name]

    def dead(self, name: str, seconds: float) -> bool:
        """Wait for the end of a life; whether it came."""
        with self._told:
            return self._told.wait_for(lambda: bool(self._lives[name]), seconds)

    def ends(self, name: str) -> list[dict[str, Any]]:
        """How the lives of a name ended, so far."""
        with self._told:
            return list(self._lives[name])

    def close(self) -> None:
        """End it, and every process that it bore."""
        assert self._process.stdin is not None  # asked for above
        self._process.stdin.close()
        self._process.wait(10)

    def _say(self, **what: Any) -> None:
        assert self._process.stdin is not None  # asked for above
        with self._told:
            self._process.stdin.write(json.dumps(what).encode() + b"\n")
            self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None  # asked for above
        with self._process.stdout as lines:
            for line in lines:
                said = json.loads(line)
                with self._told:
                    self._compiled = self._compiled or "compiled" in said
                    if "born" in said:
                        self._pids[said["born"]] = said["pid"]
                    if "died" in said:
                        self._lives[said["died"]].append(said)
                    self._told.notify_all()


class Lane:
    """`database` is a PostgreSQL's URL, emptied for each gateway, or None: a file for each."""

    def __init__(self, folder: Path, pki: Path, nursery: Nursery) -> None:
        """Laid out; nothing runs but the hospital's listener."""
        self.stage = prepare(folder, pki, delivery=QUICK)
        (folder / "logs").mkdir()
        (folder / "traces").mkdir()
        self.nursery = nursery
        self.back = ReturnFeed(self.stage.return_feed, lambda _: self._read())
        self.database: str | None = None
        self.played = 0
        self._look: psycopg.Connection[Any] | None = None
        self._one_look = threading.Lock()

    @property
    def name(self) -> str:
        """The gateway's, in the nursery."""
        return f"{self.stage.folder} gateway {self.played}"

    def begin(self, deaths: list[str], mutant: str = "") -> Path:
        """A gateway on a fresh journal; gives the beginning of the names of its traces."""
        self.played += 1
        self.stage.journal = f"sqlite:///journals/{self.played:04d}.db"
        if self.database is not None:
            self.stage.journal = self.database
            self._looking(self.database).execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self.stage.configure()
        self.back.messages.clear()
        traces = self.stage.folder / "traces" / f"{self.played:04d}"
        self.nursery.start(
            self.name,
            ["run", "-c", str(self.stage.folder / "icaro.yaml")],
            self.stage.folder / "logs" / f"gateway-{self.played:04d}.log",
            traces=str(traces),
            deaths=deaths,
            mutant=mutant,
        )
        return traces

    def _read(self) -> Verdict:
        """The hospital acknowledges an A31 when the ASL has all it gets: so that, in every life,
        the same is known when the first is answered.
        """
        end = time.monotonic() + 3.0
        while ("pediatra", "register", "ACCEPTED") not in self.rows():
            if time.monotonic() > end:
                break
            time.sleep(0.02)  # nobody tells the hospital
        return Verdict.ACCEPTED

    def rows(self) -> Rows:
        """Step, kind and status of every submission; none while the journal is being made."""
        try:
            if self.database is None:
                return sql(self.stage, _ROWS)
            return self._looking(self.database).execute(_ROWS).fetchall()
        except (sqlite3.OperationalError, psycopg.errors.UndefinedTable):
            return []

    def lost(self) -> str | None:
        """What became of the gateway, if it ended without having been told to."""
        for end in self.nursery.ends(self.name):
            if not end["ended"] and end["code"] != -signal.SIGKILL:
                log = self.stage.folder / "logs" / f"gateway-{self.played:04d}.log"
                return f"the gateway ended with {end['code']}: {log.read_text()[-500:]}"
        return None

    def on(self, database: str | None) -> None:
        """From now on, this database."""
        with self._one_look:
            if self._look is not None:
                self._look.close()
            self._look, self.database = None, database

    def close(self) -> None:
        """What is this process's own; the nursery ends the others."""
        self.on(None)
        self.back.close()

    def _looking(self, database: str) -> psycopg.Connection[Any]:
        """A connection that stays: a new one at every look would be most of the work.

        One for the life that is played and for the hospital's listener, which has its own thread.
        """
        with self._one_look:
            if self._look is None:
                url = database.replace("+psycopg", "", 1)
                self._look = psycopg.connect(url, autocommit=True, prepare_threshold=None)
            return self._look

    def start_administrations(self) -> None:
        """All three; they stay until the nursery closes."""
        for name in ADMINISTRATIONS:
            office = {"comune": "015146", "agenzia_entrate": "AE", "asl": "321"}[name]
            where = ["--listen", f"{HOST}:{self.stage.services[name]}"]
            where += ["--control", f"{HOST}:{self.stage.controls[name]}"]
            where += ["--certs", str(self.stage.folder / "certs")]
            url = f"https://{HOST}:{self.stage.callbacks}/esiti/{name}/{office}"
            where += ["--callback-url", url]
            where += ["--store", str(self.stage.folder / "simulators" / name)]
            log = self.stage.folder / "logs" / f"{name}.log"
            self.nursery.start(f"{self.stage.folder} {name}", ["simulate", name, *where], log)
        for name in ADMINISTRATIONS:
            self.stage.wait_for(lambda: self._speaks(name), f"the {name}", seconds=STARTING)  # noqa: B023  # used at once
        self.stage.control("comune", "POST", "/bad-day", LATER)

    def _speaks(self, name: str) -> bool:
        try:
            return bool(self.stage.control(name, "GET", "/state"))
        except OSError:
            return False
