"""The shipped mappings with ANPR's real schemas, put where an operator puts them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.hl7.message import Message
from gateway.mapping import Library, Result
from gateway.mapping.compiled import Compiled
from tests.skips import SHARED_ABSENT

ROOT: Final = Path(__file__).parents[3]
MAPPINGS: Final = ROOT / "mappings"
REQUEST: Final = "anpr/iscrizione-1001.yaml"
Facts = Mapping[str, Mapping[str, object]]

BASE: Final[Facts] = {
    "flow": {"now": datetime(2026, 3, 6, 10, 0, tzinfo=UTC), "ambiente": "TEST"},
    "sender": {"comune": "015146"},
    "comune": {"istat": "015209", "idOperazione": "1001"},
}
PAPER: Final[Facts] = {
    "atto": {"anno": "2026", "parte": "1", "serie": "A", "numero": "117", "data": "2026-03-05"}
}
ARCHIVE: Final[Facts] = {
    "atto_ansc": {"idAnsc": "2026-1-117-015209", "anno": "2026", "numeroComunale": "117"}
}


@pytest.fixture(scope="session")
def anpr(shared: Path) -> Path:
    """ANPR's published files; skips where absent."""
    if not (shared / "anpr").is_dir():
        pytest.skip(f"{SHARED_ABSENT}: no folder 'anpr' in it")
    return shared / "anpr"


@pytest.fixture(scope="session")
def xsd(anpr: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped folder of schemas with the Ministry's in `anpr/`, as its README says."""
    folder = tmp_path_factory.mktemp("deployment") / "xsd"
    shutil.copytree(ROOT / "xsd", folder)
    for path in (*(anpr / "comuni").glob("*.xsd"), *(anpr / "ansc" / "xsd").glob("*.xsd")):
        shutil.copy(path, folder / "anpr")
    return folder


@pytest.fixture(scope="session")
def library(xsd: Path) -> Library:
    return Library(MAPPINGS, xsd)


@pytest.fixture(scope="session")
def request_1001(library: Library) -> Compiled:
    """The mapping that writes `Richiesta1001`."""
    return library.mapping(REQUEST, library.profile("default"))


@pytest.fixture(scope="session")
def register(request_1001: Compiled) -> Callable[..., Result]:
    """Runs it: a sample's name, what is changed in its text, and facts over the usual ones."""

    def run(sample: str, *more: Facts, without: tuple[str, ...] = (), **changed: str) -> Result:
        text = (MAPPINGS / "samples" / f"{sample}.hl7").read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if not line.startswith(without)]
        for old, new in changed.items():
            lines = "\r".join(lines).replace(old, new).split("\r")
        facts: dict[str, dict[str, Any]] = {name: dict(said) for name, said in BASE.items()}
        for each in more:
            for name, said in each.items():
                facts[name] = {**facts.get(name, {}), **said}
        return request_1001.run(Message.parse("\r".join(lines).encode()), facts)

    return run


def told(result: Result) -> list[str]:
    """Kind, code and place of each problem."""
    return [problem.told for problem in result.problems]
