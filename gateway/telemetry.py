"""What the gateway tells about itself: log lines on standard error, and metrics.

Only ids, codes and counts leave here, under names of a closed list; never what a message says.
Labels of metrics come from the configuration, so that no peer can make them grow.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Literal, TextIO

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

Level = Literal["debug", "info", "warning", "error", "critical"]

KEYS = frozenset(
    {
        *("case", "term"),
        *("address", "count", "error", "finding", "listener", "outcome", "partner", "path", "peer"),
        *("seconds", "sender", "step", "submission"),
    }
)
"""The names that a log line may have. None of them ever holds what a message says."""

_PRIORITY: Mapping[Level, int] = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
_PLAIN = re.compile(r"[A-Za-z0-9._:/@+\[\]-]+")
_LONGEST = 200


class Log:
    """One line an event: `log('listening', listener='main', address='127.0.0.1:2575')`.

    `priority` puts systemd's `<6>` before each line; by default where systemd reads them.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        style: Literal["logfmt", "json"] = "logfmt",
        priority: bool | None = None,
    ) -> None:
        self._stream = stream
        self._json = style == "json"
        self._priority = "JOURNAL_STREAM" in os.environ if priority is None else priority

    def __call__(self, event: str, level: Level = "info", /, **said: str | int | float) -> None:
        """Write one line. A name outside `KEYS` is left out and counted as `left_out`."""
        fields: dict[str, str | int | float] = {"level": level, "event": event}
        fields |= {key: _short(value) for key, value in said.items() if key in KEYS}
        if len(fields) < len(said) + 2:
            fields["left_out"] = len(said) + 2 - len(fields)
        line = json.dumps(fields) if self._json else _logfmt(fields)
        before = f"<{_PRIORITY[level]}>" if self._priority else ""
        stream = self._stream or sys.stderr
        # A log on a full disk must not stop what it tells of.
        with contextlib.suppress(OSError):
            stream.write(f"{before}{line}\n")  # at once: an unbuffered stream writes what it gets
            stream.flush()

    def observe(self, event: Mapping[str, Any]) -> None:
        """A Twisted log observer: failures, as the kind of error and the place in the code.

        The text of a foreign exception may hold anything, so it is not written. An event that
        has `kind` and `place` already is one of ours that met a failure and went on.
        """
        failure = event.get("log_failure")
        if failure is not None:
            frames = traceback.extract_tb(failure.getTracebackObject())
            place = f"{frames[-1].name}:{frames[-1].lineno}" if frames else "unknown"
            self("unexpected", "error", error=failure.type.__name__, path=place)
        elif "kind" in event and "place" in event:
            self("unexpected", "error", error=str(event["kind"]), path=str(event["place"]))


def _short(value: str | int | float) -> str | int | float:
    return value[:_LONGEST] if isinstance(value, str) else value


def _logfmt(fields: Mapping[str, object]) -> str:
    return " ".join(f"{key}={_quoted(str(value))}" for key, value in fields.items())


def _quoted(text: str) -> str:
    # JSON escapes every control character, and what is not ASCII: one event stays one line.
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


