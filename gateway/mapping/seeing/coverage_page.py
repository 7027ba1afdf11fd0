"""Coverage as pages that need nothing else: each file of the mappings with its lines coloured.

A line is green where all that can happen there happened, amber where something did not; the text
beside it says what. Pages name fields and lines, and hold no value of any message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape

from gateway.mapping.finding import Finding
from gateway.mapping.seeing.coverage import BRANCHES, LEAVES, Coverage
from gateway.mapping.seeing.page import shell

Lines = Mapping[int, list[Finding]]
Read = Callable[[str], bytes]


def coverage_page(found: Coverage, read: Read) -> str:
    """Everything on one page. `read` gives a file of the deployment."""
    body = [*_summary(found, lambda file: f"#{escape(file)}")]
    for file in _files(found):
        body += [f'<h2 id="{escape(file)}">{escape(file)}</h2>', *_lines(found, file, read(file))]
    return shell("Coverage of mappings", body)


def coverage_pages(found: Coverage, read: Read) -> dict[str, str]:
    """File name → page: an index, and a page for each file of the mappings."""
    names = {file: f"{file.replace('/', '.')}.html" for file in _files(found)}
    pages = {
        "index.html": shell(
            "Coverage of mappings", _summary(found, lambda file: escape(names[file]))
        )
    }
    for file, name in names.items():
        back = '<nav><a href="index.html">all mappings</a></nav>'
        pages[name] = shell(file, [back, *_lines(found, file, read(file))])
    return pages


def _files(found: Coverage) -> list[str]:
    """Mappings, and the libraries and small tables that they use."""
    files = {mark.position.file for mark in found.marks} | set(found.mappings)
    return sorted(files | {file for file, table in found.tables.items() if table.told})


def _summary(found: Coverage, link: Callable[[str], str]) -> Iterator[str]:
    yield f"<p>{found.percent:.0f} % of leaves, branches and rows were reached.</p>"
    headings = ("mapping", "runs", "with problems", "leaves", "branches", "blocks", "unread")
    yield "<table>" + _row(headings, "th")
    for name, use in found.mappings.items():
        anchor = f'<a href="{link(name)}">{escape(name)}</a>'
        blocks = f"{len(use.blocks_reached)} / {len(use.blocks)}"
        leaves, branches = (_of(found.share(kind, use.marks)) for kind in (LEAVES, BRANCHES))
        cells = (use.runs, use.refused, leaves, branches, blocks, len(use.unread))
        yield _row((anchor, *map(str, cells)))
    yield "</table><table>" + _row(("table", "rows taken"), "th")
    for file, table in sorted(found.tables.items()):
        name = f'<a href="{link(file)}">{escape(file)}</a>' if table.told else escape(file)
        yield _row((name, _of((len(table.taken), len(table.lines)))))
    yield "</table><nav>"
    for file in _files(found):
        if file not in found.mappings and file not in found.tables:
            yield f'<a href="{link(file)}">{escape(file)}</a>'
    yield "</nav>"


def _of(pair: tuple[int, int]) -> str:
    return f"{pair[0]} / {pair[1]}"


def _row(cells: Iterable[str], tag: str = "td") -> str:
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"


def _lines(found: Coverage, file: str, content: bytes) -> Iterator[str]:
    never: dict[int, list[Finding]] = {}
    for finding in found.findings():
        if finding.position.file == file:
            never.setdefault(finding.position.line, []).append(finding)
    hits = _hits(found, file)
    for number, text in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        said = never.get(number, [])
        state = "never" if said else "hit" if hits.get(number) else ""
        count = f"{hits[number]}×" if hits.get(number) else ""
        told = escape("; ".join(dict.fromkeys(one.text for one in said)))
        yield (
            f'<div class="l {state}"><span class="dim">{number:>4} {count:>5}</span>'
            f'<span class="k">{escape(text)}</span><span class="v problem">{told}</span></div>'
        )


def _hits(found: Coverage, file: str) -> dict[int, int]:
    """Line → how often what stands there was reached."""
    hits: dict[int, int] = {}
    for mark in found.marks:
        if mark.position.file == file:
            line = mark.position.line
            hits[line] = max(hits.get(line, 0), found.hits[mark])
    table = found.tables.get(file)
    return hits | dict.fromkeys(table.taken if table else (), 1)
