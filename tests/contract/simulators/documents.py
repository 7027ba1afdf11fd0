"""Requests to the three administrations about invented persons, as plain values."""

from __future__ import annotations

from itertools import count

from adapters.simulation.documents import Answer

_NUMBER = count(1)
MILANO = {"nomeComune": "Milano", "codiceIstat": "015146", "siglaProvinciaIstat": "MI"}


def header(operation_id: str | None = None, destinatario: str = "015146") -> dict[str, str]:
    """A `testataRichiesta`; without an id, a new one."""
    return {
        "idOperazione": operation_id or f"op-{next(_NUMBER):06d}",
        "codMittente": "H0001",
        "codDestinatario": destinatario,
        "operazioneRichiesta": "registraNascita",
        "dataOraRichiesta": "2026-11-21T10:00:00Z",
        "tipoInvio": "TEST",
    }


def person(name: str = "ANNA", surname: str = "VERDINI", **more: object) -> dict[str, object]:
    """The `generalita` of a child born in Milano; `more` comes before, as the schema wants."""
    return {
        **more,
        "cognome": surname,
        "nome": name,
        "sesso": "F",
        "dataNascita": "2026-11-18",
        "luogoNascita": {"comune": MILANO},
    }


def code(text: str) -> dict[str, object]:
    """A codice fiscale inside a `generalita`."""
    return {"codiceFiscale": {"codFiscale": text}}


def birth(operation_id: str | None = None, **more: object) -> Answer:
    """RichiestaRegistraNascita, or, with `protocollo`, a correction; `declared` and `why` are the
    day of the declaration and the reasons of its delay.
    """
    names = {"declared": "dataDichiarazione", "why": "ragioniRitardo"}
    said = {names[key]: more[key] for key in names if key in more}
    return {
        "testataRichiesta": header(operation_id),
        **({"protocollo": more["protocollo"]} if "protocollo" in more else {}),
        "attestazioneNascita": {
            "centroNascita": {"codiceStruttura": "H0001"},
            "identificativoNato": {"codice": "N-1"},
            "dataNascita": "2026-11-18",
            "luogoNascita": {"comune": MILANO},
            "sesso": "F",
            "parto": {"genereParto": "SEMPLICE", "ordineNascita": "1"},
            "vitalita": "NATO_VIVO",
            "madreNonNominata": "false",
        },
        "dichiarazioneNascita": {"generalita": person(), **said},
        "datiControllo": {"attribuzioneFamiglia": "1", "gestioneCF": "1"},
        **({"allegato": more["allegato"]} if "allegato" in more else {}),
    }  # type: ignore[return-value]  # values of one shape of several


def follow(protocollo: str, operation_id: str | None = None) -> Answer:
    """An annulment, of any of the three services."""
    return {
        "testataRichiesta": header(operation_id),
        "protocollo": protocollo,
        "motivo": "Registrata per errore",
    }


def query(operation_id: str) -> Answer:
    """RichiestaConsultaEsito."""
    return {"testataRichiesta": header(), "idOperazione": operation_id}


def assignment(
    kind: str = "1", operation_id: str | None = None, order: str = "", **child: object
) -> Answer:
    """RichiestaAttribuzione, or, with `protocollo`, a RichiestaVariazione."""
    protocollo = child.pop("protocollo", None)
    return {
        "testataRichiesta": header(operation_id),
        **({"protocollo": protocollo} if protocollo else {}),
        "tipoRichiesta": kind,
        "generalita": person(**child),  # type: ignore[arg-type]  # as above
        **({"ordineNascita": order} if order else {}),
    }  # type: ignore[return-value]  # as above


def enrolment(cf: str, mother: str = "", operation_id: str | None = None, **more: str) -> Answer:
    """RichiestaIscriviAssistito, or, with `protocollo`, RichiestaVariaAssistito."""
    parent = {"generalita": {**code(mother), "cognome": "NERI", "nome": "LUCIA"}}
    return {
        "testataRichiesta": header(operation_id, "ASL321"),
        **more,
        "assistito": {"generalita": person(**code(cf))},
        **({"maternita": parent} if mother else {}),
    }  # type: ignore[return-value,arg-type]  # as above


def choice(cf: str, paediatrician: str = "", **more: str) -> Answer:
    """RichiestaScegliPediatra (or Varia, with `protocollo`); without a choice, the ASL assigns."""
    wish = {"codicePediatra": paediatrician} if paediatrician else {"assegnazioneUfficio": "1"}
    return {
        "testataRichiesta": header(None, "ASL321"),
        **more,
        "codiceFiscale": cf,
        **wish,
    }
