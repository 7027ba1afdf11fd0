"""The page and the sheet: complete, escaped, and nothing that runs."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from lxml import html

from gateway import shipped
from gateway.mapping import Library
from gateway.mapping.agreed.page import HEADINGS, as_csv, page
from gateway.mapping.agreed.table import Agreed, agreed
from gateway.mapping.finding import Position
from gateway.mapping.rules import Rule
from gateway.mapping.tree import Scalar

HERE = Position("m.yaml", 7)
BIRTH = agreed(Library(shipped.mappings(), shipped.xsd()), "comune/nascita.yaml")
RULE = Rule("ES1", Scalar("a == 'b'", HERE), "no <b>", Scalar("x/y", HERE), HERE)


def odd() -> Agreed:
    """A table whose every text would like to be more than a text."""
    row = replace(BIRTH.rows[0], rule="=1+1 <script>x</script>", path="@a", tests=("<i>",))
    return replace(BIRTH, mapping="<m>", rows=(row,), rules=(RULE,), names={"a<": "b&"})


def test_the_page_has_every_row_rule_name_and_test() -> None:
    """And a place to sign, for each mapping."""
    tree = html.fromstring(page([BIRTH, odd()]))
    sections = tree.findall(".//section")
    assert len(sections) == 2
    assert len(sections[0].find("table").findall(".//tbody/tr")) == len(BIRTH.rows)
    text = tree.text_content()
    assert "for the administration" in text
    assert "twin without order" in text
    assert "ES1" in text


def test_every_text_of_the_page_is_escaped_and_nothing_is_loaded() -> None:
    """Whatever stands in a mapping."""
    text = page([odd()])
    assert "<script" not in text
    assert "<i>" not in text
    assert "&lt;m&gt;" in text
    assert "default-src 'none'" in text
    assert not {"src", "href"} & {key for one in html.fromstring(text).iter() for key in one.attrib}


def test_the_sheet_has_a_line_for_each_value_and_rule() -> None:
    """Read again by any reader of CSV."""
    rows = list(csv.reader(io.StringIO(as_csv([BIRTH, odd()]), newline="")))
    assert rows[0] == ["mapping", *HEADINGS]
    assert len(rows) == 1 + len(BIRTH.rows) + 2
    assert all(len(row) == len(rows[0]) for row in rows)
    assert rows[-1][4] == "refused with ES1: no <b>"


def test_no_cell_begins_as_a_formula() -> None:
    """A spreadsheet would run it."""
    rows = list(csv.reader(io.StringIO(as_csv([odd()]), newline="")))
    assert rows[1][1] == "'@a"
    assert rows[1][4].startswith("'=1+1")
