"""What a deployment says in `icaro.yaml`: read once, checked whole, frozen.

`load` gives a `Configuration` or tells every mistake with its line. Relative paths count from the
file's folder; `ICARO_JOURNAL__URL` in the environment stands over `journal.url`. Addresses of
administrations are not here but in the partner directory (`partners.py`).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from gateway import shipped
from gateway.agreements import ApplicationAcks, Batches, Release, ReturnFeed
from gateway.errors import ConfigurationError
from gateway.keeping import JournalSettings, Retention
from gateway.mailbox import Mailbox
from gateway.settings import Settings, build, override, read
from gateway.units import (
    Address,
    Count,
    Duration,
    ExistingFile,
    ExistingFolder,
    HostPort,
    Istat,
    Label,
    Size,
)

Share = Annotated[float, Field(ge=0, le=1)]


class KeyPair(Settings):
    """A certificate with its key: two PEM files, or one PKCS#12 file (`.p12`, `.pfx`)."""

    certificate: ExistingFile = Field(description="PEM with the chain behind it, or PKCS#12")
    key: ExistingFile | None = Field(default=None, description="PEM; in PKCS#12 it is inside")
    password_file: ExistingFile | None = Field(default=None, description="opens the key")


class Certificates(Settings):
    """The gateway's own: `tls` for its connections, `sign` for its documents."""

    tls: KeyPair
    sign: KeyPair


class Limits(Settings):
    """What a listener bears before it refuses, waits or closes."""

    block: Size = Field(default=4 * 2**20, description="the largest message")
    connections: Count = Field(default=1000, description="at once")
    connections_per_peer: Count = Field(default=100, description="at once, of one address")
    idle: Duration = Field(default=timedelta(hours=1), description="silence after which it closes")
    first_byte: Duration = Field(
        default=timedelta(minutes=2), description="silence right after opening"
    )
    unanswered: Count = Field(
        default=64, description="messages of one connection worked on at once"
    )


class ListenerTls(Settings):
    """Mutual TLS: who calls must show a certificate of this CA."""

    ca: ExistingFile
    certificate: KeyPair | None = Field(default=None, description="instead of certs.tls")


class Listener(Settings):
    """One MLLP port."""

    name: Label
    address: HostPort
    tls: ListenerTls | None = None
    release: Release = 1
    limits: Limits = Limits()


class Facts(Settings):
    """What is always so of a birth centre; mappings read it as `sender.…`."""

    comune: Istat = Field(description="of the birth centre")
    struttura: str = ""
    nome: str = ""
    asl: str = ""


class Sender(Settings):
    """A hospital's feed, known by MSH-3 and MSH-4."""

    name: Label
    application: str = Field(description="MSH-3.1")
    facility: str = Field(default="", description="MSH-4.1")
    profile: str = Field(default="default", description="mappings/profiles/….yaml")
    acknowledgment: Literal["original", "enhanced"] | None = Field(
        default=None, description="against what the profile and MSH-15/16 say"
    )
    charset: str | None = Field(default=None, description="against what the profile and MSH-18 say")
    certificate_names: tuple[str, ...] = Field(
        default=(), description="client certificates that may speak for it; needed where TLS is on"
    )
    sequence: bool = Field(
        default=False, description="MSH-13 is a sequence number: what is not next is refused"
    )
    batch: Batches = Batches()
    cases_of: str = Field(
        default="", description="the sender whose births this feed, another of its, tells of"
    )
    births_since: date | None = Field(
        default=None,
        description="who was born before is told to nobody; a person decides",
    )
    births_within: Duration | None = Field(default=None, description="likewise who is older")
    silence: Duration | None = Field(default=None, description="no message so long: an alarm")
    facts: Facts | None = None
    return_feed: ReturnFeed | None = None
    application_acks: ApplicationAcks | None = Field(
        default=None, description="not on the return feed but here"
    )

    @field_validator("profile")
    @classmethod
    def _profile_is_there(cls, profile: str, info: ValidationInfo) -> str:
        if not _is_mapping_file(info, f"profiles/{profile}.yaml"):
            raise ValueError("names no profile under mappings/profiles")
        return profile

    @property
    def told_apart(self) -> bool:
        """Whether there is a way of ours for application acknowledgments."""
        return self.application_acks is not None or self.return_feed is not None

    @property
    def inputs(self) -> dict[str, str]:
        """What mappings read as `sender.…`: only what is said."""
        return {name: text for name, text in self.facts or () if text}


class Observation(Settings):
    """/health and /metrics."""

    address: HostPort = Address("127.0.0.1", 8080)


class CallbackTls(Settings):
    """The certificate of the callback service, where it is not certs.tls."""

    certificate: KeyPair


class Callbacks(Settings):
    """Where administrations bring answers that come later."""

    address: HostPort
    tls: CallbackTls | None = None


class Retry(Settings):
    """When to try again; the meaning is that of `gateway.retry.Backoff`."""

    first: Duration = Field(default=timedelta(seconds=5), description="the first pause")
    factor: Annotated[float, Field(ge=1, le=10)] = Field(
        default=2.0, description="each pause is so many times the one before"
    )
    ceiling: Duration = Field(default=timedelta(minutes=30), description="the longest pause")
    jitter: Share = Field(default=0.3, description="the share of a pause that chance may take away")
    max_age: Duration = Field(default=timedelta(days=9), description="then it is DEAD")
    max_attempts: Count = Field(default=50, description="likewise")


