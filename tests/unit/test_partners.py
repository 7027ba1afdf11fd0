"""The partner directory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.config import Sender
from gateway.errors import ConfigurationError
from gateway.partners import Circuit, Directory, Idempotence

GOOD = """\
comune:
  contract: comune/NotificaNascita.wsdl
  defaults:
    ca: ca.pem
    idempotence: idempotent
    timeout: 20 s
    circuit: {failures: 3, pause: 1 min}
  entries:
    015146: {name: Milano, endpoint: 'https://comune.example/s', assigns_codice_fiscale: yes}
    '015209': {name: Sesto, endpoint: 'https://sesto.example:8443/s', timeout: 5 s}
asl:
  contract: asl/AnagrafeAssistiti.wsdl
  defaults: {ca: ca.pem, idempotence: neither}
  entries:
    '321': {name: Milano, endpoint: 'https://asl.example/a', serves: ['015']}
    '322': {name: Sesto, endpoint: 'https://asl2.example/a', serves: ['015209', '016']}
"""


def loaded(folder: Path, text: str = GOOD, *, xsd: Path | None = None) -> Directory:
    (folder / "ca.pem").touch()
    (folder / "partners.yaml").write_text(text, encoding="utf-8")
    return Directory.load(folder / "partners.yaml", xsd=xsd)


def problems(folder: Path, text: str, *, xsd: Path | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        loaded(folder, text, xsd=xsd)
    return list(caught.value.problems)


def test_a_comune_by_its_istat_code(tmp_path: Path):
    """The entry has what it says itself, over what its section says for all."""
    directory = loaded(tmp_path)
    milano, sesto = directory.comune("015146"), directory.comune("015209")
    assert milano is not None
    assert sesto is not None
    assert milano.assigns_codice_fiscale
    assert milano.contract == "comune/NotificaNascita.wsdl"
    assert milano.ca == tmp_path / "ca.pem"
    assert milano.circuit == Circuit(3, timedelta(minutes=1))
    assert (milano.timeout, sesto.timeout) == (timedelta(seconds=20), timedelta(seconds=5))
    assert milano.idempotence is Idempotence.IDEMPOTENT
    assert directory.comune("000000") is None


def test_the_asl_that_serves_a_comune(tmp_path: Path):
    """Who names the comune goes before who names its province."""
    directory = loaded(tmp_path)
    codes = {istat: directory.serving("asl", istat) for istat in ("015146", "015209", "016001")}
    assert {istat: entry.code for istat, entry in codes.items() if entry} == {
        "015146": "321",
        "015209": "322",
        "016001": "322",
    }
    assert directory.serving("asl", "017001") is None
    assert directory.serving("comune", "015146") is None


def test_entries_of_one_kind(tmp_path: Path):
    """In the order of the file."""
    assert [entry.code for entry in loaded(tmp_path).of("asl")] == ["321", "322"]


def test_when_an_office_may_be_called(tmp_path: Path):
    """The hours of the section's defaults, an entry's own maintenance beside them."""
    own = "ca: ca.pem\n    hours: {mon-fri: '08:00-14:00'}\n    closed: [holidays]"
    text = GOOD.replace("ca: ca.pem", own, 1)
    assert text != GOOD
    office = loaded(tmp_path, text).comune("015146")
    assert office is not None
    assert office.opening.is_open(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    assert not office.opening.is_open(datetime(2026, 11, 23, 13, 0, tzinfo=UTC))
    assert not office.opening.is_open(datetime(2026, 12, 8, 9, 0, tzinfo=UTC))


def test_a_mistake_of_the_hours_has_its_line(tmp_path: Path):
    """As `icaro config check` tells it."""
    own = "ca: ca.pem\n    hours: {mon-fri: '8-14'}"
    (told,) = problems(tmp_path, GOOD.replace("ca: ca.pem", own, 1))
    assert "defaults.hours: hours must be such as '08:00-14:00, 15:00-17:30'" in told


@pytest.mark.parametrize(
    "url",
    ["http://a.example/s", "https:///s", "https://u:p@a.example/s", "https://a.example/s#f",
     "https://a.example:99999/s", "ftp://a", "a.example", "https://a.example:0/"],
)  # fmt: skip
def test_only_https_and_no_ornaments(tmp_path: Path, url: str):
    """An endpoint is https with a host; a password or a fragment in it is a mistake."""
    (told,) = problems(tmp_path, GOOD.replace("https://comune.example/s", url))
    assert (
        told == "partners.yaml:9: comune.entries.015146.endpoint: must be https://host[:port]/path"
    )


def test_a_mistake_in_the_defaults_is_told_once(tmp_path: Path):
    """Not once for each of eight thousand comuni."""
    told = problems(tmp_path, GOOD.replace("20 s", "soon").replace("pause:", "puase:"))
    assert told == [
        "partners.yaml:6: comune.defaults.timeout: must be a duration such as '30 s', '5 min', "
        "'12 h' or '10 days'",
        "partners.yaml:7: comune.defaults.circuit.puase: unknown key; did you mean 'pause'?",
    ]


def test_all_mistakes_at_once(tmp_path: Path):
    """Codes, contracts and what two serve are told together where the file can be read."""
    text = GOOD.replace("015146:", "15146:").replace("'016'", "'015'")
    assert problems(tmp_path, text) == [
        "partners.yaml:9: comune.entries: the key must be an ISTAT code of six digits",
        "partners.yaml:16: 015 is served by two: 321 and 322",
    ]


def test_what_an_entry_must_say(tmp_path: Path):
    """How a doubt is resolved has no default: a person decides what the partner promises."""
    text = GOOD.replace("    idempotence: idempotent\n", "")
    told = problems(tmp_path, text)
    assert "partners.yaml:8: comune.entries.015146.idempotence: missing" in told


def test_serves_are_istat_codes(tmp_path: Path):
    """Three digits or six, nothing else."""
    (told,) = problems(tmp_path, GOOD.replace("'016'", "16"))
    assert "must be ISTAT codes" in told


def test_contracts_are_looked_for(tmp_path: Path):
    """With the folder of contracts known, a contract that is not there is a mistake; without a
    contract there can be no entries."""
    xsd = tmp_path / "xsd"
    (xsd / "comune").mkdir(parents=True)
    (xsd / "comune" / "NotificaNascita.wsdl").touch()
    (told,) = problems(tmp_path, GOOD, xsd=xsd)
    assert told == "partners.yaml:12: asl.contract: names no file under xsd"
    (told,) = problems(tmp_path, GOOD.replace("  contract: asl/AnagrafeAssistiti.wsdl\n", ""))
    assert told == "partners.yaml:13: asl.entries: need a contract, beside them"


def test_odd_shapes_are_mistakes_not_crashes(tmp_path: Path):
    """Whatever stands where a section, defaults or entries should be."""
    for text in ("comune: x\n", "comune: {defaults: x, entries: y}\n", "asl: {entries: {a: b}}\n",
                 "asl: {defaults: {a: b}, entries: {a: b}}\n"):  # fmt: skip
        assert problems(tmp_path, text)


def test_hospitals_that_want_the_codice_fiscale_back(tmp_path: Path):
    """A sender with a return feed is a partner too, by the sender's name."""
    (tmp_path / "ca.pem").touch()
    feed = {"address": "127.0.0.1:2576", "timeout": "9 s"}
    senders = [
        Sender.model_validate({"name": "a", "application": "HIS", "return_feed": feed}),
        Sender.model_validate(
            {"name": "b", "application": "B", "return_feed": {**feed, "tls": {"ca": "ca.pem"}}},
            context={"folder": tmp_path},
        ),
        Sender.model_validate({"name": "c", "application": "C"}),
    ]
    directory = loaded(tmp_path).with_return_feeds(senders)
    a, b = directory.entry("ospedale", "a"), directory.entry("ospedale", "b")
    assert a is not None
    assert b is not None
    assert (a.endpoint, b.endpoint) == ("mllp://127.0.0.1:2576", "mllps://127.0.0.1:2576")
    assert (a.ca, b.ca, a.timeout) == (None, tmp_path / "ca.pem", timedelta(seconds=9))
    assert directory.entry("ospedale", "c") is None
    assert directory.comune("015146") is not None
