"""The gateway's own SOAP service: administrations bring outcomes that took time.

One address an office: `/esiti/comune/015146`, so that each is believed with its own keys only.
An outcome is acknowledged when it is in the journal, and applied after.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from lxml import etree
from twisted.web.pages import notFound
from twisted.web.resource import Resource

from adapters.soap_service import SoapService
from adapters.spyne_dispatch import Call, DeclaredFault, application
from gateway.callbacks import Callbacks
from gateway.errors import JournalError, VerificationError
from gateway.partners import Directory, Entry
from gateway.soap.contract import Contract
from gateway.soap.keys import SigningKey
from gateway.soap.profile import SecurityProfile
from gateway.soap.trust import Trust

CONTRACT = "gateway/RicezioneEsiti.wsdl"
PATH = b"esiti"


class CallbackService(Resource):
    """`/esiti/<partner>/<code>`; `stored` hears, after the acknowledgment, that there is work."""

    def __init__(
        self,
        directory: Directory,
        contract: Contract,
        callbacks: Callbacks,
        *,
        trust: Callable[[Entry], Trust],
        key: SigningKey,
        profile: SecurityProfile,
        clock: Callable[[], datetime],
        seen: Callable[[str], bool],
        stored: Callable[[], None],
        on_refusal: Callable[[VerificationError], None],
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self._directory = directory
        self._contract = contract
        self._callbacks = callbacks
        self._stored = stored
        self._trust = trust
        self._service = cache(self._make_service)
        self._settings: dict[str, Any] = {
            "key": key,
            "profile": profile,
            "clock": clock,
            "seen": seen,
            "on_refusal": on_refusal,
        }

    def getChild(self, path: bytes, request: Any) -> Any:  # noqa: N802  # Twisted's name
        """The service of one office."""
        rest = [path, *request.postpath]
        request.postpath = []
        if len(rest) != 3 or rest[0] != PATH:
            return notFound()
        entry = self._directory.entry(rest[1].decode("latin-1"), rest[2].decode("latin-1"))
        if entry is None or entry.contract is None:  # a hospital brings no outcomes
            return notFound()
        return self._service(entry)

    def _make_service(self, entry: Entry) -> SoapService:
        """Made at an office's first call, kept for the others."""
        operations = {"notificaEsito": self._notified(entry), "echo": self._echo}
        return SoapService(
            application(self._contract, operations),
            self._contract,
            trust=self._trust(entry),
            **self._settings,
        )

    def _notified(self, entry: Entry) -> Any:
        async def notified(call: Call) -> etree._Element:
            operation_id = self._text(call.body, "idOperazione")
            try:
                # Commit before acknowledging: after this the partner forgets the outcome.
                await self._callbacks.store(
                    entry, call.message_id, operation_id, etree.tostring(call.body)
                )
            except JournalError:
                raise DeclaredFault("INDISPONIBILE", "L'esito non può essere registrato") from None
            self._stored()
            return self._answer(call, idOperazione=operation_id, ricevuta="true")

        return notified

    def _echo(self, call: Call) -> etree._Element:
        return self._answer(call, testo=self._text(call.body, "testo"))

    def _text(self, body: etree._Element, name: str) -> str:
        return body.findtext(f"{{{self._contract.namespace}}}{name}") or ""

    def _answer(self, call: Call, **texts: str) -> etree._Element:
        namespace = self._contract.namespace
        nsmap: dict[str | None, str] = {None: namespace}
        answer = etree.Element(call.operation.response, nsmap=nsmap)  # type: ignore[arg-type]  # stubs lack the default namespace
        for name, text in texts.items():
            etree.SubElement(answer, f"{{{namespace}}}{name}").text = text
        return answer
