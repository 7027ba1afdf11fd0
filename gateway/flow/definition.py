"""The flow file (`mappings/nascita.flow.yaml`) as frozen values.

Reads structure only: which events, which steps, which expressions. What an expression means is
the mapping room's; what follows from it is `plan`'s. Every mistake is told with its line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.errors import ConfigurationError
from gateway.flow.calendar import PATRONS, Calendar, read_patrons
from gateway.settings import Settings, Tree, build, in_order, read
from gateway.units import Duration

Source = Annotated[str, Field(min_length=1, description="an expression of the mapping language")]
MAPS = ("register", "amend", "cancel", "query", "answer", "query_answer")


def _known_map(name: str) -> str:
    if name not in MAPS:
        raise ValueError(f"must be one of {', '.join(MAPS)}")
    return name


MapName = Annotated[str, AfterValidator(_known_map)]


class Opening(Settings):
    """Which events open a case, and when a message of theirs is a birth."""

    events: frozenset[str]
    when: Source


class Events(Settings):
    """Which events mean this."""

    events: frozenset[str] = frozenset()


class Amending(Events):
    """`when`: event → when a message of it counts; the others always do."""

    when: Mapping[str, Source] = Field(default_factory=dict)


class Merging(Events):
    """And the key of the record that disappears (MRG), in the order of the case's key."""

    key: tuple[Source, ...] = ()


class FindingRule(Settings):
    """A finding the flow makes of a dossier, at the place `at`, when `when` holds."""

    at: str
    when: Source
    text: str


class Clock(Settings):
    """How long the parents have, at the birth centre or at the Comune, and then the gateway.

    `warn`: how long before the end. `born`, `declared_on` (where a message says it) and `centre`
    (ISTAT code of the birth centre's Comune) are what the terms are reckoned from.
    """

    parents_centre: Duration
    parents_comune: Duration
    transmit: Duration
    warn: Duration = timedelta(days=1)
    born: Source | None = None
    declared_on: Source | None = None
    centre: Source | None = None


class CaseRules(Settings):
    """What opens, amends, cancels and merges a case, and when it is declared.

    `died`: when the child is dead. `transmits`: the step that tells the declaration: the term
    `transmit` runs until its partner has it, and what it told of a living child is amended to
    that of a dead one only by a person.
    """

    key: tuple[Source, ...]
    open: Opening
    amend: Amending = Amending()
    cancel: Events = Events()
    merge: Merging = Merging()
    declared: Source
    anonymous: Source
    died: Source | None = None
    transmits: str = "comune"
    clock: Clock | None = None
    check: Mapping[str, Source] = Field(default_factory=dict)
    findings: Mapping[str, FindingRule] = Field(default_factory=dict)


class Candidate(Settings):
    """One answer to 'which office': the first whose `when` holds and whose value is there."""

    value: Source = Field(alias="$value")
    when: Source | None = Field(None, alias="$when")


class Step(Settings):
    """One document to one administration.

    `needs`: steps whose facts it must have; `follows`: steps whose facts it also tells;
    `choice`: what must be there before it can go; `hold`: an embargo, from `hold_from`: the case's
    opening, or the end of the day of birth; `late`: the reasons that a late declaration must give;
    `settle`: how long an amendment waits for the next message, instead of `delivery.settle`;
    `again`: fault code → the request type to ask again with; `optional`: a sender without such
    a partner does without the step; `gives`: the facts without which an answer of the partner is
    none, so that a person who tells its answer tells them too.
    """

    partner: str
    maps: Mapping[MapName, str]
    to: tuple[Candidate, ...] = ()
    when: Source | None = None
    choice: Source | None = None
    needs: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    hold: Duration | None = None
    hold_from: Literal["opening", "birth"] = "opening"
    late: Source | None = None
    settle: Duration | None = None
    again: Mapping[str, str] = Field(default_factory=dict)
    gives: tuple[str, ...] = ()
    optional: bool = False

    @property
    def reads(self) -> frozenset[str]:
        """The steps whose new facts make this one's document be made again."""
        return frozenset((*self.needs, *self.follows))


class _File(Settings):
    lang: Literal["1"]
    flow: str
    case: CaseRules
    steps: Mapping[str, Step]


class Flow:
    """The flow of one kind of case; `where(...)` names the line of any part of it."""

    def __init__(
        self, file: _File, tree: Tree, content_hash: str, calendar: Calendar | None = None
    ) -> None:
        self.name = file.flow
        self.case = file.case
        self.steps = file.steps
        self.calendar = calendar or Calendar()
        self.content_hash = content_hash
        self._tree = tree

    def where(self, *path: str | int) -> str:
        """`nascita.flow.yaml:12`."""
        return self._tree.place(path)

    def rests_on(self, step: str) -> frozenset[str]:
        """The steps whose facts a step reads, and those that these need in their turn: what the
        enrolment was made with, the paediatrician's choice rests on.
        """
        found, more = set[str](), set(self.steps[step].reads)
        while more:
            found |= more
            more = {need for each in more for need in self.steps[each].needs} - found
        return frozenset(found)

    def means(self, event: str) -> bool:
        """Whether an event of this name can mean anything to a case."""
        case = self.case
        lists = (case.open.events, case.amend.events, case.cancel.events, case.merge.events)
        return any(event in events for events in lists)


def load_flow(path: Path) -> Flow:
    """Read a flow file, and `tables/patroni.csv` beside it where there is one.

    Raises ConfigurationError with file:line for everything wrong.
    """
    tree = read(path)
    file = build(_File, tree, folder=path.parent)
    problems = list(_unknown_steps(file, tree))
    if problems:
        raise ConfigurationError(in_order(problems))
    calendar = Calendar(read_patrons(path.parent / PATRONS))
    return Flow(file, tree, sha256(path.read_bytes()).hexdigest(), calendar)


def _unknown_steps(file: _File, tree: Tree) -> Iterator[str]:
    for name, step in file.steps.items():
        for key in ("needs", "follows"):
            for other in getattr(step, key):
                if other not in file.steps:
                    place = tree.place(("steps", name, key))
                    yield f"{place}: steps.{name}.{key}: '{other}' is no step of this flow"
    said = file.case.transmits
    if "transmits" in file.case.model_fields_set and said not in file.steps:
        place = tree.place(("case", "transmits"))
        yield f"{place}: case.transmits: '{said}' is no step of this flow"
