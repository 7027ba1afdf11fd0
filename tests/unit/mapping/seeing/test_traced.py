"""The traced build gives what the ordinary build gives, and says how."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from gateway import shipped
from gateway.errors import ConfigurationError, UnreadableMessage
from gateway.hl7.message import Message
from gateway.mapping import Library, ProblemKind
from gateway.mapping.lint import mappings_in
from gateway.mapping.seeing import traced, words
from gateway.mapping.seeing.inputs import facts_of
from gateway.mapping.tests import cases_of, given

HEAD = "lang: 1\nmapping: m\nsource: {hl7: '2.5'}\ntarget: {xsd: doc.xsd, root: doc}\n"
SHIPPED = Library(shipped.mappings(), shipped.xsd())
Write = Callable[..., Library]


def same(value: object) -> object:
    return etree.tostring(value) if isinstance(value, etree._Element) else value


@pytest.mark.parametrize("name", mappings_in(SHIPPED))
def test_a_traced_run_gives_what_the_ordinary_run_gives(name: str) -> None:
    """The document to the byte, and every problem, for each test of each shipped mapping."""
    for case in cases_of(SHIPPED, name):
        compiled = SHIPPED.mapping(name, SHIPPED.profile(case.profile))
        known = traced(SHIPPED, name, case.profile)
        source, inputs = given(SHIPPED, compiled, case)
        ordinary, (seen, trace) = compiled.run(source, inputs), known.run(source, inputs)
        assert same(seen.value) == same(ordinary.value), case.name
        assert seen.problems == ordinary.problems, case.name
        assert known.compiled.content_hash == compiled.content_hash
        assert [leaf.target for leaf in trace.leaves], case.name


@pytest.mark.parametrize("name", mappings_in(SHIPPED))
def test_a_traced_run_is_the_same_on_every_sample(name: str) -> None:
    """Also where the mapping's tests say nothing of the sample, and where it is refused."""
    compiled = SHIPPED.mapping(name, SHIPPED.profile(SHIPPED.profile_of(name)))
    known = traced(SHIPPED, name, SHIPPED.profile_of(name))
    inputs = facts_of(SHIPPED, compiled, cases_of(SHIPPED, name)[0])
    for path in sorted((SHIPPED.mappings / "samples").glob("*.hl7")):
        if compiled.direction == "xml_to_facts":
            continue  # its samples are all in its tests
        source = Message.parse(path.read_bytes().replace(b"\n", b"\r"))
        ordinary, (seen, _) = compiled.run(source, inputs), known.run(source, inputs)
        assert same(seen.value) == same(ordinary.value), path.name
        assert seen.problems == ordinary.problems, path.name


def test_every_text_of_the_document_is_a_leaf_of_the_trace() -> None:
    """With its path, numbers and all, as the finished document has it."""
    known = traced(SHIPPED, "comune/nascita.yaml", "default")
    case = cases_of(SHIPPED, "comune/nascita.yaml")[0]
    result, trace = known.run(*given(SHIPPED, known.compiled, case))
    leaves = {leaf.target: words.value(leaf.value) for leaf in trace.leaves}
    for element in result.value.iter(etree.Element):
        if not len(element):
            path = [etree.QName(each).localname for each in (*element.iterancestors(), element)]
            target = "/".join([*reversed(path[:-1]), path[-1]]).partition("/")[2]
            assert leaves[target] == element.text


def test_what_stands_several_times_is_numbered(library: Library) -> None:
    """`rilevazione[2]/valore`, with attributes too; what stands once has no number."""
    known = traced(library, "comune/nascita.yaml", "default")
    two = message("OBX|1|NM|9272-6||9", "OBX|2|NM|9274-2||10")
    one = message("OBX|1|NM|9272-6||9")
    targets = [[leaf.target for leaf in known.run(each, {})[1].leaves] for each in (two, one)]
    assert {"rilevazione[1]/@codice", "rilevazione[2]/valore"} <= set(targets[0])
    assert {"rilevazione/@codice", "rilevazione/valore"} <= set(targets[1])


def test_an_item_that_wrote_nothing_takes_no_number(library: Library) -> None:
    """The second item is the first element where the first item is empty."""
    text = "emit:\n  testo:\n    $each: PID-3[*] as n\n    $value: n.2\n"
    (library.mappings / "m.yaml").write_text(HEAD + text)
    fresh = Library(library.mappings, library.xsd)
    trace = traced(fresh, "m.yaml", "default").run(message("PID|1||A~B^b~C^c"), {})[1]
    assert [(leaf.target, leaf.value) for leaf in trace.leaves] == [
        ("testo", None),
        ("testo[1]", "b"),
        ("testo[2]", "c"),
    ]


