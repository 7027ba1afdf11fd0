"""Tokens: whose they are, what they were made for, and when."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.soap.explain import explain
from gateway.soap.keys import SigningKey
from gateway.soap.names import ID
from gateway.soap.trust import Trust, _admitted
from tests.soap_parties import (
    DAY,
    NOW,
    Authority,
    Party,
    ec_key,
    make_party,
    one,
    refusal,
    rsa_key,
    text,
)


def test_keyinfo_must_name_the_token(party: Party) -> None:
    """A KeyInfo that points elsewhere is refused."""
    raw = party.resign(lambda root: one(one(root, "KeyInfo"), "Reference").set("URI", "#Body"))
    assert refusal(party, raw) == ("key", "ds:KeyInfo")


def test_keyinfo_of_another_kind_of_token_is_refused(party: Party) -> None:
    """The reference says X509v3 or nothing."""
    raw = party.resign(
        lambda root: one(one(root, "KeyInfo"), "Reference").set("ValueType", "urn:x")
    )
    assert refusal(party, raw) == ("key", "ds:KeyInfo")


def test_a_token_without_id_is_refused(party: Party) -> None:
    """KeyInfo can name only a token with an Id."""
    raw = party.forge(lambda root: one(root, "BinarySecurityToken").attrib.pop(ID))
    assert refusal(party, raw) == ("key", "ds:KeyInfo")


def test_a_token_of_a_foreign_ca_is_refused(party: Party) -> None:
    """An envelope that is perfect but for the CA that issued its token is refused."""
    stranger = make_party(ec_key())
    assert refusal(party, stranger.envelope())[0] == "token issuer"


def test_a_token_of_a_ca_of_the_same_name_is_refused(party: Party) -> None:
    """The CA is known by its key, not by its name."""
    stranger = make_party(ec_key())
    assert stranger.authority.title == party.authority.title
    assert refusal(party, stranger.envelope()) == ("token issuer", "wsse:BinarySecurityToken")


def test_another_customer_of_the_ca_is_refused(party: Party) -> None:
    """Where the directory pins the certificate, others of the same CA are refused."""
    pinned = party.key.certificate.fingerprint(party.key.certificate.signature_hash_algorithm)  # type: ignore[arg-type]  # SHA-256
    good = Trust((party.authority.certificate,), fingerprints=frozenset({pinned.hex()}))
    assert party.check(party.envelope(), trust=good).action
    named = Trust((party.authority.certificate,), subjects=frozenset({"CN=firma"}))
    assert party.check(party.envelope(), trust=named).action
    other = Trust((party.authority.certificate,), subjects=frozenset({"CN=altro"}))
    assert refusal(party, party.envelope(), trust=other)[0] == "token pin"


def test_the_token_of_the_ca_itself_is_refused(party: Party) -> None:
    """A CA issues; it does not sign births."""
    key = ec_key()
    authority = Authority(key=key)
    own = Party(authority, SigningKey(key, authority.certificate))
    assert refusal(own, own.envelope())[0] == "token usage"


@pytest.mark.parametrize("day", [-101, 101])
def test_a_token_out_of_its_time_is_refused(party: Party, day: int) -> None:
    """Expired and not yet valid certificates are refused, whatever the Timestamp says."""
    raw = party.envelope()
    assert refusal(party, raw, now=NOW + day * DAY)[0] == "token validity"


def test_a_token_outlives_its_ca_in_vain(party: Party) -> None:
    """When the pinned CA has expired, so have its certificates."""
    authority = Authority(start=NOW - 9 * DAY, end=NOW - DAY)
    key = ec_key()
    late = authority.issue(key, start=NOW - 9 * DAY, end=NOW + DAY)
    own = Party(authority, SigningKey(key, late))
    assert refusal(own, own.envelope())[0] == "token validity"


@pytest.mark.parametrize("kind", ["ValueType", "EncodingType"])
def test_a_token_of_another_kind_is_refused(party: Party, kind: str) -> None:
    """Only X509v3 in Base64Binary."""
    raw = party.forge(lambda root: one(root, "BinarySecurityToken").set(kind, "urn:altro"))
    assert refusal(party, raw) == ("token", "wsse:BinarySecurityToken")


def test_a_small_key_is_refused() -> None:
    """RSA below 2048 bits and curves other than P-256 sign nothing for us."""
    authority = Authority()
    good = make_party(ec_key())
    for weak in (rsa_key(1024), ec_key(ec.SECP384R1())):
        token = authority.issue(weak).public_bytes(Encoding.DER)
        raw = good.forge(text("BinarySecurityToken", b64encode(token).decode()))
        trust = Trust((authority.certificate,))
        assert refusal(good, raw, trust=trust)[0] == "token key"


def usage(**wanted: bool) -> x509.KeyUsage:
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in names.split()})


def test_a_certificate_for_something_else_is_refused() -> None:
    """A certificate whose key usage is not signing signs no envelope."""
    authority, key = Authority(), ec_key()
    for extra, passes in (
        (usage(digital_signature=True), True),
        (usage(content_commitment=True), True),
        (usage(key_agreement=True), False),
    ):
        own = Party(authority, SigningKey(key, authority.issue(key, extra=extra)))
        if passes:
            assert own.check(own.envelope()).action
        else:
            assert refusal(own, own.envelope())[0] == "token usage"


def test_a_certificate_signed_with_a_weak_hash_is_refused() -> None:
    """Below SHA-256 a certificate proves nothing, whoever's it is."""
    authority, key = Authority(), ec_key()
    weak = authority.issue(key, digest=hashes.SHA224())
    own = Party(authority, SigningKey(key, weak))
    check, element = refusal(own, own.envelope())
    assert (check, element) == ("token", "wsse:BinarySecurityToken")


