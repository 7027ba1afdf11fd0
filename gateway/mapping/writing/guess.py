"""Which expression an element's name asks for: a small table of words, Italian and English.

A name fits only if all its words are understood; `senzaCognome` is no surname. Says what is
likely, never what is right: the checker and whoever signs the mapping decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.mapping.kinds import Kind

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NEAR: Final = 3
"""How many elements above a name may help to understand it (`luogoNascita/comune/codice`)."""

_MOTHER: Final = frozenset(_WORD.findall("madre maternita mother maternal"))
_FATHER: Final = frozenset(_WORD.findall("padre paternita father paternal"))
_OTHERS: Final = frozenset(
    _WORD.findall(
        "dichiarante medico ostetrica coniuge avvocato testimone mittente destinatario operatore "
        "parente allegato documento struttura centro declarant doctor physician midwife spouse "
        "witness relative sender receiver operator attachment document facility"
    )
)
"""Persons and parties of whom a birth message has no field of its own."""

_SILENT: Final = frozenset(
    _WORD.findall(
        "nato neonato bambino soggetto persona generalita intestatario codice cod istat valore "
        "di del della dello newborn child baby person subject code value of the element"
    )
)
"""Words that may stand in a name and change nothing."""

_PLACES: Final = frozenset(_WORD.findall("comune stato provincia localita ospedale reparto ente"))
"""What else has a name."""


@dataclass(frozen=True, slots=True)
class Idea:
    """`names` are ways to say it, words apart. `{nk}` in `parent` is the mother's or father's NK1.

    The first of `child` that the sample fills is taken. `finish` follows in texts; `table` is a
    code table, with `.column` where only that one is meant.
    """

    names: tuple[str, ...]
    child: tuple[str, ...] = ()
    parent: tuple[str, ...] = ()
    finish: str = ""
    table: str = ""


IDEAS: Final = (
    Idea(
        ("codice fiscale", "cf", "fiscal code", "tax code"),
        ("cf_nato",),
        ("cf_of({nk}-33)",),
    ),
    Idea(
        ("cognome", "surname", "family name", "last name"),
        ("PID-5[1].1.1",),
        ("{nk}-2[1].1.1",),
        "upper",
    ),
    Idea(
        ("nome", "given name", "first name", "forename"), ("PID-5[1].2",), ("{nk}-2[1].2",), "upper"
    ),
    Idea(("sesso", "genere", "sex", "gender"), ("PID-8",), ("{nk}-15",), table="sesso"),
    Idea(("data nascita", "birth date", "date birth", "birth day"), ("PID-7",), ("{nk}-16",)),
    Idea(("data ora nascita", "ora nascita", "birth time", "time birth"), ("PID-7",)),
    Idea(
        ("comune nascita", "luogo nascita istat", "birth place", "place birth"),
        ("place_of_birth",),
        ("istat_of({nk}-4[7 in ('N', 'BDL')])",),
    ),
    Idea(
        ("nome comune nascita",),
        ("place_of_birth",),
        ("istat_of({nk}-4[7 in ('N', 'BDL')])",),
        table="comuni.nome",
    ),
    Idea(
        ("sigla provincia nascita",),
        ("place_of_birth",),
        ("istat_of({nk}-4[7 in ('N', 'BDL')])",),
        table="comuni.provincia",
    ),
    Idea(
        ("comune residenza", "residenza istat"),
        ("istat_of(PID-11[7 == 'L'])", "istat_of(PID-11[7 == 'H'])"),
        ("home_of({nk})",),
    ),
    Idea(
        ("nome comune residenza",),
        ("istat_of(PID-11[7 == 'L'])", "istat_of(PID-11[7 == 'H'])"),
        ("home_of({nk})",),
        table="comuni.nome",
    ),
    Idea(
        ("sigla provincia residenza",),
        ("istat_of(PID-11[7 == 'L'])", "istat_of(PID-11[7 == 'H'])"),
        ("home_of({nk})",),
        table="comuni.provincia",
    ),
    Idea(
        ("indirizzo", "via", "toponimo", "street", "address"),
        ("PID-11[1].1.1",),
        ("{nk}-4[1].1.1",),
        "upper",
    ),
    Idea(("citta", "localita", "city", "town"), ("PID-11[1].3",), ("{nk}-4[1].3",), "upper"),
    Idea(
        ("cap", "zip", "postal", "post", "postcode", "zipcode"), ("PID-11[1].5",), ("{nk}-4[1].5",)
    ),
    Idea(("provincia", "province", "state"), ("PID-11[1].4",), ("{nk}-4[1].4",), "upper"),
    Idea(("telefono", "cellulare", "phone", "telephone"), ("PID-13[1].1",), ("{nk}-5[1].1",)),
    Idea(
        ("cittadinanza", "nazionalita", "citizenship", "nationality"),
        ("state_of(PID-26[1])",),
        ("state_of({nk}-19[1])",),
        "upper",
    ),
    Idea(("stato civile", "marital status"), (), ("{nk}-14[1].1",), table="stato_civile"),
    Idea(("identificativo", "id", "identifier", "patient id", "mrn"), ("newborn_id",)),
    Idea(
        ("peso", "peso grammi", "weight", "weight grams", "birth weight"),
        ("grams(OBX[3.1 == '8339-4']-5[1], OBX[3.1 == '8339-4']-6.1)",),
    ),
    Idea(
        ("settimane", "settimane gestazione", "gestation", "gestation weeks", "gestational age"),
        ("OBX[3.1 == '11884-4']-5[1]",),
    ),
    Idea(("plurimo", "parto plurimo", "multiple", "multiple birth"), ("PID-24 == 'Y'",)),
    Idea(("ordine", "ordine nascita", "birth order", "order birth"), ("PID-25",)),
    Idea(("data decesso", "data morte", "death date", "date death"), ("PID-29",)),
    Idea(("data ricovero", "admission date", "date admission"), ("PV1-44",)),
    Idea(("ricovero", "nosologico", "visit number", "numero ricovero"), ("PV1-19.1",)),
    Idea(("numero messaggio", "message id", "control id"), ("MSH-10",)),
    Idea(("id operazione", "numero operazione", "operation id"), ("flow.operationId",)),
    Idea(
        ("data invio", "data ora invio", "data richiesta", "data ora richiesta", "date sent"),
        ("flow.now",),
    ),
)

_FINISH: Final = {
    Kind.DATE: "date",
    Kind.DATETIME: "datetime('Europe/Rome')",
    Kind.TIME: "time",
    Kind.INTEGER: "integer",
    Kind.NUMBER: "number",
}
_MADE: Final = frozenset({"flow.now", "PID-24 == 'Y'"})
"""What has a kind of its own already."""


@dataclass(frozen=True, slots=True)
class Guess:
    """`texts`: expressions, the likeliest first; `table`: the code table that it then wants."""

    texts: tuple[str, ...]
    table: str = ""


def words(name: str) -> list[str]:
    """`codiceIstat` → codice, istat; `CODICE_FISCALE` → codice, fiscale."""
    return [word.lower() for word in _WORD.findall(name)]


def guess(path: Sequence[str], kind: Kind) -> Guess | None:
    """For the element at `path` (names from the root on), whose text is of `kind`; or None."""
    around = {word for name in path for word in words(name)}
    nk = "madre" if around & _MOTHER else "padre" if around & _FATHER else ""
    if around & _OTHERS:
        return None
    fitting = sorted(_fitting(path), key=lambda found: -found[0])
    for _, idea in fitting:
        texts = [text.format(nk=nk) for text in idea.parent] if nk else list(idea.child)
        if texts:
            return Guess(tuple(_finished(text, idea, kind) for text in texts), idea.table)
    return None


def _fitting(path: Sequence[str]) -> Iterator[tuple[int, Idea]]:
    """Ideas that a name and those above it say, with how much of the name they explain."""
    own = set(words(path[-1])) - _MOTHER - _FATHER
    near = {word for name in path[-1 - _NEAR : -1] for word in words(name)}
    for idea in IDEAS:
        for name in idea.names:
            wanted = set(name.split())
            if wanted == {"nome"} and near & _PLACES:
                continue
            if own & wanted and wanted <= own | near and own - wanted <= _SILENT:
                yield 2 * len(wanted & own) + len(wanted), idea


def _finished(text: str, idea: Idea, kind: Kind) -> str:
    if text in _MADE or text.startswith("grams("):
        return text
    finish = _FINISH.get(kind, "") or idea.finish
    return f"{text} | {finish}" if finish and not idea.table else text
