"""The tables as one page to be printed and signed, and as CSV.

The page needs nothing from anywhere and runs nothing; every text in it is escaped. In the CSV no
cell begins as a formula.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

from gateway.mapping.agreed.table import Agreed, Row
from gateway.mapping.tests import Case

_STYLE: Final = """
body { font: 11pt/1.4 Georgia, serif; margin: 2rem; color: #000; background: #fff; }
h1 { font-size: 16pt; } h2 { font-size: 13pt; margin-top: 1.6em; }
table { border-collapse: collapse; width: 100%; font-size: 9pt; }
th, td { border: 1px solid #888; padding: .2rem .4rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
th { background: #eee; } thead { display: table-header-group; } tr { break-inside: avoid; }
code, .path { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 8.5pt; }
section + section { break-before: page; } .sign td { height: 3rem; border: 0;
  border-bottom: 1px solid #000; }
@page { size: A4 landscape; margin: 15mm; }
"""

HEADINGS: Final = (
    *("element", "occurs", "fields and facts", "rule", "only", "code table", "tests", "line"),
)


def page(tables: Sequence[Agreed]) -> str:
    """All mappings on one page, each beginning a sheet of paper."""
    body = (line for one in tables for line in _section(one))
    lines = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>Mappings</title><style>{_STYLE}</style></head><body>",
        *body,
        "</body></html>",
    ]
    return "\n".join(lines) + "\n"


def _section(one: Agreed) -> Iterator[str]:
    yield f"<section><h1>{escape(one.mapping)}</h1>"
    yield f"<p>From {escape(one.source)} to {escape(one.target)}, for senders of the profile "
    yield f"{escape(one.profile)}. Content: <code>{escape(one.digest)}</code></p>"
    yield from _table(HEADINGS, (_cells(row) for row in one.rows))
    if one.rules:
        yield "<h2>What is refused</h2>"
        rules = ((rule.code, rule.at.text, rule.refuse, rule.when.text) for rule in one.rules)
        yield from _table(("code", "at", "because", "if"), rules)
    if one.names:
        yield "<h2>Names</h2>"
        yield from _table(("name", "means"), one.names.items())
    yield "<h2>Tests</h2>"
    cases = ((case.name, case.given, "\n".join(_expected(case))) for case in one.tests)
    yield from _table(("test", "message", "what must come of it"), cases)
    signed = ("place and day", "for the administration", "for the hospital")
    yield from _table(signed, [("", "", "")], "sign")
    yield "</section>"


def _expected(case: Case) -> Iterator[str]:
    yield from (f"{path}: {text}" for path, text in case.expect.items())
    yield from case.expect_errors
    if case.expect_xml:
        yield f"the document {case.expect_xml}"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> Iterator[str]:
    heads = "".join(f"<th>{escape(each)}</th>" for each in headings)
    yield f'<table class="{kind}"><thead><tr>{heads}</tr></thead><tbody>'
    for row in rows:
        cells = "".join(f"<td>{escape(each).replace(chr(10), '<br>')}</td>" for each in row)
        yield f"<tr>{cells}</tr>"
    yield "</tbody></table>"


def _cells(row: Row) -> tuple[str, ...]:
    several = (row.fields, row.conditions, row.tables, row.tests)
    fields, conditions, tables, tests = ("\n".join(each) for each in several)
    return row.path, row.occurs, fields, row.rule, conditions, tables, tests, row.place


def as_csv(tables: Sequence[Agreed]) -> str:
    """One line a value, rules and tests after them; the first column is the mapping."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["mapping", *HEADINGS])
    for one in tables:
        for row in one.rows:
            writer.writerow(map(_tame, (one.mapping, *_cells(row))))
        for rule in one.rules:
            said = f"refused with {rule.code}: {rule.refuse}"
            cells = (rule.at.text, "", "", said, rule.when.text, "", "")
            place = f"{rule.position.file}:{rule.position.line}"
            writer.writerow(map(_tame, (one.mapping, *cells, place)))
    return out.getvalue()


def _tame(cell: str) -> str:
    """A spreadsheet runs what begins as a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t") else cell
