"""HL7 v2 as values: blocks, messages, acknowledgments. Knows no sockets, no SQL, no Italy.

The public names of the room. A message is read lazily and written back byte for byte; what an
HL7 version says comes from the dictionary; what a birth is, is not known here.
"""

from gateway.hl7.acknowledgment import (
    Ask,
    Reply,
    Verdict,
    acknowledge,
    acknowledge_on_return_channel,
    asked,
    nak_for,
    read_acknowledgment,
)
from gateway.hl7.builder import Builder, Target, target
from gateway.hl7.conformance import check, structure
from gateway.hl7.dictionary import ADT_EVENTS, UNBOUNDED, VERSIONS, Dictionary, dictionary
from gateway.hl7.dossier import Dossier, fold
from gateway.hl7.finding import TABLE_0357, Finding
from gateway.hl7.framing import BlockReader, wrap
from gateway.hl7.location import Location
from gateway.hl7.message import Message
from gateway.hl7.redaction import redact, redact_dossier
from gateway.hl7.segment import NULL, Segment
from gateway.hl7.time import Time, TimeError, format_time, parse_time, zone_of

__all__ = [
    "ADT_EVENTS",
    "NULL",
    "TABLE_0357",
    "UNBOUNDED",
    "VERSIONS",
    "Ask",
    "BlockReader",
    "Builder",
    "Dictionary",
    "Dossier",
    "Finding",
    "Location",
    "Message",
    "Reply",
    "Segment",
    "Target",
    "Time",
    "TimeError",
    "Verdict",
    "acknowledge",
    "acknowledge_on_return_channel",
    "asked",
    "check",
    "dictionary",
    "fold",
    "format_time",
    "nak_for",
    "parse_time",
    "read_acknowledgment",
    "redact",
    "redact_dossier",
    "structure",
    "target",
    "wrap",
    "zone_of",
]
