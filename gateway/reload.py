"""The mappings while the gateway runs: a change of the folder is tried aside and then swapped in.

Anything wrong keeps the edition in use and raises an alarm that says why. Every verdict is
evidence; what was in use can be had back with `icaro map rollback`, which changes the folder and
takes this same way. A folder that cannot be used at the start gives way to the last edition.
"""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from gateway.bridge import Bridge
from gateway.config import Configuration
from gateway.errors import ConfigurationError
from gateway.ground import Ground
from gateway.journal import Journal, Judgement, Unit
from gateway.snapshot import Look, Snapshot, look, owner_of
from gateway.trial import Candidate, Refusal, Trial, lay_out
from gateway.workspace import Workspace

T = TypeVar("T")

_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Opening:
    """What the gateway starts with. `reasons`: why it is not what the folder holds now."""

    ground: Ground
    snapshot: Snapshot
    folder: Workspace
    reasons: tuple[str, ...] = ()


class Told(Protocol):
    """Who hears of verdicts."""

    def mappings_adopted(self, changed: Sequence[str], compared: int) -> None:
        """Another edition is in use: the files that differ, and how many outputs were compared."""

    def mappings_refused(self, reasons: Sequence[str]) -> None:
        """The folder holds what cannot be used; empty: it holds again what is in use."""


def open_ground(configuration: Configuration, journal: Journal) -> Opening:
    """Read and compile the folder as it is now, or else the edition last in use.

    Raises ConfigurationError with every problem where neither can be used, JournalError where the
    edition is not what the evidence tells of it.
    """
    try:
        return _opened(configuration, Snapshot.read(configuration.mappings))
    except ConfigurationError as error:
        with journal.view() as view:
            last = view.editions(verdict=Judgement.ADOPTED, limit=1)
            files = view.edition_files(last[0]) if last else None
        if files is None:
            raise
        return _opened(configuration, Snapshot.of(files), tuple(error.problems))


def _opened(
    configuration: Configuration, snapshot: Snapshot, reasons: tuple[str, ...] = ()
) -> Opening:
    folder = lay_out(snapshot)
    try:
        ground = Ground.of(configuration, Path(folder.name))
        ground.compile_all()
    except BaseException:
        folder.cleanup()
        raise
    return Opening(ground, snapshot, folder, reasons)


class Reload:
    """One for the node; `begin` and `stop` on the reactor."""

    def __init__(
        self,
        reactor: Any,
        opening: Opening,
        journal: Journal,
        bridge: Bridge,
        trial: Trial,
        told: Told,
    ) -> None:
        self._reactor = reactor
        self._ground = opening.ground
        self._folder = opening.folder
        self._in_use = opening.snapshot
        self._reasons = opening.reasons
        self._journal = journal
        self._bridge = bridge
        self._trial = trial
        self._told = told
        self._judged = ""
        self._seen: Look | None = None
        self._settled: Look | None = None
        self._loop: LoopingCall | None = None
        self._watched = opening.ground.configuration.mappings

    async def begin(self) -> None:
        """Say in the evidence which edition is in use, and watch the folder."""
        await self._do(self._record_start)
        if self._reasons:
            self._told.mappings_refused(self._reasons)
        settings = self._ground.configuration.reload
        if settings.watch:
            self._loop = LoopingCall(self._tick)
            self._loop.clock = self._reactor
            self._loop.start(settings.every.total_seconds(), now=False)

    def stop(self) -> None:
        """Watch no more."""
        if self._loop is not None and self._loop.running:
            self._loop.stop()

    def _tick(self) -> Deferred[None]:
        looked = Deferred.fromCoroutine(self.look())
        looked.addErrback(self._failed)
        return looked

    def _failed(self, failure: Failure) -> None:
        # The journal may be away for a moment; the folder is looked at again.
        self._settled = None
        self._told.mappings_refused([f"mappings: {type(failure.value).__name__}"])

    async def look(self) -> None:
        """One look at the folder; a change counts once two looks agree, for it may be half done."""
        seen = await self._aside(lambda: look(self._watched))
        if seen == self._settled:
            return
        if seen != self._seen:
            self._seen = seen
            return
        self._settled = seen
        await self.consider(await self._aside(lambda: Snapshot.read(self._watched)))

    async def consider(self, snapshot: Snapshot) -> None:
        """Try `snapshot`, unless it is in use or was refused already."""
        if snapshot.digest == self._in_use.digest:
            self._judged = snapshot.digest
            self._told.mappings_refused(())
            return
        if snapshot.digest == self._judged:
            return
        known = await self._aside(lambda: self._was_in_use(snapshot))
        changed = snapshot.changed_from(self._in_use)
        by = await self._aside(lambda: owner_of(self._watched, changed) or _UNKNOWN)
        verdict = await self._aside(lambda: self._trial.judge(snapshot, known=known))
        if isinstance(verdict, Refusal):
            await self._refuse(verdict, by)
        else:
            await self._adopt(verdict, by, changed)
        self._judged = snapshot.digest

    async def _refuse(self, refusal: Refusal, by: str) -> None:
        snapshot = refusal.snapshot
        await self._do(
            lambda unit: unit.judge_edition(
                Judgement.REFUSED,
                digest=snapshot.digest,
                files=snapshot.files,
                by=by,
                reasons=refusal.reasons,
            )
        )
        self._told.mappings_refused(refusal.reasons)

    async def _adopt(self, candidate: Candidate, by: str, changed: Sequence[str]) -> None:
        """First the evidence, durable; then the swap, in a unit's turn: no unit sees half of it."""
        snapshot, comparison = candidate.snapshot, candidate.comparison
        note = {"compared": comparison.compared, "changed": sum(comparison.changed.values())}
        await self._do(
            lambda unit: unit.judge_edition(
                Judgement.ADOPTED, digest=snapshot.digest, files=snapshot.files, by=by, note=note
            )
        )
        await self._do(lambda _: self._ground.adopt(candidate.edition))
        self._in_use, self._folder = snapshot, candidate.folder
        self._told.mappings_refused(())
        self._told.mappings_adopted(changed, comparison.compared)
        set_apart()

    def _record_start(self, unit: Unit) -> None:
        newest = unit.editions(verdict=Judgement.ADOPTED, limit=1)
        if newest and newest[0].digest == self._in_use.digest:
            return
        unit.judge_edition(
            Judgement.ADOPTED,
            digest=self._in_use.digest,
            files=self._in_use.files,
            by="start",
        )

    def _was_in_use(self, snapshot: Snapshot) -> bool:
        with self._journal.view() as view:
            return view.was_adopted(snapshot.digest)

    async def _do(self, work: Callable[[Unit], T]) -> T:
        return await self._bridge(self._journal.submit(work))

    def _aside(self, work: Callable[[], T]) -> Awaitable[T]:
        """In a thread of the reactor's pool."""
        done: Deferred[T] = deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work)
        return done


_YOUNG: Final = 10_000
"""New objects before the collector looks at them. Python's 700 come several times a birth, and
neither reading nor mapping leaves a cycle to be found.
"""


def set_apart() -> None:
    """Mappings, schemas and tables live long: looking through them again at every full collection
    would cost a tenth of the CPU. Those of an edition no longer in use go now.
    """
    gc.set_threshold(_YOUNG)
    gc.unfreeze()
    gc.collect()
    gc.freeze()
