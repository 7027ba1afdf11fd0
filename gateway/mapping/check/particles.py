"""A content model against what a mapping writes, whatever the message says.

What is required must be written somewhere; one branch of a choice suffices, and two that are
always written cannot both be. Knows names only.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.mapping.shape import Particle


def never_written(model: Particle, names: frozenset[str]) -> Iterator[str]:
    """What `model` requires beside the elements that are written; `a | b` for a choice."""
    if model.element:
        if model.least and model.element not in names:
            yield model.element
    elif model.least or _begun(model, names):
        if model.choice:
            yield from _missing_in_choice(model, names)
        else:
            for part in model.parts:
                yield from never_written(part, names)


def _begun(model: Particle, names: frozenset[str]) -> bool:
    return any(name in names for name in model.names())


def _missing_in_choice(model: Particle, names: frozenset[str]) -> Iterator[str]:
    """Each branch that is begun must be complete, but for what a complete one has as well."""
    branches = [(part, list(never_written(part, names))) for part in model.parts]
    begun = [(part, missing) for part, missing in branches if _begun(part, names)]
    explained = {name for part, missing in begun if not missing for name in part.names()}
    for part, missing in sorted(begun, key=lambda branch: len(branch[1])):
        own = names.intersection(part.names()) - explained
        if missing and own:
            yield from missing
            explained |= own
    if not begun and branches and all(missing for _, missing in branches):
        yield " | ".join(next(iter(part.names()), "") for part, _ in branches)


def excluding(model: Particle, always: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Pairs of names, both always written, that no document can hold together."""
    if model.element:
        return
    if model.choice and model.most == 1:
        found = [sorted(always.intersection(part.names())) for part in model.parts]
        first = next((names for names in found if names), [])
        for names in found:
            # Two branches may have a name in common; that one excludes nothing.
            if names and first and not set(names) & set(first):
                yield first[0], names[0]
    for part in model.parts:
        yield from excluding(part, always)