def test_facts_of_a_group_are_numbered_as_they_are_stored() -> None:
    """`errore[2].codice`."""
    known = traced(SHIPPED, "comune/esito.yaml", "default")
    case = cases_of(SHIPPED, "comune/esito.yaml")[2]
    result, trace = known.run(*given(SHIPPED, known.compiled, case))
    leaves = {leaf.target for leaf in trace.leaves if leaf.value is not None}
    assert leaves == set(result.value)


def test_an_answer_tells_which_of_its_elements_were_read() -> None:
    """By path, numbers where an element repeats."""
    known = traced(SHIPPED, "comune/esito.yaml", "default")
    case = cases_of(SHIPPED, "comune/esito.yaml")[2]
    _, trace = known.run(*given(SHIPPED, known.compiled, case))
    assert trace.readings["errore[2]/codice"] == "COM003"
    assert "esito" in trace.readings


def test_a_document_that_is_refused_can_still_be_seen() -> None:
    """What was written before the problem was told stays in the trace."""
    known = traced(SHIPPED, "comune/annullamento.yaml", "default")
    case = cases_of(SHIPPED, "comune/annullamento.yaml")[1]
    result, trace = known.run(*given(SHIPPED, known.compiled, case))
    assert result.value is None
    assert trace.written.tag.endswith("RichiestaAnnullaNascita")
    assert [leaf.reason for leaf in trace.leaves if leaf.target == "motivo"] == [
        "an annulment gives its reason"
    ]


def test_blocks_are_used_where_something_of_them_was_tried() -> None:
    """A block behind a condition that does not hold is not."""
    known = traced(SHIPPED, "comune/nascita.yaml", "default")
    cases = {case.given: case for case in cases_of(SHIPPED, "comune/nascita.yaml")}
    seen = {
        sample: known.run(*given(SHIPPED, known.compiled, cases[sample]))[1].blocks
        for sample in ("samples/femmina.hl7", "samples/anonima_spogliata.hl7")
    }
    assert "genitore" in seen["samples/femmina.hl7"]
    assert "genitore" not in seen["samples/anonima_spogliata.hl7"]


def test_a_message_that_is_not_for_the_mapping_is_refused_alike(written: Write) -> None:
    """`source.when` is watched, and nothing is written."""
    head = HEAD.replace("{hl7: '2.5'}", "{hl7: '2.5', when: PID-8 == 'F'}")
    known = traced(written(m=head + "emit:\n  testo: PID-5\n"), "m.yaml", "default")
    result, trace = known.run(message("PID|1||||A|||M"), {})
    assert [problem.kind for problem in result.problems] == [ProblemKind.NOT_FOR_THIS]
    assert trace.written is None
    assert [step.value for step in trace.steps if step.site.kind == "when"] == [False]


def test_a_mapping_with_mistakes_has_no_traced_build(written: Write) -> None:
    """All its findings are told, as the ordinary build tells them."""
    library = written(m=HEAD + "emit:\n  testo: PID-5 | uper\n  corto: nobody\n")
    with pytest.raises(ConfigurationError) as told:
        traced(library, "m.yaml", "default")
    assert len(told.value.problems) == 2


def message(*segments: str) -> Message:
    head = "MSH|^~\\&|HIS|BG|ICARO|ICARO|20260302090000||ADT^A01^ADT_A01|1|P|2.5"
    return Message.parse("\r".join([head, *segments]).encode())


def test_a_traced_run_is_the_same_on_the_corpus(shared: Path) -> None:
    """Real senders' messages, odd ones among them: same document, same problems."""
    name = "comune/nascita.yaml"
    known = traced(SHIPPED, name, "default")
    inputs = facts_of(SHIPPED, known.compiled, cases_of(SHIPPED, name)[0])
    compiled = SHIPPED.mapping(name, SHIPPED.profile("default"))
    for path in sorted((shared / "corpus").rglob("*.hl7")):
        try:
            source = Message.parse(path.read_bytes().replace(b"\n", b"\r"))
        except UnreadableMessage:
            continue
        ordinary, (seen, _) = compiled.run(source, inputs), known.run(source, inputs)
        assert same(seen.value) == same(ordinary.value), path.name
        assert seen.problems == ordinary.problems, path.name
