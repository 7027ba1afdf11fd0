"""What one sender's messages say to the flow: its expressions, compiled for a profile.

A data error in an expression (two mothers, an unreadable date) is no exception here: the value
is absent and the error becomes a finding on the case.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple, Protocol

from gateway.errors import MessageRefused, TranslationError
from gateway.flow.context import CaseFinding
from gateway.flow.definition import Clock, FindingRule, Flow, Step
from gateway.hl7.message import Message
from gateway.mapping import Expression, Library, Profile
from gateway.mapping.meaning import Run

Inputs = Mapping[str, Mapping[str, object]]

INPUT_TYPES: Mapping[str, Mapping[str, str]] = {
    "sender": {"comune": "text", "struttura": "text", "nome": "text", "asl": "text"},
    "scelta": {"pediatra": "text", "candidato": "text", "ragioniRitardo": "text", "morte": "text"},
    "partner": {"assegnaCodiceFiscale": "boolean"},
}
"""What a flow expression may read beside the message."""


class StepReading(NamedTuple):
    """What the dossier says of one step. `excused`: why it comes late, if it must say so."""

    wanted: bool
    route: str | None
    chosen: bool
    excused: bool = True


class _Compiler(Protocol):
    def __call__(self, text: str, *path: str | int) -> Expression: ...


class Reader:
    """The flow's expressions, compiled for one profile."""

    def __init__(self, flow: Flow, library: Library, profile: Profile) -> None:
        self.flow = flow
        self.profile = profile
        self._rules = _Rules(flow, _compiler(flow, library, profile))

    def of(self, message: Message, inputs: Inputs) -> Account:
        """What a message says."""
        return Account(self.flow, self._rules, message, inputs)


class Account:
    """What one message says; each thing is read when asked for, and at most once."""

    def __init__(self, flow: Flow, rules: _Rules, message: Message, inputs: Inputs) -> None:
        self._flow = flow
        self._rules = rules
        self._message = message
        self._run = rules.newborn.run(message, inputs)

    def opens(self) -> bool:
        """True if this message is a birth."""
        events = self._flow.case.open.events
        return self._message.event in events and self.newborn()

    def newborn(self) -> bool:
        """True if this message is about a newborn, whatever its event."""
        return _truth(self._rules.newborn, self._run)

    def amends(self) -> bool:
        """True unless its event counts only sometimes, and not now: a discharge of the living."""
        rule = self._rules.amends.get(self._message.event)
        return rule is None or _truth(rule, self._run)

    def key(self) -> tuple[str, ...] | None:
        """Assigning authority and identifier of the child; None if there is no identifier."""
        return _key(self._rules.key, self._run)

    def old_key(self) -> tuple[str, ...] | None:
        """The key of the record that a merge makes disappear."""
        return _key(self._rules.old_key, self._run)

    def anonymous(self) -> bool:
        """True if the mother does not want to be named.

        Where that cannot be told the message is refused: taking it could store her name, and
        dropping her data could lose a birth. The hospital keeps it and hears the place.
        """
        try:
            return self._rules.anonymous.value(self._run) is True
        except TranslationError as error:
            text = f"cannot tell whether the mother may be named: {error}"
            raise MessageRefused(text, code=102, location="NK1") from error

    def declared(self) -> bool:
        """True if the dossier counts as a declared birth."""
        return _truth(self._rules.declared, self._run)

    def died(self) -> bool:
        """True if the child is dead, whenever it died."""
        return self._rules.died is not None and _truth(self._rules.died, self._run)

    def days(self) -> dict[str, str]:
        """What the terms are reckoned from, as far as it is said: `born` and `declared_on` (ISO
        8601), and `centre`, the ISTAT code of the birth centre's Comune.
        """
        found = {name: _value(rule, self._run) for name, rule in self._rules.clock.items()}
        return {
            name: value.isoformat() if isinstance(value, date) else str(value)
            for name, value in found.items()
            if value is not None
        }

    def findings(self) -> list[CaseFinding]:
        """What a person should see: unreadable content, and the rules of the flow file."""
        found: list[CaseFinding] = []
        for at, expression in self._rules.checks.items():
            found += _problems(at, expression, self._run)
        for code, rule, when in self._rules.findings:
            if _truth(when, self._run):
                found.append(CaseFinding(code, rule.at, rule.text))
        return found

    def step(self, name: str) -> StepReading:
        """Whether a step is wanted, which office it goes to, and whether its choice is made."""
        return self._rules.steps[name].read(self._run)


