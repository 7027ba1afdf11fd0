"""Everything that can go wrong, as one tree.

    GatewayError
    ├── PeerError            the sender's fault; carries table 0357 and the location
    │   ├── UnreadableMessage    no HL7, or no usable MSH
    │   │   └── NotWhole             a message that was cut, or bytes that belong to none
    │   ├── BlockTooLarge        an MLLP block over the limit
    │   ├── MessageRefused       structure is wrong: AE or AR
    │   │   └── OutOfSequence        MSH-13 is not the number that comes next
    │   └── SenderNotAllowed     the certificate may not speak for this MSH-3/MSH-4
    ├── TranslationError     our document cannot be built: the submission is INVALID
    ├── SigningError         no document can be signed: stop the channel, not the message
    ├── VerificationError    an answer cannot be trusted: in doubt, and an alarm
    ├── MailError            certified mail: its provider is away, or a receipt is missing
    ├── JournalError         evidence cannot be written: intake is refused
    │   └── Fenced               somebody else moved the row first
    ├── ArchiveError         a back-up or an export is not what was written
    ├── LifecycleError       a pair (status, event) that the table does not have
    ├── NotPossible          a person asked for what the submission does not wait for
    ├── NotFound             a person named something that is not there
    │   └── Destroyed            the key of a case is gone, and with it all that it said
    ├── StageError           the demonstration did not go as it must
    └── ConfigurationError   at start-up only; lists every problem

Texts carry paths (`PID-7`, `nato/sesso`), never values. Each class has one sentence of advice
for the operator; the operations manual is generated from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class GatewayError(Exception):
    """Something that the gateway knows how to name."""

    advice: ClassVar[str] = "Read the text; it names the place."


class PeerError(GatewayError):
    """The sender's fault. `code` is of HL7 table 0357; `location` is an ERR-2 text."""

    advice: ClassVar[str] = "Send the text to the HIS team: it names the field to mend."
    code: ClassVar[int] = 207
    rejects: ClassVar[bool] = True
    """True: AR/CR; False: AE/CE."""

    def __init__(self, text: str, *, location: str = "") -> None:
        super().__init__(text)
        self.location = location


class UnreadableMessage(PeerError):
    """The bytes are not an HL7 v2 message, or its MSH cannot be read."""

    code: ClassVar[int] = 100
    rejects: ClassVar[bool] = False


class NotWhole(UnreadableMessage):
    """The connection ended inside a message, or the bytes belong to no message."""

    advice: ClassVar[str] = "Nothing if it comes again whole; else look at the HIS and the network."


class BlockTooLarge(PeerError):
    """An MLLP block grew over the listener's limit. `head` is what came first of it."""

    advice: ClassVar[str] = "Raise the listener's limit, or ask why the message is so large."

    def __init__(self, text: str, *, head: bytes = b"", location: str = "") -> None:
        super().__init__(text, location=location)
        self.head = head


class MessageRefused(PeerError):
    """The structure is wrong. Which code, and whether AE or AR, is told at the raise."""

    def __init__(self, text: str, *, code: int, location: str = "") -> None:
        super().__init__(text, location=location)
        self.code = code  # type: ignore[misc]  # one class for the whole table 0357
        self.rejects = code >= 200  # type: ignore[misc]  # 0357: 1xx are errors, 2xx rejections


class OutOfSequence(MessageRefused):
    """MSH-13 is not the number that comes next on this link: AR, and MSA-4 says which does."""

    advice: ClassVar[str] = "The HIS sends from the number of MSA-4 on, or -1 to begin anew."

    def __init__(self, text: str, *, expected: int) -> None:
        super().__init__(text, code=207, location="MSH^1^13")
        self.expected = expected


class SenderNotAllowed(PeerError):
    """The client certificate does not speak for this MSH-3/MSH-4."""

    advice: ClassVar[str] = "Add the certificate to the sender's entry in icaro.yaml."


class TranslationError(GatewayError):
    """Our document cannot be built; `problems` are all the reasons, each with path and line."""

    advice: ClassVar[str] = "Mend the message at the hospital or the mapping, then reprocess."

    def __init__(self, problems: Sequence[object]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class SigningError(GatewayError):
    """The key is missing, expired or unusable."""

    advice: ClassVar[str] = "Renew the certificate and key; nothing is lost while it waits."


class VerificationError(GatewayError):
    """What came cannot be trusted: `check` failed at `element`; `remedy` tells what would pass."""

    advice: ClassVar[str] = (
        "Run `icaro envelope verify` on the file and send its text to the partner."
    )

    def __init__(self, check: str, element: str, remedy: str) -> None:
        super().__init__(f"{check}: {element}: {remedy}")
        self.check = check
        self.element = element
        self.remedy = remedy


class MailError(GatewayError):
    """The provider of certified mail cannot be used, returned a mail, or gave no receipt of it."""

    advice: ClassVar[str] = "Look at `pec:` in icaro.yaml and at the mailbox; docs/pec.md says how."


class JournalError(GatewayError):
    """The journal cannot be written or read."""

    advice: ClassVar[str] = "Free the disk or mend the database; the hospital keeps its messages."


class Fenced(JournalError):
    """The row was no longer in the state this writer expected."""

    advice: ClassVar[str] = "Nothing to do: another node or a later message was first."


class ArchiveError(GatewayError):
    """A back-up or an export is not what was written, or cannot be used here; the text says why."""

    advice: ClassVar[str] = "Take another copy of the archive, and find out who changed this one."


class LifecycleError(GatewayError):
    """The table of statuses has no row for this pair."""

    advice: ClassVar[str] = "Report it: the event came at a moment nobody thought of."


class NotFound(GatewayError):
    """A person named a case, a submission or a message that is not there."""

    advice: ClassVar[str] = "List what is there first (`icaro case list`, `icaro submission list`)."


class Destroyed(NotFound):
    """The key of a case was destroyed, and its content with it; what is left names nobody."""

    advice: ClassVar[str] = "Nothing can be done with it any more; the evidence says who ended it."


class NotPossible(GatewayError):
    """What a person asked for does not fit what the submission is waiting for."""

    advice: ClassVar[str] = "Look first (`icaro submission show`): it says what it waits for."


class StageError(GatewayError):
    """A process of the demonstration did not start or end, or did not do what it must."""

    advice: ClassVar[str] = "Read the logs in the demonstration's folder (`.demo/logs`)."


class ConfigurationError(GatewayError):
    """The configuration cannot be used; `problems` lists every mistake with file and line."""

    advice: ClassVar[str] = "Mend every line named, then `icaro config check`."

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
