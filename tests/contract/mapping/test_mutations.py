"""A mistake in a shipped mapping is found by lint, or by what the mapping's own tests expect.

A seeded sample; the whole table is printed by `python -m tests.contract.mapping.mutations`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from gateway.mapping import Library
from gateway.mapping.lint import mappings_in
from tests.contract.mapping.mistakes import KINDS, mutations
from tests.contract.mapping.mutations import PROFILE, ROOT, found_by, with_anpr

SEED: Final = 20261122
COUNT: Final = 6
NAMES: Final = (*mappings_in(Library(ROOT / "mappings", ROOT / "xsd")), PROFILE)
ANPR: Final = tuple(sorted(f"anpr/{path.name}" for path in ROOT.glob("mappings/anpr/*.yaml")))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The shipped mappings, and ANPR's schemas if they are beside the project."""
    return Library(ROOT / "mappings", with_anpr(tmp_path_factory.mktemp("deployment")))


def _missed(library: Library, name: str) -> Iterator[str]:
    for mutation in mutations(library, name, COUNT, SEED):
        if found_by(library, name, mutation) == "missed":
            yield str(mutation)


@pytest.mark.parametrize("name", NAMES)
def test_no_mistake_in_a_shipped_mapping_is_missed(library: Library, name: str) -> None:
    """What lint cannot know is wrong, a test written by hand refuses."""
    assert list(_missed(library, name)) == [], f"seed {SEED}"


@pytest.mark.parametrize("name", ANPR)
@pytest.mark.usefixtures("shared")
def test_no_mistake_in_a_mapping_for_anpr_is_missed(library: Library, name: str) -> None:
    """The same for the mappings that wait for the Ministry's schemas."""
    assert list(_missed(library, name)) == [], f"seed {SEED}"


def test_mistakes_of_every_kind_are_made(library: Library) -> None:
    """The sample is no sample of one easy kind."""
    made = {
        mutation.kind
        for name in ("comune/nascita.yaml", "comune/esito.yaml", "ospedale/riscontro.yaml")
        for mutation in mutations(library, name, 40, SEED)
    }
    assert made == set(KINDS)


def test_the_same_seed_makes_the_same_mistakes(library: Library) -> None:
    """What was missed once can be looked at again."""
    first, again = (list(mutations(library, "asl/iscrizione.yaml", 30, 7)) for _ in range(2))
    assert first == again
    assert len({(one.file, one.text) for one in first}) == 30


def test_a_mapping_without_expectations_is_told_of(library: Library) -> None:
    """A wrong component that means another name is nobody's to find where no test looks."""
    name = "asl/iscrizione.yaml"
    text = library.content(name).decode()
    blind = library.with_open({name: (text.partition("\ntests:")[0] + "\n").encode()})
    made = mutations(blind, name, 24, SEED)
    assert any(found_by(blind, name, mutation) == "missed" for mutation in made)
