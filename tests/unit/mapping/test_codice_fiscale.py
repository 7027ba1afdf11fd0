"""The codice fiscale, held against an independent implementation."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from codicefiscale import codicefiscale as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mapping import codice_fiscale

NAMES = st.text(alphabet="ABCDEFGHILMNOPQRSTUVZ'", min_size=2, max_size=12).filter(
    lambda text: any(letter.isalpha() for letter in text)
)


@settings(max_examples=200, deadline=None)
@given(NAMES, NAMES, st.sampled_from("MF"), st.dates(date(1950, 1, 1), date(2026, 11, 1)))
def test_computes_what_the_decree_gives(surname: str, name: str, sex: str, born: date) -> None:
    """DM 23/12/1976: the same code as another implementation, and a valid one."""
    code = codice_fiscale.compute(surname, name, sex, born, "F205")
    assert code == oracle.encode(surname, name, sex, born.strftime("%d/%m/%Y"), "F205")
    assert codice_fiscale.is_valid(code)


def test_every_code_of_an_omocodia_is_valid_and_leads_back() -> None:
    """Letters for digits from the right, check letter recomputed."""
    code = "RSSMRA85T10A562S"
    for other in oracle.decode(code)["omocodes"]:
        assert codice_fiscale.is_valid(other)
        assert codice_fiscale.without_omocodia(other) == code


@pytest.mark.parametrize(
    "code",
    ["", "RSSMRA85T10A562X", "RSSMRA85T10A562", "RSSMRA85Z10A562S", "00743110158", "0074311015"],
)
def test_a_wrong_letter_form_or_length_is_refused(code: str) -> None:
    """One wrong character is enough."""
    assert not codice_fiscale.is_valid(code)


def test_a_provisional_code_has_the_check_digit_of_a_partita_iva() -> None:
    """Eleven digits, the last of them checked."""
    assert codice_fiscale.is_valid("00743110157")


def test_one_changed_character_is_found() -> None:
    """The check letter finds every single exchange by another value of the same parity class."""
    code = "RSSLRA26C42A794N"
    assert codice_fiscale.is_valid(code)
    assert not codice_fiscale.is_valid("RSSLRB26C42A794N")


def test_accents_are_dropped() -> None:
    """`Nicolò` gives what `Nicolo` gives."""
    born = date(2026, 3, 2)
    assert codice_fiscale.compute("D'Agrò", "Nicolò", "M", born, "F205") == codice_fiscale.compute(
        "DAGRO", "NICOLO", "M", born, "F205"
    )


@pytest.mark.parametrize(
    ("surname", "sex", "belfiore"),
    [("Rossi", "X", "F205"), ("123", "M", "F205"), ("Rossi", "M", "MI")],
)
def test_what_cannot_be_part_of_a_code_is_refused(surname: str, sex: str, belfiore: str) -> None:
    """Sex, letters and Belfiore code are needed."""
    with pytest.raises(ValueError, match=r"sex|letters|Belfiore"):
        codice_fiscale.compute(surname, "Anna", sex, date(2026, 3, 2), belfiore)


def test_normal_form_has_no_blanks_and_no_small_letters() -> None:
    """As it is compared and stored."""
    assert codice_fiscale.normal(" rss mra85t10a562s\n") == "RSSMRA85T10A562S"


@given(st.sampled_from("MF"), st.dates(date(1950, 1, 1), date(2026, 11, 1)), st.integers(1, 40))
def test_a_code_tells_its_day(sex: str, born: date, off: int) -> None:
    """The day that it was computed of, for both sexes, and no day near it; with omocodia too."""
    code = codice_fiscale.compute("ROSSI", "GIULIA", sex, born, "F205")
    assert codice_fiscale.may_be_of_day(code, born)
    assert not codice_fiscale.may_be_of_day(code, born + timedelta(days=off))
    assert codice_fiscale.may_be_of_day("RSSMRA85T10A56NH", date(1985, 12, 10))


def test_eleven_digits_tell_no_day() -> None:
    """A provisional number can be anybody's."""
    assert codice_fiscale.is_provisional("00743110157")
    assert codice_fiscale.may_be_of_day("00743110157", date(2026, 3, 1))
