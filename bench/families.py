"""Messages for a load: invented children in number, and the transfers a hospital sends most."""

from __future__ import annotations

from datetime import date, datetime
from hashlib import sha256
from itertools import cycle

from gateway.demo.people import MILANO, SESTO, Child, Parent

_SYLLABLES = ("BA", "CO", "DI", "FE", "GU", "LA", "MO", "NI", "PE", "RU", "SA", "TO", "VI", "ZE")
_MOTHER = Parent("BIANCHI", "ANNA", "F", date(1993, 5, 15), SESTO)
_FATHER = Parent("ROSSI", "MARCO", "M", date(1990, 11, 22), MILANO)
_SEXES = cycle("MF")


def birth(key: str) -> bytes:
    """A declared birth whose child nobody else has; each needs three documents."""
    return invented(key).message("A01").replace(b"DEMO", f"{key[-8:]}X".encode(), 1)


def invented(key: str) -> Child:
    """A child that nobody else has."""
    digest = sha256(key.encode()).digest()
    name = "".join(_SYLLABLES[byte % len(_SYLLABLES)] for byte in digest[:4])
    surname = "".join(_SYLLABLES[byte % len(_SYLLABLES)] for byte in digest[4:8])
    born = datetime(2026, 3, 1 + digest[8] % 28, digest[9] % 24, digest[10] % 60)
    return Child(key, surname, name, next(_SEXES), born, _MOTHER, _FATHER)


def transfer(key: str) -> bytes:
    """An adult changes bed."""
    return (
        f"MSH|^~\\&|HIS|SANTA_PROVA|ICARO|ICARO|20260306090000+0100||ADT^A02|T{key}|P|2.5\r"
        "EVN|A02|20260306090000\r"
        f"PID|1||{key}^^^HIS^PI||CONTI^PIERA^^^^^L||19600101|F|||VIA LARGA 2^^MILANO^MI^20122^ITA\r"
        "PV1|1|I|MED^1^1^SANTA_PROVA||||123^MEDICO^UNO|||MED||||1|||123^MEDICO^UNO|IP|77^^^HIS^VN\r"
    ).encode()
