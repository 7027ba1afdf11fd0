"""From a claimed submission to the letter that will travel: inputs, translation, comparison.

Reads only what the claim read; changes nothing. The journal and the wire are `delivery`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.casebook import Casebook
from gateway.destination import Claimed, Destination, Letter
from gateway.errors import TranslationError
from gateway.lifecycle import Kind
from gateway.mapping import Compiled
from gateway.partners import Entry
from gateway.translation import Document, Translation, comparable, content, translate

QUERY = "query"

Inputs = Mapping[str, Mapping[str, object]]

_OWN = ("flow", "sender", "scelta", "partner", "annullo")
"""Inputs that no step's answer told."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A document before it is signed. `compared` is what an amendment says about the matters
    that the standing document was made of; None where there is nothing to compare.
    """

    translation: Translation
    inputs: Inputs = field(repr=False)
    compared: bytes | None = field(repr=False)

    @property
    def document(self) -> bytes:
        """As stored, so that every attempt has the same Body."""
        return self.translation.document

    @property
    def facts(self) -> dict[str, dict[str, str]]:
        """The part of the inputs that later comparisons need: what steps had told, as text."""
        return {
            name: {key: str(value) for key, value in values.items()}
            for name, values in self.inputs.items()
            if name not in _OWN
        }


class Preparation:
    """`mapping(name, profile)` compiles a mapping; `destinations` are by kind of partner."""

    def __init__(
        self,
        casebook: Casebook,
        mapping: Callable[[str, str], Compiled],
        destinations: Mapping[str, Destination],
        clock: Callable[[], datetime],
    ) -> None:
        self._casebook = casebook
        self._mapping = mapping
        self._destinations = destinations
        self._clock = clock

    def draft(self, claimed: Claimed, entry: Entry) -> Draft:
        """The document of a submission, translated now. Raises TranslationError."""
        row, message = claimed.row, claimed.case.message
        step = self._casebook.flow.steps[row.step]
        inputs = self._inputs(claimed, entry)
        of_profile = self._of_profile(claimed)
        translation = translate(of_profile, step, row.kind, message, inputs)
        standing = claimed.standing
        if row.kind is not Kind.AMEND or standing is None or standing.content_digest is None:
            return Draft(translation, inputs, None)
        then = comparable(step, row.step, inputs, standing.inputs, claimed.beneath)
        # What stands there may have been asked for in a way of its own: validation, a candidate.
        then = _overridden(then, claimed.case.context.overrides.get(standing.id, {}))
        same = then == inputs
        compared = translation.content if same else content(of_profile, step, message, then)
        return Draft(translation, inputs, compared)

    def letter(self, document: Document, claimed: Claimed, entry: Entry) -> Letter:
        """Wrapped and signed for one attempt. Raises SigningError."""
        row = claimed.row
        destination = self._destinations[row.partner]
        return destination.wrap(document, entry, row.step, row.kind, row.operation_id)

    def question(self, claimed: Claimed, entry: Entry) -> Letter:
        """Asks the partner what became of the submission."""
        row = claimed.row
        compiled = self._of_profile(claimed)(self._casebook.flow.steps[row.step].maps[QUERY])
        inputs = self._inputs(claimed, entry)
        given = {name: inputs.get(name, {}) for name in compiled.inputs}
        result = compiled.run(claimed.case.message, given)
        if result.problems:
            raise TranslationError(result.problems)
        document: Document = result.value
        return self._destinations[row.partner].wrap(
            document, entry, row.step, QUERY, row.operation_id
        )

    def answers(self, claimed: Claimed, *, of_question: bool = False) -> Compiled | None:
        """The mapping that reads this step's answers, or the answers to a question about it."""
        maps = self._casebook.flow.steps[claimed.row.step].maps
        name = (maps.get("query_answer") if of_question else None) or maps.get("answer")
        return self._of_profile(claimed)(name) if name else None

    def can_ask(self, claimed: Claimed) -> bool:
        """Whether this step has a question."""
        return QUERY in self._casebook.flow.steps[claimed.row.step].maps

    def _inputs(self, claimed: Claimed, entry: Entry) -> dict[str, Mapping[str, object]]:
        case = claimed.case
        inputs: dict[str, Mapping[str, object]] = {**self._casebook.inputs(case)}
        inputs["annullo"] = dict(case.context.cancellation)
        inputs["flow"] = self._flow(claimed, entry)
        return _overridden(inputs, case.context.overrides.get(claimed.row.id, {}))

    def _flow(self, claimed: Claimed, entry: Entry) -> dict[str, object]:
        row, standing, now = claimed.row, claimed.standing, self._clock()
        known = {
            "operationId": row.operation_id,
            "now": now,
            "today": now.date(),
            "kind": str(row.kind),
            "destinatario": entry.code,
            "ambiente": entry.processing,
        }
        if standing is not None:
            known |= {"predecessor": standing.operation_id, "protocollo": standing.receipt}
        return known

    def _of_profile(self, claimed: Claimed) -> Callable[[str], Compiled]:
        profile = claimed.case.row.profile
        return lambda name: self._mapping(name, profile)


def _overridden(
    inputs: Mapping[str, Mapping[str, object]], overrides: Mapping[str, Mapping[str, str]]
) -> dict[str, Mapping[str, object]]:
    changed = {name: {**inputs.get(name, {}), **values} for name, values in overrides.items()}
    return {**inputs, **changed}
