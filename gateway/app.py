"""The gateway as a running process: where concrete things meet.

Builds both corridors on one reactor, starts them in order (journal, then what was left on the
wire, then listeners) and stops them in the reverse order. No domain rule lives here.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from adapters.answers import outcome_of
from adapters.callback_service import CONTRACT, CallbackService
from adapters.doorway import CALLBACKS, OBSERVATION, Doorway, Room
from adapters.mllp import MllpListener
from adapters.mllp.conversation import Conversations
from adapters.observation import observation_site
from adapters.site import capped_site
from gateway import __version__
from gateway.aftermath import Aftermath
from gateway.announcer import Announcer
from gateway.answering import Receipt
from gateway.callbacks import Callbacks
from gateway.calls import Calls
from gateway.config import Configuration, Listener
from gateway.connections import Connections
from gateway.courier import Courier
from gateway.courtesy import Courtesy
from gateway.delivery import Delivery
from gateway.dispatch import Dispatch
from gateway.ground import ESITO_NOTIFICATO, open_journal
from gateway.intake import Intake
from gateway.journal import Journal
from gateway.junction import Junction
from gateway.outcomes import Facts
from gateway.patience import Patience
from gateway.posting import Posting
from gateway.postman import Postman
from gateway.preparation import Preparation
from gateway.reload import Reload, open_ground, set_apart
from gateway.reminders import Reminders, Telling
from gateway.retry import Backoff
from gateway.silence import Silence
from gateway.soap.contract import Contract
from gateway.soap.profile import MODI
from gateway.soap.replay import ReplayWindow
from gateway.telemetry import Log, Metrics
from gateway.trial import Trial
from gateway.units import Address
from gateway.upkeep import Upkeep
from gateway.vitals import Vitals
from gateway.xml import LIMIT, parse

THREADS = 64
"""At most, for what would block: each look-up of a host whose name servers hang holds one."""

_INBOX = 30.0
"""Seconds between two looks at callbacks that a node acknowledged and did not live to apply."""

_KINDS_OF_WORK = ("birth", "amend", "cancel", "merge")


def utc_now() -> datetime:
    """This machine's clock. Stored times are the database's."""
    return datetime.now(UTC)


class App:
    """One node. `start` and `stop` are awaited on its reactor."""

    def __init__(self, reactor: Any, configuration: Configuration) -> None:
        self._reactor = reactor
        self.configuration = configuration
        self.log = Log(style=configuration.log.format)
        publisher: Any = globalLogPublisher  # mypy does not see zope's interfaces
        publisher.addObserver(self.log.observe)
        self.journal = open_journal(configuration)
        try:
            opening = open_ground(configuration, self.journal)
        except BaseException:
            self.journal.close()
            raise
        self.ground = opening.ground
        self.metrics = Metrics(
            senders=[sender.name for sender in configuration.senders],
            partners=["comune", "agenzia_entrate", "asl", "ospedale"],
        )
        self.announcer = Announcer(self.log, self.metrics)
        self.connections = Connections(reactor, configuration, self.ground.directory, utc_now)
        self.junction = Junction(reactor)
        self.calls = Calls()
        trial = Trial(self.ground, self.journal, utc_now, configuration.reload.shadow)
        self.reload = Reload(
            reactor, opening, self.journal, self.junction.bridge, trial, self.announcer
        )
        telling, flow = Telling(self.log, self.metrics), (lambda: self.ground.flow)
        self.reminders = Reminders(reactor, self.journal, flow, utc_now, telling)
        self.upkeep = Upkeep(reactor, self.journal, configuration, utc_now, self.announcer.alarm)
        self._listeners: list[MllpListener] = []
        self._ports: list[Any] = []
        self._inbox = LoopingCall(self._callback_stored)
        self._inbox.clock = reactor
        # A repeated callback is also recognised in the journal; this refuses it at the door.
        self._window = ReplayWindow(MODI.max_age + MODI.ahead)
        self.silence = Silence(configuration.senders, self.journal, utc_now, self.log)
        self._build(self.journal)

    def _build(self, journal: Journal) -> None:
        ground, settings = self.ground, self.configuration.delivery
        backoff = Backoff(**settings.retry.model_dump())
        tolerance = timedelta(seconds=MODI.tolerance)
        self.aftermath = Aftermath(ground.casebook, backoff, random.random, tolerance)
        destinations = self.connections.destinations()
        preparation = Preparation(ground.casebook, ground.mapping, destinations, utc_now)
        delivery = Delivery(
            journal,
            ground.casebook,
            self.aftermath,
            preparation,
            destinations,
            self.junction.bridge,
            utc_now,
            self.calls,
        )
        echoes = self.connections.echoes(destinations)
        self.courtesy = Courtesy(
            self._reactor,
            journal,
            ground.directory,
            echoes,
            utc_now,
            backoff.ceiling,
            self.log,
            self.metrics,
        )
        self.dispatch = Dispatch(
            self._reactor,
            journal,
            delivery,
            self.courtesy.gates,
            self.junction.bridge,
            utc_now,
            self.announcer,
            node=self.configuration.node,
            concurrency=settings.concurrency,
            lease=settings.lease,
            poll=settings.poll,
        )
        longest = self.configuration.journal.patience
        self.courier = Courier(
            self._reactor,
            journal,
            self.junction.bridge,
            lambda sender, payload: self.calls.end_of(self.connections.tell(sender, payload)),
            self.announcer.alarm,
        )
        self.postman = self._postman(backoff)
        self.patience = Patience(journal, self.junction.bridge, self._reactor.callLater, longest)
        self.intake = Intake(
            self.configuration,
            journal,
            ground.casebook,
            ground.reader,
            self.junction.bridge,
            utc_now,
            self._told,
            self.patience,
        )
        self.callbacks = Callbacks(
            journal,
            ground.casebook,
            self.aftermath,
            ground.directory,
            self._callback_facts,
            outcome_of,
            self.junction.bridge,
            self.announcer.alarm,
        )

    def _postman(self, backoff: Backoff) -> Postman | None:
        mailbox, node = self.configuration.pec, self.configuration.node
        if mailbox is None:
            return None
        posting = Posting(node, self.ground.casebook, mailbox, backoff, random.random)
        post, tell = self.connections.post(mailbox), self.announcer.alarm
        bridge = self.junction.bridge
        return Postman(self._reactor, self.journal, bridge, posting, mailbox, *post, utc_now, tell)

    async def start(self) -> None:
        """Begin: first what an earlier life left, then new work, then the doors."""
        self.journal.hosted_by(self.junction.host)
        starting = self.journal.submit(lambda unit: unit.start_node(__version__))
        await self.junction.bridge(starting)
        recovered = await self.dispatch.start()
        self.courtesy.start(self.dispatch.wake)
        await self._apply_callbacks()
        for listener in self.configuration.listeners:
            self._listen(listener)
        self._serve_callbacks()
        await self.courier.start()
        if self.postman is not None:
            self.postman.begin()
        node, wake = self.configuration.node, self.dispatch.wake
        self.journal.listen(node, lambda: self._reactor.callFromThread(wake))
        self._inbox.start(_INBOX, now=False)
        bridge = self.junction.bridge
        vitals = Vitals(
            self.journal, self.connections, self.dispatch, self.courtesy, utc_now, node, bridge
        )
        vitals.tell(self.metrics)
        self.metrics.feeds(self.silence.seconds)
        beside = (self.courtesy.pausing.health, self.silence.note)
        site = observation_site(vitals.checks(), self.metrics, *beside)
        self._open("http", site, self.configuration.http.address, OBSERVATION)
        await self.reload.begin()
        self.reminders.begin()
        self.silence.begin(self._reactor)
        self.upkeep.begin()
        set_apart()
        self.log("started", count=recovered)

    async def stop(self) -> None:
        """End in good order whatever has begun: messages, then attempts, then the journal.

        What is on its way is waited for as long as `delivery.grace` says, and then hung up on.
        """
        grace = self.configuration.delivery.grace.total_seconds()
        end_of_grace = self._reactor.callLater(grace, self.hang_up)
        self.reload.stop()
        self.reminders.stop()
        self.silence.stop()
        self.courtesy.stop()
        if self._inbox.running:
            self._inbox.stop()
        doors = [listener.stop(grace) for listener in self._listeners]
        parts = [self.dispatch.stop(), self.courier.stop(), self.upkeep.stop(), *doors]
        if self.postman is not None:
            parts.append(self.postman.stop())
        ending = [Deferred.fromCoroutine(each) for each in parts]
        for port in self._ports:
            await maybeDeferred(port.stopListening)  # nothing comes of one that was lost
        for each in ending:
            await each
        if end_of_grace.active():
            end_of_grace.cancel()
        await self.connections.close()
        # Elsewhere, because the last group still runs here.
        await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self.journal.close)
        self.log("stopped")

    def hang_up(self) -> None:
        """Wait for nobody's answer any more: what has none is in doubt, or was not sent."""
        count = self.calls.hang_up()
        if count:
            self.log("hung_up", "warning", count=count)

    def _told(self, receipt: Receipt) -> None:
        self.silence.heard(receipt.sender)
        self.metrics.acknowledged(receipt.sender, receipt.verdict.name, receipt.seconds)
        if receipt.kind in _KINDS_OF_WORK:
            self.dispatch.wake()
        if receipt.application is None:
            return
        if self.connections.tells(receipt.sender):
            self.courier.wake()
        else:
            self.log("no_return_feed", "warning", sender=receipt.sender)

    def _listen(self, listener: Listener) -> None:
        talks = Conversations(self.configuration, self.intake, utc_now, listener.limits.block)
        made = MllpListener(
            self._reactor,
            listener.address,
            talks.hear,
            talks.refuse,
            name=listener.name,
            limits=listener.limits,
            log=self.log,
            metrics=self.metrics,
            tls=self.connections.listener_tls(listener),
            behind=lambda: self.journal.behind,
            release=listener.release,
        )
        made.start()
        self._listeners.append(made)

    def _serve_callbacks(self) -> None:
        settings = self.configuration.callbacks
        if settings is None:
            return
        service = CallbackService(
            self.ground.directory,
            Contract.load(self.configuration.xsd / CONTRACT, self.configuration.xsd),
            self.callbacks,
            trust=self.connections.trust,
            key=self.connections.signing_key,
            profile=MODI,
            clock=utc_now,
            seen=self._seen,
            stored=self._callback_stored,
            on_refusal=lambda error: self.announcer.alarm("callback", error),
        )
        factory = self.connections.callback_factory(capped_site(service, LIMIT))
        self._open("callbacks", factory, settings.address, CALLBACKS)

    def _open(self, name: str, inside: Any, address: Address, room: Room) -> None:
        door = Doorway(inside, name, room, self.log, self.metrics)
        self._ports.append(self._reactor.listenTCP(address.port, door, interface=address.host))

    def _seen(self, message_id: str) -> bool:
        return self._window.seen(message_id, self._reactor.seconds())

    def _callback_stored(self) -> None:
        Deferred.fromCoroutine(self._apply_callbacks()).addErrback(self._callback_failed)

    def _callback_failed(self, failure: Failure) -> None:
        # It stays in the inbox and is tried at the next callback, and at the next start.
        self.announcer.alarm("callback", failure.value or RuntimeError())

    async def _apply_callbacks(self) -> None:
        while await self.callbacks.apply_stored():
            self.dispatch.wake()

    def _callback_facts(self, body: bytes) -> Facts | None:
        profile = self.ground.profiles[0]
        result = self.ground.mapping(ESITO_NOTIFICATO, profile).run(parse(body), {})
        facts: Facts | None = None if result.problems else result.value
        return facts
