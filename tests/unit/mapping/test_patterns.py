"""The named forms of `matches`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.patterns import PATTERNS


@pytest.mark.parametrize(
    "name",
    [
        *("BB SARAH", "Baby Boy", "BabyGirl", "Baby of Shahieda", "B A", "NEONATO", "N.N."),
        *("XXXXXX", "NEWBORN", "figlio di Rossi", "", "---", "Gemello A"),
    ],
)
def test_what_wards_write_before_there_is_a_name_is_no_name(name: str) -> None:
    """Placeholders of the corpus and of Italian wards."""
    assert PATTERNS["placeholder_name"](name)


@pytest.mark.parametrize(
    "name", ["Laura", "Anna Maria", "D'Angelo", "Nicolò", "Li", "Bo Xi", "Nino"]
)
def test_real_names_are_names(name: str) -> None:
    """Short and foreign names too."""
    assert not PATTERNS["placeholder_name"](name)


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("codice_fiscale", "rssmra85t10a562s", "RSSMRA85T10A562X"),
        ("istat", "015146", "15146"),
        ("istat_state", "201", "2O1"),
        ("belfiore", "F205", "F2O5"),
        ("province", "MI", "mi"),
        ("cap", "20121", "2012"),
        ("stp", "STP0301234567890", "STP030123456789"),
        ("eni", "ENI0301234567890", "STP0301234567890"),
        ("email", "a.b@example.org", "a.b@example"),
        ("phone", "+39 02 1234567", "call me"),
        ("digits", "0123", "12a"),
        ("letters", "Laura", "Anna Maria"),
    ],
)
def test_each_form_takes_what_it_means(pattern: str, good: str, bad: str) -> None:
    """One that is and one that is not."""
    assert PATTERNS[pattern](good)
    assert not PATTERNS[pattern](bad)


@given(st.text(max_size=200), st.sampled_from(sorted(PATTERNS)))
def test_every_text_has_an_answer(text: str, pattern: str) -> None:
    """A form never breaks on what a message says."""
    assert PATTERNS[pattern](text) in (True, False)
