"""Later outcomes: told to a real callback service in memory, in time, as often as promised."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from twisted.internet.task import Clock

from adapters.comune.simulator import Comune
from adapters.http import Lost, NotSent, Reply, Result
from adapters.simulation.administration import Administration, PlannedCall, Switches
from adapters.simulation.bad_days import BadDay
from adapters.simulation.callbacks import PAUSES, Callbacks, Caller, notification
from adapters.simulation.documents import render, text
from adapters.simulation.store import Store
from adapters.soap_service import SoapService
from adapters.spyne_dispatch import Call, application
from gateway.soap.profile import MODI
from tests.contract.simulators.documents import birth
from tests.unit.adapters.soap_peers import NOW, contract, key, now, trust

ESITI = contract("gateway/RicezioneEsiti.wsdl")
SERVICES = {"registraNascita": "comune"}


class Gateway:
    """The gateway's callback service, reached without sockets; `fails` are results before it."""

    def __init__(self, *fails: Result, received: str = "true") -> None:
        self.heard: list[etree._Element] = []
        self.posts = 0
        self._fails, self._received = list(fails), received
        self._service = SoapService(
            application(ESITI, dict.fromkeys(ESITI.operations, self._notified)),
            ESITI,
            trust=trust("comune"),
            key=key("gateway"),
            profile=MODI,
            clock=lambda: NOW,
            seen=lambda _: False,
            on_refusal=lambda refusal: pytest.fail(str(refusal)),
        )

    def _notified(self, call: Call) -> etree._Element:
        self.heard.append(call.body)
        told = {"idOperazione": text(call.body, "idOperazione"), "ricevuta": self._received}
        return render(call.operation.response, told)

    async def post(self, url: str, body: bytes, **headers: Any) -> Result:
        """As SoapClient's."""
        self.posts += 1
        if self._fails:
            return self._fails.pop(0)
        reply = await self._service.exchange(
            body, content_type=headers["content_type"], soap_action=headers["soap_action"]
        )
        return Reply(reply.status, {}, reply.body)


class Scene:
    """A Comune with a store, whose callbacks go to `gateway` by a clock that tests advance."""

    def __init__(self, folder: Path, gateway: Gateway | None) -> None:
        self.clock, self.store = Clock(), Store(folder, lambda: NOW)
        caller = None
        if gateway is not None:
            client: Any = gateway
            caller = Caller(
                client,
                "https://gateway/",
                ESITI,
                key=key("comune"),
                trust=trust("gateway"),
                profile=MODI,
                clock=lambda: NOW,
            )
        self.callbacks = Callbacks(self.clock, self.store, SERVICES, caller)
        self._administration = Administration(
            contract(),
            Comune(NOW.date),
            self.store,
            Switches(),
            self.callbacks.later,
        )

    def register(self, operation_id: str, day: BadDay) -> etree._Element:
        """Register a birth on a bad day; the answer."""
        operation = contract().operations["registraNascita"]
        body = render(operation.request, birth(operation_id))
        call = PlannedCall(operation, body, "urn:1", NOW, "CN=x", plan={day.name: day})
        return now(self._administration.perform(call))


def test_an_outcome_comes_after_its_time(tmp_path: Path) -> None:
    """PRESA_IN_CARICO first; when the time is over, the gateway hears the receipt and the act."""
    gateway = Gateway()
    scene = Scene(tmp_path, gateway)
    answer = scene.register("op-1", BadDay("answer_later", options={"after": 3}))
    assert text(answer, "esito") == "PRESA_IN_CARICO"
    scene.clock.advance(2.9)
    assert gateway.heard == []
    scene.clock.advance(0.2)
    (heard,) = gateway.heard
    assert (text(heard, "idOperazione"), text(heard, "servizio")) == ("op-1", "comune")
    assert (text(heard, "esito"), text(heard, "atto/parte")) == ("ACCOLTA", "1")
    assert text(heard, "protocollo") == text(answer, "protocollo")
    assert scene.store.owed() == []


def test_a_callback_can_come_before_the_reply(tmp_path: Path) -> None:
    """The gateway has heard the outcome when the reply says PRESA_IN_CARICO."""
    gateway = Gateway()
    answer = Scene(tmp_path, gateway).register("op-1", BadDay("callback_before_reply"))
    assert len(gateway.heard) == 1
    assert text(answer, "esito") == "PRESA_IN_CARICO"


