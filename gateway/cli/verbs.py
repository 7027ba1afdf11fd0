"""Groups of verbs whose modules are read only when a verb is used; `--help` reads none."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click


class Verb(NamedTuple):
    """Where a verb is, below its group's package, and what it is for, in one line."""

    module: str
    attribute: str
    purpose: str


class Verbs(click.Group):
    """A group from a table: name → Verb, in the order in which one meets them."""

    def __init__(
        self, *arguments: Any, verbs: Mapping[str, Verb], package: str, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self._verbs = verbs
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in their order."""
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the verb."""
        verb = self._verbs.get(cmd_name)
        if verb is None:
            return None
        module = import_module(f"{self._package}.{verb.module}")
        command: click.Command = getattr(module, verb.attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs and their purposes, without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.purpose) for name, verb in self._verbs.items()])
