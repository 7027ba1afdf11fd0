"""Says offline why an envelope would be refused: every reason, not only the first.

Takes the numbered steps of verify.py one by one and goes on after a refusal as far as the next
step can still be tried. Decides nothing: only `verify` is believed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Final, Literal, TypeVar

from cryptography import x509
from lxml import etree

from gateway.errors import VerificationError
from gateway.soap.envelope import Parts, locate
from gateway.soap.keys import algorithm_of
from gateway.soap.names import ID, readable
from gateway.soap.profile import SecurityProfile
from gateway.soap.signature import Reference, SignatureParts, read_signature
from gateway.soap.trust import UNREADABLE, Signer, Trust, decode_base64, signer_of
from gateway.soap.verify import (
    content_of,
    digested,
    read_addressing,
    read_timestamp,
    require_fresh,
    require_references,
    require_signature,
    require_signed,
    require_unique,
)
from gateway.xml import alone, canonical, parse

STEPS: Final = {
    1: "well-formed XML without DTD, comments, processing instructions",
    2: "every part stands once and at its place",
    3: "no Id twice, one signature",
    4: "the token is the partner's, from his pinned CA, valid now",
    5: "the signature has the profile's shape and algorithms and names the token",
    6: "the token's key signed SignedInfo",
    7: "exactly the expected parts are signed, and none changed since",
    8: "the Timestamp is of now",
    9: "addressing is complete",
    10: "not seen before",
}

State = Literal["passed", "refused", "not checked"]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Step:
    """One trust step and what came of it; `reasons` are empty if it passed."""

    number: int
    title: str
    state: State
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{self.number:2}. {self.state}: {self.title}"]
        return "\n".join(lines + [f"      {reason}" for reason in self.reasons])


def explain(
    raw: bytes, *, trust: Trust | None, now: datetime, profile: SecurityProfile
) -> list[Step]:
    """All ten steps for one envelope. Without `trust` the token's issuer is not checked."""
    return _Explanation(trust, now, profile).of(raw)


class _Explanation:
    def __init__(self, trust: Trust | None, now: datetime, profile: SecurityProfile) -> None:
        self._trust = trust
        self._now = now
        self._profile = profile
        self._reasons: dict[int, list[str]] = {}
        self._open = dict.fromkeys(STEPS, "an earlier step has to pass first")
        self._open[10] = "needs the receiver's memory; a second sending is always refused"

    def of(self, raw: bytes) -> list[Step]:
        root = self._try(1, lambda: parse(raw))
        if root is not None:
            self._try(3, lambda: require_unique(root))
            parts = self._try(2, lambda: locate(root, self._profile))
            if parts is not None:
                self._parts(parts)
        return [self._step(number) for number in STEPS]

    def _parts(self, parts: Parts) -> None:
        times = self._try(8, lambda: read_timestamp(parts))
        if times is not None:
            self._try(8, lambda: require_fresh(*times, self._now, self._profile))
        self._try(9, lambda: read_addressing(parts))
        signed = self._try(3, lambda: require_signed(parts))
        if signed is not None:
            self._signed(parts, *signed)

    def _signed(self, parts: Parts, token: etree._Element, signature: etree._Element) -> None:
        signer = self._signer(token)
        algorithm = signer.algorithm if signer else _algorithm_in(token)
        if algorithm is None:
            return
        read = self._try(5, lambda: read_signature(signature, token, algorithm))
        if read is None:
            return
        self._digests(parts, read)
        if signer is not None:
            self._try(6, lambda: require_signature(read, signer))

    def _signer(self, token: etree._Element) -> Signer | None:
        trust = self._trust
        if trust is None:
            self._open[4] = "give the partner's CA with --ca"
            self._open[6] = "give the partner's CA with --ca"
            return None
        return self._try(4, lambda: signer_of(token, trust, self._now))

    def _digests(self, parts: Parts, read: SignatureParts) -> None:
        """Step 7, element by element: one changed part does not hide another."""
        expected = self._try(7, lambda: require_references(parts, read))
        if expected is None:
            return
        content = None
        for element, reference in expected:
            content = self._try(7, partial(digested, element, reference))
            if content is None:
                self._reasons[7] += _guesses(element, reference)
        if content is not None:  # the Body's: it is the last
            self._try(7, partial(content_of, content))

    def _try(self, number: int, step: Callable[[], _T]) -> _T | None:
        self._reasons.setdefault(number, [])
        try:
            return step()
        except VerificationError as error:
            self._reasons[number].append(str(error))
            return None

    def _step(self, number: int) -> Step:
        title = STEPS[number]
        if number not in self._reasons:
            return Step(number, title, "not checked", (self._open[number],))
        reasons = tuple(self._reasons[number])
        return Step(number, title, "refused" if reasons else "passed", reasons)


def _algorithm_in(token: etree._Element) -> str | None:
    """The algorithm of the token's key, whoever issued it."""
    try:
        der = decode_base64(token.text or "", "token", "wsse:BinarySecurityToken")
        return algorithm_of(x509.load_der_x509_certificate(der).public_key())
    except (*UNREADABLE, VerificationError):
        return None


def _guesses(element: etree._Element, reference: Reference) -> list[str]:
    """What a partner may have done, if undoing it gives the digest that was signed."""
    tries = {
        "the digest is of inclusive C14N: use exclusive": _inclusive,
        "white space between elements was added after signing": _tight,
        f"its {readable(ID)} was added after signing": _without_id,
    }
    return [f"guess: {text}" for text, undo in tries.items() if _gives(undo, element, reference)]


def _gives(
    undo: Callable[[etree._Element, Reference], bytes],
    element: etree._Element,
    reference: Reference,
) -> bool:
    try:
        return sha256(undo(element, reference)).digest() == reference.digest
    except (VerificationError, etree.LxmlError):
        return False  # it has no canonical form, whatever is undone


def _inclusive(element: etree._Element, _: Reference) -> bytes:
    return etree.tostring(alone(element), method="c14n")


def _tight(element: etree._Element, reference: Reference) -> bytes:
    copy = alone(element)
    for child in copy.iter():
        if len(child) and not (child.text or "").strip():
            child.text = None
        if child is not copy and not (child.tail or "").strip():
            child.tail = None
    return canonical(copy, reference.prefixes)


def _without_id(element: etree._Element, reference: Reference) -> bytes:
    copy = alone(element)
    copy.attrib.pop(ID, "")
    return canonical(copy, reference.prefixes)
