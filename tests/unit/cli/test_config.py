"""icaro config, icaro init and icaro run."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.keys import DevelopmentPki
from gateway.cli import main
from gateway.config import Configuration, load
from gateway.journal.encryption import Keyring
from gateway.partners import Directory


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    """What `icaro init` and `icaro certs init` leave."""
    assert run("init", tmp_path / "d").exit_code == 0
    DevelopmentPki(datetime.now(UTC)).write(tmp_path / "d" / "certs")
    return tmp_path / "d"


def test_what_init_lays_out_can_run(deployment: Path):
    """With certificates it is a good configuration as it is, with the shipped mappings in it."""
    done = run("config", "check", "-c", deployment / "icaro.yaml")
    assert (done.exit_code, done.output) == (0, "good: 1 listeners, 1 senders, 3 partners\n")
    configuration = load(deployment / "icaro.yaml", {})
    assert configuration.flow_file == deployment / "mappings" / "nascita.flow.yaml"
    assert Directory.load(configuration.partners, xsd=configuration.xsd).comune("015146")


def test_init_makes_keys_that_only_the_owner_reads(deployment: Path):
    """Mode 0600, and the journal takes them."""
    keys = deployment / "keys"
    for name in ("master.key", "checkpoint.key"):
        assert stat.S_IMODE((keys / name).stat().st_mode) == 0o600
    Keyring.load(keys / "master.key", checkpoint_key=keys / "checkpoint.key")


def test_init_never_overwrites(deployment: Path):
    """A second init writes nothing and says what is there."""
    before = (deployment / "keys" / "master.key").read_bytes()
    done = run("init", deployment)
    assert done.exit_code == 1
    assert "has icaro.yaml, partners.yaml, mappings, xsd, keys already" in done.output
    assert (deployment / "keys" / "master.key").read_bytes() == before


def test_init_beside_what_is_not_its_own(tmp_path: Path):
    """Certificates that are there already stay, and do not stop it."""
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "mine.pem").touch()
    assert run("init", tmp_path).exit_code == 0
    assert (tmp_path / "certs" / "mine.pem").exists()


def test_check_tells_both_files_at_once(deployment: Path):
    """Mistakes of icaro.yaml do not hide those of partners.yaml beside it."""
    for name, key in (("icaro.yaml", "node: "), ("partners.yaml", "comune:")):
        path = deployment / name
        path.write_text(path.read_text().replace(key, f"x{key}", 1))
    done = run("config", "check", "-c", deployment / "icaro.yaml")
    assert done.exit_code == 1
    assert "xnode: unknown key; did you mean 'node'?" in done.stdout
    assert "xcomune: unknown key; did you mean 'comune'?" in done.stdout


def test_check_reads_the_keys(deployment: Path):
    """A key of another certificate, an expired certificate, a CA that is none: found before the
    first message."""
    certs = deployment / "certs"
    (certs / "gateway" / "tls.key").write_bytes((certs / "comune" / "tls.key").read_bytes())
    past = datetime.now(UTC) - timedelta(days=60)
    DevelopmentPki(past).write(deployment / "old")
    path = deployment / "icaro.yaml"
    text = path.read_text().replace("certs/gateway/sign.", "old/gateway/sign.")
    text = text.replace("    # tls: {ca: certs/ospedale/ca.pem}", "    tls: {ca: icaro.yaml}")
    path.write_text(text)
    done = run("config", "check", "-c", path)
    assert done.exit_code == 1
    assert "certs.tls: " in done.stdout
    assert "certs.sign: sign.pem: the certificate has expired" in done.stdout
    assert "has no usable PEM certificate" in done.stdout


def test_schema_is_json():
    """Both files have one."""
    assert "journal" in json.loads(run("config", "schema").stdout)["properties"]
    assert "comune" in json.loads(run("config", "schema", "--partners").stdout)["properties"]


def test_run_starts_the_gateway(deployment: Path, monkeypatch: pytest.MonkeyPatch):
    """It reads the configuration and hands it over."""
    ran: list[Configuration] = []
    monkeypatch.setattr("gateway.running.run", ran.append)
    assert run("run", "-c", deployment / "icaro.yaml").exit_code == 0
    assert ran[0].node == "icaro-1"


def test_run_with_mistakes_does_not_start(deployment: Path):
    """All mistakes, and exit code 1."""
    (deployment / "icaro.yaml").write_text("nod: a\n")
    done = run("run", "-c", deployment / "icaro.yaml")
    assert done.exit_code == 1
    assert "unknown key; did you mean 'node'?" in done.stderr