def test_any_of_several_pinned_cas_will_do(party: Party) -> None:
    """A partner who changes his CA has both pinned for a while."""
    trust = Trust((Authority().certificate, party.authority.certificate))
    assert party.check(party.envelope(), trust=trust).action


def test_a_token_that_is_no_certificate_is_refused(party: Party) -> None:
    """Bytes that are no DER certificate are refused as such."""
    raw = party.forge(text("BinarySecurityToken", b64encode(b"nessuno").decode()))
    assert refusal(party, raw) == ("token", "wsse:BinarySecurityToken")


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1))
@example(changes=[(12, 38)])  # an X.509 version that does not exist
def test_no_bytes_of_a_token_break_the_verifier(
    ec_party: Party, changes: list[tuple[int, int]]
) -> None:
    """Whatever stands in the token, it is refused in our words, by verifier and explanation."""
    der = bytearray(ec_party.key.certificate.public_bytes(Encoding.DER))
    for at, value in changes:
        der[at % len(der)] = value
    raw = ec_party.envelope().replace(ec_party.key.token.encode(), b64encode(der))
    steps = explain(raw, trust=ec_party.trust, now=NOW, profile=ec_party.profile)
    if bytes(der) != ec_party.key.certificate.public_bytes(Encoding.DER):
        assert refusal(ec_party, raw)[1] in ("wsse:BinarySecurityToken", "ds:SignatureMethod")
        assert any(step.state == "refused" for step in steps)


def test_a_token_is_kept_once_however_it_is_written(party: Party) -> None:
    """A public certificate with blanks, one more each time, does not fill the memory."""
    raw, token = party.envelope(), party.key.token
    assert party.check(raw).action
    kept = _admitted.cache_info().currsize
    for blanks in range(1, 9):
        folded = "\n".join([token[:64], token[64:]]) + " " * blanks
        assert party.check(raw.replace(token.encode(), folded.encode())).action
    assert _admitted.cache_info().currsize == kept


def test_a_token_that_is_far_too_long_is_refused(party: Party) -> None:
    """No certificate takes megabytes, whatever blanks are around it."""
    token = party.key.token.encode()
    raw = party.envelope().replace(token, token + b" " * 2**20)
    assert refusal(party, raw) == ("token", "wsse:BinarySecurityToken")
