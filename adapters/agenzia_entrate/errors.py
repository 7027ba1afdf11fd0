"""The codes by which Agenzia delle Entrate answers: ANPR's own, and those of `xsd`; texts ours."""

from __future__ import annotations

from typing import Final

from adapters.simulation.catalogue import Catalogue, Entry

ALREADY_KNOWN: Final = "EAA30"
OTHER_CODE: Final = "EA003"
NOT_COMPUTED: Final = "EA029"
OTHER_DATE: Final = "EA038"
OTHER_SEX: Final = "EA042"
WRONG_LENGTH: Final = "EA001"
OMOCODE: Final = "EAA50"
UNUSABLE: Final = "EN403"
WRONG_CODE: Final = "AEE01"
UNKNOWN_PLACE: Final = "AEE02"
UNKNOWN_STATE: Final = "EC030"
UNKNOWN_RECEIPT: Final = "PROTOCOLLO_IGNOTO"
OTHER_BODY: Final = "EN079"
MISSING_FIELD: Final = "EN081"
DOWN: Final = "AEE95"

CATALOGUE: Final[Catalogue] = {
    WRONG_LENGTH: Entry("W", "Codice fiscale di lunghezza sbagliata"),
    "EA002": Entry("W", "Persona nota con gli stessi dati, codice fiscale non indicato"),
    OTHER_CODE: Entry("W", "Persona nota con gli stessi dati e un altro codice fiscale"),
    NOT_COMPUTED: Entry("W", "Il codice indicato non e' quello che si calcola dai dati"),
    OTHER_DATE: Entry("W", "La data di nascita non e' quella del codice fiscale"),
    OTHER_SEX: Entry("W", "Il sesso non e' quello del codice fiscale"),
    ALREADY_KNOWN: Entry("W", "La persona ha gia' un codice fiscale"),
    "EAA31": Entry("W", "La persona ha gia' un codice fiscale, con altri dati"),
    "EAA40": Entry("W", "La persona ha un codice fiscale piu' recente"),
    OMOCODE: Entry("W", "Codice di base di piu' persone: assegnato con omocodia"),
    UNKNOWN_PLACE: Entry("E", "Comune di nascita sconosciuto o non valido alla data di nascita"),
    UNKNOWN_STATE: Entry("E", "Stato estero di nascita sconosciuto"),
    UNKNOWN_RECEIPT: Entry("E", "Protocollo sconosciuto"),
    WRONG_CODE: Entry("E", "Il codice da validare non e' di questi dati"),
    OTHER_BODY: Entry("E", "Identificativo gia' usato per un'altra richiesta"),
    MISSING_FIELD: Entry("E", "Manca un campo obbligatorio"),
    UNUSABLE: Entry("E", "Dati sbagliati o insufficienti"),
    DOWN: Entry("E", "Servizio dell'Agenzia delle Entrate non disponibile, riprovare"),
}
