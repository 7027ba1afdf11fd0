"""An edition: the flow, the profiles and the mappings of one state of a folder, compiled.

Frozen once compiled; the gateway has one in use and may build another aside. What was translated
with one keeps the pins of its files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path

from gateway.errors import ConfigurationError
from gateway.flow.definition import Flow, load_flow
from gateway.flow.reading import Reader
from gateway.mapping import Compiled, Library


class Edition:
    """`mappings` is the folder it is read from, `flow` the name of the flow's file in it."""

    def __init__(self, mappings: Path, xsd: Path, flow: str) -> None:
        """Raises ConfigurationError if the flow cannot be read."""
        self.mappings = mappings
        self.library = Library(mappings, xsd)
        self.flow: Flow = load_flow(mappings / flow)
        self.reader: Callable[[str], Reader] = cache(self._reader)

    def _reader(self, profile: str) -> Reader:
        return Reader(self.flow, self.library, self.library.profile(profile))

    def mapping(self, name: str, profile: str) -> Compiled:
        """A mapping compiled for a profile; compiled once."""
        return self.library.mapping(name, self.library.profile(profile))

    @property
    def steps(self) -> list[str]:
        """The mappings that the flow's steps name."""
        return sorted({name for step in self.flow.steps.values() for name in step.maps.values()})

    def compile(self, profiles: Iterable[str], names: Iterable[str]) -> None:
        """The flow and every mapping named, for every profile.

        Raises ConfigurationError with every problem.
        """
        problems: dict[str, None] = {}
        names = list(names)
        for profile in profiles:
            compiling: list[Callable[[], object]] = [partial(self.reader, profile)]
            compiling += [partial(self.mapping, name, profile) for name in names]
            for compiled in compiling:
                try:
                    compiled()
                except ConfigurationError as error:
                    problems |= dict.fromkeys(error.problems)
        if problems:
            raise ConfigurationError(list(problems))
