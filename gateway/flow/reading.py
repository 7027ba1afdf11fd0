"""What one sender's messages say to the flow: its expressions, compiled for a profile.

A data error in an expression (two mothers, an unreadable date) is no exception here: the value
is absent and the error becomes a finding on the case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.errors import MessageRefused, TranslationError
from gateway.flow.context import CaseFinding
from gateway.flow.definition import Flow, Step
from gateway.hl7.message import Message
from gateway.mapping import Expression, Library, Profile

Inputs = Mapping[str, Mapping[str, object]]

INPUT_TYPES: Mapping[str, Mapping[str, str]] = {
    "sender": {"comune": "text", "struttura": "text", "nome": "text", "asl": "text"},
    "scelta": {"pediatra": "text", "candidato": "text"},
    "partner": {"assegnaCodiceFiscale": "boolean"},
}
"""What a flow expression may read beside the message."""


@dataclass(frozen=True, slots=True)
class StepReading:
    """What the dossier says of one step."""

    wanted: bool
    route: str | None
    chosen: bool


class _Compiler(Protocol):
    def __call__(self, text: str, *path: str | int) -> Expression: ...


class Reader:
    """The flow's expressions, compiled for one profile."""

    def __init__(self, flow: Flow, library: Library, profile: Profile) -> None:
        compiled = _compiler(flow, library, profile)
        case = flow.case
        self.flow = flow
        self.profile = profile
        self._newborn = compiled(case.open.when, "case", "open", "when")
        self._key = [compiled(text, "case", "key", at) for at, text in enumerate(case.key)]
        self._old_key = [
            compiled(text, "case", "merge", "key", at) for at, text in enumerate(case.merge.key)
        ]
        self._declared = compiled(case.declared, "case", "declared")
        self._anonymous = compiled(case.anonymous, "case", "anonymous")
        self._checks = {at: compiled(text, "case", "check", at) for at, text in case.check.items()}
        self._rules = [
            (code, rule, compiled(rule.when, "case", "findings", code, "when"))
            for code, rule in case.findings.items()
        ]
        self._steps = {name: _StepReader(name, step, compiled) for name, step in flow.steps.items()}

    def opens(self, message: Message, inputs: Inputs) -> bool:
        """True if this message is a birth."""
        return message.event in self.flow.case.open.events and _truth(
            self._newborn, message, inputs
        )

    def key(self, message: Message, inputs: Inputs) -> tuple[str, ...] | None:
        """Assigning authority and identifier of the child; None if there is no identifier."""
        return _key(self._key, message, inputs)

    def old_key(self, message: Message, inputs: Inputs) -> tuple[str, ...] | None:
        """The key of the record that a merge makes disappear."""
        return _key(self._old_key, message, inputs)

    def anonymous(self, message: Message, inputs: Inputs) -> bool:
        """True if the mother does not want to be named.

        Where that cannot be told the message is refused: taking it could store her name, and
        dropping her data could lose a birth. The hospital keeps it and hears the place.
        """
        try:
            return self._anonymous.truth(message, inputs)
        except TranslationError as error:
            text = f"cannot tell whether the mother may be named: {error}"
            raise MessageRefused(text, code=102, location="NK1") from error

    def declared(self, message: Message, inputs: Inputs) -> bool:
        """True if the dossier counts as a declared birth."""
        return _truth(self._declared, message, inputs)

    def findings(self, message: Message, inputs: Inputs) -> list[CaseFinding]:
        """What a person should see: unreadable content, and the rules of the flow file."""
        found: list[CaseFinding] = []
        for at, expression in self._checks.items():
            found += _problems(at, expression, message, inputs)
        for code, rule, when in self._rules:
            if _truth(when, message, inputs):
                found.append(CaseFinding(code, rule.at, rule.text))
        return found

    def step(self, name: str, message: Message, inputs: Inputs) -> StepReading:
        """Whether a step is wanted, which office it goes to, and whether its choice is made."""
        return self._steps[name].read(message, inputs)


class _StepReader:
    def __init__(self, name: str, step: Step, compiled: _Compiler) -> None:
        self._when = compiled(step.when, "steps", name, "when") if step.when else None
        self._choice = compiled(step.choice, "steps", name, "choice") if step.choice else None
        self._to = [
            (
                compiled(each.when, "steps", name, "to", at, "$when") if each.when else None,
                compiled(each.value, "steps", name, "to", at, "$value"),
            )
            for at, each in enumerate(step.to)
        ]

    def read(self, message: Message, inputs: Inputs) -> StepReading:
        return StepReading(
            wanted=self._when is None or _truth(self._when, message, inputs),
            route=self._route(message, inputs),
            chosen=self._choice is None or _value(self._choice, message, inputs) is not None,
        )

    def _route(self, message: Message, inputs: Inputs) -> str | None:
        for when, value in self._to:
            if when is not None and not _truth(when, message, inputs):
                continue
            found = _value(value, message, inputs)
            if found is not None or when is not None:
                return None if found is None else str(found)
        return None


def _compiler(flow: Flow, library: Library, profile: Profile) -> _Compiler:
    def compiled(text: str, *path: str | int) -> Expression:
        where = flow.where(*path)
        return library.expression(text, profile, inputs=INPUT_TYPES, where=where)

    return compiled


def _key(expressions: list[Expression], message: Message, inputs: Inputs) -> tuple[str, ...] | None:
    parts = [_value(expression, message, inputs) for expression in expressions]
    return tuple(str(part or "") for part in parts) if parts and parts[-1] else None


def _truth(expression: Expression, message: Message, inputs: Inputs) -> bool:
    try:
        return expression.truth(message, inputs)
    except TranslationError:
        return False


def _value(expression: Expression, message: Message, inputs: Inputs) -> object | None:
    try:
        value: object | None = expression(message, inputs)
    except TranslationError:
        return None
    return value


def _problems(
    at: str, expression: Expression, message: Message, inputs: Inputs
) -> list[CaseFinding]:
    try:
        expression(message, inputs)
    except TranslationError as error:
        return [CaseFinding("CONTENT", at, str(error))]
    return []
