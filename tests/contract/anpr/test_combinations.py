"""Parents, acts, codes and the officer's decisions in every combination, against an oracle.

The oracle says in Python what ANPR's list says of them; the mapping must refuse exactly that, and
whatever it lets through is valid for the Ministry's schema, for that is part of every run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.mapping import Result

from .conftest import ARCHIVE, PAPER, Facts, told

CONTROL = "datiControllo"
CODE = "RSSGLI26C41F205V"
said = st.sampled_from([None, "1", "2", "3", "4", "5", "6"])


@dataclass(frozen=True)
class Birth:
    """One combination; None where the officer says nothing."""

    father: bool
    mother: bool
    unnamed: bool
    paper: bool
    archive: bool
    code: bool
    omocodia: bool
    family: bool
    filiation: str | None
    origin: str | None
    joins: str | None
    handling: str | None

    @property
    def named(self) -> tuple[bool, bool]:
        """Father and mother as the document names them."""
        return self.father and not self.unnamed, self.mother and not self.unnamed


BIRTHS = st.builds(
    Birth,
    filiation=said,
    origin=said,
    joins=said,
    handling=said,
)


def _by_parents(birth: Birth) -> str:
    """1 both, 2 the father, 3 the mother, 4 neither: filiation and family alike."""
    return {(True, True): "1", (True, False): "2", (False, True): "3"}.get(birth.named, "4")


def expected(birth: Birth) -> set[str]:
    """What ANPR's list refuses of it."""
    father, mother = birth.named
    filiation = birth.filiation or _by_parents(birth)
    joins = birth.joins or _by_parents(birth)
    origin = birth.origin or ("4" if birth.unnamed else None)
    first = "2" if birth.omocodia else "1"
    handling = birth.handling or (None if birth.code else first)
    told = {
        f"ES035 {CONTROL}/filiazione": filiation not in ("1", "2", "3", "4"),
        f"ES036 {CONTROL}/filiazione": filiation in ("1", "2") and not father,
        f"ES037 {CONTROL}/filiazione": filiation in ("1", "3") and not mother,
        f"ES039 {CONTROL}/origineCognome": (origin or "1") not in ("1", "2", "3", "4"),
        f"ES040 {CONTROL}/origineCognome": origin in ("1", "3") and not father,
        f"ES041 {CONTROL}/origineCognome": origin in ("2", "3") and not mother,
        f"EF014 {CONTROL}/attribuzioneFamiglia": joins not in ("1", "2", "3", "4", "5"),
        f"ES042 {CONTROL}/attribuzioneFamiglia": joins in ("1", "2") and not father,
        f"ES043 {CONTROL}/attribuzioneFamiglia": joins in ("1", "3") and not mother,
        "EF030 famConv": joins in ("4", "5") and not birth.family,
        f"ES090 {CONTROL}/gestioneCF": (handling or "1") not in ("1", "2", "3"),
        f"EN125 {CONTROL}/gestioneCF": birth.code and handling in ("1", "2"),
        "ES080 attoNascita": not birth.paper and not birth.archive,
        "ATTO attoNascitaANPR": birth.paper and birth.archive,
    }
    return {f"RULE {rule}" for rule, broken in told.items() if broken}


def _facts(birth: Birth) -> list[Facts]:
    control = {
        "filiazione": birth.filiation,
        "origineCognome": birth.origin,
        "attribuzioneFamiglia": birth.joins,
        "gestioneCF": birth.handling,
    }
    facts: list[Facts] = [
        {"controllo": {name: text for name, text in control.items() if text}},
        {"nato": {"cognome": "ROSSI", "nome": "GIULIA", "cittadinanza": "100"}},
        {"richiesta_cf": {"tipoRichiesta": "2" if birth.omocodia else "1"}},
    ]
    facts += [PAPER] if birth.paper else []
    facts += [ARCHIVE] if birth.archive else []
    facts += [{"codice_fiscale": {"codiceFiscale": CODE}}] if birth.code else []
    # A tie that both a family and an institution have.
    facts += [{"famiglia": {"idAnpr": "900012", "codiceLegame": "3"}}] if birth.family else []
    return facts


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(birth=BIRTHS)
def test_exactly_what_anpr_refuses_is_refused(
    register: Callable[..., Result], birth: Birth
) -> None:
    """Any combination is either a valid document or refused with ANPR's own codes."""
    without = tuple(
        start for start, there in (("NK1|1|", birth.mother), ("NK1|2|", birth.father)) if not there
    )
    wish = {"PV1|1|I": "PV2||||||||||||||||||||||Y\rPV1|1|I"} if birth.unnamed else {}
    result = register("femmina", *_facts(birth), without=without, **wish)
    assert set(told(result)) == expected(birth)
    assert (result.value is None) == bool(expected(birth))
    if result.value is not None:
        acts = [result.value.find(name) for name in ("attoNascita", "attoNascitaANPR")]
        assert len([act for act in acts if act is not None]) == 1
