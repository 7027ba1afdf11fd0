"""HL7 v2 as values: blocks, messages, acknowledgments. Knows no sockets, no SQL, no Italy.

The public names of the room. A message is read lazily and written back byte for byte; what an
HL7 version says comes from the dictionary; what a birth is, is not known here.
"""

from gateway.hl7.dictionary import VERSIONS, Dictionary, dictionary
from gateway.hl7.framing import BlockReader, wrap
from gateway.hl7.location import Location
from gateway.hl7.message import Message
from gateway.hl7.segment import NULL, Segment
from gateway.hl7.time import Time, TimeError, parse_time, zone_of

__all__ = [
    "NULL",
    "VERSIONS",
    "BlockReader",
    "Dictionary",
    "Location",
    "Message",
    "Segment",
    "Time",
    "TimeError",
    "dictionary",
    "parse_time",
    "wrap",
    "zone_of",
]