class Delivery(Settings):
    """How the delivery corridor works."""

    concurrency: Annotated[int, Field(ge=1, le=256)] = Field(
        default=8, description="documents prepared at once; calls are bounded by each partner"
    )
    lease: Duration = Field(
        default=timedelta(minutes=2), description="a node that is silent so long loses its work"
    )
    poll: Duration = Field(default=timedelta(seconds=1), description="how often it looks for work")
    settle: Duration = Field(
        default=timedelta(minutes=1),
        description="an amendment waits so long for the next message; steps may say their own",
    )
    grace: Duration = Field(
        default=timedelta(seconds=10),
        description="a stop waits so long for answers; what has none then is in doubt",
    )
    retry: Retry = Retry()


class Reload(Settings):
    """How a change of the mappings reaches the running gateway."""

    watch: bool = Field(default=True, description="look for changes; false: only at the start")
    every: Duration = Field(default=timedelta(seconds=2), description="how often it looks")
    shadow: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=50, description="cases a new edition is tried on before it is used"
    )


class LogSettings(Settings):
    """Lines on standard error."""

    format: Literal["logfmt", "json"] = "logfmt"


class Configuration(Settings):
    """The whole of `icaro.yaml`."""

    node: Label = Field(
        default="icaro-1", description="this process among those that share a journal"
    )
    journal: JournalSettings
    certs: Certificates
    partners: ExistingFile = Field(
        default=Path("partners.yaml"), description="the partner directory"
    )
    mappings: ExistingFolder = Field(default_factory=shipped.mappings)
    xsd: ExistingFolder = Field(default_factory=shipped.xsd)
    flow: str = Field(default="nascita.flow.yaml", description="a file under mappings")
    listeners: tuple[Listener, ...]
    senders: tuple[Sender, ...] = ()
    unknown_senders: str = Field(
        default="refuse", description="refuse, or the profile to read them with"
    )
    http: Observation = Observation()
    callbacks: Callbacks | None = None
    delivery: Delivery = Delivery()
    pec: Mailbox | None = Field(default=None, description="certified mail; off where not said")
    reload: Reload = Reload()
    retention: Retention = Retention()
    log: LogSettings = LogSettings()

    @field_validator("mappings")
    @classmethod
    def _tell_the_senders(cls, mappings: Path, info: ValidationInfo) -> Path:
        # Fields are read in order: what follows can look for its profiles here.
        if info.context is not None:
            info.context["mappings"] = mappings
        return mappings

    @field_validator("flow")
    @classmethod
    def _flow_is_there(cls, flow: str, info: ValidationInfo) -> str:
        if not _is_mapping_file(info, flow):
            raise ValueError("names no file under mappings")
        return flow

    @field_validator("listeners")
    @classmethod
    def _listeners_differ(cls, listeners: tuple[Listener, ...]) -> tuple[Listener, ...]:
        if not listeners:
            raise ValueError("at least one is needed")
        _no_repeats("name", (listener.name for listener in listeners))
        ports = (str(listener.address) for listener in listeners if listener.address.port)
        _no_repeats("address", ports)
        return listeners

    @field_validator("senders")
    @classmethod
    def _senders_differ(cls, senders: tuple[Sender, ...]) -> tuple[Sender, ...]:
        _no_repeats("name", (sender.name for sender in senders))
        keys = (f"{sender.application}|{sender.facility}" for sender in senders)
        _no_repeats("application and facility", keys)
        owners = {sender.name: sender.profile for sender in senders if not sender.cases_of}
        for sender in senders:
            if sender.cases_of and owners.get(sender.cases_of) != sender.profile:
                text = "names no other sender with the same profile and cases of its own"
                raise ValueError(f"{sender.name}: cases_of {text}")
        return senders

    @field_validator("unknown_senders")
    @classmethod
    def _policy(cls, policy: str, info: ValidationInfo) -> str:
        if policy != "refuse" and not _is_mapping_file(info, f"profiles/{policy}.yaml"):
            raise ValueError("must be 'refuse' or the name of a profile under mappings/profiles")
        return policy

    @property
    def flow_file(self) -> Path:
        """The flow's file."""
        return self.mappings / self.flow

    def sender(self, application: str, facility: str) -> Sender | None:
        """Who speaks with this MSH-3.1 and MSH-4.1; None: refused."""
        for sender in self.senders:
            if (sender.application, sender.facility) == (application, facility):
                return sender
        if self.unknown_senders == "refuse":
            return None
        return Sender(name="unknown", application=application, profile=self.unknown_senders)


def _no_repeats(what: str, values: Iterable[str]) -> None:
    twice = sorted(value for value, times in Counter(values).items() if times > 1)
    if twice:
        raise ValueError(f"the same {what} twice: {', '.join(twice)}")


def _is_mapping_file(info: ValidationInfo, name: str) -> bool:
    """False only if the folder of mappings is known and lacks it."""
    folder = (info.context or {}).get("mappings")
    return folder is None or (folder / name).is_file()


def load(path: Path, environment: Mapping[str, str] | None = None) -> Configuration:
    """Read `icaro.yaml`. Raises ConfigurationError with every mistake, each `file:line: text`."""
    tree = read(path)
    if not tree.places:
        raise ConfigurationError(tree.problems)
    override(tree, Configuration, os.environ if environment is None else environment)
    return build(Configuration, tree)
