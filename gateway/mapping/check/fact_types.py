"""What a mapping of an answer gives as facts, against the types it declares for them.

A text of the answer may be anything, so only what can never be is an error; numbers alone have
functions that convert them.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.mapping.check.simple_type import FACTS
from gateway.mapping.check.values import a_kind
from gateway.mapping.content import Entry, Gate
from gateway.mapping.finding import Findings, Position
from gateway.mapping.kinds import NUMERIC, Kind, fits
from gateway.mapping.leaves import Leaf


def check_fact(leaf: Leaf, declared: str, name: str, findings: Findings) -> None:
    """Each value that the fact may have."""
    wanted = FACTS[declared]
    for said in leaf.said:
        kind, texts = said.value.kind, said.value.domain.values
        refused = wanted.refuses_any(texts) if kind is Kind.TEXT and texts else None
        if Kind.TEXT not in (kind, wanted.kind) and not fits(kind, wanted.kind):
            text = f"{a_kind(kind)}, where fact {name} is declared {declared}"
            findings.error(said.position, "X05", text)
        elif refused is not None:
            cell = f" ({refused.written})" if refused.written else ""
            text = f"'{refused.text}'{cell} {refused.reason}: fact {name} is declared {declared}"
            findings.error(said.position, "X06", text)
        elif kind is Kind.TEXT and wanted.kind in NUMERIC and texts is None:
            word = "integer" if wanted.kind is Kind.INTEGER else "number"
            text = f"a text as it stands where fact {name} is declared {declared}; convert it with"
            findings.warning(said.position, "X05", f"{text} `{word}`")


def check_facts(
    entries: Iterable[Entry], declared: Iterable[str], position: Position, findings: Findings
) -> None:
    """A declared fact that is never written, and one that is written twice."""
    free: set[tuple[str, Gate | None]] = set()
    names = set()
    for entry in entries:
        name = entry.key.text
        names.add(name)
        if entry.node.when is not None:
            continue
        if (name, entry.gate) in free or (name, None) in free:
            findings.error(entry.key.position, "X07", f"fact {name} is written twice")
        free.add((name, entry.gate))
    for name in declared:
        if name not in names:
            findings.warning(position, "X02", f"never written: fact {name} is declared in target")
