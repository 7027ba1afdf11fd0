"""What both the running gateway and the verbs of the command line stand on.

Opens the journal, the flow, the mappings and the partner directory of a configuration, and makes
the casebook of them. No network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from gateway.casebook import Casebook
from gateway.config import Configuration, Sender
from gateway.errors import ConfigurationError
from gateway.flow.definition import Flow, load_flow
from gateway.flow.reading import Reader
from gateway.journal import Journal, Keyring
from gateway.mapping import Compiled, Library
from gateway.partners import Directory

ESITO_NOTIFICATO = "gateway/esito_notificato.yaml"
"""The mapping that reads what an administration brings later."""


@dataclass(frozen=True)
class Ground:
    """`reader` gives the flow compiled for a profile's name."""

    configuration: Configuration
    flow: Flow
    library: Library
    directory: Directory
    casebook: Casebook
    reader: Callable[[str], Reader]

    @classmethod
    def of(cls, configuration: Configuration) -> Ground:
        """Read and compile everything. Raises ConfigurationError with every problem."""
        library = Library(configuration.mappings, configuration.xsd)
        flow = load_flow(configuration.flow_file)
        directory = Directory.load(configuration.partners)
        directory = directory.with_return_feeds(configuration.senders)
        known = {sender.name: sender for sender in configuration.senders}

        @cache
        def reader(profile: str) -> Reader:
            return Reader(flow, library, library.profile(profile))

        def sender(name: str) -> Sender:
            unknown = configuration.unknown_senders
            profile = "default" if unknown == "refuse" else unknown
            return known.get(name) or Sender(name="unknown", application="", profile=profile)

        casebook = Casebook(flow, directory, sender, reader)
        return cls(configuration, flow, library, directory, casebook, reader)

    def mapping(self, name: str, profile: str) -> Compiled:
        """A mapping compiled for a profile; compiled once."""
        return self.library.mapping(name, self.library.profile(profile))

    def compile_all(self) -> None:
        """The flow and every mapping for every profile in use, before the first message.

        Raises ConfigurationError with every problem.
        """
        problems: dict[str, None] = {}
        for profile in self.profiles:
            compiling: list[Callable[[], object]] = [partial(self.reader, profile)]
            compiling += [partial(self.mapping, name, profile) for name in self.mappings]
            for compiled in compiling:
                try:
                    compiled()
                except ConfigurationError as error:
                    problems |= dict.fromkeys(error.problems)
        if problems:
            raise ConfigurationError(list(problems))

    @property
    def profiles(self) -> list[str]:
        """The profiles that the senders are read with."""
        named = {sender.profile for sender in self.configuration.senders}
        unknown = self.configuration.unknown_senders
        return sorted(named if unknown == "refuse" else {*named, unknown})

    @property
    def mappings(self) -> list[str]:
        """The mappings of every step, and of callbacks where they are taken."""
        named = {name for step in self.flow.steps.values() for name in step.maps.values()}
        return sorted(named | {ESITO_NOTIFICATO} if self.configuration.callbacks else named)


def open_journal(configuration: Configuration, node: str | None = None) -> Journal:
    """The journal of a configuration, with its keys. Raises JournalError, ConfigurationError."""
    settings = configuration.journal
    keyring = Keyring.load(settings.master_key, checkpoint_key=settings.checkpoint_key)
    return Journal.open(
        settings.url,
        node=node or configuration.node,
        keyring=keyring,
        group_limit=settings.group.most,
        checkpoint_every=settings.checkpoint_every,
        side_file=settings.checkpoints_file,
    )
