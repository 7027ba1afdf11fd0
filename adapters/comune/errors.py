"""The codes by which a Comune refuses: ANPR's own and those of `xsd/comune`; texts ours."""

from __future__ import annotations

from typing import Final

from adapters.simulation.catalogue import Catalogue, Entry

UNKNOWN_RECEIPT: Final = "PROTOCOLLO_IGNOTO"
NOT_COMPETENT: Final = "COM001"
LATE: Final = "COM003"
UNREADABLE: Final = "COM005"
ANNULLED: Final = "EN077"
OTHER_BODY: Final = "EN079"
MISSING_FIELD: Final = "EN081"
DOWN: Final = "INDISPONIBILE"

CATALOGUE: Final[Catalogue] = {
    NOT_COMPETENT: Entry("E", "Questo Comune non e' competente"),
    "COM002": Entry("E", "La nascita risulta gia' registrata"),
    LATE: Entry("E", "Dichiarazione tardiva senza ragioni del ritardo"),
    "COM004": Entry("W", "La residenza della madre non e' quella dell'anagrafe"),
    UNREADABLE: Entry("E", "Un allegato non si legge o non ha la sua impronta"),
    "EC007": Entry("E", "Comune di nascita sconosciuto o non valido alla data di nascita"),
    "EC009": Entry("E", "Codice ISTAT e nome del comune di nascita non si corrispondono"),
    "EC030": Entry("E", "Stato estero di nascita sconosciuto"),
    "EC036": Entry("E", "Stato della cittadinanza sconosciuto"),
    "EC148": Entry("E", "Comune di nascita di un genitore sconosciuto"),
    "EF014": Entry("E", "Attribuzione alla famiglia non ammessa per una nascita"),
    "EN043": Entry("E", "Piu' persone corrispondono ai dati di un genitore"),
    ANNULLED: Entry("E", "L'operazione indicata e' stata annullata"),
    "EN078": Entry("E", "L'operazione da annullare non risulta"),
    UNKNOWN_RECEIPT: Entry("E", "Protocollo sconosciuto"),
    OTHER_BODY: Entry("E", "Identificativo gia' usato per un'altra richiesta"),
    MISSING_FIELD: Entry("E", "Manca un campo obbligatorio"),
    "EN188": Entry("E", "Il nato risulta gia' registrato"),
    "ES013": Entry("E", "Data dell'atto anteriore alla nascita o futura"),
    "ES080": Entry("E", "Mancano i dati dell'atto di nascita"),
    DOWN: Entry("E", "Servizio non disponibile, riprovare"),
}
