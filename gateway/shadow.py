"""A shadow run: what a new edition would have said of the last births, beside what is in use.

Nothing is sent and nothing is stored. A difference is counted; what would lose or double a birth,
name an unnamed mother, or fail where it did not fail is worse, and keeps the new edition out.
Findings name mappings and target paths, never a value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from gateway.case import Case
from gateway.casebook import Casebook
from gateway.edition import Edition
from gateway.errors import GatewayError
from gateway.journal import SubmissionRow, View
from gateway.lifecycle import Kind
from gateway.mapping import Compiled
from gateway.xml import canonical, parse


@dataclass(frozen=True, slots=True)
class Comparison:
    """`compared` outputs were made twice, `changed` counts those that differ by what made them."""

    compared: int
    changed: Mapping[str, int]
    worse: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """An edition and the casebook that reads with it."""

    edition: Edition
    casebook: Casebook


class Shadow:
    """Compares two sides over what a snapshot of the journal holds."""

    def __init__(self, view: View, old: Side, new: Side, now: datetime) -> None:
        self._view = view
        self._old = old
        self._new = new
        self._now = now
        self._compared = 0
        self._changed: Counter[str] = Counter()
        self._worse: Counter[str] = Counter()

    def compare(self, limit: int) -> Comparison:
        """Over the newest `limit` cases that can be read, their documents and their answers."""
        for row in self._view.cases(limit=limit):
            if row.readable and row.dossier:
                self._case(row.id)
        worse = [_told(text, count) for text, count in self._worse.most_common()]
        return Comparison(self._compared, dict(self._changed), tuple(worse))

    def _case(self, case_id: str) -> None:
        old = self._old.casebook.load(self._view, case_id)
        new = self._new.casebook.load(self._view, case_id)
        self._reading(old, new)
        steps = self._old.edition.flow.steps.keys() & self._new.edition.flow.steps.keys()
        for row in self._view.submissions(case_id=case_id):
            if row.step in steps:
                self._document(row, old, new)
                self._answers(row, old.row.profile)

    def _reading(self, old: Case, new: Case) -> None:
        """What the flow reads of the child: who it is, and whether its mother may be named."""
        self._compared += 1
        inputs = self._old.casebook.message_inputs(old.sender)
        before = old.reader.of(old.message, inputs)
        after = new.reader.of(new.message, inputs)
        if _said(before.key) != _said(after.key):
            self._worse["flow case.key: a known child would be taken for another"] += 1
        if _said(before.anonymous) is True and _said(after.anonymous) is not True:
            self._worse["flow case.anonymous: an unnamed mother would be named"] += 1

    def _document(self, row: SubmissionRow, old: Case, new: Case) -> None:
        of_old, of_new = self._pair(row, row.kind.value, old.row.profile)
        if of_old is None or of_new is None or of_old.content_hash == of_new.content_hash:
            return
        inputs = {**self._old.casebook.inputs(old), "flow": self._flow(row), "annullo": {}}
        for step in self._old.edition.flow.steps:
            inputs.setdefault(step, {})
        given = {
            name: {key: value for key, value in inputs.get(name, {}).items() if key in declared}
            for compiled in (of_old, of_new)
            for name, declared in compiled.inputs.items()
        }
        self._outputs(of_old, of_new, old.message, given)

    def _answers(self, row: SubmissionRow, profile: str) -> None:
        of_old, of_new = self._pair(row, "answer", profile)
        if of_old is None or of_new is None or of_old.content_hash == of_new.content_hash:
            return
        for attempt in self._view.attempts(row.id):
            body = _body(self._view.answer(attempt.id))
            if body is not None:
                self._outputs(of_old, of_new, body, {})

    def _outputs(
        self, of_old: Compiled, of_new: Compiled, source: object, inputs: Mapping[str, object]
    ) -> None:
        self._compared += 1
        old = of_old.run(source, inputs)  # type: ignore[arg-type]  # a message or an element
        new = of_new.run(source, inputs)  # type: ignore[arg-type]  # as above
        if new.problems and not old.problems:
            for problem in new.problems:
                self._worse[f"{of_new.name}:{problem.line}: {problem.kind} {problem.target}"] += 1
        elif _plain(old.value) != _plain(new.value):
            self._changed[of_new.name] += 1

    def _pair(
        self, row: SubmissionRow, action: str, profile: str
    ) -> tuple[Compiled | None, Compiled | None]:
        old, new = self._old.edition, self._new.edition
        return _mapping(old, row.step, action, profile), _mapping(new, row.step, action, profile)

    def _flow(self, row: SubmissionRow) -> dict[str, object]:
        known: dict[str, object] = {
            "operationId": row.operation_id,
            "now": self._now,
            "today": self._now.date(),
            "kind": row.kind.value,
            "destinatario": row.endpoint,
            "ambiente": "TEST",
        }
        if row.kind is not Kind.REGISTER:
            known |= {"predecessor": row.predecessor or row.id, "protocollo": row.receipt or "1"}
        return known


def _mapping(edition: Edition, step: str, action: str, profile: str) -> Compiled | None:
    name = edition.flow.steps[step].maps.get(action)
    return edition.mapping(name, profile) if name else None


def _said(ask: Callable[[], object]) -> object:
    try:
        return ask()
    except GatewayError as error:
        return type(error).__name__


def _body(answer: bytes | None) -> etree._Element | None:
    """What an answer says; None where it is no envelope."""
    try:
        envelope = parse(answer) if answer else None
    except GatewayError:
        return None
    return None if envelope is None else envelope.find("{*}Body/*")


def _plain(value: object) -> object:
    return canonical(value) if isinstance(value, etree._Element) else value


def _told(text: str, count: int) -> str:
    return f"{text} ({count} times)" if count > 1 else text
