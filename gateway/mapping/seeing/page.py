"""A preview as one page that needs nothing else: no font, script or picture from anywhere.

Every text is escaped; the page's own policy lets nothing run or load but the style and script
written here, which it names by their SHA-256. It holds what a message says: keep it as that.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

from gateway.mapping.seeing.filled import Filled
from gateway.mapping.seeing.panes import MappingLine, Panes, str_of
from gateway.mapping.seeing.written import Line

STYLE: Final = """
:root { color-scheme: light dark; --line: #8885; --good: #1a7f37; --bad: #cf222e; --odd: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --good: #4ac26b; --bad: #ff7b72; --odd: #d4a72c; } }
body { font: 13px/1.45 ui-monospace, Menlo, Consolas, monospace; margin: 0 1rem 1rem; }
h1 { font-size: 15px; margin: .8rem 0; } h2 { font-size: 13px; margin: .4rem 0; }
main { display: grid; grid-template-columns: 3fr 5fr 4fr; gap: 1rem; }
main > section { overflow: auto; max-height: 85vh; border-top: 2px solid var(--line); }
.l { white-space: pre-wrap; overflow-wrap: anywhere; padding: 0 .2rem; display: flex; gap: .6rem; }
.l > span:last-child { flex: 1; }
.l > .k { flex: 1 1 60%; } .l > .v { flex: 1 1 40%; color: var(--good); }
.on { background: #ffd33d55; }
.read, .hit { color: var(--good); } .unread, .never { color: var(--odd); }
.closed, .absent, .dim { opacity: .55; } .failed, .problem { color: var(--bad); }
b { font-weight: 600; }
.never, .hit { border-left: 3px solid; padding-left: .4rem; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .1rem .8rem .1rem 0; }
nav a { margin-right: 1rem; }
"""

SCRIPT: Final = """
(function () {
  function each(selector, work) { document.querySelectorAll(selector).forEach(work); }
  function words(row, name) { return (row.dataset[name] || '').split(' ').filter(Boolean); }
  function mark(row) { row.classList.add('on'); }
  function light(row) {
    each('.on', function (other) { other.classList.remove('on'); });
    mark(row);
    var leaves = row.classList.contains('leaf') ? [row] : [];
    if (!leaves.length) {
      each('.leaf', function (leaf) {
        var same = row.dataset.target && leaf.dataset.target === row.dataset.target;
        if (same || (row.dataset.path && words(leaf, 'read').includes(row.dataset.path))) {
          leaves.push(leaf);
        }
      });
    }
    leaves.forEach(function (leaf) {
      mark(leaf);
      var read = words(leaf, 'read');
      each('[data-path]', function (other) {
        if (read.includes(other.dataset.path)) { mark(other); }
      });
      each('.written', function (other) {
        if (leaf.dataset.target && other.dataset.target === leaf.dataset.target) { mark(other); }
      });
    });
  }
  function row(event) { return event.target.closest('.l'); }
  document.addEventListener('mouseover', function (event) {
    if (row(event)) { light(row(event)); }
  });
  document.addEventListener('click', function (event) {
    if (!row(event)) { return; }
    light(row(event));
    each('main > section', function (pane) {
      var first = pane.querySelector('.on');
      if (first && !pane.contains(event.target)) { first.scrollIntoView({ block: 'center' }); }
    });
  });
})();
"""


def shell(title: str, body: Iterable[str], script: str = "") -> str:
    """A whole page around escaped lines."""
    policy = f"default-src 'none'; style-src '{_digest(STYLE)}'"
    if script:
        policy += f"; script-src '{_digest(script)}'"
    lines = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        *body,
        f"<script>{script}</script>" if script else "",
        "</body></html>",
    ]
    return "\n".join(lines) + "\n"


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def preview_page(title: str, found: Panes) -> str:
    """The three panes; pointing at a line shows where it comes from and where it goes."""
    return shell(title, _panes(found), SCRIPT)


def _panes(found: Panes) -> Iterator[str]:
    for problem in found.problems:
        yield f'<div class="problem">✗ {escape(str(problem))}</div>'
    yield "<main>"
    yield from _pane("message", (_source(one) for one in found.source))
    yield from _pane("mapping", (_mapping(line) for line in found.mapping))
    yield from _pane("document", (_document(line) for line in found.document))
    yield "</main>"


def _pane(heading: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"<section><h2>{heading}</h2>"
    yield from lines
    yield "</section>"


def _source(one: Filled) -> str:
    state = "read" if one.read else "dim" if one.exempt else "unread"
    parts = "".join(
        f"<b>{escape(part.text)}</b>" if part.read else escape(part.text) for part in one.parts
    )
    path, name = escape(one.path), escape(one.name)
    return (
        f'<div class="l {state}" data-path="{path}" title="{name}">'
        f"<span>{path}</span><span>{parts}</span></div>"
    )


def _mapping(line: MappingLine) -> str:
    indent = "  " * line.depth
    from_ = ", ".join((*line.read, *line.rows))
    title = escape(f"{str_of(line.position)}  {from_}")
    value = f"✗ {line.reason}" if line.reason else line.value
    return (
        f'<div class="l leaf {line.state}" data-target="{escape(line.target)}" '
        f'data-read="{escape(" ".join(line.links))}" title="{title}">'
        f'<span class="k">{indent}<b>{escape(line.key)}</b>: {escape(line.text)}</span>'
        f'<span class="v">{escape(value)}</span></div>'
    )


def _document(line: Line) -> str:
    indent = "  " * line.depth
    reasons = "".join(f"  ✗ {problem.reason}" for problem in line.problems)
    wrong = f'<span class="problem">{escape(reasons)}</span>' if reasons else ""
    return (
        f'<div class="l written" data-target="{escape(line.target)}">'
        f"<span>{indent}<b>{escape(line.name)}</b> {escape(line.text)}{wrong}</span></div>"
    )
