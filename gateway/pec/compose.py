"""The mail that carries a signed document to an office: one recipient, one attachment.

Its headers hold addresses of the configuration and an operation id, nothing of a message, so that
nothing from outside can end a line. No personal data stands outside the attachment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from typing import Final

from gateway.errors import MailError

LIMIT: Final = 20 * 2**20
"""Bytes of a mail; providers must take 30 MB (RFC 6109, 3.1.1)."""

_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")

_TEXT: Final = """\
All'ufficio di stato civile.

In allegato un documento firmato, che non e' stato possibile consegnare per via telematica
al servizio dell'ufficio. E' lo stesso documento, firmato dallo stesso mittente, con lo stesso
identificativo di operazione: chi lo avesse gia' ricevuto non deve registrarlo di nuovo.

Identificativo dell'operazione: {operation}

La risposta va data come di consueto: dal servizio dell'ufficio, o al mittente, che la annota.
"""


@dataclass(frozen=True, slots=True)
class Mail:
    """`content` is the exact bytes: each line ends with CRLF, and none begins with a dot."""

    message_id: str
    sender: str
    recipient: str
    content: bytes = field(repr=False)


def compose(
    sender: str, recipient: str, operation_id: str, number: int, document: bytes, at: datetime
) -> Mail:
    """`number`: which attempt of the submission this is; each mail has an id of its own.

    Raises MailError if it would be too large.
    """
    word = operation_id if _WORD.fullmatch(operation_id) else _digest(operation_id)
    message_id = f"<{word}.{number}@{sender.rpartition('@')[2]}>"
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = recipient
    mail["Subject"] = f"Icaro: documento firmato, operazione {word}"
    mail["Date"] = at
    mail["Message-ID"] = message_id
    mail.set_content(_TEXT.format(operation=word), cte="7bit")
    mail.add_attachment(
        document, maintype="application", subtype="xml", filename=f"{word}.xml", cte="base64"
    )
    content = mail.as_bytes()
    if len(content) > LIMIT:
        raise MailError(f"the mail of {word} is over {LIMIT} bytes")
    return Mail(message_id, sender, recipient, content)


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
