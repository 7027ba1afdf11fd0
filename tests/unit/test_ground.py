"""What the gateway and its verbs stand on: everything is read and compiled before it is needed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.keys import DevelopmentPki
from gateway.config import Configuration, load
from gateway.deployment import lay_out
from gateway.errors import ConfigurationError, JournalError
from gateway.ground import ESITO_NOTIFICATO, Ground, open_journal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A deployment with certificates for development."""
    lay_out(tmp_path / "d")
    DevelopmentPki(datetime.now(UTC)).write(tmp_path / "d" / "certs")
    return tmp_path / "d"


def settings(folder: Path, **changes: str) -> Configuration:
    """Its configuration, with other words in its files."""
    path = folder / "icaro.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return load(path, {})


def spoil(folder: Path, name: str, old: str, new: str) -> None:
    """Put a mistake into a file of the mappings."""
    path = folder / "mappings" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_shipped_deployment_compiles(folder: Path):
    """The flow, and every mapping that a step or a callback needs, for the profile in use."""
    ground = Ground.of(settings(folder))
    ground.compile_all()
    assert ground.profiles == ["default"]
    assert {"comune/nascita.yaml", "ospedale/riscontro.yaml", ESITO_NOTIFICATO} <= set(
        ground.mappings_of(ground.edition)
    )


def test_every_mistake_is_told_at_once_and_only_once(folder: Path):
    """A wrong flow expression and a wrong mapping come together, with file and line."""
    spoil(folder, "nascita.flow.yaml", "declared: anonymous", "declared: anonimous")
    spoil(folder, "asl/iscrizione.yaml", "emit:", "emmit:")
    spoil(folder, "gateway/esito_notificato.yaml", "emit:", "emmit:")
    with pytest.raises(ConfigurationError) as error:
        Ground.of(settings(folder)).compile_all()
    told = error.value.problems
    assert len(told) == len(set(told))
    for name in ("nascita.flow.yaml:", "iscrizione.yaml:", "esito_notificato.yaml:"):
        assert any(name in text for text in told), name


def test_without_callbacks_their_mapping_is_not_needed(folder: Path):
    """Who offers no callback service may do without what reads callbacks."""
    configuration = settings(folder).model_copy(update={"callbacks": None})
    ground = Ground.of(configuration)
    assert ESITO_NOTIFICATO not in ground.mappings_of(ground.edition)


def test_profiles_of_strangers_are_compiled_too(folder: Path):
    """A profile that reads unknown senders is one of those in use, and so are their messages."""
    configuration = settings(folder, **{"unknown_senders: refuse": "unknown_senders: dialect_cf"})
    ground = Ground.of(configuration)
    assert ground.profiles == ["default", "dialect_cf"]
    assert ground.reader("dialect_cf").profile.name == "dialect_cf"


def test_a_sender_that_left_the_settings_is_still_read(folder: Path):
    """A case of a sender who is not configured any more keeps a profile to be read with."""
    ground = Ground.of(settings(folder))
    known, gone = ground.casebook.sender("ospedale"), ground.casebook.sender("chiuso")
    assert (known.name, known.facility) == ("ospedale", "OSPEDALE")
    assert (gone.name, gone.profile) == ("unknown", "default")


def test_readers_and_mappings_are_compiled_once(folder: Path):
    """The same profile gives the same flow, the same mapping the same closures."""
    ground = Ground.of(settings(folder))
    assert ground.reader("default") is ground.reader("default")
    first = ground.mapping("comune/nascita.yaml", "default")
    assert ground.mapping("comune/nascita.yaml", "default") is first


def test_hospitals_that_want_the_code_back_are_partners(folder: Path):
    """A sender's return feed stands in the directory under the sender's name."""
    configuration = settings(folder, **{"# return_feed": "return_feed"})
    entry = Ground.of(configuration).directory.entry("ospedale", "ospedale")
    assert entry is not None
    assert entry.endpoint == "mllp://127.0.0.1:2576"


def test_the_journal_is_opened_under_a_nodes_name(folder: Path):
    """The configuration's node, or another: each has a chain of its own."""
    configuration = settings(folder)
    for node, wanted in ((None, "icaro-1"), ("console", "console")):
        with open_journal(configuration, node=node) as journal:
            journal.run(lambda unit: unit.start_node("0"))
            with journal.view() as view:
                assert view.evidence(node=wanted)


def test_a_journal_that_cannot_be_opened_is_told(folder: Path):
    """A path that is no database stops the start with our own error."""
    configuration = settings(folder)
    (folder / "icaro.db").mkdir()
    with pytest.raises(JournalError):
        open_journal(configuration)
