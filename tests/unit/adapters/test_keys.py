"""Keys and certificates from files: what can be used, and which file cannot."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from adapters.keys import (
    DEVELOPMENT,
    PARTIES,
    DevelopmentPki,
    load_certificates,
    load_identity,
    load_signing_key,
)
from gateway.errors import ConfigurationError
from gateway.soap.names import ECDSA_SHA256, RSA_SHA256

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two parties' folders."""
    folder = tmp_path_factory.mktemp("certs")
    DevelopmentPki(NOW).write(folder, ["gateway", "comune"])
    return folder


def problem(*arguments: Path, **options: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_identity(*arguments, **options)  # type: ignore[arg-type]  # keyword table
    return str(caught.value)


# ---------------------------------------------------------------- the development PKI
def test_every_party_gets_its_own_ca_and_two_keys(pki: Path) -> None:
    """A CA per party; TLS and signing are two keys."""
    assert len(PARTIES) == 5
    assert sorted(path.name for path in (pki / "comune").iterdir()) == [
        "ca.pem",
        "sign.key",
        "sign.pem",
        "tls.key",
        "tls.pem",
    ]
    tls = load_identity(pki / "comune/tls.pem", pki / "comune/tls.key")
    sign = load_signing_key(pki / "comune/sign.pem", pki / "comune/sign.key")
    assert sign.algorithm == RSA_SHA256
    assert isinstance(tls.private_key, ec.EllipticCurvePrivateKey)
    (ca,) = load_certificates(pki / "comune/ca.pem")
    (other,) = load_certificates(pki / "gateway/ca.pem")
    for certificate in (tls.certificate, sign.certificate):
        certificate.verify_directly_issued_by(ca)
        with pytest.raises(ValueError, match="Issuer"):
            certificate.verify_directly_issued_by(other)


def test_development_certificates_say_so_and_do_not_last(pki: Path) -> None:
    """The subject says that they are not valid; thirty days, and it is over."""
    for name in ("ca", "tls", "sign"):
        (certificate,) = load_certificates(pki / f"comune/{name}.pem")
        assert DEVELOPMENT in certificate.subject.rfc4514_string()
    tls = load_identity(pki / "comune/tls.pem", pki / "comune/tls.key")
    assert tls.days_left(NOW) == 30
    assert tls.days_left(NOW + timedelta(days=31)) == -1


def test_private_keys_are_the_owners_alone(pki: Path) -> None:
    """Key files are 0600; the CA's key is nowhere."""
    keys = sorted(pki.glob("*/*.key"))
    assert len(keys) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


def test_certificates_are_made_for_one_purpose(pki: Path) -> None:
    """TLS certificates name localhost; signing certificates serve no TLS."""
    (tls,) = load_certificates(pki / "comune/tls.pem")
    (sign,) = load_certificates(pki / "comune/sign.pem")
    names = tls.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    tls_usage = tls.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    sign_usage = sign.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(tls_usage) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert not set(tls_usage) & set(sign_usage)


def test_nothing_is_overwritten(pki: Path) -> None:
    """Keys that are there stay; the folder in the way is named, and nothing new is written."""
    before = (pki / "comune/sign.key").read_bytes()
    with pytest.raises(ConfigurationError, match="comune: is there already"):
        DevelopmentPki(NOW).write(pki, ["asl", "comune"])
    assert (pki / "comune/sign.key").read_bytes() == before
    assert not (pki / "asl").exists()


# ---------------------------------------------------------------- reading
def packed(pki: Path, password: bytes | None) -> bytes:
    key = load_pem_private_key((pki / "comune/sign.key").read_bytes(), None)
    (certificate,) = load_certificates(pki / "comune/sign.pem")
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(
        b"firma",
        key,  # type: ignore[arg-type]  # an RSA key
        certificate,
        load_certificates(pki / "comune/ca.pem"),
        encryption,
    )


def test_pkcs12_is_read_with_a_password_from_a_file(pki: Path, tmp_path: Path) -> None:
    """The password's last line end does not belong to it."""
    (tmp_path / "firma.p12").write_bytes(packed(pki, b"segreta"))
    (tmp_path / "password").write_text("segreta\n")
    found = load_identity(tmp_path / "firma.p12", password_file=tmp_path / "password")
    assert found.chain == load_certificates(pki / "comune/ca.pem")
    assert found.certificate == load_certificates(pki / "comune/sign.pem")[0]


def test_pkcs12_is_read_with_a_password_from_the_environment(
    pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that is not set is named; a wrong password is told as such."""
    path = tmp_path / "firma.PFX"
    path.write_bytes(packed(pki, b"segreta"))
    monkeypatch.setenv("ICARO_P12", "segreta")
    assert load_signing_key(path, password_env="ICARO_P12").algorithm == RSA_SHA256
    monkeypatch.setenv("ICARO_P12", "sbagliata")
    assert "firma.PFX: wrong password" in problem(path, password_env="ICARO_P12")
    assert "ICARO_ALTRA: is not set" in problem(path, password_env="ICARO_ALTRA")


def test_an_encrypted_pem_key_needs_its_password(pki: Path, tmp_path: Path) -> None:
    """Without a password, and with a wrong one, the file is named and nothing of it told."""
    key = load_pem_private_key((pki / "comune/tls.key").read_bytes(), None)
    (tmp_path / "tls.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"segreta"))
    )
    (tmp_path / "giusta").write_text("segreta")
    (tmp_path / "sbagliata").write_text("altra")
    files = (pki / "comune/tls.pem", tmp_path / "tls.key")
    assert load_signing_key(*files, password_file=tmp_path / "giusta").algorithm == ECDSA_SHA256
    assert "tls.key: wrong password" in problem(*files, password_file=tmp_path / "sbagliata")
    assert "tls.key: encrypted without a password" in problem(*files)


def test_key_and_certificate_may_share_a_file_with_the_chain(pki: Path, tmp_path: Path) -> None:
    """One PEM with key, certificate and intermediates."""
    names = ("tls.key", "tls.pem", "ca.pem")
    content = b"".join((pki / "comune" / name).read_bytes() for name in names)
    (tmp_path / "tutto.pem").write_bytes(content)
    found = load_identity(tmp_path / "tutto.pem")
    assert found.chain == load_certificates(pki / "comune/ca.pem")
    assert "PRIVATE" not in repr(found)


def test_files_that_cannot_be_used_are_named(pki: Path, tmp_path: Path) -> None:
    """Missing, empty, without key, another key, another kind of key."""
    comune, gateway = pki / "comune", pki / "gateway"
    assert "manca.pem: No such file" in problem(tmp_path / "manca.pem")
    (tmp_path / "vuoto.pem").write_bytes(b"")
    assert "vuoto.pem: has no usable PEM certificate" in problem(tmp_path / "vuoto.pem")
    assert "ca.pem: encrypted without a password, or no" in problem(comune / "ca.pem")
    assert "another key" in problem(comune / "tls.pem", gateway / "tls.key")
    ed = ed25519.Ed25519PrivateKey.generate()
    (tmp_path / "ed.key").write_bytes(
        ed.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    assert "ed.key: is neither an RSA nor an EC key" in problem(
        comune / "tls.pem", tmp_path / "ed.key"
    )
    only_ca = pkcs12.serialize_key_and_certificates(
        None, None, None, load_certificates(comune / "ca.pem"), NoEncryption()
    )
    (tmp_path / "ca.p12").write_bytes(only_ca)
    assert "ca.p12: holds no private key" in problem(tmp_path / "ca.p12")
