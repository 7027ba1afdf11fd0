"""Invented families, and the messages that an invented hospital sends about them.

Nobody here exists. Codici fiscali are computed by the official algorithm, so that they pass every
check; the dates are of the days before the feed is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import count

from gateway.mapping.codice_fiscale import compute

MILANO = ("015146", "MILANO", "MI", "F205")
SESTO = ("015209", "SESTO SAN GIOVANNI", "MI", "I690")
BERGAMO = ("016024", "BERGAMO", "BG", "A794")

_numbers = count(1)


@dataclass(frozen=True)
class Parent:
    """A mother or a father. `home`: ISTAT code, name, province, Belfiore code; `number`: an STP or
    ENI code that somebody has who has no codice fiscale.
    """

    surname: str
    given: str
    sex: str
    born: date
    home: tuple[str, str, str, str] = MILANO
    street: str = "VIA VERDI 3"
    country: str = "ITA"
    citizen: str = "100^Italiana^ISTAT"
    number: str = ""
    married: bool = True

    @property
    def codice_fiscale(self) -> str:
        """As if born in Milano."""
        return compute(self.surname, self.given, self.sex, self.born, MILANO[3])

    def nk1(self, number: int, dialect: str) -> str:
        """The NK1 segment, in the hospital's dialect."""
        code = "MTH^Mother^HL70063" if self.sex == "F" else "FTH^Father^HL70063"
        istat, comune, province, _ = self.home
        address = f"{self.street}^^{comune}^{province}^20100^{self.country}^L^^{istat}"
        fields = ["NK1", str(number), f"{self.surname}^{self.given}^^^^^L", code, address]
        fields += [""] * 9 + [self._status(dialect), self.sex]
        citizen = f"^^{self.citizen[:3]}" if dialect == "nnita" else self.citizen
        fields += [f"{self.born:%Y%m%d}", "", "", citizen] + [""] * 13
        return "|".join([*fields, self._identifier(dialect)])

    def _status(self, dialect: str) -> str:
        if dialect == "nnita":
            return "2" if self.married else "1"
        return "M^Married^HL70002" if self.married else "S^Single^HL70002"

    def _identifier(self, dialect: str) -> str:
        if self.number:
            kind, oid = ("STP", "17") if self.number.startswith("STP") else ("ENI", "18")
            return f"{self.number}^^^&2.16.840.1.113883.2.9.4.3.{oid}&ISO^{kind}"
        authority = "NNITA" if dialect == "nnita" else "MEF"
        return f"{self.codice_fiscale}^^^{authority}^NNITA"


@dataclass(frozen=True)
class Child:
    """A newborn at a birth centre in Milano, and what the hospital writes of it.

    `wishes`: the fields of its ZNA; `replaces`: another number of the same child (MRG); `died`: it
    did, before the declaration; `discharge`: PV1-36.
    """

    identifier: str
    surname: str
    given: str
    sex: str
    born: datetime
    mother: Parent
    father: Parent | None = None
    facility: str = "SANTA_PROVA"
    dialect: str = "default"
    paediatrician: str = ""
    weight: int = 3250
    bed: str = "1"
    twin: int = 0
    stillborn: bool = False
    unnamed: bool = False
    processing: str = "P"
    application: str = "HIS"
    wishes: str = ""
    replaces: str = ""
    died: bool = False
    discharge: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    def message(self, event: str, **changes: object) -> bytes:
        """An ADT message about this child, as it is after `changes`."""
        child = replace(self, **changes)  # type: ignore[arg-type]  # the caller names our fields
        number = next(_numbers)
        moment = f"{self.born:%Y%m%d%H%M}00+0100"
        segments = [
            f"MSH|^~\\&|{child.application}|{self.facility}|ICARO|ICARO|{moment}||ADT^{event}"
            f"|DEMO{number:06d}|{child.processing}|2.5|||||ITA|UNICODE UTF-8",
            f"EVN|{event}|{self.born:%Y%m%d%H%M}",
            child.pid(),
            *([f"PD1||||{child.paediatrician}"] if child.paediatrician else []),
            *child.parents(),
            *([f"MRG|{child.replaces}^^^HIS^PI"] if child.replaces else []),
            f"PV1|1|I|NIDO^{child.bed}^2^{self.facility}|N" + child.leaves(),
            f"OBX|1|NM|8339-4^Peso alla nascita^LN||{child.weight}|g|||||F",
            *([f"ZNA|{child.wishes}"] if child.wishes else []),
        ]
        return ("\r".join(segments) + "\r").encode()

    def pid(self) -> str:
        """The PID segment."""
        birthplace = "BDL" if self.dialect == "nnita" else "N"
        fields = ["PID", "1", "", f"{self.identifier}^^^HIS^PI", ""]
        fields += [f"{self.surname}^{self.given}^^^^^L", "", f"{self.born:%Y%m%d%H%M}", self.sex]
        fields += ["", "", f"^^MILANO^MI^^ITA^{birthplace}^^015146"] + [""] * 12
        fields += ["Y" if self.twin else "N", str(self.twin or ""), "100", "", ""]
        fields += [f"{self.born + timedelta(hours=2):%Y%m%d%H%M}" if self.died else ""]
        return "|".join([*fields, "Y" if self.stillborn or self.died else ""]).rstrip("|")

    def leaves(self) -> str:
        """The rest of PV1, if there is any: how it was discharged."""
        return f"{'|' * 32}{self.discharge}" if self.discharge else ""

    def parents(self) -> list[str]:
        """The NK1 segments; an unnamed mother's carries her wish."""
        mother = self.mother.nk1(1, self.dialect)
        if self.unnamed:
            fields = mother.split("|")
            fields[23:24] = ["Y"]
            mother = "|".join(fields)
        return [mother, *([self.father.nk1(2, self.dialect)] if self.father else [])]
