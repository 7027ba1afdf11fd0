"""From dossier to document: the same content is the same, whatever its ids and clocks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest
from lxml import etree

from gateway.errors import TranslationError
from gateway.flow.definition import Step
from gateway.hl7.message import Message
from gateway.lifecycle import Kind
from gateway.mapping import Compiled
from gateway.translation import (
    HEADER,
    Translation,
    comparable,
    content,
    neutralised,
    translate,
)
from gateway.xml import Canonical, canonical
from tests.births import CODICE_FISCALE, GIULIA, SENDER, flow_of, library


def mapping(name: str) -> Compiled:
    """A shipped mapping for the standard profile."""
    return library().mapping(name, library().profile("default"))


def step(name: str) -> Step:
    """A step of the shipped flow."""
    return flow_of().steps[name]


def inputs(**more: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    """What a document is made with beside the dossier; `flow` adds to its own."""
    flow: dict[str, object] = {
        "operationId": "0e9ad7c2-0000-4000-8000-000000000001",
        "now": datetime(2026, 3, 6, 9, 0, tzinfo=UTC),
        "today": date(2026, 3, 6),
        "kind": "register",
        "destinatario": "015209",
        "ambiente": "PROD",
        **more.pop("flow", {}),
    }
    return {"flow": flow, "sender": dict(SENDER.inputs), "scelta": {}, **more}


def made(name: str, kind: Kind = Kind.REGISTER, **more: Mapping[str, object]) -> Translation:
    """A document of Giulia's birth."""
    dossier = Message.parse(GIULIA.message("A01"))
    return translate(mapping, step(name), kind, dossier, inputs(**more))


LATER: Mapping[str, object] = {
    "operationId": "0e9ad7c2-0000-4000-8000-000000000002",
    "now": datetime(2026, 3, 7, 9, 0, tzinfo=UTC),
}


def test_ids_and_clocks_are_no_content() -> None:
    """The same dossier at another moment says the same in another document."""
    one, two = made("comune"), made("comune", flow=LATER)
    assert one.document != two.document
    assert one.content == two.content


def test_an_amendment_is_compared_by_what_it_would_register() -> None:
    """It carries the protocol of what it amends, and still can be seen to say nothing new."""
    first = made("comune")
    again = made("comune", Kind.AMEND, flow={**LATER, "protocollo": "P1", "predecessor": "x"})
    assert b"P1" in again.document
    assert again.content == first.content


def test_a_cancellation_is_not_compared() -> None:
    """Its content is its own: it is never 'no news'."""
    first = made("comune")
    cancel = made("comune", Kind.CANCEL, flow={"protocollo": "P1", "motivo": "errore"})
    assert cancel.content != first.content
    assert b"errore" in cancel.content


def test_the_answer_to_the_hospital_is_compared_without_its_header() -> None:
    """MSH and EVN hold ids and clocks; the codice fiscale is content."""
    facts = {"codice_fiscale": {"codiceFiscale": CODICE_FISCALE}, "comune": {}, "assistito": {}}
    first = made("riscontro", **facts)
    assert first.document.startswith(b"MSH|")
    assert b"MSH|" not in first.content
    assert b"EVN|" not in first.content
    assert CODICE_FISCALE.encode() in first.content
    assert made("riscontro", flow=LATER, **facts).content == first.content


def test_every_reason_is_told_at_once() -> None:
    """An annulment that names neither receipt nor reason lacks both, each with its line."""
    with pytest.raises(TranslationError) as caught:
        made("comune", Kind.CANCEL)
    told = [str(problem) for problem in caught.value.problems]
    assert len(told) == 2
    assert all("comune/annullamento.yaml:" in each for each in told)


def test_the_pins_name_what_made_the_document() -> None:
    """Mapping, tables, schema and profile by hash."""
    pins = made("comune").pins
    assert [name for name in pins if name.endswith("comune/nascita.yaml")]
    assert [name for name in pins if name.endswith(".xsd")]
    assert all(len(digest) == 64 for digest in pins.values())


def test_content_is_what_the_dossier_says_now() -> None:
    """The bare content is that of the registration."""
    dossier = Message.parse(GIULIA.message("A01"))
    assert content(mapping, step("comune"), dossier, inputs()) == made("comune").content
    heavier = Message.parse(GIULIA.message("A01", weight=3333))
    assert content(mapping, step("comune"), heavier, inputs()) != made("comune").content


