"""A preview on a terminal: three panes side by side, or as plain lines one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gateway.cli.console import plain
from gateway.mapping.seeing.filled import Filled
from gateway.mapping.seeing.panes import CLOSED, EMPTY, FAILED, MappingLine, Panes
from gateway.mapping.seeing.written import Line

READ, UNREAD, EXEMPT = "●", "○", " "
LONG: Final = 200
"""Characters of one text that are shown; a certificate in base64 is longer."""

_STATES: Final = {CLOSED: "dim", EMPTY: "dim", FAILED: "bold red"}


def draw(title: str, found: Panes) -> RenderableType:
    """The three panes, and the problems below."""
    panes = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1), show_edge=False)
    for heading, ratio in (("message", 3), ("mapping", 5), ("document", 4)):
        panes.add_column(heading, ratio=ratio, overflow="fold")
    panes.add_row(_source(found), _mapping(found), _document(found))
    return Group(Text(title, style="bold"), panes, *_problems(found), _legend(found))


def _source(found: Panes) -> Table:
    pane = Table.grid(padding=(0, 1), expand=True)
    pane.add_column(no_wrap=True)
    pane.add_column(no_wrap=True)
    pane.add_column(ratio=1, overflow="fold")
    for one in found.source:
        style = "green" if one.read else "dim" if one.exempt else "yellow"
        text = Text()
        for part in one.parts:
            text.append(_short(part.text), "bold green" if part.read else "dim" if one.read else "")
        pane.add_row(Text(_mark(one), style), Text(one.path, style), text)
    return pane


def _mark(one: Filled) -> str:
    return READ if one.read else EXEMPT if one.exempt else UNREAD


def _mapping(found: Panes) -> Table:
    pane = Table.grid(padding=(0, 1), expand=True)
    pane.add_column(ratio=5, overflow="fold")
    pane.add_column(ratio=3, overflow="fold")
    for line in found.mapping:
        style = _STATES.get(line.state, "")
        written = Text(f"{plain(line.key)}:", style or "cyan")
        written.append(f" {_short(line.text)}" if line.text else "", style)
        value = Text(_short(line.reason or line.value), style or "green")
        pane.add_row(_indented(written, line.depth), value)
    return pane


def _document(found: Panes) -> Table:
    pane = Table.grid(padding=(0, 1), expand=True)
    pane.add_column(overflow="fold")
    for line in found.document:
        text = Text(plain(line.name), "red" if line.problems else "cyan")
        text.append(f" {_short(line.text)}" if line.text else "")
        for problem in line.problems:
            text.append(f"  ✗ {problem.reason}", "bold red")
        pane.add_row(_indented(text, line.depth))
    return pane


def _indented(text: Text, depth: int) -> Padding:
    """What does not fit on its line goes on below itself."""
    return Padding(text, (0, 0, 0, 2 * depth))


def _problems(found: Panes) -> Iterator[RenderableType]:
    for problem in found.problems:
        yield Text(f"✗ {problem}", "bold red")


def _legend(found: Panes) -> Text:
    legend = Text()
    legend.append(f"{READ} read  ", "green")
    legend.append(f"{UNREAD} filled, not read: {len(found.unread)}  ", "yellow")
    legend.append(f"✗ {len(found.problems)} problems", "red" if found.problems else "dim")
    return legend


def _short(text: str) -> str:
    shown = plain(text).replace("\n", " ")
    return shown if len(shown) <= LONG else f"{shown[:LONG]}…"


def draw_plain(title: str, found: Panes) -> Iterator[str]:
    """The same for a narrow terminal, a file or a pipe."""
    yield title
    yield from ("", f"message   ({READ} read, {UNREAD} filled and not read)")
    for one in found.source:
        text = _short("".join(part.text for part in one.parts))
        yield f"{_mark(one)} {one.path:<12} {text}"
    yield from ("", "mapping")
    for line in found.mapping:
        yield "  " * line.depth + _mapping_line(line)
    yield from ("", "document")
    for written in found.document:
        yield "  " * written.depth + _document_line(written)
    yield from ("", f"{len(found.problems)} problems")
    for problem in found.problems:
        yield f"✗ {problem}"


def _mapping_line(line: MappingLine) -> str:
    text = f"{plain(line.key)}: {_short(line.text)}".rstrip()
    if line.state == FAILED:
        return f"{text}  ✗ {line.reason}"
    if line.state == CLOSED and not line.value:
        return f"{text}  (not reached)"
    return f"{text}  → {_short(line.value)}" if line.value else text


def _document_line(line: Line) -> str:
    text = f"{plain(line.name)} {_short(line.text)}".rstrip()
    return text + "".join(f"  ✗ {problem.reason}" for problem in line.problems)
