"""`icaro envelope verify`, as one types it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.cli.envelope import envelope_group
from gateway.soap.profile import MODI_SOAP12
from tests.soap_parties import NOW, Party, ec_key, make_party

AT = ("--at", NOW.replace(tzinfo=None).isoformat())


@pytest.fixture(scope="module")
def party() -> Party:
    """Signs with P-256, in SOAP 1.2."""
    return make_party(ec_key(), MODI_SOAP12)


@pytest.fixture
def files(party: Party, tmp_path: Path) -> tuple[str, str]:
    """The envelope and the CA on disk."""
    (tmp_path / "busta.xml").write_bytes(party.envelope())
    ca = party.authority.certificate.public_bytes(Encoding.PEM)
    (tmp_path / "ca.pem").write_bytes(ca)
    return str(tmp_path / "busta.xml"), str(tmp_path / "ca.pem")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(envelope_group, ["verify", *arguments])


def test_a_good_envelope_exits_0(files: tuple[str, str]) -> None:
    """Every step is printed with its number."""
    result = run(files[0], "--ca", files[1], *AT)
    assert result.exit_code == 0, result.output
    assert " 1. passed" in result.output
    assert "10. not checked" in result.output
    assert "Nothing found against it." in result.output


def test_an_old_envelope_exits_1_with_its_age(files: tuple[str, str]) -> None:
    """Judged a day later, the Timestamp is the reason, and what would pass is said."""
    later = (NOW + timedelta(days=1)).astimezone(UTC).replace(tzinfo=None).isoformat()
    result = run(files[0], "--ca", files[1], "--at", later)
    assert result.exit_code == 1
    assert "wsu:Created: it is 86400 s old, 300 s pass" in result.output
    assert "It would be refused." in result.output


def test_programs_read_json(files: tuple[str, str]) -> None:
    """Ten steps with state and reasons."""
    result = run(files[0], "--ca", files[1], "--json", *AT)
    steps = json.loads(result.output)
    assert [step["number"] for step in steps] == list(range(1, 11))
    assert steps[3] == {
        "number": 4,
        "title": steps[3]["title"],
        "state": "passed",
        "reasons": [],
    }


def test_without_a_ca_it_says_what_it_could_not_check(files: tuple[str, str]) -> None:
    """The issuer is left open and named."""
    result = run(files[0], *AT)
    assert result.exit_code == 0
    assert "give the partner's CA with --ca" in result.output


def test_now_is_the_default(files: tuple[str, str]) -> None:
    """Without --at it is judged as of now."""
    assert datetime.now(UTC) != NOW
    assert "wsu:Created" in run(files[0]).output


def test_a_ca_that_is_none_is_a_usage_error(files: tuple[str, str]) -> None:
    """A file without certificates is told, exit 2."""
    result = run(files[0], "--ca", files[0])
    assert result.exit_code == 2
    assert "has no usable PEM certificate" in result.output
