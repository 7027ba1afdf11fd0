"""`icaro simulate`: its arguments. What it plays is tested as a process, in the contract tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from twisted import internet

from gateway.cli.simulate import simulate
from gateway.units import Address


class Reactor:
    """Runs nothing."""

    def run(self) -> None:
        """Return at once."""


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The settings that simulators were made with; none is started."""
    made: list[Any] = []

    class Simulator:
        port, control_port = 4001, 4002

        def __init__(self, reactor: object, setting: Any) -> None:
            made.append(setting)

    monkeypatch.setattr("adapters.simulation.process.Simulator", Simulator)
    monkeypatch.setattr(internet, "reactor", Reactor(), raising=False)
    return made


def run(*arguments: str) -> Any:
    """Run the verb."""
    return CliRunner().invoke(simulate, arguments)


def test_it_says_where_it_listens(setting: list[Any], tmp_path: Path) -> None:
    """One line of JSON names the addresses; loopback is the default."""
    ran = run("asl", "--certs", str(tmp_path), "--store", str(tmp_path / "s"))
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.output) == {
        "partner": "asl",
        "listen": "127.0.0.1:4001",
        "control": "127.0.0.1:4002",
    }
    (made,) = setting
    assert (made.listen, made.control) == (Address("127.0.0.1", 0), Address("127.0.0.1", 0))
    assert (made.switches.idempotent, made.switches.queryable) == (True, True)
    assert (made.mappings / "tables" / "comuni.csv").exists()


def test_every_option_reaches_the_simulator(setting: list[Any], tmp_path: Path) -> None:
    """Addresses, switches, the callback address and bad days, by name or as JSON."""
    day = '{"name": "answer_later", "times": 1, "options": {"after": 2}}'
    ran = run(
        *("comune", "--certs", str(tmp_path), "--store", str(tmp_path)),
        *("--listen", "[::1]:8443", "--control", "127.0.0.1:9000", "--no-idempotence"),
        *("--no-query", "--callback-url", "https://g/", "--bad-day", "slow", "--bad-day", day),
    )
    assert ran.exit_code == 0, ran.output
    (made,) = setting
    assert made.listen == Address("::1", 8443)
    assert made.callback_url == "https://g/"
    assert [each.name for each in made.bad_days] == ["slow", "answer_later"]
    assert made.bad_days[1].options == {"after": 2}
    assert (made.switches.idempotent, made.switches.queryable) == (False, False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("inps",),
        ("asl", "--listen", "nowhere"),
        ("asl", "--listen", "x:99999"),
        ("asl", "--bad-day", "nobody"),
        ("asl", "--bad-day", "{"),
        ("asl",),
    ],
)
def test_wrong_use_is_told(setting: list[Any], tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """An unknown partner, address or bad day, or missing certificates, is exit 2."""
    certs = ("--certs", str(tmp_path)) if len(arguments) > 1 else ()
    assert run(*arguments, *certs, "--store", str(tmp_path)).exit_code == 2
    assert setting == []
