"""The mail that carries a document."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import MailError
from gateway.pec.compose import compose

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
OURS, OFFICE = "nati@pec.ospedale.example", "protocollo@pec.comune.example"


@given(st.binary(max_size=400), st.text(max_size=40))
def test_any_document_and_any_operation_id_make_a_mail(document: bytes, operation: str) -> None:
    """The attachment is the document byte for byte; nothing ends a header's line; no line begins
    with a dot, which SMTP would have to escape.
    """
    mail = compose(OURS, OFFICE, operation, 3, document, NOW)
    read = message_from_bytes(mail.content)
    (attached,) = [part for part in read.walk() if part.get_filename()]
    assert attached.get_payload(decode=True) == document
    assert (read["From"], read["To"], read["Message-ID"]) == (OURS, OFFICE, mail.message_id)
    assert sorted(set(read.keys())) == sorted(read.keys())
    lines = mail.content.split(b"\r\n")
    assert not any(line.startswith(b".") or b"\n" in line or b"\r" in line for line in lines)
    assert mail.content.isascii()
    assert mail.content.endswith(b"\r\n")


def test_each_mail_of_a_submission_has_its_own_id_made_of_the_operation() -> None:
    """The operation id and the number of the attempt, at our own domain."""
    ids = [compose(OURS, OFFICE, "0e1d-77", n, b"<a/>", NOW).message_id for n in (3, 4)]
    assert ids == ["<0e1d-77.3@pec.ospedale.example>", "<0e1d-77.4@pec.ospedale.example>"]


def test_nobody_is_named_outside_the_attachment() -> None:
    """Subject and text hold the operation id alone."""
    content = compose(OURS, OFFICE, "0e1d", 1, b"<nome>GIULIA</nome>", NOW).content
    assert b"GIULIA" not in content
    assert b"0e1d" in content


def test_what_no_provider_would_take_is_no_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused before it is sent."""
    monkeypatch.setattr("gateway.pec.compose.LIMIT", 5000)
    with pytest.raises(MailError):
        compose(OURS, OFFICE, "0e1d", 1, b"x" * 5000, NOW)
