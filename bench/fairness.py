"""What 20 Comuni that hang cost the 180 others: the time from a birth to the Comune's receipt.

    python -m bench.fairness [rounds]

Two gateways with the same 200 Comuni take turns, two seconds each, so that both meet the same
machine, whatever else it does. Before one of them 20 Comuni hang from the first birth on: half of
them accept connections and never say a word, half complete TLS, read the document and never answer.
Those 20 have more waiting than they bear; then births of all 200 come at a steady rate to both
gateways, and only those of the 180 count.
"""

from __future__ import annotations

import csv
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from bench.families import invented
from gateway.demo.people import Child, Parent
from gateway.demo.ports import HOST
from gateway.demo.stage import ADMINISTRATIONS, Stage
from gateway.hl7.framing import BlockReader, wrap
from gateway.journal import look
from gateway.lifecycle import Status

PARTNERS = 200
HANGING = 20
PER_SECOND = 8
SECONDS = 2
"""Of one turn."""
ROUNDS = 24
ALLOWED = 1.2
BEARS = 4
"""Calls at once, each Comune."""

_TABLE = Path(__file__).parents[1] / "mappings" / "tables" / "comuni.csv"
_PROVINCES = ("015", "016", "108")
"""Which the stage's ASL serves."""
_DELIVERY = "{concurrency: 16, poll: 250 ms, lease: 1 min}"
_SENDERS = """\
  - name: santa-prova
    application: HIS
    facility: SANTA_PROVA
    facts: {comune: '015146', struttura: '030001', nome: Santa Prova, asl: '321'}"""

Home = tuple[str, str, str, str]


