"""What both the running gateway and the verbs of the command line stand on.

Opens the journal, the flow, the mappings and the partner directory of a configuration, and makes
the casebook of them. No network.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateway.casebook import Casebook
from gateway.config import Configuration, Sender
from gateway.edition import Edition
from gateway.errors import ConfigurationError
from gateway.flow.definition import Flow
from gateway.flow.reading import Reader
from gateway.journal import Journal, Keyring
from gateway.mapping import Compiled
from gateway.partners import Directory

ESITO_NOTIFICATO = "gateway/esito_notificato.yaml"
"""The mapping that reads what an administration brings later."""


class Ground:
    """`edition` is the one in use; `adopt` changes it between two units of work."""

    def __init__(
        self, configuration: Configuration, directory: Directory, edition: Edition
    ) -> None:
        self.configuration = configuration
        self.directory = directory
        self.edition = edition
        self._known = {sender.name: sender for sender in configuration.senders}
        self.casebook = self._casebook(edition, self.reader)

    @classmethod
    def of(cls, configuration: Configuration, mappings: Path | None = None) -> Ground:
        """Read everything. Raises ConfigurationError with every problem.

        `mappings`: a copy to read instead of the configuration's folder.
        """
        folder = mappings or configuration.mappings
        edition = Edition(folder, configuration.xsd, configuration.flow)
        directory = Directory.load(configuration.partners)
        if configuration.pec is None:
            _no_mail(configuration.partners, directory)
        return cls(configuration, directory.with_return_feeds(configuration.senders), edition)

    @property
    def flow(self) -> Flow:
        """The flow in use."""
        return self.edition.flow

    def reader(self, profile: str) -> Reader:
        """The flow compiled for a profile's name."""
        return self.edition.reader(profile)

    def mapping(self, name: str, profile: str) -> Compiled:
        """A mapping compiled for a profile; compiled once."""
        return self.edition.mapping(name, profile)

    def compile_all(self) -> None:
        """The flow and every mapping for every profile in use, before the first message.

        Raises ConfigurationError with every problem.
        """
        self.edition.compile(self.profiles, self.mappings_of(self.edition))

    def casebook_of(self, edition: Edition) -> Casebook:
        """The casebook as it would be with another edition."""
        return self._casebook(edition, edition.reader)

    def adopt(self, edition: Edition) -> None:
        """Use another edition from now on; it must be compiled. Not during a unit of work."""
        self.edition = edition
        self.casebook.adopt(edition.flow)

    def _casebook(self, edition: Edition, readers: Callable[[str], Reader]) -> Casebook:
        settle = self.configuration.delivery.settle
        return Casebook(edition.flow, self.directory, self._sender, readers, settle)

    def _sender(self, name: str) -> Sender:
        unknown = self.configuration.unknown_senders
        profile = "default" if unknown == "refuse" else unknown
        return self._known.get(name) or Sender(name="unknown", application="", profile=profile)

    @property
    def profiles(self) -> list[str]:
        """The profiles that the senders are read with."""
        named = {sender.profile for sender in self.configuration.senders}
        unknown = self.configuration.unknown_senders
        return sorted(named if unknown == "refuse" else {*named, unknown})

    def mappings_of(self, edition: Edition) -> list[str]:
        """The mappings of every step, and of callbacks where they are taken."""
        named = set(edition.steps)
        return sorted(named | {ESITO_NOTIFICATO} if self.configuration.callbacks else named)


def _no_mail(path: Path, directory: Directory) -> None:
    """Raises ConfigurationError if an office is to be mailed and there is no mailbox of ours."""
    offices = [f"{each.partner} {each.code}" for each in directory.entries if each.pec]
    if offices:
        text = "has pec:, and icaro.yaml says no mailbox of our own (pec:)"
        raise ConfigurationError([f"{path.name}: {each} {text}" for each in offices])


def keyring_of(configuration: Configuration) -> Keyring:
    """The keys of a configuration's journal. Raises ConfigurationError."""
    settings = configuration.journal
    return Keyring.load(settings.master_key, checkpoint_key=settings.checkpoint_key)


def open_journal(configuration: Configuration, node: str | None = None) -> Journal:
    """The journal of a configuration, with its keys. Raises JournalError, ConfigurationError."""
    settings, keyring = configuration.journal, keyring_of(configuration)
    return Journal.open(
        settings.url,
        node=node or configuration.node,
        keyring=keyring,
        group_limit=settings.group.most,
        queue_limit=settings.queue,
        checkpoint_every=settings.checkpoint_every,
        side_file=settings.checkpoints_file,
    )
