"""Faults, each by its name: injected, lasting a while, mended. A seed says which and when.

Every fault is written into `faults.jsonl` with its times. `whole`: nothing of this deployment
could reach the disk meanwhile.
"""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from adapters.simulation.bad_days import CATALOGUE, Bites
from gateway.demo.stage import ADMINISTRATIONS
from tests.chaos.clerk import WHIMS
from tests.chaos.database import Database
from tests.chaos.deployment import Deployment
from tests.chaos.disk import limited, unsynced
from tests.chaos.link import Link

BAD_DAYS: tuple[dict[str, Any], ...] = (
    {"name": "slow", "options": {"seconds": 0.8}},
    {"name": "slow", "options": {"seconds": 4}},
    {"name": "refuse", "options": {}},
    {"name": "fault_after_storing"},
    {"name": "fault_after_storing", "options": {"before": True}},
    {"name": "drop_after_storing"},
    {"name": "drop_after_storing", "options": {"before": True}},
    {"name": "garbage"},
    *({"name": "wrong_signature", "options": {"how": how}} for how in ("body", "foreign")),
    {"name": "unsigned_fault"},
    {"name": "outage"},
    {"name": "outage", "options": {"how": "http"}},
    {"name": "outage", "options": {"how": "http", "retry_after": "1"}},
    {"name": "refuse_connections"},
    {"name": "expired_certificate", "options": {}},
    {"name": "other_host", "options": {}},
    {"name": "several_candidates"},
    {"name": "already_known"},
    {"name": "provisional"},
    {"name": "answer_later"},
    {"name": "answer_later", "options": {"after": None}},
    {"name": "callback_twice"},
    {"name": "callback_before_reply"},
    {"name": "html"},
    {"name": "http_500"},
    {"name": "empty"},
    {"name": "endless"},
)
OF_THE_CODE = ("several_candidates", "already_known", "provisional")
"""Of Agenzia delle Entrate alone."""
PORTS = {name for name, kind in CATALOGUE.items() if kind.bites is Bites.LISTENER}
"""These last until they are switched off."""


BESIDES = 0.3
"""How often something else goes wrong during a fault."""


