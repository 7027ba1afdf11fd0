"""The codes by which the ASL answers. No national list exists: numbers and texts are ours."""

from __future__ import annotations

from typing import Final

from adapters.simulation.catalogue import Catalogue, Entry

BAD_CODE: Final = "ASL003"
ENROLLED: Final = "ASL001"
UNKNOWN_RECEIPT: Final = "PROTOCOLLO_IGNOTO"
NOT_ENROLLED: Final = "PED003"
UNKNOWN_PAEDIATRICIAN: Final = "PED002"
FULL: Final = "PED001"
TOO_OLD: Final = "PED004"
OTHER_BODY: Final = "ASL008"
MISSING_FIELD: Final = "ASL009"
CHOSEN: Final = "PED005"
DOWN: Final = "INDISPONIBILE"

CATALOGUE: Final[Catalogue] = {
    BAD_CODE: Entry("E", "Codice fiscale assente o non valido"),
    "ASL002": Entry("E", "La residenza non e' di questa ASL"),
    ENROLLED: Entry("E", "Assistito gia' iscritto"),
    UNKNOWN_RECEIPT: Entry("E", "Protocollo sconosciuto"),
    NOT_ENROLLED: Entry("E", "La persona non e' iscritta"),
    UNKNOWN_PAEDIATRICIAN: Entry("E", "Pediatra sconosciuto"),
    FULL: Entry("E", "Il pediatra non ha posti liberi"),
    TOO_OLD: Entry("E", "Eta' da cui il pediatra non e' previsto"),
    OTHER_BODY: Entry("E", "Identificativo gia' usato per un'altra richiesta"),
    MISSING_FIELD: Entry("E", "Manca un campo obbligatorio"),
    CHOSEN: Entry("E", "La persona ha gia' un pediatra: variare la scelta"),
    DOWN: Entry("E", "Servizio non disponibile, riprovare"),
}
