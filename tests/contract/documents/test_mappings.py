"""Every shipped mapping carries tests that pass, and none has a finding."""

from __future__ import annotations

import pytest

from gateway.mapping.lint import lint_mapping, lint_profile, mappings_in, profiles_in
from gateway.mapping.tests import run_tests

from .shipped import library

NAMES = mappings_in(library())
ITALIAN = ("default", "dialect_nnita", "dialect_cf")


@pytest.mark.parametrize("name", NAMES)
def test_a_mapping_carries_tests_and_they_pass(name: str) -> None:
    """What a mapping says of itself is true; one that says nothing does not ship."""
    results = run_tests(library(), name)
    assert results
    assert [(result.name, result.failures) for result in results if not result.passed] == []


@pytest.mark.parametrize("profile", ITALIAN)
@pytest.mark.parametrize("name", NAMES)
def test_the_checker_finds_nothing_in_a_mapping(name: str, profile: str) -> None:
    """No false alarm and no true one on what ships."""
    assert [str(finding) for finding in lint_mapping(library(), name, profile)] == []


@pytest.mark.parametrize("name", profiles_in(library()))
def test_the_checker_finds_nothing_in_a_profile(name: str) -> None:
    """A profile that ships can be extended by anybody."""
    assert [str(finding) for finding in lint_profile(library(), name)] == []
