"""`python -m bench.mapping`: what the largest shipped mapping costs, to run and to compile.

A run is map, build and XSD check of one birth, from a message that nobody has read yet; the
samples shipped beside the mapping are the births. Compiling begins with a new Library, its files
in the page cache. CPU time, medians; a bare RSA-2048 signature is measured between the rounds.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import rsa

from bench.signature import burst
from gateway import shipped
from gateway.hl7.message import Message
from gateway.mapping import Compiled, Library
from gateway.mapping.compiled import Inputs
from gateway.mapping.schema_reader import load
from gateway.reload import set_apart

MAPPING, SCHEMA, PROFILE = "comune/nascita.yaml", "comune/nascita.xsd", "default"
RUNS = 50
"""Of each sample in a round."""

RUN_BAR, COMPILE_BAR = 0.25, 100.0
PROTOTYPE_RUN, PROTOTYPE_COMPILE = 0.15, 40
"""Milliseconds, of the reference prototype."""

_SENDER: Mapping[str, object] = {"comune": "015146", "struttura": "030001", "nome": "SANTA PROVA"}


@dataclass(frozen=True)
class Costs:
    """Milliseconds of CPU: one birth of all samples and of the heaviest, one compilation, what
    of it reading the XSD takes, and the bare signature of the same minutes.
    """

    run: float
    heaviest: float
    compilation: float
    reading_xsd: float
    signature: float

    @property
    def figures(self) -> dict[str, float]:
        """As they stand in the table."""
        return {
            "mapping_run_ms": self.run,
            "mapping_run_heaviest_ms": self.heaviest,
            "mapping_compile_ms": self.compilation,
            "mapping_compile_xsd_ms": self.reading_xsd,
            "mapping_bare_signature_ms": self.signature,
        }

    @property
    def bars(self) -> list[tuple[str, str, bool]]:
        """What was promised, what was measured, whether it is met."""
        run, compiled = f"{self.run:.3f} ms", f"{self.compilation:.0f} ms"
        ran = f"map + build + XSD check of a birth < 0.25 ms (prototype {PROTOTYPE_RUN})"
        made = f"compiling the mapping < 100 ms (prototype {PROTOTYPE_COMPILE})"
        return [
            (ran, run, self.run < RUN_BAR),
            (made, compiled, self.compilation < COMPILE_BAR),
        ]


def measure(rounds: int) -> Costs:
    """Medians over so many rounds; everything is run once before, to warm."""
    key = rsa.generate_private_key(65537, 2048)
    compiled = _library().mapping(MAPPING, _library().profile(PROFILE))
    births = _births(compiled)
    set_apart()  # as the gateway does with every edition that it takes into use
    per_sample: dict[str, list[float]] = {name: [] for name in births}
    compilations, schemas, signatures = [], [], []
    for _ in range(rounds):
        for name, raw in births.items():
            per_sample[name].append(_run(compiled, raw))
        compilations.append(_milliseconds(_compile))
        schemas.append(_milliseconds(lambda: load(shipped.xsd() / SCHEMA)))
        signatures.append(burst(key))
    medians = [statistics.median(each) for each in per_sample.values()]
    return Costs(
        run=statistics.mean(medians),
        heaviest=max(medians),
        compilation=statistics.median(compilations),
        reading_xsd=statistics.median(schemas),
        signature=statistics.median(signatures),
    )


def _library() -> Library:
    return Library(shipped.mappings(), shipped.xsd())


def _compile() -> None:
    library = _library()
    library.mapping(MAPPING, library.profile(PROFILE))


def _inputs(compiled: Compiled) -> Inputs:
    flow = {
        "operationId": "42",
        "now": datetime(2026, 3, 6, 9, tzinfo=UTC),
        "destinatario": "015209",
        "ambiente": "TEST",
    }
    known: Inputs = {"flow": flow, "sender": _SENDER}
    return {name: known.get(name, {}) for name in compiled.inputs}


def _births(compiled: Compiled) -> dict[str, bytes]:
    """The samples of which the profile makes a document; the others are of other dialects."""
    found = {}
    for path in sorted((shipped.mappings() / "samples").glob("*.hl7")):
        raw = path.read_bytes()
        if not compiled.run(Message.parse(raw), _inputs(compiled)).problems:
            found[path.stem] = raw
    return found


def _run(compiled: Compiled, raw: bytes) -> float:
    """Milliseconds of one document, the mean of a round."""
    messages: Sequence[Message] = [Message.parse(raw) for _ in range(RUNS)]
    inputs = _inputs(compiled)

    def all_of_them() -> None:
        for message in messages:
            compiled.run(message, inputs)

    return _milliseconds(all_of_them) / RUNS


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return 1000 * (time.thread_time() - began)


def table(costs: Costs) -> str:
    """As Markdown."""
    lines = ["| figure | value |", "|---|---|"]
    lines += [f"| {name} | {value:.3f} |" for name, value in costs.figures.items()]
    lines += ["", "| bar | measured | met |", "|---|---|---|"]
    lines += [f"| {bar} | {value} | {'yes' if met else 'NO'} |" for bar, value, met in costs.bars]
    return "\n".join(lines)


def main() -> int:
    """Exit code 1 if a bar is not met."""
    costs = measure(rounds=15)
    print(table(costs))
    return 0 if all(met for _, _, met in costs.bars) else 1


if __name__ == "__main__":
    sys.exit(main())
