"""SignedInfo as we write it: canonical, and read back only if it is exactly that."""

from __future__ import annotations

from base64 import b64encode
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import VerificationError
from gateway.soap.names import DS, ECDSA_SHA256, EXC_C14N, ID, RSA_SHA256, SHA256, WSSE, WSU, X509V3
from gateway.soap.references import read_as_written, write_references
from gateway.soap.signature import Reference, read_signature
from gateway.xml import canonical, own

DIGESTS = st.binary(min_size=32, max_size=32)
IDS = st.text(st.characters(codec="ascii", categories=("L", "N"), include_characters="_.-"))
ONE = [(b"Body", bytes(32))]


@given(references=st.lists(st.tuples(IDS.filter(bool), DIGESTS), min_size=1))
def test_what_was_written_is_canonical_and_read_back(references: list[tuple[str, bytes]]) -> None:
    """The bytes that are signed are those that a receiver canonicalizes."""
    given_ids = [(identifier.encode(), digest) for identifier, digest in references]
    written = write_references(given_ids, RSA_SHA256)
    assert canonical(own(written)) == written
    assert read_as_written(written, RSA_SHA256) == references
    assert read_as_written(written, ECDSA_SHA256) is None


@given(data=st.data())
def test_whatever_is_changed_is_seen(data: st.DataObject) -> None:
    """Nothing but an Id or a digest can differ in what is read as ours, and then is read so."""
    written = write_references(ONE, RSA_SHA256)
    at = data.draw(st.integers(0, len(written) - 1))
    # What C14N gives is UTF-8 whatever came in, so no other bytes ever stand here.
    changed = written[:at] + data.draw(st.text(max_size=2)).encode() + written[at + 1 :]
    read = read_as_written(changed, RSA_SHA256)
    if read is not None:
        again = [(identifier.encode(), digest) for identifier, digest in read]
        assert write_references(again, RSA_SHA256) == changed


@pytest.mark.parametrize(
    "content",
    [
        b"",
        write_references([], RSA_SHA256),
        write_references([(b"", bytes(32))], RSA_SHA256),
        write_references([(b"a&amp;b", bytes(32))], RSA_SHA256),
        write_references(ONE, RSA_SHA256).replace(b"A=<", b"B=<"),
        write_references(ONE, RSA_SHA256).replace(b"A" * 43 + b"=<", b"A<"),
        write_references(ONE, RSA_SHA256).replace(b"<ds:Transforms>", b"<ds:Transforms> "),
        write_references(ONE, RSA_SHA256).replace(b"ds:", b"dsig:").replace(b":ds", b":dsig"),
        write_references(ONE, RSA_SHA256)[:-1],
        write_references(ONE, RSA_SHA256) + b"\n",
    ],
)
def test_what_is_written_otherwise_is_not_read_here(content: bytes) -> None:
    """Another spelling, an Id that needs markup, nothing signed: the strict reader's to judge."""
    assert read_as_written(content, RSA_SHA256) is None


def signature(references: list[tuple[str, bytes, str]], between: str) -> etree._Element:
    """A ds:Signature over Ids and digests as text, with something `between` the references."""
    written = between.join(
        f"<ds:Reference URI={quoteattr('#' + identifier)}><ds:Transforms>"
        f'<ds:Transform Algorithm="{EXC_C14N}"/></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{method}"/>'
        f"<ds:DigestValue>{b64encode(digest).decode()}</ds:DigestValue></ds:Reference>"
        for identifier, digest, method in references
    )
    return own(
        f'<ds:Signature xmlns:ds="{DS}" xmlns:wsse="{WSSE}"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{EXC_C14N}"/>'
        f'<ds:SignatureMethod Algorithm="{RSA_SHA256}"/>{written}{between}</ds:SignedInfo>'
        "<ds:SignatureValue>AAAA</ds:SignatureValue><ds:KeyInfo><wsse:SecurityTokenReference>"
        f'<wsse:Reference URI="#T" ValueType="{X509V3}"/></wsse:SecurityTokenReference>'
        "</ds:KeyInfo></ds:Signature>"
    )


def what_is_read(references: list[tuple[str, bytes, str]], between: str) -> tuple[Reference, ...]:
    token = etree.Element(f"{{{WSSE}}}BinarySecurityToken", nsmap={"wsu": WSU})
    token.set(ID, "T")
    try:
        return read_signature(signature(references, between), token, RSA_SHA256).references
    except VerificationError:
        return ()


@given(
    references=st.lists(
        st.tuples(
            IDS | st.sampled_from(["a&b", 'a"><b', "a b", "è", "a>", "\t", "&amp;"]),
            DIGESTS | st.binary(max_size=40),
            st.sampled_from([SHA256] * 5 + [f"{DS}sha1"]),
        ),
        max_size=4,
    )
)
def test_both_readers_read_the_same(references: list[tuple[str, bytes, str]]) -> None:
    """White space sends a SignedInfo to the strict reader: it says the same of it."""
    read = what_is_read(references, "")
    assert read == what_is_read(references, "\n")
    if all(identifier and method == SHA256 for identifier, _, method in references):
        assert [each[:2] for each in read] == [each[:2] for each in references]
