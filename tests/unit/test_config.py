"""icaro.yaml as a whole."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.config import Configuration, load
from gateway.errors import ConfigurationError
from gateway.retry import Backoff
from gateway.units import Address

GOOD = """\
journal: {url: sqlite:///icaro.db, master_key: m.key, checkpoint_key: c.key}
certs:
  tls: {certificate: tls.pem, key: tls.key}
  sign: {certificate: sign.p12}
mappings: maps
listeners:
  - {name: reparto, address: 127.0.0.1:2575}
senders:
  - name: osp
    application: HIS
    facility: OSP
    facts: {comune: 015146, nome: Ospedale, asl: 321}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("m.key", "c.key", "tls.pem", "tls.key", "sign.p12", "partners.yaml"):
        (tmp_path / name).touch()
    profiles = tmp_path / "maps" / "profiles"
    profiles.mkdir(parents=True)
    (profiles / "default.yaml").touch()
    (tmp_path / "maps" / "nascita.flow.yaml").touch()
    return tmp_path


def loaded(folder: Path, text: str = GOOD, **environment: str) -> Configuration:
    (folder / "icaro.yaml").write_text(text, encoding="utf-8")
    return load(folder / "icaro.yaml", environment)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        loaded(folder, text)
    return list(caught.value.problems)


def test_a_small_deployment(folder: Path):
    """Paths count from the file's folder, and what is not said has its default."""
    read = loaded(folder)
    assert read.node == "icaro-1"
    assert read.journal.url == f"sqlite:///{folder}/icaro.db"
    assert read.journal.master_key == folder / "m.key"
    assert read.certs.sign.key is None
    assert read.flow_file == folder / "maps" / "nascita.flow.yaml"
    assert read.listeners[0].address == Address("127.0.0.1", 2575)
    assert read.listeners[0].limits.block == 4 * 2**20
    assert read.http.address == Address("127.0.0.1", 8080)
    assert read.delivery.poll == timedelta(seconds=1)
    assert read.xsd.is_dir()


def test_the_retry_settings_are_those_of_back_off(folder: Path):
    """The names and the defaults agree, so that one starts the other."""
    assert Backoff(**loaded(folder).delivery.retry.model_dump()) == Backoff()


def test_nothing_changes_after_start(folder: Path):
    """The configuration is frozen."""
    with pytest.raises(ValueError, match="frozen"):
        loaded(folder).node = "other"  # type: ignore[misc]  # what is tried


def test_three_mistakes_are_told_at_once_with_their_lines(folder: Path):
    """A missing file, a misspelt key and a wrong value: one run of the check tells all."""
    text = GOOD.replace("m.key", "absent.key").replace("address:", "adress:")
    text = text.replace("    facility: OSP", "    facility: OSP\n    acknowledgment: enhancd")
    assert problems(folder, text) == [
        "icaro.yaml:1: journal.master_key: names no file that is there",
        "icaro.yaml:7: listeners[0].address: missing",
        "icaro.yaml:7: listeners[0].adress: unknown key; did you mean 'address'?",
        "icaro.yaml:12: senders[0].acknowledgment: input should be 'original' or 'enhanced'",
    ]


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (
            "sqlite:///icaro.db",
            "sqlite://",
            "icaro.yaml:1: journal.url: a SQLite journal is a file",
        ),
        ("sqlite:///icaro.db", "mysql://x/y", "icaro.yaml:1: journal.url: must begin with sqlite"),
        ("mappings: maps", "mappings: nowhere", "icaro.yaml:5: mappings: names no folder"),
        ("mappings: maps", "mappings: maps\nflow: x.yaml", "icaro.yaml:6: flow: names no file"),
        ("facts:", "profile: absent\n    facts:", "icaro.yaml:12: senders[0].profile: names no p"),
        ("mappings: maps", "mappings: maps\nunknown_senders: x", "icaro.yaml:6: unknown_senders"),
        ("015146", "milano", "icaro.yaml:12: senders[0].facts.comune: must be an ISTAT code"),
        (
            "  - {name: reparto, address: 127.0.0.1:2575}",
            "  []",
            "icaro.yaml:6: listeners: at least one is needed",
        ),
    ],
)
def test_each_mistake_has_its_words_and_line(folder: Path, before: str, after: str, problem: str):
    """What is wrong, where, and what would pass."""
    (told,) = problems(folder, GOOD.replace(before, after))
    assert told.startswith(problem)


def test_names_and_addresses_are_there_once(folder: Path):
    """Two listeners on one port, two senders that cannot be told apart: mistakes."""
    listener = "  - {name: reparto, address: 127.0.0.1:2575}\n"
    sender = "  - {name: b, application: HIS, facility: OSP}\n"
    told = problems(folder, GOOD.replace(listener, listener * 2) + sender)
    assert told == [
        "icaro.yaml:6: listeners: the same name twice: reparto",
        "icaro.yaml:9: senders: the same application and facility twice: HIS|OSP",
    ]


def test_any_free_port_may_be_asked_for_twice(folder: Path):
    """Port 0 is no port yet."""
    two = "  - {name: a, address: 127.0.0.1:0}\n  - {name: b, address: 127.0.0.1:0}"
    text = GOOD.replace("  - {name: reparto, address: 127.0.0.1:2575}", two)
    assert len(loaded(folder, text).listeners) == 2


def test_a_password_in_the_url_is_never_shown(folder: Path):
    """Neither the configuration's repr nor a problem repeats the journal's URL."""
    read = loaded(folder, ICARO_JOURNAL__URL="postgresql://icaro:hunter2@db/icaro")
    assert read.journal.url == "postgresql+psycopg://icaro:hunter2@db/icaro"
    assert "hunter2" not in repr(read)


def test_a_file_that_is_no_yaml_is_told_alone(folder: Path):
    """Where nothing could be read, nothing is said to be missing."""
    (told,) = problems(folder, "journal: [")
    assert "not YAML" in told


def test_senders_are_known_by_msh_3_and_msh_4(folder: Path):
    """Both must agree; what its facts say is the mapping's input `sender`."""
    read = loaded(folder)
    sender = read.sender("HIS", "OSP")
    assert sender is not None
    assert sender.inputs == {"comune": "015146", "nome": "Ospedale", "asl": "321"}
    assert read.sender("HIS", "") is None
    assert read.sender("LIS", "OSP") is None


def test_unknown_senders_by_policy(folder: Path):
    """A catch-all profile reads everybody else, under one name for metrics."""
    read = loaded(folder, GOOD + "unknown_senders: default\n")
    stranger = read.sender("X", "Y")
    assert stranger is not None
    assert (stranger.name, stranger.profile, stranger.inputs) == ("unknown", "default", {})


def test_the_schema_names_every_key():
    """An editor that knows the schema completes and explains."""
    schema = Configuration.model_json_schema()
    assert set(schema["properties"]) == set(Configuration.model_fields)
    assert schema["additionalProperties"] is False
