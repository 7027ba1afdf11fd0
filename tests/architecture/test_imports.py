"""Imports go one way, and each dangerous thing has one door."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.architecture.sources import ROOT, SHIPPED, imported, sources


def importers(prefixes: tuple[str, ...], allowed: tuple[str, ...]) -> list[str]:
    """Where a module of `prefixes` is imported outside the files that start with `allowed`."""
    return sorted(
        {
            f"{source.name}:{line}: {name}"
            for source in sources(*SHIPPED)
            if not source.name.startswith(allowed)
            for name, line in imported(source.tree)
            if any(name == each or name.startswith(f"{each}.") for each in prefixes)
        }
    )


def test_imports_go_one_way():
    """Every contract of import-linter holds: layers, pure rooms, partners apart."""
    tool = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([tool, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_sql_stays_in_one_room():
    """Only the journal imports a database library."""
    assert importers(("sqlalchemy", "sqlite3", "psycopg", "alembic"), ("gateway/journal/",)) == []


def test_network_stays_at_the_edges():
    """Inside the gateway only the loops, app, connections and the verbs may know Twisted."""
    loop = (
        "gateway/calls",
        "gateway/courier",
        "gateway/dispatch",
        "gateway/junction",
        "gateway/pausing",
        "gateway/postman",
        "gateway/probes",
        "gateway/reload",
        "gateway/reminders",
        "gateway/silence",
        "gateway/upkeep",
    )
    meeting = (
        "gateway/app",
        "gateway/running",
        "gateway/connections",
        "gateway/demo/",
        "gateway/cli/",
    )
    doors = (*meeting, *loop, "adapters/")
    assert importers(("twisted",), doors) == []


def test_spyne_is_made_to_run_in_one_place():
    """Whoever imports spyne imports its compatibility module before it."""
    wrong = []
    for source in sources(*SHIPPED):
        names = [name for name, _ in imported(source.tree)]
        if source.name.endswith("spyne_compat.py") or not any(n.startswith("spyne") for n in names):
            continue
        spyne = next(i for i, name in enumerate(names) if name.startswith("spyne"))
        door = [i for i, name in enumerate(names) if name == "adapters.spyne_compat"]
        if not door or door[0] > spyne:
            wrong.append(source.name)
    assert wrong == []


def test_cgi_is_imported_by_nobody():
    """The module that Python 3.13 no longer has is spyne's need, not ours."""
    assert importers(("cgi", "imp", "distutils", "pkg_resources", "asyncore"), ()) == []
