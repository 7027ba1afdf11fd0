"""A wish that the sender's profile reads elsewhere than the gateway can write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import NotPossible
from tests.births import CHIARA, PERSON, ROOT, House, flow_of


def deaf(folder: Path) -> House:
    """A node whose flow hears of the wish in PID-23 alone."""
    text = (ROOT / "mappings" / "nascita.flow.yaml").read_text(encoding="utf-8")
    heard = text.replace("  anonymous: anonymous", "  anonymous: (PID-23 ?? '') == 'RISERVATO'", 1)
    assert heard != text
    return House(folder, flow=flow_of(heard, folder))


def born_at(place: str, message: bytes) -> bytes:
    """The message with this in PID-23."""
    lines = message.decode().split("\r")
    at = next(number for number, line in enumerate(lines) if line.startswith("PID|"))
    fields = lines[at].split("|")
    fields[23] = place
    lines[at] = "|".join(fields)
    return "\r".join(lines).encode()


def test_a_word_that_would_not_be_heeded_is_refused(tmp_path: Path):
    """Better a refusal than an operator who believes that she is not named."""
    with deaf(tmp_path) as house:
        house.hears(CHIARA.message("A01"))
        case = house.case()
        with pytest.raises(NotPossible):
            house.do(lambda unit: house.desk.unname(unit, case.id, PERSON))
        assert not house.context().anonymous
        assert b"FONTANA" in (house.case().dossier or b"")


def test_a_message_that_forgets_it_there_changes_nothing(tmp_path: Path):
    """The mark cannot be written for it, so what is stored stays as it was."""
    with deaf(tmp_path) as house:
        house.hears(born_at("RISERVATO", CHIARA.message("A01")))
        before = house.case().dossier
        assert house.context().anonymous
        house.hears(born_at("ALTROVE", CHIARA.message("A08", weight=3333)))
        assert house.case().dossier == before
