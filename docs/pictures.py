"""Draws the terminal's pictures of the manual, from the shipped mappings and samples.

    python docs/pictures.py            draw them
    python docs/pictures.py --check    exit 1 if one is not what the verb shows today

A picture is SVG with the reader's own monospaced font: nothing is loaded from anywhere. A test
draws them again, so that none shows what the gateway no longer does.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from gateway import shipped
from gateway.cli.map.coverage import drawn, drawn_tables
from gateway.cli.map.drawing import draw
from gateway.cli.map.explain import Seen
from gateway.cli.map.explain import draw as draw_explanation
from gateway.mapping import Library
from gateway.mapping.lint import lint_mapping
from gateway.mapping.seeing import traced
from gateway.mapping.seeing.evaluation import evaluation
from gateway.mapping.seeing.explain import explain, find, leaves_of
from gateway.mapping.seeing.panes import panes
from gateway.mapping.seeing.runs import Runs
from gateway.mapping.tests import cases_of, given

PICTURES = Path(__file__).resolve().parent / "pictures"
MAPPING = "comune/nascita.yaml"
LINES = 44
"""As many lines of each pane as a page can hold."""

FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
FORMAT = re.sub(r"<!--.*?-->\s*", "", FORMAT, flags=re.DOTALL)
FORMAT = FORMAT.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")


def console(width: int) -> Console:
    """A terminal that records what is drawn on it."""
    return Console(
        width=width,
        record=True,
        file=io.StringIO(),
        force_terminal=True,
        color_system="standard",
        highlight=False,
        legacy_windows=False,
    )


def typed(terminal: Console, command: str) -> None:
    """The line that a person typed."""
    terminal.print(Text("$ ", "dim").append(command, "bold"))


def preview() -> Console:
    """A twin whose birth order the message does not say."""
    library = Library(shipped.mappings(), shipped.xsd())
    known = traced(library, MAPPING, "default")
    case = next(each for each in cases_of(library, MAPPING) if each.name == "twin without order")
    source, facts = given(library, known.compiled, case)
    found = panes(known, source, *known.run(source, facts))
    first = next(at for at, one in enumerate(found.source) if one.path.startswith("PID"))
    shown = replace(
        found,
        source=found.source[first : first + LINES],
        mapping=found.mapping[:LINES],
        document=found.document[:LINES],
    )
    terminal = console(160)
    typed(terminal, f"icaro map preview {MAPPING} twin.hl7")
    terminal.print(draw(f"{MAPPING}  ·  twin.hl7  ·  profile default", shown))
    return terminal


def explanation() -> Console:
    """One element in a block, with a message."""
    library = Library(shipped.mappings(), shipped.xsd())
    known = traced(library, MAPPING, "default")
    (site,) = find(known, "maternita/generalita/sesso")
    case = cases_of(library, MAPPING)[0]
    _, trace = known.run(*given(library, known.compiled, case))
    seen = [Seen(leaf, evaluation(leaf.step)) for leaf in leaves_of(trace, site)]
    told = explain(library, known, site)
    terminal = console(120)
    typed(terminal, f"icaro map explain {MAPPING} maternita/generalita/sesso {case.given}")
    draw_explanation(terminal, replace(told, touches=told.touches[:4]), seen, asked=True)
    return terminal


def coverage() -> Console:
    """The Comune's mappings, and what their tests leave out."""
    library = Library(shipped.mappings(), shipped.xsd())
    runs = Runs(library)
    for name in ("comune/esito.yaml", MAPPING):
        runs.of(name)
    terminal = console(110)
    typed(terminal, f"icaro map coverage comune/esito.yaml {MAPPING}")
    terminal.print(drawn(runs.coverage))
    terminal.print(drawn_tables(runs.coverage))
    typed(terminal, f"icaro map coverage comune/esito.yaml {MAPPING} --findings")
    for finding in [each for each in runs.coverage.findings() if each.code == "C02"][:8]:
        terminal.print(str(finding))
    return terminal


MISTAKES = {
    "operazioneRichiesta": "operazioneRichesta",
    "$use: dichiarazione()": "$use: dichiarazion()",
    "OBX[2 == 'ED'][*] as carta": "OBX[2 == 'ED']-55 as carta",
    "sesso: {file: sesso.csv, key: hl7,": "sesso: {file: sesso.csv, key: hl8,",
}
"""What an integrator typed instead of what the shipped mapping says."""


def lint() -> Console:
    """The Comune's mapping with some mistakes in it."""
    library = Library(shipped.mappings(), shipped.xsd())
    text = library.content(MAPPING).decode()
    for right, wrong in MISTAKES.items():
        text = text.replace(right, wrong, 1)
    terminal = console(130)
    typed(terminal, f"icaro map lint {MAPPING}")
    for finding in lint_mapping(library.with_open({MAPPING: text.encode()}), MAPPING):
        terminal.print(str(finding))
    return terminal


DRAWN: dict[str, Callable[[], Console]] = {
    "lint.svg": lint,
    "preview.svg": preview,
    "explain.svg": explanation,
    "coverage.svg": coverage,
}


def svg(name: str) -> str:
    """One picture."""
    title = f"icaro map {name.removesuffix('.svg')}"
    drawing = DRAWN[name]().export_svg(title=title, code_format=FORMAT, unique_id=name[:-4])
    return "\n".join(line.rstrip() for line in drawing.splitlines()) + "\n"


def main(arguments: list[str]) -> int:
    """Draw them, or only compare; 1 if one of them is not what is drawn today."""
    stale = 0
    for name in DRAWN:
        path = PICTURES / name
        if "--check" in arguments:
            stale |= not path.is_file() or path.read_text(encoding="utf-8") != svg(name)
        else:
            PICTURES.mkdir(exist_ok=True)
            path.write_text(svg(name), encoding="utf-8")
    return int(stale)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
