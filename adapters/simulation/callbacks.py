"""Tells the gateway, later, the outcome of what an administration took in charge.

Signed and over mutual TLS like any call, to the one address that the command line gave. Each try
is a new envelope; a try counts when the gateway's signed answer says that it wrote it down.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from lxml import etree
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from adapters.http import Reply, SoapClient
from adapters.simulation.documents import Answer, render, text
from adapters.simulation.store import Effect, Store
from gateway.errors import VerificationError
from gateway.soap.contract import Contract
from gateway.soap.envelope import build
from gateway.soap.keys import SigningKey
from gateway.soap.profile import SecurityProfile
from gateway.soap.sign import sign
from gateway.soap.trust import Trust
from gateway.soap.verify import verify

PAUSES: Final = (0.2, 0.5, 1, 2, 4, 8, 16, 30, 30, 30)
"""Seconds between tries; after the last one somebody must ask for it (`/callback-now`)."""

_TIMEOUT: Final = 20.0
_MEMBERS: Final = (
    *("esito", "protocollo", "errore", "atto", "codiceFiscale", "provvisorio", "candidato"),
    *("codiceAssistibile", "pediatra"),
)
_CANDIDATE: Final = ("codiceFiscale", "cognome", "nome", "dataNascita")


class Caller:
    """Says one outcome to the gateway, once. `contract` is the gateway's `RicezioneEsiti`."""

    def __init__(
        self,
        client: SoapClient,
        url: str,
        contract: Contract,
        *,
        key: SigningKey,
        trust: Trust,
        profile: SecurityProfile,
        clock: Callable[[], datetime],
    ) -> None:
        self._client, self._url, self._contract = client, url, contract
        self._key, self._trust, self._profile, self._clock = key, trust, profile, clock

    async def say(self, outcome: Answer, service: str) -> bool:
        """Whether the gateway says, signed, that it wrote the outcome down."""
        operation = self._contract.operations["notificaEsito"]
        message_id = f"urn:uuid:{uuid4()}"
        envelope = build(
            notification(operation.request, outcome, service),
            to=self._url,
            action=operation.action,
            message_id=message_id,
            created=self._clock(),
            profile=self._profile,
        )
        result = await self._client.post(
            self._url,
            sign(envelope, self._key, self._profile),
            soap_action=operation.action if self._profile.soap == "1.1" else None,
            content_type=self._profile.content_type(operation.action),
            timeout=_TIMEOUT,
        )
        return isinstance(result, Reply) and self._received(result, message_id)

    def _received(self, reply: Reply, message_id: str) -> bool:
        try:
            verified = verify(
                reply.body,
                trust=self._trust,
                now=self._clock(),
                profile=self._profile,
                relates_to=(message_id,),
            )
        except VerificationError:
            return False
        return text(verified.body, "ricevuta") in ("true", "1")


class Callbacks:
    """Keeps the promises of a store: each owed outcome is told, as often as promised.

    `caller` None: nobody to tell, so an outcome is only to be had by asking. `services` names
    the practice of each operation, `clock` is Twisted's.
    """

    log = Logger()

    def __init__(
        self, clock: Any, store: Store, services: Mapping[str, str], caller: Caller | None
    ) -> None:
        self._clock, self._store, self._services, self._caller = clock, store, services, caller
        self._busy: set[str] = set()

    def later(self, effect: Effect) -> Awaitable[object] | None:
        """Keep one promise in its time; what is promised before the reply is to be awaited."""
        if effect.promise is None or effect.promise["after"] is None:
            return None
        after = effect.promise["after"]
        if after == 0:
            return self._start(effect, 0)
        self._start(effect, after)
        return None

    def now(self) -> int:
        """Tell everything that is owed and not being told; gives how many."""
        owed = [effect for effect in self._store.owed() if effect.idOperazione not in self._busy]
        for effect in owed:
            self._start(effect, 0)
        return len(owed)

    def resume(self) -> None:
        """After a restart: what has a time is told as if it were promised now."""
        for effect in self._store.owed():
            if effect.promise is not None and effect.promise["after"] is not None:
                self._start(effect, effect.promise["after"])

    def _start(self, effect: Effect, after: float) -> Deferred[None]:
        self._busy.add(effect.idOperazione)
        return Deferred.fromCoroutine(self._tell(effect, after))

    async def _tell(self, effect: Effect, after: float) -> None:
        try:
            if after:
                await deferLater(self._clock, after)
            messages = effect.promise["messages"] if effect.promise else 1
            if self._caller is None:
                self._store.called_back(effect.idOperazione, 0)
            elif await self._told(self._caller, effect, messages):
                self._store.called_back(effect.idOperazione, messages)
        except Exception as error:
            self.log.error("callback failed: {kind}", kind=type(error).__name__)
        finally:
            self._busy.discard(effect.idOperazione)

    async def _told(self, caller: Caller, effect: Effect, messages: int) -> bool:
        service = self._services[effect.operation]
        for pause in (*PAUSES, None):
            if await caller.say(effect.outcome, service):
                messages -= 1
                if messages == 0:
                    return True
            elif pause is not None:
                await deferLater(self._clock, pause)
        return False


def notification(name: str, outcome: Answer, service: str) -> etree._Element:
    """The Body of a callback: what the answer would have told, in the gateway's own contract."""
    told: dict[str, Any] = {"idOperazione": outcome["idOperazione"], "servizio": service}
    told |= {name: outcome[name] for name in _MEMBERS if name in outcome}
    if "candidato" in told:
        told["candidato"] = [
            {name: candidate[name] for name in _CANDIDATE} for candidate in told["candidato"]
        ]
    return render(name, told)
