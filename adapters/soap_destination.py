"""A partner that speaks signed SOAP: wraps and signs a document, posts it, reads the answer.

Which operation carries which step, and what an answer means, is the partner's own module
(`comune/destination.py` and its like). Nothing of an answer is read before its signature held.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, assert_never
from uuid import uuid4

from lxml import etree

from adapters.http import Lost, NotSent, Reply, SoapClient
from adapters.http1 import Response
from adapters.retry_after import retry_after
from gateway.destination import Answer, Letter
from gateway.errors import TranslationError, VerificationError
from gateway.lifecycle import Kind
from gateway.mapping import Compiled
from gateway.outcomes import Accepted, Facts, NotFound, Outcome, Rejected, Unavailable, Unknown
from gateway.partners import Entry
from gateway.soap.contract import Contract, Operation
from gateway.soap.envelope import build
from gateway.soap.fault import read_fault
from gateway.soap.keys import SigningKey
from gateway.soap.profile import SecurityProfile
from gateway.soap.sign import sign
from gateway.soap.trust import Trust
from gateway.soap.verify import verify
from gateway.translation import Document
from gateway.xml import Canonical, parse

QUERY = "query"
ECHO = "echo"
"""The operation by which a service tells that it is there, if its contract has one."""
_SAYS = "icaro"
_PATIENCE = timedelta(seconds=10)
"""For an echo, however long its documents may take."""


Meaning = Callable[[etree._Element], Outcome | NotFound]
"""What a verified answer of the operation's own kind says."""


class Partner(Protocol):
    """The module of a partner: its table of operations and the meaning of its answers."""

    OPERATIONS: Mapping[tuple[str, Kind], str]
    QUERY: str

    def outcome(self, facts: Facts) -> Outcome | NotFound:
        """What the facts of an answer mean."""
        ...

    def fault(self, code: str, text: str) -> Rejected | Unavailable:
        """What a declared fault means."""
        ...


@dataclass(frozen=True, slots=True)
class Channel:
    """How to reach one office: whom to believe, and over which connections."""

    client: SoapClient
    trust: Trust
    profile: SecurityProfile