class Faults:
    """The faults that this deployment can have. `database`: its PostgreSQL, if it has one.

    `pace` multiplies how long they last.
    """

    def __init__(
        self,
        stage: Deployment,
        chance: random.Random,
        database: Database | None = None,
        pace: float = 1.0,
    ) -> None:
        self.stage, self.chance, self.database, self.pace = stage, chance, database, pace
        self.done: Counter[str] = Counter()
        self.bad_days: Counter[str] = Counter()
        self._days = self._turns()
        self._ways = stage.ways
        self._struck: set[int] = set()
        self.kinds: dict[str, Callable[[], None]] = {
            "kill -9 of a node": self._kill,
            "kill -9 of an administration": self._kill_administration,
            "freeze of a node": self._freeze,
            "freeze of an administration": self._freeze_administration,
            "network cut": self._cut,
            "network delay": self._delay,
            "disk full": self._disk_full,
            "fsync error": self._fsync,
            "clock step": self._clock,
        }
        if database is not None:
            self._ways["replication"] = [database.replication]
            self.kinds |= {
                "kill -9 of the database": lambda: database.kill(chance),
                "freeze of the database": lambda: self._freeze_database(database),
                "database restart": database.restart,
                "fail-over": lambda: database.fail_over(chance),
            }

    def plan(self) -> Iterator[str]:
        """Every kind once, in an order by chance; then again."""
        names = list(self.kinds)
        while True:
            self.chance.shuffle(names)
            yield from names

    def inject(self, kind: str) -> None:
        """One fault, from its beginning to its end. Raises StageError if a node ended of it."""
        began = time.time()
        self.kinds[kind]()
        while self._struck:
            self.stage.bring_back(self._struck.pop())
        self._tell(kind, began)
        self.done[kind] += 1
        self.stage.all_running()

    def bad_day(self) -> None:
        """The next one, for the next call of some administration."""
        day = next(self._days)
        name = self.chance.choice(ADMINISTRATIONS)
        name = "agenzia_entrate" if day["name"] in OF_THE_CODE else name
        with suppress(OSError):  # it may be dead at the moment
            self.stage.control(name, "POST", "/bad-day", {**self._known(day, name), "times": 1})
            self.bad_days[day["name"]] += 1
            if day["name"] in PORTS:
                time.sleep(self.pace * self.chance.uniform(0.3, 1.5))  # it lasts
                self.stage.control(name, "DELETE", f"/bad-day?name={day['name']}")

    def complete(self) -> bool:
        """Whether every kind of fault was there, and every bad day."""
        return not self.unplayed() and all(self.done[each] for each in self.kinds)

    def unplayed(self) -> set[str]:
        """The bad days that nobody had yet."""
        return set(CATALOGUE) - set(self.bad_days)

    def _known(self, day: dict[str, Any], name: str) -> dict[str, Any]:
        """A refusal by the code that a person knows, a certificate of somebody else."""
        if day["name"] == "refuse":
            return {**day, "options": {"codice": WHIMS[name]}}
        if day["name"] in ("expired_certificate", "other_host"):
            return {**day, "options": {"folder": str(self.stage.folder / "certs" / "ospedale")}}
        return day

    def _turns(self) -> Iterator[dict[str, Any]]:
        while True:
            yield from self.chance.sample(BAD_DAYS, len(BAD_DAYS))

    def _tell(self, kind: str, began: float, *, whole: bool = False) -> None:
        line = {"kind": kind, "from": began, "to": time.time(), "whole": whole}
        with (self.stage.folder / "faults.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _last(self, shortest: float, longest: float) -> None:
        """The fault lasts; sometimes something else goes wrong in the middle of it."""
        half = self.chance.uniform(shortest, longest) / 2 * self.pace
        time.sleep(half)  # nothing is waited for
        if self.chance.random() < BESIDES:
            self.chance.choice([self._strike_node, self._strike_administration, self._strike_way])()
        time.sleep(half)

    def _strike_node(self) -> None:
        """As `_kill`; it begins anew at once, though it may find no database yet."""
        number = self._node()
        if self.stage.node(number) not in self.stage.processes:
            return  # it is the one that just died
        self.stage.kill(self.stage.node(number))
        self.stage.start_node(number, waits=False)
        self._struck.add(number)
        self.done["kill -9 of a node"] += 1

    def _strike_administration(self) -> None:
        name = self.chance.choice(ADMINISTRATIONS)
        if name not in self.stage.processes:
            return
        self.stage.kill(name)
        self.stage.start_administration(name)
        self.done["kill -9 of an administration"] += 1

    def _strike_way(self) -> None:
        """Every connection is lost, and may be made again."""
        for link in self._way():
            link.cut()
            link.mend()
        self.done["network cut"] += 1

    def _node(self) -> int:
        return self.chance.choice(list(self.stage.ports))

    def _kill(self) -> None:
        number = self._node()
        self.stage.kill(self.stage.node(number))
        self._last(0, 1)
        self.stage.start_node(number, waits=False)
        self._struck.add(number)

    def _kill_administration(self) -> None:
        name = self.chance.choice(ADMINISTRATIONS)
        self.stage.kill(name)
        self._last(0, 1)
        self.stage.start_administration(name)

    def _freeze(self) -> None:
        self._stopped(self.stage.node(self._node()), longest=8)

    def _freeze_administration(self) -> None:
        self._stopped(self.chance.choice(ADMINISTRATIONS), longest=5)

    def _stopped(self, name: str, *, longest: float) -> None:
        process = self.stage.processes[name]
        process.send_signal(signal.SIGSTOP)
        self._last(1, longest)
        process.send_signal(signal.SIGCONT)

    def _freeze_database(self, database: Database) -> None:
        """Of the primary, or of the standby without which it commits nothing."""
        server = self.chance.choice([database.primary, database.standby])
        server.freeze()
        self._last(1, 9)
        server.wake()

    def _way(self) -> list[Link]:
        return self._ways[self.chance.choice(sorted(self._ways))]

    def _cut(self) -> None:
        links = self._way()
        for link in links:
            link.cut()
        self._last(0.5, 3)
        for link in links:
            link.mend()

    def _delay(self) -> None:
        links, delay = self._way(), self.chance.uniform(0.1, 1.5)
        for link in links:
            link.delay = delay
        self._last(1, 4)
        for link in links:
            link.mend()

    def _disk_full(self) -> None:
        """No file grows, nor is written beyond its first page."""
        limited(self._writers, "4096:unlimited", self._owner)
        self._whole("disk full", 2.5, 5)
        limited(self._writers, "unlimited", self._owner)
        self._revive()

    def _fsync(self) -> None:
        """Every sync ends with EIO; a PostgreSQL gives up, and cannot begin anew."""
        with unsynced(self._writers, self._owner):
            self._whole("fsync error", 2.5, 4)
        self._revive()

    def _whole(self, kind: str, shortest: float, longest: float) -> None:
        """A while in which nothing can be stored."""
        began = time.time()
        time.sleep(self.chance.uniform(shortest, longest))  # nothing else: it could store something
        self._tell(kind, began, whole=True)

    def _writers(self) -> list[int]:
        """Who writes the journal: the nodes, or PostgreSQL's own processes."""
        if self.database is None:
            return [self.stage.processes[self.stage.node(n)].pid for n in self.stage.ports]
        return self.database.primary.pids()

    @property
    def _owner(self) -> str | None:
        return self.database.primary.owner if self.database else None

    def _revive(self) -> None:
        if self.database is not None:
            self.database.revive()

    def _clock(self) -> None:
        clock = self.stage.clock(self._node())
        clock.write_text(str(self.chance.choice((-8, -4, -2, 2, 4))))
        self._last(2, 5)
        clock.write_text("0")
