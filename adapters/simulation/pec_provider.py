"""A simulated provider of certified mail: what it keeps, which receipts it makes, its bad days.

Knows no sockets. Everything is in files, for whoever asks for proof: `mails/` what it took,
`receipts/` what lies in the mailbox, `bad-day` the name of today's, if there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.mime.application import MIMEApplication
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path
from typing import Final
from uuid import uuid4

from gateway.xml import escaped

DAYS: Final[Mapping[str, str]] = {
    "no_receipt": "takes the mail and never tells of it",
    "no_delivery": "a receipt of acceptance, none of delivery",
    "late": "twelve hours without delivery: a warning, and nothing more",
    "undelivered": "there is no such office (no-dest)",
    "gave_up": "no delivery in 24 hours (altro): it may have arrived",
    "not_accepted": "takes the mail, then tells that it does not accept it",
    "delivered_elsewhere": "a receipt of delivery that speaks of another office",
    "refuse": "550 to the recipient",
    "busy": "451 to the recipient",
    "cut_before": "cuts the connection before the content",
    "cut_after": "delivers, and cuts the connection before it says so",
    "hang": "delivers, and never says so",
    "no_login": "535 to the password",
}
"""Name of a bad day → what it does."""

_RECEIPTS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "no_receipt": (),
    "no_delivery": (("accettazione", "nessuno"),),
    "late": (("accettazione", "nessuno"), ("preavviso-errore-consegna", "altro")),
    "undelivered": (("accettazione", "nessuno"), ("errore-consegna", "no-dest")),
    "gave_up": (("accettazione", "nessuno"), ("errore-consegna", "altro")),
    "not_accepted": (("non-accettazione", "altro"),),
}
_GOOD: Final = (("accettazione", "nessuno"), ("avvenuta-consegna", "nessuno"))


@dataclass(frozen=True, slots=True)
class PecProvider:
    """`folder` is where everything is kept; `domain` its own, for its Message-IDs."""

    folder: Path
    domain: str = "pec.gestore.example"

    def begins(self) -> str:
        """A conversation begins: the name of its bad day, empty on a good one.

        `bad-day` holds a name, and after it how many conversations are left, if not all.
        """
        path = self.folder / "bad-day"
        said = path.read_text("ascii").strip() if path.is_file() else ""
        name, _, left = said.partition(" ")
        if left:
            path.write_text(f"{name} {int(left) - 1}" if int(left) > 1 else "", "ascii")
        return name

    def take(self, content: bytes, recipient: str, day: str = "") -> None:
        """Keep a mail, and put into the sender's mailbox what the day makes of it."""
        _keep(self.folder / "mails", content)
        mail = message_from_bytes(content)
        to = f"altri@{self.domain}" if day == "delivered_elsewhere" else recipient
        for kind, error in _RECEIPTS.get(day, _GOOD):
            _keep(self.folder / "receipts", self.receipt(mail, kind, error, to))

    def mails(self) -> list[bytes]:
        """What it took, the first first."""
        return [path.read_bytes() for path in sorted((self.folder / "mails").glob("*.eml"))]

    def receipts(self) -> list[bytes]:
        """What lies in the mailbox, the oldest first; the number of each is its UID."""
        return [path.read_bytes() for path in sorted((self.folder / "receipts").glob("*.eml"))]

    def receipt(self, mail: Message, kind: str, error: str, recipient: str) -> bytes:
        """As RFC 6109 describes it, with a signature that nobody can check."""
        about, sender = str(mail["Message-ID"]), str(mail["From"])
        inside = MIMEMultipart("mixed")
        inside.attach(MIMEText(f"Ricevuta di {kind}.\n", "plain", "us-ascii"))
        data = MIMEApplication(self._daticert(about, sender, kind, error, recipient), "xml")
        data.add_header("Content-Disposition", "inline", filename="daticert.xml")
        inside.attach(data)
        if kind == "avvenuta-consegna":
            inside.attach(_attached(mail))
        whole = MIMEMultipart("signed", protocol="application/x-pkcs7-signature", micalg="sha-256")
        whole.attach(inside)
        whole.attach(_signature())
        whole["X-Ricevuta"] = kind
        whole["Subject"] = f"{kind.upper()}: {mail['Subject']}"
        whole["From"] = f"posta-certificata@{self.domain}"
        whole["To"] = sender
        whole["X-Riferimento-Message-ID"] = about
        whole["Message-ID"] = f"<{uuid4()}@{self.domain}>"
        return whole.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    def _daticert(self, about: str, sender: str, kind: str, error: str, recipient: str) -> bytes:
        now = datetime.now(UTC)
        told = f"<consegna>{escaped(recipient)}</consegna>" if kind.endswith("consegna") else ""
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<postacert tipo="{kind}" errore="{error}">'
            f"<intestazione><mittente>{escaped(sender)}</mittente>"
            f'<destinatari tipo="certificato">{escaped(recipient)}</destinatari>'
            f"<risposte>{escaped(sender)}</risposte></intestazione>"
            f"<dati><gestore-emittente>Gestore di prova</gestore-emittente>"
            f'<data zona="+0000"><giorno>{now:%d/%m/%Y}</giorno><ora>{now:%H:%M:%S}</ora></data>'
            f"<identificativo>{uuid4()}@{self.domain}</identificativo>"
            f"<msgid>{escaped(about)}</msgid>{told}</dati></postacert>\n"
        ).encode()


def _attached(mail: Message) -> MIMEMessage:
    part = MIMEMessage(mail)
    part.add_header("Content-Disposition", "attachment", filename="postacert.eml")
    return part


def _signature() -> MIMEBase:
    part = MIMEApplication(b"firma di prova", "x-pkcs7-signature", name="smime.p7s")
    part.add_header("Content-Disposition", "attachment", filename="smime.p7s")
    return part


def _keep(folder: Path, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    number = 1 + len(list(folder.glob("*.eml")))
    made = folder / f"{number:06d}.part"
    made.write_bytes(content)
    made.rename(folder / f"{number:06d}.eml")  # whole, or not there
