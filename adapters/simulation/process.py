"""Puts a simulated administration together: keys, contract, rules, store, ports.

The only module of the simulators that knows which administrations there are. One process plays
one kind; a Comune's plays every comune.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from zoneinfo import ZoneInfo

from twisted.logger import Logger

from adapters.agenzia_entrate import destination as agenzia_entrate
from adapters.agenzia_entrate.simulator import AgenziaEntrate
from adapters.asl import destination as asl
from adapters.asl.simulator import Asl
from adapters.comune import destination as comune
from adapters.comune.simulator import Comune
from adapters.http import SoapClient
from adapters.keys import (
    ClientTls,
    DevelopmentPki,
    ServerTls,
    load_certificates,
    load_identity,
    load_signing_key,
)
from adapters.simulation.administration import Administration, Rules, Switches
from adapters.simulation.bad_days import BadDay, BadDays
from adapters.simulation.callbacks import Callbacks, Caller
from adapters.simulation.control import Control
from adapters.simulation.listener import Listener
from adapters.simulation.places import Belfiore
from adapters.simulation.service import SimulatedService
from adapters.simulation.store import Store
from adapters.site import capped_site
from adapters.spyne_dispatch import application
from gateway.errors import VerificationError
from gateway.soap.contract import Contract
from gateway.soap.keys import SigningKey
from gateway.soap.profile import MODI
from gateway.soap.replay import ReplayWindow
from gateway.soap.trust import Trust
from gateway.units import Address
from gateway.xml import LIMIT

CONTRACTS: Final = {
    "comune": comune.CONTRACT,
    "agenzia_entrate": agenzia_entrate.CONTRACT,
    "asl": asl.CONTRACT,
}
CALLBACK_CONTRACT: Final = "gateway/RicezioneEsiti.wsdl"
_ROME: Final = ZoneInfo("Europe/Rome")


@dataclass(frozen=True, slots=True)
class Setting:
    """Which administration, where, with which keys (`certs` of `icaro certs init`), how honest.
    `places` are what an ASL grants each paediatrician beyond his own.
    """

    partner: str
    listen: Address
    control: Address
    certs: Path
    store: Path
    xsd: Path
    mappings: Path
    callback_url: str | None = None
    places: int = 0
    switches: Switches = field(default_factory=Switches)
    bad_days: Sequence[BadDay] = ()


class Simulator:
    """A running administration. `port` and `control_port` are where it listens."""

    log = Logger()

    def __init__(self, reactor: Any, setting: Setting) -> None:
        self._reactor, self._setting = reactor, setting
        self._certs = setting.certs / setting.partner
        self._trust = Trust(load_certificates(setting.certs / "gateway" / "ca.pem"))
        self._key = load_signing_key(self._certs / "sign.pem", self._certs / "sign.key")
        self._window = ReplayWindow(MODI.max_age + MODI.ahead)
        self.store = Store(setting.store, _now)
        self.days = BadDays()
        rules = _rules(setting)
        self.callbacks = Callbacks(reactor, self.store, rules.services, self._caller())
        self._listener = self._listener_of(self._service(rules))
        self._control = self._control_port()
        for day in setting.bad_days:
            self.days.add(day)
        self.days.changed = self._show
        self._show()
        self.callbacks.resume()

    @property
    def port(self) -> int:
        """The service's TCP port."""
        return self._listener.port

    @property
    def control_port(self) -> int:
        """The control port's TCP port."""
        port: int = self._control.getHost().port
        return port

    def close(self) -> None:
        """Stop listening, both ports."""
        self._listener.close()
        self._control.stopListening()

    def _show(self) -> None:
        self._listener.show(self.days.listener())

    def _service(self, rules: Rules) -> SimulatedService:
        contract = Contract.load(
            self._setting.xsd / CONTRACTS[self._setting.partner], self._setting.xsd
        )
        administration = Administration(
            contract, rules, self.store, self._setting.switches, self.callbacks.later
        )
        return SimulatedService(
            application(contract, administration.operations()),
            contract,
            reactor=self._reactor,
            days=self.days,
            stranger=_stranger,
            trust=self._trust,
            key=self._key,
            profile=MODI,
            clock=_now,
            seen=lambda message_id: self._window.seen(message_id, self._reactor.seconds()),
            on_refusal=self._refused,
        )

    def _refused(self, refusal: VerificationError) -> None:
        self.log.warn("request not believed: {refusal}", refusal=str(refusal))

    def _listener_of(self, service: SimulatedService) -> Listener:
        host, port = self._setting.listen.host, self._setting.listen.port
        return Listener(self._reactor, host, port, capped_site(service, LIMIT), self._tls)

    def _tls(self, folder: Path | None) -> ServerTls:
        folder = folder or self._certs
        identity = load_identity(folder / "tls.pem", folder / "tls.key")
        return ServerTls(identity, self._trust.ca_certificates)

    def _caller(self) -> Caller | None:
        if self._setting.callback_url is None:
            return None
        identity = load_identity(self._certs / "tls.pem", self._certs / "tls.key")
        xsd = self._setting.xsd
        return Caller(
            SoapClient(self._reactor, ClientTls(identity, self._trust.ca_certificates)),
            self._setting.callback_url,
            Contract.load(xsd / CALLBACK_CONTRACT, xsd),
            key=self._key,
            trust=self._trust,
            profile=MODI,
            clock=_now,
        )

    def _control_port(self) -> Any:
        host, port = self._setting.control.host, self._setting.control.port
        control = Control(self._setting.partner, self.days, self.store, self.callbacks.now)
        return self._reactor.listenTCP(port, capped_site(control, LIMIT), interface=host)


def _rules(setting: Setting) -> Rules:
    forgetful = not setting.switches.idempotent
    table = setting.mappings / "tables" / "comuni.csv"
    rules: dict[str, Callable[[], Rules]] = {
        "comune": lambda: Comune(_today),
        "agenzia_entrate": lambda: AgenziaEntrate(Belfiore(table).of, _today, forgetful=forgetful),
        "asl": lambda: Asl(_today, forgetful=forgetful, places=setting.places),
    }
    return rules[setting.partner]()


@cache
def _stranger() -> SigningKey:
    """A key whose CA nobody pinned; made when a bad day first asks for it."""
    with TemporaryDirectory() as folder:
        DevelopmentPki(_now()).write(Path(folder), ("sconosciuto",))
        party = Path(folder) / "sconosciuto"
        return load_signing_key(party / "sign.pem", party / "sign.key")


def _now() -> datetime:
    return datetime.now(UTC)


def _today() -> date:
    return datetime.now(_ROME).date()
