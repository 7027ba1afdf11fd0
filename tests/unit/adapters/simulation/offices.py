"""The three administrations' rules in memory, called without HTTP or signatures."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from lxml import etree

from adapters.agenzia_entrate.simulator import AgenziaEntrate
from adapters.asl.simulator import Asl
from adapters.comune.simulator import Comune
from adapters.simulation.administration import Administration, PlannedCall, Rules, Switches
from adapters.simulation.bad_days import BadDay
from adapters.simulation.documents import Answer, render
from adapters.simulation.places import Belfiore
from adapters.simulation.store import Effect, Store
from gateway import shipped
from tests.unit.adapters.soap_peers import NOW, contract, now

TODAY = date(2026, 11, 21)
WSDL = {
    "comune": "comune/NotificaNascita.wsdl",
    "agenzia_entrate": "agenzia_entrate/CodiceFiscale.wsdl",
    "asl": "asl/AnagrafeAssistiti.wsdl",
}


class Office:
    """An administration over a folder; a second one over the same folder is a restart."""

    def __init__(self, partner: str, folder: Path, switches: Switches | None = None) -> None:
        self.contract = contract(WSDL[partner])
        self.store = Store(folder, lambda: NOW)
        self.promised: list[Effect] = []
        switches = switches or Switches()
        self._administration = Administration(
            self.contract,
            _rules(partner, forgetful=not switches.idempotent),
            self.store,
            switches,
            self.promised.append,  # type: ignore[arg-type]  # it gives None, nothing to await
        )

    def call(self, name: str, values: Answer, *days: BadDay) -> Said:
        """Perform an operation on these bad days; raises DeclaredFault. The answer is checked."""
        operation = self.contract.operations[name]
        body = render(operation.request, values)
        assert self.contract.schema.check(body) == []
        plan = {day.name: day for day in days}
        call = PlannedCall(operation, body, "urn:uuid:1", NOW, "CN=x", plan=plan)
        answer = now(self._administration.perform(call))
        assert self.contract.schema.check(answer) == []
        return Said(answer)


class Said:
    """An answer, read by local names."""

    def __init__(self, body: etree._Element) -> None:
        self.body = body

    def __getitem__(self, name: str) -> str:
        return self.all(name)[0]

    def all(self, name: str) -> list[str]:
        """Every text with this local name, in their order."""
        return [found.text or "" for found in self.body.iterfind(f".//{{*}}{name}")]


def _rules(partner: str, **options: Any) -> Rules:
    if partner == "comune":
        return Comune(lambda: TODAY)
    if partner == "asl":
        return Asl(lambda: TODAY, **options)
    table = shipped.mappings() / "tables" / "comuni.csv"
    return AgenziaEntrate(Belfiore(table).of, lambda: TODAY, **options)
