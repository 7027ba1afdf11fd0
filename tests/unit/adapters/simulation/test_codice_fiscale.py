"""The official algorithm, held against an independent implementation and the Ministry's rules."""

from __future__ import annotations

from datetime import date

import pytest
from codicefiscale import codicefiscale as independent
from hypothesis import given
from hypothesis import strategies as st

from adapters.simulation.codice_fiscale import (
    check_letter,
    compute,
    is_provisional,
    is_valid,
    omocodici,
    provisional,
    without_omocodia,
)

NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ' àèéìòùÇ", min_size=1, max_size=20).filter(
    lambda text: any(c.isalpha() for c in text)
)
DAYS = st.dates(date(1930, 1, 1), date(2029, 12, 31))


@given(NAMES, NAMES, st.sampled_from("MF"), DAYS)
def test_the_code_is_the_independent_one(surname: str, name: str, sex: str, born: date) -> None:
    """Names, sex and day give the code that another implementation gives."""
    expected = independent.encode(surname, name, sex, born.strftime("%d/%m/%Y"), "F205")
    assert compute(surname, name, sex=sex, born=born, belfiore="F205") == expected


@pytest.mark.parametrize(
    ("surname", "name", "code"),
    [("FO", "IO", "FOXIOX"), ("AIA", "GIANFRANCO", "AIAGFR"), ("D'ANGELO", "UGO", "DNGGUO")],
)
def test_short_and_vowel_names(surname: str, name: str, code: str) -> None:
    """Few letters are filled with X; four consonants in a name skip the second."""
    found = compute(surname, name, sex="M", born=date(2026, 11, 1), belfiore="F205")
    assert found[:6] == code


def test_omocodia_replaces_from_the_right_and_recomputes_the_check() -> None:
    """The first variant replaces the last digit; all 127 differ, are valid and lead back."""
    code = "RSSMRA85A01F205C"
    variants = list(omocodici(code))
    assert variants[0] == "RSSMRA85A01F20RX"
    assert len(set(variants)) == 127
    assert all(is_valid(variant) and without_omocodia(variant) == code for variant in variants)


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=15, max_size=15))
def test_only_the_right_letter_is_valid(start: str) -> None:
    """Of the 26 check letters at most one makes a code valid, and only in a right shape."""
    right = [start + letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if is_valid(start + letter)]
    assert right in ([], [start + check_letter(start)])


@pytest.mark.parametrize("wrong", ["", "RSSMRA85A01F205D", "rssmra85a01f205c", "RSSMRA85A01F205"])
def test_what_is_no_code(wrong: str) -> None:
    """Other lengths, cases and letters are not valid."""
    assert not is_valid(wrong)


@given(st.integers(0, 9_999_999_999))
def test_a_provisional_code_has_its_check_digit(number: int) -> None:
    """Eleven digits with the check digit pass; any other last digit does not."""
    code = provisional(number)
    assert is_provisional(code)
    wrong = str((int(code[10]) + 1) % 10)
    assert not is_provisional(code[:10] + wrong)


@pytest.mark.parametrize("known", ["00743110157", "01114601006"])
def test_the_check_digit_is_that_of_the_partita_iva(known: str) -> None:
    """Numbers of public companies, which follow the same rule, pass."""
    assert is_provisional(known)
    assert not is_provisional(known[:-1])
    assert not is_provisional("²" * 11)
