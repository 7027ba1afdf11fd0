"""HL7 over MLLP: the listener hospitals speak to, and the sender of the return feed."""

from adapters.mllp.listener import MllpListener
from adapters.mllp.peer import Intake, Peer, Refuse
from adapters.mllp.sender import Answered, Lost, MllpSender, NotSent
from adapters.mllp.tls import HisTls, client_tls

__all__ = [
    "Answered",
    "HisTls",
    "Intake",
    "Lost",
    "MllpListener",
    "MllpSender",
    "NotSent",
    "Peer",
    "Refuse",
    "client_tls",
]
