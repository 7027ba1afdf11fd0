"""`icaro certs init`, as one types it."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from adapters.keys import DEVELOPMENT, PARTIES
from gateway.cli.certs import certs_group


def test_init_writes_every_party_once(tmp_path: Path) -> None:
    """All parties get their files; a second time nothing is overwritten, and exit is 2."""
    target = str(tmp_path / "certs")
    first = CliRunner().invoke(certs_group, ["init", target])
    assert first.exit_code == 0
    assert DEVELOPMENT in first.output
    assert {path.name for path in (tmp_path / "certs").iterdir()} == set(PARTIES)
    before = (tmp_path / "certs/asl/sign.key").read_bytes()
    second = CliRunner().invoke(certs_group, ["init", target])
    assert second.exit_code == 2
    assert "is there already" in second.output
    assert (tmp_path / "certs/asl/sign.key").read_bytes() == before


def test_development_certificates_cannot_be_made_to_last(tmp_path: Path) -> None:
    """Ninety days at most."""
    result = CliRunner().invoke(certs_group, ["init", str(tmp_path / "c"), "--days", "365"])
    assert result.exit_code == 2
    assert not (tmp_path / "c").exists()
