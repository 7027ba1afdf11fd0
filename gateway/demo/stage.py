"""A deployment in a folder, with its processes: three administrations and the gateway.

Everything listens on 127.0.0.1, on ports that the system chose. Processes are ended by pid, and
only those that were started here.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.demo.ports import HOST, free_port
from gateway.deployment import lay_out
from gateway.errors import StageError

_LONGEST_LOOK = 5.0
"""Seconds between two looks of which more is no waiting: nothing ran."""
ADMINISTRATIONS = ("comune", "agenzia_entrate", "asl")
PATHS = {
    "comune": "NotificaNascita",
    "agenzia_entrate": "CodiceFiscale",
    "asl": "AnagrafeAssistiti",
}


def is_green(port: int) -> bool:
    """Whether the /health on a port of ours is there and green."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as red:
        red.close()  # it is the answer, with its connection
        return False
    except OSError:
        return False


@dataclass
class Stage:
    """`folder` holds the deployment; `journal` is its URL; `idempotence` what partners promise."""

    folder: Path
    journal: str = "sqlite:///icaro.db"
    idempotence: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable
    environment: Mapping[str, str] = field(default_factory=dict)
    senders: str = ""
    delivery: str = (
        "{concurrency: 8, poll: 250 ms, lease: 20 s, settle: 1 ms, "
        "retry: {first: 300 ms, factor: 1.5, ceiling: 3 s, jitter: 0.2}}"
    )
    production: bool = True

    def __post_init__(self) -> None:
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.controls: dict[str, int] = {}
        self.services: dict[str, int] = {}
        self.mllp, self.http, self.callbacks, self.return_feed = (free_port() for _ in range(4))

    def lay_out(self) -> None:
        """The deployment as `icaro init` and `icaro certs init` make it, from nothing."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        lay_out(self.folder)
        self.icaro("certs", "init", str(self.folder / "certs"))

    def configure(self) -> None:
        """`icaro.yaml` and `partners.yaml`; the administrations must be running."""
        (self.folder / "icaro.yaml").write_text(self._icaro_yaml(), encoding="utf-8")
        (self.folder / "partners.yaml").write_text(self._partners_yaml(), encoding="utf-8")

    def start_administration(self, name: str, *options: str) -> None:
        """One administration as its own process; its ports are what it says on its first line."""
        callback = f"https://{HOST}:{self.callbacks}/esiti/{name}/{_OFFICES[name]}"
        where = ["--listen", f"{HOST}:{self.services.get(name, 0)}"]
        where += ["--control", f"{HOST}:{self.controls.get(name, 0)}"]
        where += ["--certs", str(self.folder / "certs"), "--callback-url", callback]
        where += ["--store", str(self.folder / "simulators" / name)]
        process = self._start(name, "simulate", name, *where, *options, stdout=subprocess.PIPE)
        assert process.stdout is not None  # asked for above
        with process.stdout as told:  # it says one line, and nothing more
            line = told.readline()
        if not line:
            raise StageError(f"the administration {name} did not start")
        said = json.loads(line)
        self.services[name] = _port(said["listen"])
        self.controls[name] = _port(said["control"])

    def start_gateway(self) -> None:
        """`icaro run`, and wait until its health is green."""
        self._start("gateway", "run", "-c", str(self.folder / "icaro.yaml"))
        self.wait_for(self.healthy, "the gateway's health", seconds=60)

    def healthy(self) -> bool:
        """Whether /health is green."""
        if is_green(self.http):
            return True
        if self.processes["gateway"].poll() is not None:
            raise StageError("the gateway ended")
        return False

    def metrics(self) -> str:
        """What /metrics says."""
        url = f"http://{HOST}:{self.http}/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:  # our own loopback
            text: str = answer.read().decode()
            return text

    def control(
        self, administration: str, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Any:
        """Speak to an administration's control port."""
        request = urllib.request.Request(  # our own loopback
            f"http://{HOST}:{self.controls[administration]}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # our own loopback
            content = answer.read()
        return json.loads(content) if content else None

    def effects(self, administration: str) -> list[dict[str, Any]]:
        """What an administration did: its own log, one line an effect.

        The last line may be half written: it becomes an effect when it is whole.
        """
        log = self.folder / "simulators" / administration / "effects.jsonl"
        content = log.read_bytes() if log.exists() else b""
        return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]

    def icaro(self, *arguments: str) -> str:
        """Run a verb to its end; gives what it printed. Raises StageError if it failed."""
        done = subprocess.run(  # noqa: S603  # our own command
            [self.python, "-m", "gateway.cli", *arguments],
            capture_output=True,
            env=self._environment(),
            check=False,
        )
        if done.returncode:
            text = done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")
            raise StageError(f"icaro {arguments[0]} ended with {done.returncode}: {text[-2000:]}")
        return done.stdout.decode()

    def kill(self, name: str) -> None:
        """kill -9, as a power cut does it."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    def stop(self, name: str) -> None:
        """SIGTERM, and wait for the end in good order."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
            raise StageError(f"{name} did not end in 30 seconds") from None

    def close(self) -> None:
        """End everything that was started here."""
        for name in ("gateway", *ADMINISTRATIONS):
            if name in self.processes:
                self.stop(name)

    def wait_for(self, condition: Callable[[], object], what: str, *, seconds: float) -> None:
        """Wait until `condition()` is true. Raises StageError when time is up.

        Time in which the whole machine slept, or was stopped, is not counted.
        """
        left, looked = seconds, time.monotonic()
        while not condition():
            if left <= 0:
                raise StageError(f"waited {seconds:g} s for {what}")
            time.sleep(0.05)
            before, looked = looked, time.monotonic()
            left -= min(looked - before, _LONGEST_LOOK)

    def _start(
        self, name: str, *arguments: str, stdout: int | None = None
    ) -> subprocess.Popen[bytes]:
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        with (logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  # our own command
                [self.python, "-m", "gateway.cli", *arguments],
                stdout=log if stdout is None else stdout,
                stderr=log,
                env=self._environment(),
                start_new_session=True,
            )
        self.processes[name] = process
        return process

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.environment, "PYTHONUNBUFFERED": "1"}

    def _icaro_yaml(self) -> str:
        return f"""\
node: icaro-1
journal:
  url: {self.journal}
  master_key: keys/master.key
  checkpoint_key: keys/checkpoint.key
  checkpoint_every: 2 s
certs:
  tls:  {{certificate: certs/gateway/tls.pem, key: certs/gateway/tls.key}}
  sign: {{certificate: certs/gateway/sign.pem, key: certs/gateway/sign.key}}
partners: partners.yaml
mappings: mappings
xsd: xsd
listeners:
  - {{name: reparto, address: '{HOST}:{self.mllp}'}}
senders:
{self.senders or self._senders_yaml()}
http: {{address: '{HOST}:{self.http}'}}
callbacks: {{address: '{HOST}:{self.callbacks}'}}
delivery: {self.delivery}
"""

    def _senders_yaml(self) -> str:
        return "\n".join(
            f"""\
  - name: {name}
    application: HIS
    facility: {facility}
    profile: {profile}
    facts: {{comune: '015146', struttura: '030001', nome: {name.title()}, asl: '321'}}
    return_feed: {{address: '{HOST}:{self.return_feed}', timeout: 5 s}}"""
            for name, facility, profile in HOSPITALS
        )

    def _partners_yaml(self) -> str:
        return "".join(self._section(name) for name in ADMINISTRATIONS)

    def _section(self, name: str) -> str:
        contract = f"{name}/{_CONTRACTS[name]}"
        url = f"https://{HOST}:{self.services[name]}/{PATHS[name]}"
        entries = "".join(
            f"    '{code}': {{name: {title}, endpoint: '{url}'{more}}}\n"
            for code, title, more in _ENTRIES[name]
        )
        return f"""\
{name}:
  contract: {contract}
  defaults:
    ca: certs/{name}/ca.pem
    idempotence: {self.idempotence.get(name, "idempotent")}
    concurrency: 8
    rate: 500
    timeout: 10 s
    circuit: {{failures: 5, pause: 1 s}}
    production: {str(self.production).lower()}
    processing: PROD
  entries:
{entries}"""


HOSPITALS = (
    ("santa-prova", "SANTA_PROVA", "default"),
    ("san-dialetto", "SAN_DIALETTO", "dialect_nnita"),
    ("san-codice", "SAN_CODICE", "dialect_cf"),
)
"""Name, MSH-4 and profile of the invented hospitals."""

_OFFICES = {"comune": "015146", "agenzia_entrate": "AE", "asl": "321"}
_CONTRACTS = {
    "comune": "NotificaNascita.wsdl",
    "agenzia_entrate": "CodiceFiscale.wsdl",
    "asl": "AnagrafeAssistiti.wsdl",
}
_ENTRIES = {
    "comune": (
        ("015146", "Comune di Milano", ""),
        ("015209", "Comune di Sesto San Giovanni", ""),
        ("016024", "Comune di Bergamo", ""),
        ("108033", "Comune di Monza", ""),
    ),
    "agenzia_entrate": (("AE", "Agenzia delle Entrate", ""),),
    "asl": (("321", "ATS della prova", ", serves: ['015', '016', '108']"),),
}


def _port(address: str) -> int:
    return int(str(address).rpartition(":")[2])
