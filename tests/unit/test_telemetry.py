"""Log lines and metrics: ids, codes and counts under closed names."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import Logger
from twisted.python.failure import Failure

from gateway.telemetry import Log, Metrics


def said(*arguments: Any, style: Any = "logfmt", priority: bool = False, **fields: Any) -> str:
    stream = io.StringIO()
    Log(stream, style=style, priority=priority)(*arguments, **fields)
    return stream.getvalue()


def test_a_line_is_logfmt():
    """One event, one line, in the order in which it was said."""
    assert said("listening", listener="main", count=2575) == (
        "level=info event=listening listener=main count=2575\n"
    )


def test_a_line_is_json_where_asked_for():
    """The same for programs that read JSON."""
    line = json.loads(said("x", "error", style="json", count=3))
    assert line == {"level": "error", "event": "x", "count": 3}


def test_systemd_gets_priorities(monkeypatch: pytest.MonkeyPatch):
    """Where systemd reads standard error, each line says how grave it is."""
    assert said("x", "warning", priority=True).startswith("<4>level=warning")
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    stream = io.StringIO()
    Log(stream)("x", "critical")
    assert stream.getvalue().startswith("<2>")


def test_without_a_stream_it_is_standard_error(capsys: pytest.CaptureFixture[str]):
    """Standard output belongs to the verbs."""
    Log(priority=False)("x")
    assert capsys.readouterr().err == "level=info event=x\n"


def test_names_outside_the_list_are_left_out():
    """What nobody decided to be harmless is not written, and one sees that it was not."""
    assert said("x", patient="ROSSI", count=1) == "level=info event=x count=1 left_out=1\n"


@given(st.text(max_size=300))
def test_one_event_is_one_line_whatever_it_holds(text: str):
    """No value can forge a second line or a control sequence, and none is endless."""
    for style in ("logfmt", "json"):
        line = said("x", style=style, path=text)
        assert line.endswith("\n")
        assert line[:-1].isprintable()
        assert len(line) < 200 * 12 + 100


def test_a_foreign_failure_is_told_without_its_words():
    """An exception that is not ours may hold anything: its kind and place are enough."""
    stream = io.StringIO()
    log = Log(stream, priority=False)
    try:
        raise ValueError("ROSSI MARIO")
    except ValueError:
        failure = Failure()
    log.observe({"log_failure": failure, "log_format": "ROSSI"})
    log.observe({"log_failure": Failure(ValueError("BIANCHI")), "log_format": "x"})
    log.observe({"log_format": "only words ROSSI"})
    first, second = stream.getvalue().splitlines()
    assert first.startswith("level=error event=unexpected error=ValueError path=")
    assert "test_a_foreign_failure" in first
    assert second.endswith("path=unknown")
    assert "ROSSI" not in stream.getvalue()
    assert "BIANCHI" not in stream.getvalue()


def test_it_is_an_observer_of_twisted():
    """What Twisted logs as a failure arrives here."""
    stream = io.StringIO()
    log = Log(stream, priority=False)
    Logger(observer=log.observe).failure("lost", Failure(KeyError("x")))  # type: ignore[arg-type]  # any callable
    assert "error=KeyError" in stream.getvalue()


def test_a_failure_that_was_met_arrives_too():
    """An operator hears of a callback that broke us, though its caller was answered."""
    stream = io.StringIO()
    log = Log(stream, priority=False)
    Logger(observer=log.observe).error("{name}: {kind}", name="x", kind="KeyError", place="f:7")  # type: ignore[arg-type]  # any callable
    assert stream.getvalue() == "level=error event=unexpected error=KeyError path=f:7\n"


def test_metrics_count_what_happened():
    """Each of the names that operators' dashboards use."""
    metrics = Metrics(senders=["osp"], partners=["comune"])
    metrics.acknowledged("osp", "AA", 0.002)
    metrics.attempt("comune", "Accepted", 0.1)
    metrics.echoed("comune", "Unavailable")
    metrics.tolerated("blank", 3)
    metrics.connections("main", 2)
    metrics.connection_refused("main")
    metrics.terms("passed", 4)
    metrics.ask(
        evidence=lambda: 5.0,
        queue=lambda: 7.0,
        circuits=lambda: 1,
        certificates=lambda: {"tls": 12.5},
        submissions=lambda: {"HELD": 2, "ACCEPTED": 9},
        pauses=lambda: {"comune": 1},
    )
    text = metrics.exposition().decode()
    for line in (
        'icaro_messages_total{sender="osp",verdict="AA"} 1.0',
        'icaro_ack_seconds_bucket{le="0.0025"} 1.0',
        'icaro_submissions{status="HELD"} 2.0',
        'icaro_submissions{status="ACCEPTED"} 9.0',
        "icaro_circuits_open 1.0",
        'icaro_terms{standing="passed"} 4.0',
        'icaro_attempts_total{outcome="Accepted",partner="comune"} 1.0',
        'icaro_attempt_seconds_count{partner="comune"} 1.0',
        'icaro_framing_tolerated_total{kind="blank"} 3.0',
        'icaro_connections{listener="main"} 2.0',
        'icaro_connections_refused_total{listener="main"} 1.0',
        'icaro_certificate_days_left{certificate="tls"} 12.5',
        "icaro_evidence_age_seconds 5.0",
        "icaro_queue_oldest_seconds 7.0",
    ):
        assert line in text


def test_no_peer_can_make_the_labels_grow():
    """What is not configured counts as 'other', however many names it has."""
    metrics = Metrics(senders=["osp"])
    for number in range(100):
        metrics.acknowledged(f"evil{number}", "AA", 0.1)
        metrics.attempt(f"evil{number}", "Unknown", 0.1)
    text = metrics.exposition().decode()
    assert 'icaro_messages_total{sender="other",verdict="AA"} 100.0' in text
    assert "evil" not in text