def test_a_callback_can_come_twice(tmp_path: Path) -> None:
    """The same outcome is told two times, each in an envelope of its own."""
    gateway = Gateway()
    scene = Scene(tmp_path, gateway)
    scene.register("op-1", BadDay("callback_twice", options={"codice": "COM002"}))
    scene.clock.advance(1)
    scene.clock.pump([1] * 5)
    assert [text(heard, "esito") for heard in gateway.heard] == ["RESPINTA", "RESPINTA"]
    assert scene.store.owed() == []


def test_a_callback_is_told_again_until_it_is_received(tmp_path: Path) -> None:
    """Refused connections, lost answers and answers that nobody trusts are tried again."""
    untrusted = Reply(200, {}, b"<html/>")
    gateway = Gateway(NotSent("x"), Lost("x"), untrusted)
    scene = Scene(tmp_path, gateway)
    scene.register("op-1", BadDay("answer_later"))
    scene.clock.pump([1] * 10)
    assert gateway.posts == 4
    assert scene.store.owed() == []


def test_after_the_last_try_somebody_must_ask(tmp_path: Path) -> None:
    """A gateway that never says it wrote it down is left alone; `now` begins again."""
    gateway = Gateway(received="false")
    scene = Scene(tmp_path, gateway)
    scene.register("op-1", BadDay("answer_later"))
    scene.clock.pump([1] * 200)
    assert gateway.posts == len(PAUSES) + 1
    assert len(scene.store.owed()) == 1
    assert scene.callbacks.now() == 1
    assert scene.callbacks.now() == 0
    assert gateway.posts == len(PAUSES) + 2


def test_what_waits_to_be_asked_for_waits(tmp_path: Path) -> None:
    """Without a time nothing is told until `now`, also after a restart."""
    gateway = Gateway()
    Scene(tmp_path, gateway).register("op-1", BadDay("answer_later", options={"after": None}))
    again = Scene(tmp_path, gateway)
    again.callbacks.resume()
    again.clock.advance(100)
    assert gateway.heard == []
    again.callbacks.now()
    assert len(gateway.heard) == 1


def test_a_restart_keeps_the_promises(tmp_path: Path) -> None:
    """What was promised with a time before a restart is told after it."""
    Scene(tmp_path, None).register("op-1", BadDay("answer_later"))
    gateway = Gateway()
    scene = Scene(tmp_path, gateway)
    scene.callbacks.resume()
    scene.clock.advance(1)
    assert len(gateway.heard) == 1


def test_with_nobody_to_tell_the_outcome_is_had_by_asking(tmp_path: Path) -> None:
    """Without a callback address the outcome is due, and nothing is sent."""
    scene = Scene(tmp_path, None)
    scene.register("op-1", BadDay("answer_later"))
    assert len(scene.store.owed()) == 1
    scene.clock.advance(1)
    assert scene.store.owed() == []


def test_a_failing_caller_is_survived(tmp_path: Path) -> None:
    """An unforeseen failure leaves the outcome owed, to be asked for."""

    class Broken(Gateway):
        async def post(self, url: str, body: bytes, **headers: Any) -> Result:
            raise RuntimeError

    scene = Scene(tmp_path, Broken())
    scene.register("op-1", BadDay("answer_later"))
    scene.clock.advance(1)
    assert len(scene.store.owed()) == 1
    assert scene.callbacks.now() == 1


def test_no_promise_is_no_callback(tmp_path: Path) -> None:
    """An effect that was answered whole owes nothing."""
    scene = Scene(tmp_path, Gateway())
    scene.register("op-1", BadDay("slow"))
    (effect,) = scene.store.effects
    assert scene.callbacks.later(replace(effect, promise=None)) is None


def test_a_notification_fits_the_gateways_contract() -> None:
    """Candidates lose what the gateway's contract does not have; the rest is as in the answer."""
    candidate = {
        "codiceFiscale": "RSSMRA85A01F205C",
        "cognome": "ROSSI",
        "nome": "MARIA",
        "sesso": "F",
        "dataNascita": "2026-11-18",
    }
    outcome = {"idOperazione": "op-1", "esito": "SCELTA", "candidato": [candidate]}
    name = ESITI.operations["notificaEsito"].request
    assert ESITI.schema.check(notification(name, outcome, "codice_fiscale")) == []