class Metrics:
    """What Prometheus reads. `senders` and `partners` are all the labels that peers can cause."""

    def __init__(self, *, senders: Collection[str] = (), partners: Collection[str] = ()) -> None:
        self._senders = frozenset(senders)
        self._partners = frozenset(partners)
        self.registry = registry = CollectorRegistry()
        self._messages = Counter(
            "icaro_messages", "Messages answered", ["sender", "verdict"], registry=registry
        )
        self._ack = Histogram(
            "icaro_ack_seconds",
            "From the last byte of a message to its acknowledgment",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
            registry=registry,
        )
        self._attempts = Counter(
            "icaro_attempts", "Attempts to deliver", ["partner", "outcome"], registry=registry
        )
        self._attempt = Histogram(
            "icaro_attempt_seconds", "How long an attempt took", ["partner"], registry=registry
        )
        self._echoes = Counter(
            "icaro_echoes",
            "Questions whether an office is back",
            ["partner", "outcome"],
            registry=registry,
        )
        self._tolerated = Counter(
            "icaro_framing_tolerated",
            "Passed over between MLLP blocks",
            ["kind"],
            registry=registry,
        )
        self._connections = Gauge(
            "icaro_connections", "Open MLLP connections", ["listener"], registry=registry
        )
        self._refused = Counter(
            "icaro_connections_refused",
            "Connections over a limit",
            ["listener"],
            registry=registry,
        )
        self._evidence_age = Gauge(
            "icaro_evidence_age_seconds", "Since the last signed checkpoint", registry=registry
        )
        self._queue_oldest = Gauge(
            "icaro_queue_oldest_seconds", "How long the oldest due work waits", registry=registry
        )
        self._circuits = Gauge(
            "icaro_circuits_open", "Offices that are not called for now", registry=registry
        )

        self._terms = Gauge(
            "icaro_terms",
            "Terms of births by how they stand: runs, near, passed",
            ["standing"],
            registry=registry,
        )
        self._mappings_refused = Gauge(
            "icaro_mappings_refused", "1 while the folder holds unusable ones", registry=registry
        )
        self._mappings_adopted = Counter(
            "icaro_mappings_adopted", "Editions swapped in while running", registry=registry
        )

    def acknowledged(self, sender: str, verdict: str, seconds: float) -> None:
        """A message was answered. A sender who is not configured counts as 'other'."""
        self._messages.labels(_of(self._senders, sender), verdict).inc()
        self._ack.observe(seconds)

    def attempt(self, partner: str, outcome: str, seconds: float) -> None:
        """An attempt ended with `outcome` (the name of its class)."""
        partner = _of(self._partners, partner)
        self._attempts.labels(partner, outcome).inc()
        self._attempt.labels(partner).observe(seconds)

    def echoed(self, partner: str, outcome: str) -> None:
        """An office whose circuit is open was asked whether it is back."""
        self._echoes.labels(_of(self._partners, partner), outcome).inc()

    def tolerated(self, kind: str, count: int) -> None:
        """The framing passed over `count` of `kind`."""
        self._tolerated.labels(kind).inc(count)

    def connections(self, listener: str, count: int) -> None:
        """So many connections are open now."""
        self._connections.labels(listener).set(count)

    def connection_refused(self, listener: str) -> None:
        """A connection came over the limit."""
        self._refused.labels(listener).inc()

    def ask(
        self,
        *,
        evidence: Callable[[], float],
        queue: Callable[[], float],
        circuits: Callable[[], float],
        certificates: Callable[[], Mapping[str, float]],
        submissions: Callable[[], Mapping[str, float]],
        pauses: Callable[[], Mapping[str, float]],
    ) -> None:
        """Whom to ask when somebody reads the metrics: ages in seconds, open circuits, days left
        of each certificate, how many submissions stand in each status, and what is paused.
        """
        self._evidence_age.set_function(evidence)
        self._queue_oldest.set_function(queue)
        self._circuits.set_function(circuits)
        name, text = "icaro_certificate_days_left", "Days until it ends"
        self.registry.register(_Table(name, text, "certificate", certificates))
        name, text = "icaro_submissions", "Submissions by status"
        self.registry.register(_Table(name, text, "status", submissions))
        name, text = "icaro_pauses", "What persons have paused, by kind of partner"
        self.registry.register(_Table(name, text, "partner", pauses))

    def terms(self, standing: str, count: int) -> None:
        """So many terms of births stand so now."""
        self._terms.labels(standing).set(count)

    def feeds(self, silent: Callable[[], Mapping[str, float]]) -> None:
        """Whom to ask how long each watched feed has been too silent, in seconds; 0: it is not."""
        name, text = "icaro_feed_silent_seconds", "Since the last message of a feed gone silent"
        self.registry.register(_Table(name, text, "sender", silent))

    def mappings(self, *, refused: bool, adopted: bool = False) -> None:
        """Whether the folder holds mappings that cannot be used; and whether others now are."""
        self._mappings_refused.set(int(refused))
        if adopted:
            self._mappings_adopted.inc()

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)


class _Table(Collector):
    """A gauge with one label, whose values are asked for all at once."""

    def __init__(
        self, name: str, text: str, label: str, ask: Callable[[], Mapping[str, float]]
    ) -> None:
        self._name, self._text, self._label, self._ask = name, text, label, ask

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As prometheus-client wants it."""
        family = GaugeMetricFamily(self._name, self._text, labels=[self._label])
        for value, number in self._ask().items():
            family.add_metric([value], number)
        yield family


def _of(known: Collection[str], name: str) -> str:
    return name if name in known else "other"
