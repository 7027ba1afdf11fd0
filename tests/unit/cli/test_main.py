"""The command as a whole: its verbs, its exit codes, how it tells errors."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from gateway import cli
from gateway.cli import VERBS, Icaro, main
from gateway.errors import ConfigurationError


def test_help_loads_no_verb():
    """`icaro --help` is fast: neither Twisted nor SQLAlchemy nor lxml is read for it."""
    program = (
        "import sys, gateway.cli\n"
        "gateway.cli.main(['--help'], standalone_mode=False)\n"
        "print([m for m in ('twisted', 'sqlalchemy', 'lxml', 'rich', 'pydantic') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    for verb in VERBS:
        assert f"\n  {verb} " in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_loads_and_tells_what_it_does(verb: str):
    """Each verb is there under its name, with a help for itself and for each of its own verbs."""
    command = main.get_command(click.Context(main), verb)
    assert command is not None
    verbs = command.commands.values() if isinstance(command, click.Group) else ()
    for one in (command, *verbs):
        assert one.help, one.name


@pytest.mark.parametrize("words", ["init", "run", "send", "hl7 check", "hl7 show", "config check"])
def test_help_teaches_with_an_example(words: str):
    """The help of a verb shows how it is typed."""
    assert f"  icaro {words}" in CliRunner().invoke(main, [*words.split(), "--help"]).output


def test_help_tells_each_verb_in_a_line():
    """One sees at once what there is."""
    shown = CliRunner().invoke(main, ["-h"]).output
    for verb in VERBS.values():
        assert verb.purpose in shown


def test_an_unknown_verb_is_a_usage_error():
    """Exit code 2, as for every usage error."""
    assert CliRunner().invoke(main, ["fly"]).exit_code == 2


def test_version():
    """What runs can be told."""
    assert "icaro" in CliRunner().invoke(main, ["--version"]).output


def test_an_error_of_ours_is_told_with_its_advice(monkeypatch: pytest.MonkeyPatch):
    """Exit code 1, the text, and what the operator does about it; no traceback."""

    @click.command()
    def broken() -> None:
        raise ConfigurationError(["icaro.yaml:3: node: missing"])

    monkeypatch.setattr(Icaro, "get_command", lambda *_: broken)
    done = CliRunner().invoke(main, ["run"])
    assert done.exit_code == 1
    assert "icaro.yaml:3: node: missing" in done.stderr
    assert ConfigurationError.advice in done.stderr
    assert "Traceback" not in done.output


def test_an_error_that_is_not_ours_is_not_swallowed(monkeypatch: pytest.MonkeyPatch):
    """A bug looks like a bug."""

    @click.command()
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Icaro, "get_command", lambda *_: broken)
    assert isinstance(CliRunner().invoke(main, ["run"]).exception, ZeroDivisionError)


def test_the_verbs_are_listed_in_the_order_one_meets_them():
    """The demo first: it is what a newcomer types."""
    assert main.list_commands(click.Context(main))[0] == "demo"
    assert cli.main is main
