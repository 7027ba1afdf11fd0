"""What a deployment says of its own certified mail (PEC): the mailbox, its provider's servers."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from gateway.settings import Settings
from gateway.units import Duration, ExistingFile, HostPort, MailAddress


class Mailbox(Settings):
    """One mailbox. TLS from the first byte on both servers; nothing is ever said in the clear."""

    address: MailAddress = Field(description="our own; the provider lets us write as it alone")
    smtp: HostPort = Field(description="submission over TLS, mostly port 465")
    imap: HostPort = Field(description="IMAP over TLS, mostly port 993")
    ca: ExistingFile = Field(description="PEM; the provider's TLS certificates chain to this")
    user: str = Field(min_length=1)
    password_file: ExistingFile = Field(description="its first line is the password")
    folder: str = Field(
        default="INBOX", pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,99}$", description="of receipts"
    )
    poll: Duration = Field(default=timedelta(minutes=1), description="how often it is looked at")
    timeout: Duration = Field(default=timedelta(minutes=1), description="for a whole conversation")
    receipt: Duration = Field(
        default=timedelta(hours=24),
        description="a mail without a final receipt so long goes to a person (DPR 68/2005 art. 8)",
    )