def without_header(document: bytes) -> bytes:
    """The canonical form of the tree without its header."""
    root = etree.fromstring(document)
    root.remove(next(root.iter(f"{{*}}{HEADER}")))
    return canonical(root)


@pytest.mark.parametrize("name", ["comune", "codice_fiscale", "assistito"])
def test_content_is_the_document_without_its_header(name: str) -> None:
    """What is cut out of the text is the element, whole, and nothing else."""
    facts = {"comune": {"protocollo": "1"}, "codice_fiscale": {"codiceFiscale": CODICE_FISCALE}}
    document = made(name, **facts).document
    assert document == canonical(etree.fromstring(document))
    assert HEADER.encode() in document
    assert neutralised(document) == without_header(document) == made(name, **facts).content


@pytest.mark.parametrize(
    "text",
    [
        "<a xmlns='urn:x'><{h}><b>1</b></{h}><c x='&gt;&lt;/{h}>'>&lt;{h}></c></a>",
        "<a xmlns='urn:x' x='&lt;{h}>'><{h}/><c/></a>",
        "<n:a xmlns:n='urn:x'><n:{h} x='1'><b/></n:{h}><{h}Bis/></n:a>",
        "<n:a xmlns:n='urn:x'><{h} xmlns='urn:y'>\n</{h}><{h}Bis/></n:a>",
        "<a xmlns='urn:x' x='1>2'><{h}/><b><{h}/></b></a>",
    ],
)
def test_a_header_is_cut_out_whatever_its_prefix(text: str) -> None:
    """Prefixes, attributes, and values that look like its tags."""
    document = Canonical.of(etree.fromstring(text.replace("{h}", HEADER)))
    assert neutralised(document) == without_header(document)


@pytest.mark.parametrize(
    "bare",
    [
        b'<a xmlns="urn:x"><b>1</b></a>',
        b'<a xmlns="urn:x"><b><testataRichiesta>1</testataRichiesta></b></a>',
        b'<a xmlns="urn:x"><b></b><testataRichiesta>1</testataRichiesta></a>',
    ],
)
def test_a_document_without_a_header_is_content_as_it_is(bare: bytes) -> None:
    """Nothing is left out but a header in its place; what only has its name is content."""
    assert neutralised(Canonical.of(etree.fromstring(bare))) == bare


def test_only_facts_that_a_step_reads_can_cause_an_amendment() -> None:
    """Facts it does not wait for are compared as they were when it was sent."""
    now = inputs(
        codice_fiscale={"codiceFiscale": "NEW"}, comune={"attoNumero": "NEW"}, assistito={"a": "N"}
    )
    then = {"codice_fiscale": {"codiceFiscale": "OLD"}, "comune": {"attoNumero": "OLD"}}
    compared = comparable(step("assistito"), "assistito", now, then, {})
    assert compared["codice_fiscale"] == {"codiceFiscale": "NEW"}
    assert compared["comune"] == {"attoNumero": "OLD"}
    assert compared["assistito"] == {"a": "N"}
    assert compared["flow"] == now["flow"]
    chosen = comparable(step("pediatra"), "pediatra", now, then, {})
    assert chosen["codice_fiscale"] == {"codiceFiscale": "OLD"}
    enrolled = {"codice_fiscale": {"codiceFiscale": "NEW"}}
    chosen = comparable(step("pediatra"), "pediatra", now, then, enrolled)
    assert chosen["codice_fiscale"] == {"codiceFiscale": "NEW"}
    told = comparable(step("riscontro"), "riscontro", now, then, {})
    assert told["comune"] == {"attoNumero": "NEW"}


def test_facts_that_were_not_there_are_left_out_of_the_comparison() -> None:
    """What another step told since then is no news for this one."""
    now = inputs(pediatra={"codicePediatra": "PLS001"})
    assert "pediatra" not in comparable(step("comune"), "comune", now, {}, {})


def test_no_document_is_in_a_repr() -> None:
    """A translation that reaches a log line shows no person."""
    assert "ROSSI" not in repr(made("comune"))
