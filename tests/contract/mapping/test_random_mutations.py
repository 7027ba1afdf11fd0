"""Whatever stands in a mapping: lint says what it thinks of it, and what it lets pass runs.

`ICARO_MUTATIONS=20000` makes more of them, `ICARO_SEED` others. A failure names seed and number;
`made` makes the same file again.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from gateway.errors import ConfigurationError
from gateway.hl7.message import Message
from gateway.mapping import Library
from gateway.mapping.compiled import Compiled, Source
from gateway.mapping.finding import Finding, Findings
from gateway.mapping.lint import lint_mapping, lint_profile, mappings_in
from gateway.mapping.problem import Problem, ProblemKind
from gateway.mapping.samples import with_hl7_ends
from gateway.mapping.seeing.inputs import facts_of
from gateway.mapping.tests import cases_of
from gateway.xml import parse
from tests.contract.mapping.mutations import ROOT
from tests.contract.mapping.noise import noisy

SEED: Final = int(os.environ.get("ICARO_SEED", "20261122"))
COUNT: Final = int(os.environ.get("ICARO_MUTATIONS", "2000"))
BATCHES: Final = 20
CORPUS: Final = 5
SECONDS: Final = 5
"""Of this process: what others do at the same time is not lint's to answer for."""
SHIPPED: Final = Library(ROOT / "mappings", ROOT / "xsd")
NAMES: Final = tuple(mappings_in(SHIPPED))
LARGE: Final = tuple(
    # Where there is most to go wrong; the others are small.
    name
    for name in NAMES
    if b"lib/persona.yaml" in SHIPPED.content(name) or "riscontro" in name
)
PROFILES: Final = ("default", "dialect_cf", "dialect_nnita")
SHEETS: Final = tuple(
    f"tables/{name}.csv" for name in ("sesso", "dichiarante", "tipo_mime", "stato_civile")
)
"""The large tables are left out."""


class Made(NamedTuple):
    """A mapping, and the file, its own or one that it reads, that is no longer what it was."""

    name: str
    profile: str
    file: str
    library: Library


def made(number: int, seed: int = SEED) -> Made:
    """The random mutation of that number."""
    dice = random.Random(f"{seed} {number}")
    name, profile = dice.choice((*NAMES, *LARGE, *LARGE)), dice.choice(PROFILES)
    text = SHIPPED.content(name).decode()
    used = [f"lib/{block}.yaml" for block in re.findall(r"lib/(\w+)\.yaml", text)]
    sheets = [sheet for sheet in SHEETS if sheet.removeprefix("tables/") in text]
    profiles = ["profiles/default.yaml", f"profiles/{profile}.yaml"] if "hl7: '2.5'" in text else []
    file = dice.choice((*[name] * 4, *used * 2, *profiles, *sheets[:1]))
    other = SHIPPED.content(dice.choice(NAMES)).decode()
    content = SHIPPED.content(file)
    while content == SHIPPED.content(file):
        content = noisy(dice, SHIPPED.content(file).decode(), other)
    return Made(name, profile, file, SHIPPED.with_open({file: content}))


def linted(mutation: Made) -> list[Finding]:
    """All that lint says: of the mapping, and of the profile if that is what was changed."""
    library, name, profile, file = mutation.library, *mutation[:3]
    findings = lint_mapping(library, name, profile)
    if file.startswith("profiles/"):
        findings += lint_profile(library, file.removeprefix("profiles/").removesuffix(".yaml"))
    return findings


def compiled(mutation: Made) -> Compiled | None:
    """What lint let pass; None where it found an error."""
    if any(finding.severity == "error" for finding in linted(mutation)):
        return None
    profile = mutation.library.profile(mutation.profile)
    return mutation.library.mapping(mutation.name, profile)


def problems(mapping: Compiled, mutation: Made, sources: Sequence[Source]) -> list[Problem]:
    """What running it says, with the facts of its tests and without any."""
    cases = cases_of(SHIPPED, mutation.name)
    original = SHIPPED.mapping(mutation.name, SHIPPED.profile("default"))
    facts = [facts_of(SHIPPED, original, case) for case in cases[:1]]
    runs = (mapping.run(source, given) for source in sources for given in (*facts, {}))
    return [problem for result in runs for problem in result.problems]


def broken(problem: Problem) -> bool:
    """Whether the document has another form than the schema's: never for want of good values."""
    told = problem.kind is ProblemKind.SCHEMA
    return told and not problem.reason.startswith(("value is ", "the document has another root"))


@pytest.fixture(scope="module")
def messages() -> list[Source]:
    """The shipped samples, and a seeded choice of real messages where they are."""
    paths = sorted((SHIPPED.mappings / "samples").glob("*.hl7"))
    corpus = sorted((ROOT.parent / "shared" / "corpus").rglob("*.hl7"))
    chosen = random.Random(SEED).sample(corpus, min(CORPUS, len(corpus)))
    return [*map(_message, paths), *map(_message, chosen)]


def _message(path: Path) -> Source:
    return Message.parse(with_hl7_ends(path.read_bytes()))


@pytest.fixture(scope="module")
def answers() -> list[Source]:
    """The shipped answers."""
    return [parse(path.read_bytes()) for path in SHIPPED.mappings.glob("samples/risposte/*.xml")]


@pytest.mark.parametrize("batch", range(BATCHES))
def test_lint_never_fails_and_what_it_lets_pass_runs(
    batch: int, messages: list[Source], answers: list[Source]
) -> None:
    """Findings or none, within seconds; then documents or what a message lacks, nothing else."""
    for number in range(batch, COUNT, BATCHES):
        mutation = made(number)
        at = f"seed {SEED}, number {number}: {mutation.name}, {mutation.file}"
        started = time.process_time()
        try:
            mapping = compiled(mutation)
            took = time.process_time() - started
            if mapping is not None:
                sources = answers if mapping.direction == "xml_to_facts" else messages
                assert not [each for each in problems(mapping, mutation, sources) if broken(each)]
        except Exception as error:
            raise AssertionError(at) from error
        assert took < SECONDS, at


def test_a_good_part_of_the_mutations_passes_lint() -> None:
    """Files that all are refused would say nothing of what runs."""
    passed = [number for number in range(100) if compiled(made(number)) is not None]
    assert 10 < len(passed) < 90


def test_what_is_refused_is_refused_with_a_place() -> None:
    """Each finding names a file that was read, and a line of it."""
    for number in range(60):
        mutation = made(number)
        for finding in linted(mutation):
            content = mutation.library.content(finding.position.file)
            assert 1 <= finding.position.line <= content.count(b"\n") + 2, (SEED, number, finding)


def test_a_mapping_that_cannot_be_read_has_findings(tmp_path: Path) -> None:
    """Nothing at all is said of it only where it is as shipped."""
    name = "asl/esito.yaml"
    empty = SHIPPED.with_open({name: b""})
    assert lint_mapping(empty, name)
    with pytest.raises(ConfigurationError):
        empty.mapping(name, empty.profile("default"))
    findings = Findings()
    assert empty.compile(name, empty.profile("default"), findings) is None
    assert findings.errors
