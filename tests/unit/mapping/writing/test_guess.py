"""Which expression a name asks for, and which names say too little."""

from __future__ import annotations

import pytest

from gateway.mapping.kinds import Kind
from gateway.mapping.syntax import parse_expression
from gateway.mapping.writing.guess import IDEAS, guess, words


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("codiceIstat", ["codice", "istat"]),
        ("CODICE_FISCALE", ["codice", "fiscale"]),
        ("dataOraXMLInvio", ["data", "ora", "xml", "invio"]),
        ("@versione2", ["versione", "2"]),
        ("", []),
    ],
)
def test_a_name_is_split_into_its_words(name: str, found: list[str]) -> None:
    """At capitals, digits and signs; in small letters."""
    assert words(name) == found


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("nato/cognome", Kind.TEXT, "PID-5[1].1.1 | upper"),
        ("newborn/familyName", Kind.TEXT, "PID-5[1].1.1 | upper"),
        ("maternita/generalita/cognome", Kind.TEXT, "madre-2[1].1.1 | upper"),
        ("father/surname", Kind.TEXT, "padre-2[1].1.1 | upper"),
        ("generalita/codiceFiscale", Kind.TEXT, "cf_nato"),
        ("madre/codiceFiscale/codFiscale", Kind.TEXT, "cf_of(madre-33)"),
        ("nato/dataNascita", Kind.DATE, "PID-7 | date"),
        ("nato/dataNascita", Kind.TEXT, "PID-7"),
        ("child/birthTime", Kind.DATETIME, "PID-7 | datetime('Europe/Rome')"),
        ("luogoNascita/comune/codiceIstat", Kind.TEXT, "place_of_birth"),
        ("parto/ordineNascita", Kind.INTEGER, "PID-25 | integer"),
        ("parto/plurimo", Kind.BOOLEAN, "PID-24 == 'Y'"),
    ],
)
def test_a_name_says_which_field_is_meant(path: str, kind: Kind, text: str) -> None:
    """In two languages, of child and parents; the type adds the function."""
    found = guess(path.split("/"), kind)
    assert found is not None
    assert found.texts[0] == text


@pytest.mark.parametrize(
    "path",
    [
        "nato/senzaCognome",
        "nato/cognomePrecedente",
        "comune/nome",
        "dichiarante/cognome",
        "doctor/firstName",
        "testata/codMittente",
        "nascita/flag",
    ],
)
def test_a_name_with_a_word_that_is_not_understood_is_not_guessed(path: str) -> None:
    """What negates or narrows a word, and whom the message does not know."""
    assert guess(path.split("/"), Kind.TEXT) is None


def test_every_idea_is_an_expression() -> None:
    """No guess that the language cannot read, whoever is meant."""
    for idea in IDEAS:
        for text in (*idea.child, *(each.format(nk="madre") for each in idea.parent)):
            parse_expression(f"{text} | {idea.finish}" if idea.finish else text)
