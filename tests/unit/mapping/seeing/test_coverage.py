"""Coverage: what was reached, what was not, each thing told once."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from gateway import shipped
from gateway.mapping import Library
from gateway.mapping.seeing.coverage import BRANCHES, LEAVES, Coverage
from gateway.mapping.seeing.coverage_page import coverage_page, coverage_pages
from gateway.mapping.seeing.runs import Runs

HEAD = "lang: 1\nmapping: m\nsource: {hl7: '2.5'}\ntarget: {xsd: doc.xsd, root: doc}\n"
GIRL = "tests:\n  - {name: girl, given: samples/femmina.hl7, expect: {testo: X}}\n"
Write = Callable[..., Library]


def runs(library: Library, *names: str, corpus: tuple[bytes, ...] = ()) -> Runs:
    """Without the folder's samples, so that only the tests and the corpus count."""
    for sample in (library.mappings / "samples").glob("*"):
        if sample.name != "femmina.hl7":
            sample.unlink()
    made = Runs(library, corpus=corpus)
    for name in names or ("m.yaml",):
        made.of(name)
    return made


def cover(library: Library, *names: str) -> Coverage:
    return runs(library, *names).coverage


def told(found: Coverage, code: str) -> list[str]:
    texts = [str(one) for one in found.findings() if one.code == code]
    return [text.replace(f" warning {code}", "") for text in texts]


def test_a_leaf_that_never_had_a_value_is_told(written: Write) -> None:
    """At its expression."""
    found = cover(written(m=HEAD + "emit:\n  testo: PID-8\n  corto: PID-30\n" + GIRL))
    assert told(found, "C02") == ["m.yaml:7:10: no test gives this leaf a value"]
    assert found.share(LEAVES) == (1, 2)


def test_a_condition_is_two_branches(written: Write) -> None:
    """One that is always true was never tried otherwise, and the reverse."""
    text = (
        "emit:\n  testo:\n    $when: PID-8 == 'F'\n    $value: PID-8\n"
        "  persona:\n    $when: PID-8 == 'M'\n    nome: PID-5\n    cognome: PID-5\n"
    )
    found = cover(written(m=HEAD + text + GIRL))
    assert told(found, "C02") == [
        "m.yaml:7:12: no test makes this other than true",
        "m.yaml:10:12: no test makes this true",
    ]
    assert found.share(BRANCHES) == (2, 4)


def test_an_alternative_never_taken_is_told_and_nothing_in_it(written: Write) -> None:
    """Its leaves and its own conditions are not told again."""
    text = (
        "emit:\n  persona:\n    $choose:\n"
        "      - $when: PID-8 == 'M'\n        nome: {$value: PID-5, $when: PID-8 == 'M'}\n"
        "      - $when: PID-8 == 'F'\n        nome: PID-8\n"
        "      - nome: PID-5\n"
    )
    found = cover(written(m=HEAD + text + GIRL))
    assert told(found, "C02") == [
        "m.yaml:8:16: no test takes this alternative",
        "m.yaml:12:9: no test takes this alternative",
    ]


def test_a_list_that_was_always_empty_is_told(written: Write) -> None:
    """Not the leaves that it would have written."""
    text = "emit:\n  testo:\n    $each: PR1[*] as p\n    $value: p-3.1\n"
    found = cover(written(m=HEAD + text + GIRL))
    assert told(found, "C02") == ["m.yaml:7:12: no test has anything here"]


def test_rows_of_a_small_table_are_told_and_of_a_large_one_counted(written: Write) -> None:
    """The finding stands in the table, at the row."""
    text = (
        "tables:\n  sesso: {file: sesso.csv, key: hl7}\n  molti: {file: molti.csv, key: a}\n"
        "emit:\n  testo: PID-8 | lookup(sesso, anpr)\n  corto: PID-8 | lookup(molti, b)\n"
    )
    library = written(m=HEAD + text + GIRL)
    rows = "".join(f"{number},x\n" for number in range(100))
    (library.mappings / "tables" / "molti.csv").write_text(f"a,b\n{rows}F,y\n")
    found = cover(library)
    assert [each.partition(":")[0] for each in told(found, "C02")] == ["tables/sesso.csv"] * (
        len(found.tables["tables/sesso.csv"].lines) - 1
    )
    assert found.tables["tables/molti.csv"].taken == {102}
    assert found.rows == (1, len(found.tables["tables/sesso.csv"].lines))


