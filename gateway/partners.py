"""The partner directory: who the administrations are, where they are, and what they promise.

Addresses come from here and from nowhere else: nothing that a message or an answer says can
make the gateway call another host. Read once from `partners.yaml`, checked whole, frozen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from gateway.config import Sender
from gateway.errors import ConfigurationError
from gateway.hours import FreeDay, Hours, MaintenanceSettings, opening
from gateway.opening import ALWAYS, EVERY_HOUR, Opening
from gateway.settings import Settings, Tree, build, in_order, read
from gateway.units import Count, Duration, ExistingFile, MailAddress


class Idempotence(StrEnum):
    """What a partner promises about a document that reaches it twice."""

    IDEMPOTENT = "idempotent"
    """The same operation id gets the same answer: a doubt is sent again."""
    CAN_BE_ASKED = "can_be_asked"
    """It tells whether it has an operation id: a doubt is asked."""
    NEITHER = "neither"
    """A doubt always ends with a person."""


def _https(url: str) -> str:
    parts = urlsplit(url)
    try:
        strange = parts.username or parts.fragment or parts.port == 0
    except ValueError:
        strange = True
    if parts.scheme != "https" or not parts.hostname or strange:
        raise ValueError("must be https://host[:port]/path")
    return url


def _serves(codes: tuple[str, ...]) -> tuple[str, ...]:
    if not all(code.isascii() and code.isdecimal() and len(code) in (3, 6) for code in codes):
        raise ValueError("must be ISTAT codes: six digits for a comune, three for a province")
    return codes


class CircuitSettings(Settings):
    """After how many failures in a row an endpoint is left alone, and for how long."""

    failures: Count = 5
    pause: Duration = timedelta(seconds=30)


class PecSettings(Settings):
    """The office's certified mail: another way to it, when attempts are used up."""

    address: MailAddress
    after: Literal["order", "attempts"] = Field(
        default="order", description="a person's order, or by itself when attempts are used up"
    )


class EntrySettings(Settings):
    """One administration, as partners.yaml says it (its section's defaults underneath)."""

    name: str = Field(min_length=1)
    endpoint: Annotated[str, AfterValidator(_https)]
    ca: ExistingFile = Field(description="PEM; its TLS and signing certificates chain to this")
    signer: str | None = Field(
        default=None,
        description="expected signer: a subject (CN=…,O=…) or sha256:… of the certificate",
    )
    security: str = Field(default="modi", description="the security profile")
    idempotence: Idempotence = Field(description="idempotent, can_be_asked or neither")
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    rate: Annotated[float, Field(gt=0, le=1000)] = Field(default=10, description="calls a second")
    timeout: Duration = timedelta(seconds=30)
    circuit: CircuitSettings = CircuitSettings()
    hours: Hours = Field(default=EVERY_HOUR, description="when it may be called, local time")
    closed: tuple[FreeDay, ...] = Field(default=(), description="'holidays', 12-07, 2026-12-24")
    maintenance: tuple[MaintenanceSettings, ...] = ()
    production: bool = Field(
        default=True, description="never gets a message whose MSH-11 is T or D"
    )
    processing: Literal["PROD", "TEST"] = Field(
        default="PROD", description="what its documents say"
    )
    assigns_codice_fiscale: bool = Field(
        default=False, description="a comune whose own system gets it through ANPR"
    )
    pec: PecSettings | None = Field(default=None, description="off where it is not said")
    serves: Annotated[tuple[str, ...], AfterValidator(_serves)] = Field(
        default=(), description="ISTAT codes: six digits a comune, three a province"
    )


class Section(Settings):
    """One kind of partner: its contract and its entries by code."""

    contract: str | None = Field(default=None, description="a WSDL under xsd/")
    defaults: dict[str, Any] = Field(default_factory=dict, description="of every entry")
    entries: dict[str, EntrySettings] = Field(default_factory=dict)

    @field_validator("contract")
    @classmethod
    def _contract_is_there(cls, contract: str | None, info: ValidationInfo) -> str | None:
        folder = (info.context or {}).get("xsd")
        if folder and contract and not (folder / contract).is_file():
            raise ValueError("names no file under xsd")
        return contract

    @field_validator("entries")
    @classmethod
    def _contract_is_said(
        cls, entries: dict[str, EntrySettings], info: ValidationInfo
    ) -> dict[str, EntrySettings]:
        if entries and "contract" in info.data and info.data["contract"] is None:
            raise ValueError("need a contract, beside them")
        return entries


class Partners(Settings):
    """The whole of `partners.yaml`."""

    comune: Section = Section()
    agenzia_entrate: Section = Section()
    asl: Section = Section()


@dataclass(frozen=True, slots=True)
class Circuit:
    """See `gateway.retry.Circuit`, which these two numbers start."""

    failures: int = 5
    pause: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Pec:
    """An office's certified mail. `by_itself`: without a person's order."""

    address: str
    by_itself: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One administration. `endpoint` is an https URL; for a hospital's return feed, `mllp:`."""

    partner: str
    code: str
    name: str
    endpoint: str
    idempotence: Idempotence
    contract: str | None = None
    ca: Path | None = None
    signer: str | None = None
    security: str = "modi"
    concurrency: int = 4
    rate: float = 10.0
    timeout: timedelta = timedelta(seconds=30)
    circuit: Circuit = Circuit()
    opening: Opening = ALWAYS
    production: bool = True
    processing: str = "PROD"
    assigns_codice_fiscale: bool = False
    serves: tuple[str, ...] = ()
    pec: Pec | None = None


