"""An independent tool judges our envelopes: xmlsec1 and openssl, from Debian."""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway.errors import VerificationError
from gateway.soap.names import SOAP11, WSA, WSSE, WSU
from gateway.soap.profile import MODI
from gateway.soap.verify import verify

MISSING = [tool for tool in ("xmlsec1", "openssl") if shutil.which(tool) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

SIGNED = [
    (WSU, "Timestamp"),
    (WSA, "To"),
    (WSA, "Action"),
    (WSA, "MessageID"),
    (WSA, "RelatesTo"),
    (SOAP11, "Body"),
    (WSSE, "BinarySecurityToken"),
]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True)


def certificate_in(envelope: Path) -> Path:
    """The token of the envelope as a PEM file beside it."""
    token = next(etree.parse(envelope).iter(f"{{{WSSE}}}BinarySecurityToken"))
    certificate = x509.load_der_x509_certificate(b64decode(token.text or ""))
    path = envelope.with_suffix(".pem")
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    return path


def chain_is_good(envelope: Path, ca: Path) -> bool:
    return run("openssl", "verify", "-CAfile", ca, certificate_in(envelope)).returncode == 0


def signature_is_good(envelope: Path) -> bool:
    identifiers = [
        word for namespace, name in SIGNED for word in ("--id-attr:Id", f"{namespace}:{name}")
    ]
    certificate = certificate_in(envelope)
    command = ("xmlsec1", "--verify", *identifiers, "--pubkey-cert-pem", certificate, envelope)
    return run(*command).returncode == 0


def ours_believes(on_disk: Any) -> bool:
    try:
        verify(on_disk.envelope.read_bytes(), trust=on_disk.trust, now=on_disk.now, profile=MODI)
    except VerificationError:
        return False
    return True


@pytest.mark.parametrize("on_disk", ["sign", "tls"], indirect=True)
def test_an_independent_tool_believes_our_envelope(on_disk: Any) -> None:
    """Token extracted, chain checked against the CA, signature checked with that certificate."""
    assert chain_is_good(on_disk.envelope, on_disk.ca)
    assert signature_is_good(on_disk.envelope)
    assert ours_believes(on_disk)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("INVENTATÌ", "INVENTATI"),
        ("<wsu:Created>2", "<wsu:Created>1"),
        ("urn:example:1/registra", "urn:example:1/registrb"),
    ],
)
def test_both_refuse_an_envelope_changed_by_a_byte(on_disk: Any, old: str, new: str) -> None:
    """One character of Body, Timestamp or Action: the tool refuses it, and so do we."""
    raw = on_disk.envelope.read_text("utf-8")
    assert old in raw
    on_disk.envelope.write_text(raw.replace(old, new), "utf-8")
    assert chain_is_good(on_disk.envelope, on_disk.ca)
    assert not signature_is_good(on_disk.envelope)
    assert not ours_believes(on_disk)


def test_a_foreign_ca_is_refused_by_openssl_too(on_disk: Any, pki: Path) -> None:
    """Against another party's CA the chain does not hold."""
    assert not chain_is_good(on_disk.envelope, pki / "asl/ca.pem")
