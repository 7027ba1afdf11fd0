"""Which keys sign, and that pairs are pairs."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from gateway.errors import SigningError
from gateway.soap.keys import SigningKey, algorithm_of, signature_is_of
from tests.soap_parties import DAY, NOW, Authority, Party, ec_key, rsa_key


def test_only_rsa_2048_and_p256_sign() -> None:
    """Weaker keys, other curves and other kinds have no algorithm."""
    assert algorithm_of(rsa_key(1024)) is None
    assert algorithm_of(ec_key(ec.SECP384R1())) is None
    assert algorithm_of(ed25519.Ed25519PrivateKey.generate()) is None


def test_a_weak_key_is_refused_at_once() -> None:
    """A key that partners would refuse is refused before the first envelope."""
    key, authority = rsa_key(1024), Authority()
    with pytest.raises(SigningError, match="2048"):
        SigningKey(key, authority.issue(key))


def test_a_certificate_of_another_key_is_refused() -> None:
    """The certificate must be the key's own."""
    with pytest.raises(SigningError, match="another key"):
        SigningKey(ec_key(), Authority().issue(ec_key()))


def test_a_signature_is_of_one_key_and_one_text(party: Party, ec_party: Party) -> None:
    """Both kinds of key: true for the text that was signed, false for any other."""
    for signer in (party, ec_party):
        public = signer.key.private_key.public_key()
        value = signer.key.sign(b"nascita")
        assert signature_is_of(public, value, b"nascita")
        assert not signature_is_of(public, value, b"nascitb")
        assert not signature_is_of(public, value[:-1], b"nascita")


def test_days_left_tells_the_operator_in_time(party: Party) -> None:
    """Days until expiry, negative after it."""
    assert party.key.days_left(NOW) == 100
    assert party.key.days_left(NOW + 101 * DAY) == -1


def test_a_key_never_prints_itself(party: Party) -> None:
    """Neither key nor certificate appear in a repr."""
    assert repr(party.key) == "SigningKey()"
