"""What every simulated administration does alike: remember, answer again, be asked, answer later.

Knows the contracts' shared words. Which requests are granted is the partner's `Rules`; sockets,
signatures and spyne are in `service.py` and `adapters/soap_service.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from lxml import etree

from adapters.simulation.bad_days import BadDay, Plan
from adapters.simulation.catalogue import Catalogue, refused
from adapters.simulation.documents import Answer, digest, render, text
from adapters.simulation.store import Effect, Promise, Store
from adapters.spyne_dispatch import Call, DeclaredFault
from gateway.soap.contract import Contract
from gateway.xml import canonical

QUERY: Final = "consultaEsito"
ECHO: Final = "echo"
LATER: Final = ("callback_before_reply", "callback_twice", "answer_later")
PROVISIONAL: Final = "provisional"
NO_QUERY: Final = "NON_OFFERTA"


@dataclass(frozen=True)
class PlannedCall(Call):
    """A call and the bad days that bite it."""

    plan: Plan = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an administration decides. `facts` None: nothing was done, nothing is kept.

    `settled`: what it will say once it knows better, if the answer is only for now.
    """

    answer: Answer
    facts: Mapping[str, str] | None = None
    settled: Answer | None = None


class Rules(Protocol):
    """One administration's own part. State comes from `learn` alone, so a restart is a replay."""

    catalogue: Catalogue
    down: str
    other_body: str
    services: Mapping[str, str]

    def judge(self, operation: str, body: etree._Element, number: int, plan: Plan) -> Judgement:
        """Decide about a request that was checked by the XSD; `number` is the effect's own."""

    def learn(self, effect: Effect) -> None:
        """Take over what an effect changed."""


@dataclass(frozen=True, slots=True)
class Switches:
    """What the administration can do. Without idempotence a double is done twice."""

    idempotent: bool = True
    queryable: bool = True


Later = Callable[[Effect], Awaitable[object] | None]
"""Keeps an effect's promise later; gives something to await if that is before the reply."""


class Administration:
    """The operations of one service, as functions for `soap_service.application`."""

    def __init__(
        self, contract: Contract, rules: Rules, store: Store, switches: Switches, later: Later
    ) -> None:
        self._contract, self._rules, self._store = contract, rules, store
        self._switches, self._later = switches, later
        for effect in store.effects:
            rules.learn(effect)

    def operations(self) -> Mapping[str, Callable[[PlannedCall], Awaitable[etree._Element]]]:
        """One function an operation of the contract."""
        return dict.fromkeys(self._contract.operations, self.perform)

    async def perform(self, call: PlannedCall) -> etree._Element:
        """Answer one verified call; raises DeclaredFault where the contract says so."""
        name, plan = call.operation.name, call.plan
        if "outage" in plan:
            raise self._fault(self._rules.down)
        if name == ECHO:
            return self._render(name, {"testo": text(call.body, "testo")})
        if name == QUERY:
            return self._render(name, self._outcome(text(call.body, "idOperazione")))
        earlier = self._earlier(call)
        if earlier is not None:
            return self._render(name, earlier.answer)
        return self._render(name, await self._decide(call, plan))

    def _earlier(self, call: PlannedCall) -> Effect | None:
        operation_id = _operation_id(call)
        effect = self._store.last(operation_id) if self._switches.idempotent else None
        if effect is not None and effect.sha256 != digest(call.body):
            raise self._fault(self._rules.other_body, "testataRichiesta/idOperazione")
        return effect

    async def _decide(self, call: PlannedCall, plan: Plan) -> Answer:
        told = {"idOperazione": _operation_id(call)}
        if "refuse" in plan:
            return told | dict(self._planned_refusal(plan["refuse"]))
        name = call.operation.name
        judgement = self._rules.judge(name, call.body, self._store.next_number(), plan)
        if judgement.facts is None:
            return told | dict(judgement.answer)
        day = next((plan[name] for name in LATER if name in plan), None)
        if day is None and judgement.settled is not None:
            day = plan[PROVISIONAL]
        effect = self._keep(call, judgement, day)
        sent = self._later(effect) if day is not None else None
        if sent is not None:
            await sent
        return effect.answer

    def _keep(self, call: PlannedCall, judgement: Judgement, day: BadDay | None) -> Effect:
        identity = {"idOperazione": _operation_id(call)}
        outcome: Answer = identity | dict(judgement.answer)
        first: Answer = outcome
        last: Answer = outcome if judgement.settled is None else identity | dict(judgement.settled)
        if day is not None and day.name in LATER:
            first = _taken(outcome)
            code = str(day.options.get("codice", ""))
            if code:
                last = identity | dict(refused(self._rules.catalogue, code))
        effect = self._store.keep(
            operation=call.operation.name,
            operation_id=_operation_id(call),
            message_id=call.message_id,
            body=canonical(call.body),
            sha256=digest(call.body),
            answer=first,
            outcome=last,
            facts=judgement.facts or {},
            promise=_promise(day),
        )
        self._rules.learn(effect)
        return effect

    def _planned_refusal(self, day: BadDay) -> Answer:
        code = str(day.options.get("codice", next(iter(self._rules.catalogue))))
        field = str(day.options.get("campo", ""))
        if day.options.get("how") == "fault":
            raise self._fault(code, field)
        return refused(self._rules.catalogue, code, field)

    def _outcome(self, operation_id: str) -> Answer:
        if not self._switches.queryable:
            raise DeclaredFault(NO_QUERY, "Il servizio non si puo' interrogare")
        effect = self._store.last(operation_id)
        if effect is None:
            return {"idOperazione": operation_id, "esito": "NON_TROVATA"}
        return effect.answer if self._store.is_owed(effect) else effect.outcome

    def _render(self, operation: str, answer: Answer) -> etree._Element:
        return render(self._contract.operations[operation].response, answer)

    def _fault(self, code: str, field: str = "") -> DeclaredFault:
        entry = self._rules.catalogue.get(code)
        return DeclaredFault(code, entry.text if entry else "Errore non catalogato", field)


def _operation_id(call: PlannedCall) -> str:
    return text(call.body, "testataRichiesta/idOperazione")


def _promise(day: BadDay | None) -> Promise | None:
    if day is None:
        return None
    messages = 2 if day.name == "callback_twice" else 1
    if day.name == "callback_before_reply":
        return {"after": 0.0, "messages": messages}
    when_asked = day.options.get("after", 1) is None
    return {"after": None if when_asked else day.number("after", 1), "messages": messages}


def _taken(outcome: Answer) -> Answer:
    first = {"idOperazione": outcome["idOperazione"], "esito": "PRESA_IN_CARICO"}
    return first | ({"protocollo": outcome["protocollo"]} if "protocollo" in outcome else {})