class SoapDestination:
    """One kind of partner; `channel` gives the way to each of its offices."""

    def __init__(
        self,
        partner: Partner,
        contract: Contract,
        key: SigningKey,
        channel: Callable[[Entry], Channel],
        clock: Callable[[], datetime],
    ) -> None:
        self._partner = partner
        self._contract = contract
        self._key = key
        self._channel = channel
        self._clock = clock

    def wrap(
        self, document: Document, entry: Entry, step: str, action: str, operation_id: str
    ) -> Letter:
        """An envelope with a MessageID and a Timestamp of its own, signed. Raises SigningError."""
        operation = self._operation(step, action)
        return self._letter(_body(document), entry, operation, operation_id)

    def _letter(
        self,
        body: etree._Element | Canonical,
        entry: Entry,
        operation: Operation,
        operation_id: str = "",
    ) -> Letter:
        profile = self._channel(entry).profile
        now, message_id = self._clock(), f"urn:uuid:{uuid4()}"
        envelope = build(
            body,
            to=entry.endpoint,
            action=operation.action,
            message_id=message_id,
            created=now,
            profile=profile,
        )
        return Letter(
            message_id=message_id,
            envelope=sign(envelope, self._key, profile),
            url=entry.endpoint,
            expires_at=now + timedelta(seconds=profile.ttl),
            operation=operation.name,
            operation_id=operation_id,
        )

    @property
    def echoes(self) -> bool:
        """Whether the contract has the operation `echo`."""
        return ECHO in self._contract.operations

    async def echo(self, entry: Entry) -> Outcome | NotFound:
        """Ask whether the service is there: only a signed answer says so. Raises SigningError."""
        operation = self._contract.operations[ECHO]
        body = etree.Element(operation.request)
        etree.SubElement(body, f"{{{self._contract.namespace}}}testo").text = _SAYS
        letter = self._letter(body, entry, operation)
        quick = replace(entry, timeout=min(entry.timeout, _PATIENCE))
        return (await self._carry(letter, quick, lambda _: Accepted(receipt=""))).outcome

    async def send(self, letter: Letter, entry: Entry, answers: Compiled | None) -> Answer:
        """Post it once; an answer counts only if it is signed, of this attempt, and as declared."""
        return await self._carry(letter, entry, lambda body: self._outcome(body, letter, answers))

    async def _carry(self, letter: Letter, entry: Entry, meaning: Meaning) -> Answer:
        channel = self._channel(entry)
        operation = self._contract.operations[letter.operation]
        result = await channel.client.post(
            letter.url,
            letter.envelope,
            soap_action=operation.action if channel.profile.soap == "1.1" else None,
            content_type=channel.profile.content_type(operation.action),
            timeout=entry.timeout.total_seconds(),
        )
        match result:
            case NotSent(reason):
                return Answer(Unavailable(reason, received=False), note=reason[:200])
            case Lost(reason, response):
                body = response.body if response else b""
                return self._when(Answer(Unknown(reason), body, note=reason[:200]), response)
            case Reply():
                return self._when(self._read(result, letter, operation, channel, meaning), result)
            case never:
                assert_never(never)

    def _when(self, answer: Answer, reply: Response | Reply | None) -> Answer:
        """The wish to be left alone, which nobody signs: it only moves our next attempt."""
        if reply is None or not isinstance(answer.outcome, Unavailable | Unknown):
            return answer
        wanted = retry_after(reply.status, reply.headers, self._clock())
        return replace(answer, outcome=replace(answer.outcome, retry_after=wanted))

    def _read(
        self,
        reply: Reply,
        letter: Letter,
        operation: Operation,
        channel: Channel,
        meaning: Meaning,
    ) -> Answer:
        try:
            verified = verify(
                reply.body,
                trust=channel.trust,
                now=self._clock(),
                profile=channel.profile,
                relates_to={letter.message_id},
            )
        except VerificationError as error:
            unknown = Unknown(f"not trusted: {error}", untrusted=True)
            return Answer(unknown, reply.body, note=str(error)[:200])
        body = verified.body
        if body.tag == operation.response:
            return Answer(meaning(body), reply.body)
        return Answer(self._fault(body, operation), reply.body)

    def _outcome(
        self, body: etree._Element, letter: Letter, answers: Compiled | None
    ) -> Outcome | NotFound:
        if self._contract.schema.check(body) or answers is None:
            return Unknown("the answer breaks its contract")
        result = answers.run(body, {})
        if result.problems:
            return Unknown(str(TranslationError(result.problems)))
        facts: Facts = result.value
        if facts.get("idOperazione") != letter.operation_id:
            return Unknown("the answer is about another operation")
        return self._partner.outcome(facts)

    def _fault(self, body: etree._Element, operation: Operation) -> Outcome:
        fault = read_fault(body)
        if fault is None or fault.detail is None or fault.detail.tag not in operation.faults:
            # Partners have stored and then failed: what the contract does not declare says nothing.
            return Unknown("a fault that the contract does not declare")
        if self._contract.schema.check(fault.detail):
            return Unknown("a declared fault that breaks its contract")
        texts = {etree.QName(child).localname: child.text or "" for child in fault.detail}
        return self._partner.fault(texts.get("codice", ""), texts.get("descrizione", ""))

    def _operation(self, step: str, action: str) -> Operation:
        partner = self._partner
        name = partner.QUERY if action == QUERY else partner.OPERATIONS[step, Kind(action)]
        return self._contract.operations[name]


def _body(document: Document) -> etree._Element | Canonical:
    """What came back from the journal has lost its type: it is read, and written again."""
    if isinstance(document, bytes) and not isinstance(document, Canonical):
        return parse(document)
    return document
