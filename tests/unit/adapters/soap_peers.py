"""A Comune's service and its caller, in memory, with real keys: for tests of the SOAP edge."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

from lxml import etree
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from adapters.keys import DevelopmentPki, load_certificates, load_signing_key
from adapters.simulation.documents import Answer, render
from adapters.soap_service import Reply, SoapService
from adapters.spyne_dispatch import Call, application
from gateway import shipped
from gateway.errors import VerificationError
from gateway.soap.contract import Contract
from gateway.soap.envelope import build
from gateway.soap.keys import SigningKey
from gateway.soap.profile import MODI, SecurityProfile
from gateway.soap.sign import sign
from gateway.soap.trust import Trust
from gateway.soap.verify import Verified, verify

NOW = datetime.now(UTC)
ID = "urn:uuid:11111111-1111-4111-8111-111111111111"
T = TypeVar("T")
Function = Callable[[Call], Any]


@cache
def pki() -> Path:
    """Keys of a gateway and of a Comune, made once a run."""
    folder = Path(mkdtemp(prefix="icaro-test-"))
    DevelopmentPki(NOW).write(folder, ("gateway", "comune"))
    return folder


@cache
def key(party: str) -> SigningKey:
    """A party's signing key."""
    return load_signing_key(pki() / party / "sign.pem", pki() / party / "sign.key")


@cache
def trust(party: str) -> Trust:
    """Trust in a party's own CA."""
    return Trust(load_certificates(pki() / party / "ca.pem"))


@cache
def contract(name: str = "comune/NotificaNascita.wsdl") -> Contract:
    """A shipped contract."""
    return Contract.load(shipped.xsd() / name, shipped.xsd())


def echo(call: Call) -> etree._Element:
    """The echo operation."""
    return render(call.operation.response, {"testo": call.body[0].text or ""})


class Service:
    """A SoapService of a Comune that remembers what it refused and which ids it saw."""

    def __init__(
        self,
        functions: Mapping[str, Function] | None = None,
        *,
        profile: SecurityProfile = MODI,
        clock: Callable[[], datetime] = lambda: NOW,
    ) -> None:
        self.refusals: list[VerificationError] = []
        self._ids: set[str] = set()
        operations = dict.fromkeys(contract().operations, echo) | dict(functions or {})
        self.resource = SoapService(
            application(contract(), operations),
            contract(),
            trust=trust("gateway"),
            key=key("comune"),
            profile=profile,
            clock=clock,
            seen=self._seen,
            on_refusal=self.refusals.append,
        )
        self.profile = profile

    def _seen(self, message_id: str) -> bool:
        was = message_id in self._ids
        self._ids.add(message_id)
        return was

    def exchange(self, raw: bytes, **headers: Any) -> Reply:
        """The reply to bytes that say they are an echo, unless `headers` say otherwise."""
        action = contract().operations["echo"].action
        told = {"content_type": self.profile.content_type(action), "soap_action": f'"{action}"'}
        return now(self.resource.exchange(raw, **(told | headers)))


def request(
    operation: str = "echo", values: Answer | None = None, message_id: str = ID, **changes: Any
) -> bytes:
    """A signed request of the gateway; `changes` are arguments of `build`."""
    found = contract().operations[operation]
    profile = changes.get("profile", MODI)
    told = {"to": "https://x/", "action": found.action, "created": NOW, "profile": profile}
    body = render(found.request, values or {"testo": "ciao"})
    return sign(build(body, message_id=message_id, **(told | changes)), key("gateway"), profile)


def believed(reply: Reply, profile: SecurityProfile = MODI, relates_to: str = ID) -> Verified:
    """What the Comune's signature covers in a reply."""
    return verify(
        reply.body,
        trust=trust("comune"),
        now=NOW + timedelta(seconds=1),
        profile=profile,
        relates_to=(relates_to,),
    )


def now(awaitable: Awaitable[T]) -> T:
    """The result of something that needs no event to be ready."""

    async def waiting() -> T:
        return await awaitable

    results: list[T | Failure] = []
    Deferred.fromCoroutine(waiting()).addBoth(results.append)
    assert results, "it waits for an event"
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]  # type: ignore[return-value]  # a Failure has raised