class _Rules:
    """All expressions of a flow; compiled together, so that they are asked in one Run."""

    def __init__(self, flow: Flow, compiled: _Compiler) -> None:
        case = flow.case
        self.newborn = compiled(case.open.when, "case", "open", "when")
        self.key = [compiled(text, "case", "key", at) for at, text in enumerate(case.key)]
        self.old_key = [
            compiled(text, "case", "merge", "key", at) for at, text in enumerate(case.merge.key)
        ]
        self.amends = {
            event: compiled(text, "case", "amend", "when", event)
            for event, text in case.amend.when.items()
        }
        self.declared = compiled(case.declared, "case", "declared")
        self.anonymous = compiled(case.anonymous, "case", "anonymous")
        self.died = compiled(case.died, "case", "died") if case.died else None
        self.clock = _clock_rules(case.clock, compiled)
        self.checks = {at: compiled(text, "case", "check", at) for at, text in case.check.items()}
        self.findings: list[tuple[str, FindingRule, Expression]] = [
            (code, rule, compiled(rule.when, "case", "findings", code, "when"))
            for code, rule in case.findings.items()
        ]
        self.steps = {name: _StepRules(name, step, compiled) for name, step in flow.steps.items()}


class _StepRules:
    def __init__(self, name: str, step: Step, compiled: _Compiler) -> None:
        self._when = compiled(step.when, "steps", name, "when") if step.when else None
        self._choice = compiled(step.choice, "steps", name, "choice") if step.choice else None
        self._late = compiled(step.late, "steps", name, "late") if step.late else None
        self._to = [
            (
                compiled(each.when, "steps", name, "to", at, "$when") if each.when else None,
                compiled(each.value, "steps", name, "to", at, "$value"),
            )
            for at, each in enumerate(step.to)
        ]

    def read(self, run: Run) -> StepReading:
        return StepReading(
            wanted=self._when is None or _truth(self._when, run),
            route=self._route(run),
            chosen=self._choice is None or _value(self._choice, run) is not None,
            excused=self._late is None or _value(self._late, run) is not None,
        )

    def _route(self, run: Run) -> str | None:
        for when, value in self._to:
            if when is not None and not _truth(when, run):
                continue
            found = _value(value, run)
            if found is not None or when is not None:
                return None if found is None else str(found)
        return None


def _clock_rules(clock: Clock | None, compiled: _Compiler) -> dict[str, Expression]:
    if clock is None:
        return {}
    texts = {"born": clock.born, "declared_on": clock.declared_on, "centre": clock.centre}
    return {
        name: compiled(text, "case", "clock", name)
        for name, text in texts.items()
        if text is not None
    }


def _compiler(flow: Flow, library: Library, profile: Profile) -> _Compiler:
    expression = library.expressions(profile, INPUT_TYPES)

    def compiled(text: str, *path: str | int) -> Expression:
        return expression(text, flow.where(*path))

    return compiled


def _key(expressions: list[Expression], run: Run) -> tuple[str, ...] | None:
    parts = [_value(expression, run) for expression in expressions]
    return tuple(str(part or "") for part in parts) if parts and parts[-1] else None


def _truth(expression: Expression, run: Run) -> bool:
    return _value(expression, run) is True


def _value(expression: Expression, run: Run) -> object | None:
    try:
        value: object | None = expression.value(run)
    except TranslationError:
        return None
    return value


def _problems(at: str, expression: Expression, run: Run) -> list[CaseFinding]:
    try:
        expression.value(run)
    except TranslationError as error:
        return [CaseFinding("CONTENT", at, str(error))]
    return []
