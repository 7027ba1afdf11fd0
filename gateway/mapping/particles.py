"""A content model against names that are written: by a mapping, or by one run of it.

What is required must be there; of a choice one branch suffices, and two cannot both be. Knows
names only: order and number are the writer's.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.mapping.shape import Particle


def missing(model: Particle, names: frozenset[str]) -> Iterator[str]:
    """What `model` requires beside the elements that are written; `a | b` for a choice."""
    if model.element:
        if model.least and model.element not in names:
            yield model.element
    elif model.least or _begun(model, names):
        if model.choice:
            yield from _missing_in_choice(model, names)
        else:
            for part in model.parts:
                yield from missing(part, names)


def _begun(model: Particle, names: frozenset[str]) -> bool:
    return any(name in names for name in model.names())


def _missing_in_choice(model: Particle, names: frozenset[str]) -> Iterator[str]:
    """Each branch that is begun must be complete, but for what a complete one has as well."""
    branches = [(part, list(missing(part, names))) for part in model.parts]
    begun = [(part, lacking) for part, lacking in branches if _begun(part, names)]
    explained = {name for part, lacking in begun if not lacking for name in part.names()}
    for part, lacking in sorted(begun, key=lambda branch: len(branch[1])):
        own = names.intersection(part.names()) - explained
        if lacking and own:
            yield from lacking
            explained |= own
    if not begun and branches and all(lacking for _, lacking in branches):
        yield " | ".join(next(iter(part.names()), "") for part, _ in branches)


def excluding(model: Particle, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Pairs of names, both written, that no document can hold together."""
    if model.element or model.most != 1:  # in another turn of the group, the other may stand
        return
    if model.choice:
        found = [sorted(names.intersection(part.names())) for part in model.parts]
        first = next((begun for begun in found if begun), [])
        for begun in found:
            # Two branches may have a name in common; that one excludes nothing.
            if begun and first and not set(begun) & set(first):
                yield first[0], begun[0]
    for part in model.parts:
        yield from excluding(part, names)
