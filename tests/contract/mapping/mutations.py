"""Says who finds the seeded mistakes in a shipped mapping: lint, its own tests, or nobody.

    python -m tests.contract.mapping.mutations [--count 100] [--seed 1] [NAME…]

prints what was missed, and the table: kind of mistake, made, found by lint, found by tests, missed.
ANPR's mappings are among them where the Ministry's schemas are beside the project. A profile has no
tests: those of all mappings that read it are its own.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gateway.errors import ConfigurationError
from gateway.mapping import Library
from gateway.mapping.lint import lint_mapping, lint_profile, mappings_in
from gateway.mapping.tests import cases_of, run_tests
from tests.contract.mapping.mistakes import KINDS, Mutation, mutations

ROOT: Final = Path(__file__).resolve().parents[3]
PROFILE: Final = "profiles/default.yaml"
FOUND: Final = ("lint", "tests", "missed")


def found_by(library: Library, name: str, mutation: Mutation) -> str:
    """`lint`, `tests` or `missed`. The library is as shipped; its schemas and sheets are shared."""
    changed = library.with_open({mutation.file: mutation.text.encode()})
    if name.startswith("profiles/"):
        return _in_profile(changed, name)
    if any(_lint(changed, name, profile) for profile in _profiles(library, name)):
        return "lint"
    return "tests" if _fails(changed, name) else "missed"


def _in_profile(changed: Library, name: str) -> str:
    profile = name.removeprefix("profiles/").removesuffix(".yaml")
    readers = [one for one in mappings_in(changed) if profile in _profiles(changed, one)]
    if lint_profile(changed, profile) or any(_lint(changed, one, profile) for one in readers):
        return "lint"
    return "tests" if any(_fails(changed, one) for one in readers) else "missed"


def _profiles(library: Library, name: str) -> list[str]:
    return sorted({case.profile for case in cases_of(library, name)} or {"default"})


def _lint(changed: Library, name: str, profile: str) -> bool:
    return bool(lint_mapping(changed, name, profile))


def _fails(changed: Library, name: str) -> bool:
    try:
        return any(not result.passed for result in run_tests(changed, name))
    except ConfigurationError:
        return True


def with_anpr(folder: Path) -> Path:
    """The shipped schemas, with the Ministry's where an operator puts them, if they are there."""
    shutil.copytree(ROOT / "xsd", folder / "xsd")
    published = ROOT.parent / "shared" / "anpr"
    for path in (*published.glob("comuni/*.xsd"), *published.glob("ansc/xsd/*.xsd")):
        shutil.copy(path, folder / "xsd" / "anpr")
    return folder / "xsd"


def tally(
    library: Library, names: Iterable[str], count: int, seed: int
) -> Counter[tuple[str, str]]:
    """How many mistakes of a kind were found by whom; prints what was missed."""
    table: Counter[tuple[str, str]] = Counter()
    for name in names:
        for mutation in mutations(library, name, count, seed):
            found = found_by(library, name, mutation)
            table[mutation.kind, found] += 1
            if found == "missed":
                print(f"missed in {name}: {mutation}", flush=True)
    return table


def lines(table: Counter[tuple[str, str]]) -> list[str]:
    """The table as text."""
    shown = [f"{'mistake':<24}{'made':>6}{'lint':>6}{'tests':>7}{'missed':>8}"]
    for kind in (*KINDS, "all"):
        counts = [
            sum(n for (k, f), n in table.items() if f == found and kind in (k, "all"))
            for found in FOUND
        ]
        shown.append(f"{kind:<24}{sum(counts):>6}{counts[0]:>6}{counts[1]:>7}{counts[2]:>8}")
    return shown


def main() -> int:
    """Print the table; exit code 1 if a mistake was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        library = Library(ROOT / "mappings", with_anpr(Path(folder)))
        names = options.names or [*mappings_in(library), PROFILE]
        table = tally(library, names, options.count, options.seed)
    print("\n".join(lines(table)))
    return int(any(found == "missed" for _, found in table))


if __name__ == "__main__":
    sys.exit(main())