def test_a_block_is_reached_where_one_of_its_mappings_reaches_it(written: Write) -> None:
    """What two mappings share is told once, and only where neither comes there."""
    library = written(
        lib__b="lang: 1\nlibrary: b\nblocks:\n  b(x):\n    nome: x\n    cognome: PID-30\n",
        m=HEAD + "use: [lib/b.yaml]\nemit:\n  persona: {$use: b(PID-30)}\n" + GIRL,
        n=HEAD + "use: [lib/b.yaml]\nemit:\n  persona: {$use: b(PID-8)}\n" + GIRL,
    )
    assert told(cover(library, "m.yaml", "n.yaml"), "C02") == [
        "lib/b.yaml:6:14: no test gives this leaf a value"
    ]


def test_fields_filled_and_never_read_are_told_at_the_mapping(written: Write) -> None:
    """A segment of which nothing was read is told once, with its fields."""
    library = written(m=HEAD + "unmapped: [EVN]\nemit:\n  testo: PID-8\n" + GIRL)
    texts = told(cover(library), "C01")
    assert "m.yaml:3:9: PID-7 (Date time of birth) is filled, and neither read nor unmapped" in (
        texts
    )
    assert any(
        re.match(r"m.yaml:3:9: NK1\[3.1 == 'MTH'\] is filled and not read at", t) for t in texts
    )
    assert not any("EVN" in text or "PID-8" in text or "PID-1 " in text for text in texts)


def test_a_mapping_that_reads_no_message_misses_no_field(written: Write) -> None:
    """A query made of facts alone leaves all of the birth unread, and rightly."""
    found = cover(written(m=HEAD + "emit:\n  testo: {$text: ciao}\n" + GIRL))
    assert found.findings() == []
    assert found.percent == 100


def test_a_corpus_counts_as_the_tests_do(written: Write) -> None:
    """Its messages reach what no test reaches; what is none of this mapping's is passed over."""
    library = written(m=HEAD + "emit:\n  testo: PID-8\n  corto: PID-30\n" + GIRL)
    message = b"MSH|^~\\&|||||||ADT^A01^ADT_A01|1|P|2.5\nPID|1" + b"|" * 29 + b"Y\n"
    found = runs(library, corpus=(message, b"<a/>", b"MSH", b"no message")).coverage
    assert told(found, "C02") == []
    assert found.mappings["m.yaml"].runs == 2


def test_a_test_that_cannot_be_begun_is_counted(written: Write) -> None:
    """Its sample is not there; the others run."""
    tests = GIRL + "  - {name: x, given: samples/none.hl7, expect: {testo: X}}\n"
    made = runs(written(m=HEAD + "emit:\n  testo: PID-8\n" + tests))
    assert made.passed_over == 1
    assert made.coverage.mappings["m.yaml"].runs == 1


def test_a_message_that_is_not_for_the_mapping_is_no_run(written: Write) -> None:
    """But it tried the condition that says so."""
    head = HEAD.replace("{hl7: '2.5'}", "{hl7: '2.5', when: PID-8 == 'M'}")
    found = cover(written(m=head + "emit:\n  testo: PID-8\n" + GIRL))
    assert found.mappings["m.yaml"].runs == 0
    assert told(found, "C02") == ["m.yaml:3:28: no test makes this true"]


@pytest.fixture(scope="module")
def shipped_cover() -> Coverage:
    library = Library(shipped.mappings(), shipped.xsd())
    made = Runs(library)
    made.of("comune/nascita.yaml")
    return made.coverage


def test_the_notification_of_a_birth_is_tried_whole(shipped_cover: Coverage) -> None:
    """Its tests and samples reach nine leaves and branches in ten, and every block."""
    use = shipped_cover.mappings["comune/nascita.yaml"]
    for kind in (LEAVES, BRANCHES):
        reached, every = shipped_cover.share(kind, use.marks)
        assert reached >= 0.9 * every
    assert use.blocks == use.blocks_reached


def test_pages_colour_each_line_and_hold_no_value(shipped_cover: Coverage) -> None:
    """One page or a page a file, alone, without a script; no value that only a sample has."""
    read = Library(shipped.mappings(), shipped.xsd()).content
    whole = coverage_page(shipped_cover, read)
    pages = coverage_pages(shipped_cover, read)
    assert {"index.html", "comune.nascita.yaml.html", "lib.persona.yaml.html"} <= set(pages)
    assert 'class="l never"' in whole
    assert 'class="l hit"' in pages["lib.persona.yaml.html"]
    for page in (whole, *pages.values()):
        assert "<script" not in page
        assert not re.search(r"https?:|\bsrc\s*=|5550101", page)
    links = re.findall(r'href="([^"#]+)"', pages["index.html"])
    assert links
    assert set(links) <= set(pages)
