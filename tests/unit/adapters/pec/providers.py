"""A simulated provider as a process, and what the tests of our side of the talk share."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from adapters.keys import DevelopmentPki, load_certificates
from adapters.pec.tls import Provider
from adapters.simulation.pec_provider import PecProvider
from adapters.simulation.pec_servers import PASSWORD, USER
from gateway.cli.loop import complete
from gateway.pec.compose import Mail, compose
from gateway.units import address

T = TypeVar("T")
Work = Callable[[Any, Provider], Coroutine[Any, Any, T]]


@dataclass
class Played:
    """The provider: what it keeps, and what we know of it. `keys` has another party's too."""

    keys: Path
    provider: PecProvider
    known: Provider
    numbers: int = 0

    def bad_day(self, name: str) -> None:
        """From now on."""
        (self.provider.folder / "bad-day").write_text(name, "ascii")

    def mail(self) -> Mail:
        """One of ours, every time another."""
        self.numbers += 1
        now = datetime(2026, 3, 2, tzinfo=UTC)
        office = "protocollo@pec.comune.example"
        return compose(USER.decode(), office, "0e1d", self.numbers, b"<a/>", now)

    def asked(self, work: Work[T], **changes: Any) -> T:
        """What `work` gives on a reactor of its own. `changes`: of what we know of the provider."""
        known = replace(self.known, **changes)
        return complete(lambda reactor: work(reactor, known))


@contextmanager
def playing(folder: Path) -> Iterator[Played]:
    """`icaro simulate-pec`, until the end."""
    DevelopmentPki(datetime.now(UTC)).write(folder, ("pec", "altri"))
    where = ["--keys", str(folder / "pec"), "--store", str(folder / "store")]
    command = [sys.executable, "-m", "gateway.cli", "simulate-pec", *where]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        with process.stdout as told:
            said = {name: address(place) for name, place in json.loads(told.readline()).items()}
        trusted = load_certificates(folder / "pec" / "ca.pem")
        known = Provider(
            **said, folder="INBOX", user=USER, password=PASSWORD, seconds=10.0, authorities=trusted
        )
        yield Played(folder, PecProvider(folder / "store"), known)
    finally:
        process.terminate()
        process.wait(10)