@dataclass(frozen=True)
class Directory:
    """All entries; `entries` in the order of the file."""

    entries: tuple[Entry, ...]
    _by_code: dict[tuple[str, str], Entry] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    _serving: dict[tuple[str, str], Entry] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        for entry in self.entries:
            self._by_code[entry.partner, entry.code] = entry
            for place in entry.serves:
                self._serving.setdefault((entry.partner, place), entry)

    @classmethod
    def load(cls, path: Path, *, xsd: Path | None = None) -> Directory:
        """Read partners.yaml; contracts are looked for under `xsd`.

        Raises ConfigurationError with every mistake and its line.
        """
        tree = read(path)
        _spread_defaults(tree)
        partners = build(Partners, tree, xsd=xsd)
        directory = cls(tuple(_entries(partners)))
        problems = [*_unlike_codes(directory, tree), *_served_twice(directory, tree)]
        if problems:
            raise ConfigurationError(in_order(problems))
        return directory

    def entry(self, partner: str, code: str) -> Entry | None:
        """The partner with this code: ISTAT for a comune, its own for an ASL, `AE`."""
        return self._by_code.get((partner, code))

    def comune(self, istat: str) -> Entry | None:
        """The Comune with this ISTAT code."""
        return self.entry("comune", istat)

    def serving(self, partner: str, istat: str) -> Entry | None:
        """Who serves this comune: whoever names it, else whoever names its province."""
        province = (partner, istat[:3])
        return self._serving.get((partner, istat)) or self._serving.get(province)

    def of(self, partner: str) -> tuple[Entry, ...]:
        """Every entry of one kind of partner."""
        return tuple(entry for entry in self.entries if entry.partner == partner)

    def with_return_feeds(self, senders: Iterable[Sender]) -> Directory:
        """And the hospitals that want the codice fiscale back, each by its sender's name."""
        feeds = (_return_feed(sender) for sender in senders if sender.return_feed)
        return replace(self, entries=(*self.entries, *feeds))


def _return_feed(sender: Sender) -> Entry:
    feed = sender.return_feed
    assert feed is not None  # the caller chose those that have one
    return Entry(
        partner="ospedale",
        code=sender.name,
        name=sender.name,
        endpoint=f"{'mllps' if feed.tls else 'mllp'}://{feed.address}",
        # An A31 is a snapshot: a HIS that reads it twice knows the same.
        idempotence=Idempotence.IDEMPOTENT,
        ca=feed.tls.ca if feed.tls else None,
        concurrency=1,
        timeout=feed.timeout,
        production=False,
    )


def _spread_defaults(tree: Tree) -> None:
    """Put each section's defaults under its entries; a mistake keeps the defaults' own line."""
    for partner, section in tree.values.items():
        defaults = section.get("defaults") if isinstance(section, dict) else None
        entries = section.get("entries") if isinstance(section, dict) else None
        if not isinstance(defaults, dict) or not isinstance(entries, dict):
            continue
        for code, entry in entries.items():
            if isinstance(entry, dict):
                for key in defaults.keys() - entry.keys():
                    tree.copied[(partner, "entries", code, key)] = (partner, "defaults", key)
                entries[code] = {**defaults, **entry}


_OPENING = ("hours", "closed", "maintenance")
"""What an entry says of its opening."""


def _entries(partners: Partners) -> Iterator[Entry]:
    for partner in Partners.model_fields:
        section: Section = getattr(partners, partner)
        for code, said in section.entries.items():
            circuit = Circuit(said.circuit.failures, said.circuit.pause)
            fields = {name: getattr(said, name) for name in type(said).model_fields}
            hours, closed, windows = (fields.pop(name) for name in _OPENING)
            fields |= {"circuit": circuit, "contract": section.contract}
            fields |= {"opening": opening(hours, closed, windows)}
            mail = said.pec
            fields |= {"pec": mail and Pec(mail.address, mail.after == "attempts")}
            yield Entry(partner=partner, code=code, **fields)


def _unlike_codes(directory: Directory, tree: Tree) -> Iterator[str]:
    for entry in directory.of("comune"):
        if not (entry.code.isascii() and entry.code.isdecimal() and len(entry.code) == 6):
            place = tree.place(("comune", "entries", entry.code))
            yield f"{place}: comune.entries: the key must be an ISTAT code of six digits"


def _served_twice(directory: Directory, tree: Tree) -> Iterator[str]:
    for entry in directory.entries:
        for code in entry.serves:
            first = directory._serving[entry.partner, code]
            if first is not entry:
                place = tree.place((entry.partner, "entries", entry.code, "serves"))
                yield f"{place}: {code} is served by two: {first.code} and {entry.code}"