def homes() -> list[Home]:
    """200 Comuni: ISTAT code, name, province, Belfiore code."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["istat"][:3] in _PROVINCES]
    today = [row for row in rows if row["al"] == "9999-12-31"]
    return [(row["istat"], row["nome"], row["provincia"], row["belfiore"]) for row in today][
        :PARTNERS
    ]


@contextmanager
def mute() -> Iterator[int]:
    """A listener that accepts every connection, keeps it, and never says a word. Its port."""
    kept: list[socket.socket] = []
    with socket.create_server((HOST, 0), backlog=512) as listening:

        def accept() -> None:
            try:
                while True:
                    kept.append(listening.accept()[0])
            except OSError:  # it was shut: the end
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for each in kept:
                each.close()


@dataclass
class Side:
    """One gateway with its 200 Comuni. `apart` are the codes of the 20, which hang or do not."""

    stage: Stage
    name: str
    apart: frozenset[str]
    hangs: bool
    line: socket.socket = field(default_factory=socket.socket)

    def open(self, mute_port: int) -> None:
        """Start everything, and hang those that are to hang."""
        self.stage.lay_out()
        for name in ADMINISTRATIONS:
            self.stage.start_administration(name)
        self.stage.configure()
        deaf = sorted(self.apart) if self.hangs else []
        silent, slow = deaf[: len(deaf) // 2], deaf[len(deaf) // 2 :]
        self._add_comuni(mute_port, frozenset(silent))
        for code in slow:
            day = {"name": "slow", "options": {"seconds": 3600, "before": True}}
            self.stage.control(
                "comune", "POST", "/bad-day", {**day, "match": {"codDestinatario": code}}
            )
        self.stage.start_gateway()
        self.line.connect((HOST, self.stage.mllp))

    def close(self) -> None:
        """End it at once: in good order it would wait for those that hang."""
        self.line.close()
        if "gateway" in self.stage.processes:
            self.stage.kill("gateway")
        self.stage.close()

    def _add_comuni(self, mute_port: int, silent: frozenset[str]) -> None:
        path = self.stage.folder / "partners.yaml"
        told = path.read_text(encoding="utf-8")
        before, _, rest = told.partition("  entries:\n")
        _, _, others = rest.partition("agenzia_entrate:")
        entries = "".join(
            f"    '{code}': {{name: Comune {code}, timeout: 30 s, concurrency: {BEARS}, rate: 10, "
            f"circuit: {{failures: 5, pause: 30 s}}, endpoint: 'https://{HOST}:"
            f"{mute_port if code in silent else self.stage.services['comune']}"
            "/NotificaNascita'}\n"
            for code, *_ in homes()
        )
        whole = f"{before}  entries:\n{entries}agenzia_entrate:{others}"
        path.write_text(whole, encoding="utf-8")

    def feed(self, blocks: list[bytes], per_second: float) -> None:
        """Send at a steady rate, whatever the gateway does with it."""
        reader, began = BlockReader(), time.monotonic()
        for number, block in enumerate(blocks):
            time.sleep(max(0.0, began + number / per_second - time.monotonic()))
            self.line.sendall(block)
            while not (answers := reader.feed(self.line.recv(65536))):
                pass
            assert b"|AA|" in answers[0], "a birth was refused"

    def times(self) -> list[float]:
        """Seconds to the receipt of every birth of the 180, in order."""
        with look(f"sqlite:///{self.stage.folder / 'icaro.db'}") as view:
            rows = view.submissions(None, "comune", None, limit=1_000_000)
        mine = [row for row in rows if row.endpoint not in self.apart]
        late = [row for row in mine if row.status is not Status.ACCEPTED]
        assert not late, f"{len(late)} births of Comuni that do not hang are not delivered"
        return sorted((row.updated_at - row.created_at).total_seconds() for row in mine)


def births(key: str, count: int, begin: int) -> list[bytes]:
    """One for each Comune in turn."""
    places = homes()
    return [
        wrap(_birth(f"{key}-{number}", places[(begin + number) * 7 % PARTNERS]))
        for number in range(count)
    ]


def _queue_up(key: str, codes: list[str]) -> list[bytes]:
    """More for each of these than it bears at once; the same for a gateway where none hangs."""
    places = [home for home in homes() if home[0] in codes] * (BEARS + 1)
    return [wrap(_birth(f"{key}-q{number}", home)) for number, home in enumerate(places)]


def _birth(key: str, home: Home) -> bytes:
    mother = Parent("BIANCHI", "ANNA", "F", date(1993, 5, 15), home)
    child: Child = invented(key)
    message = replace(child, mother=mother, father=None).message("A01")
    return message.replace(b"DEMO", f"{key[-8:]}X".encode(), 1)


def measure(rounds: int = ROUNDS) -> dict[str, float]:
    """Seconds at the 180: `quiet_p95_s`, `hanging_p95_s`, medians beside, and `rise` of the p95."""
    codes = [home[0] for home in homes()]
    deaf = frozenset(codes[number * (PARTNERS // HANGING)] for number in range(HANGING))
    with ExitStack() as open_now:
        port = open_now.enter_context(mute())
        folder = Path(open_now.enter_context(tempfile.TemporaryDirectory(prefix="icaro-fair-")))
        sides = [_side(folder, name, deaf) for name in ("quiet", "hanging")]
        for side in sides:
            open_now.callback(side.close)
            side.open(port)
            side.feed(_queue_up(side.name, sorted(deaf)), 2 * PER_SECOND)
        found = _rounds(sides, rounds)
    quiet, hanging = found["quiet"], found["hanging"]
    return {
        "births": float(len(hanging)),
        "quiet_p50_s": _at(quiet, 0.50),
        "quiet_p95_s": _at(quiet, 0.95),
        "hanging_p50_s": _at(hanging, 0.50),
        "hanging_p95_s": _at(hanging, 0.95),
        "rise": _at(hanging, 0.95) / _at(quiet, 0.95) - 1,
    }


def _side(folder: Path, name: str, apart: frozenset[str]) -> Side:
    stage = Stage(folder / name, senders=_SENDERS, delivery=_DELIVERY)
    return Side(stage, name, apart, hangs=name == "hanging")


def _rounds(sides: list[Side], rounds: int) -> dict[str, list[float]]:
    for number in range(rounds):
        # Who begins changes, so that neither always comes after the other.
        for side in sides if number % 2 else reversed(sides):
            count = PER_SECOND * SECONDS
            blocks = births(f"{side.name}-{number}", count, number * count)
            side.feed(blocks, PER_SECOND)
    for side in sides:
        side.stage.wait_for(lambda s=side: _delivered(s), "the 180", seconds=60)  # type: ignore[misc]  # bound now
    return {side.name: side.times() for side in sides}


def _delivered(side: Side) -> bool:
    try:
        return bool(side.times())
    except AssertionError:
        return False


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> int:
    """Print the figures; exit code 1 if the p95 rises by more than it may."""
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
    for name, value in found.items():
        print(f"{name:14} {value:.3f}")
    return 0 if found["rise"] <= ALLOWED - 1 else 1


if __name__ == "__main__":
    sys.exit(main())
