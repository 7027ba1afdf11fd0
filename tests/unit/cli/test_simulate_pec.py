"""`icaro simulate-pec`: its arguments. What it plays is talked to in the adapters' tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from twisted import internet

from gateway.cli.simulate_pec import simulate_pec
from gateway.units import Address


class Reactor:
    """Runs nothing."""

    def run(self) -> None:
        """Return at once."""


def test_it_says_where_it_listens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One line of JSON names both doors; its folder is made."""
    made: list[Any] = []

    class Servers:
        smtp, imap = 4465, 4993

        def __init__(self, reactor: object, *said: Any) -> None:
            made.append(said)

    monkeypatch.setattr("adapters.simulation.pec_servers.PecServers", Servers)
    monkeypatch.setattr(internet, "reactor", Reactor(), raising=False)
    store = tmp_path / "pec"
    where = ["--keys", str(tmp_path), "--store", str(store), "--smtp", "127.0.0.1:4465"]
    ran = CliRunner().invoke(simulate_pec, where)
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.output) == {"smtp": "127.0.0.1:4465", "imap": "127.0.0.1:4993"}
    ((provider, keys, smtp, imap),) = made
    assert (provider.folder, keys, store.is_dir()) == (store, tmp_path, True)
    assert (smtp, imap) == (Address("127.0.0.1", 4465), Address("127.0.0.1", 0))
