"""Writes the parts of the manual that the code already says: errors, lifecycle, findings, rooms.

    python docs/generate.py            write them
    python docs/generate.py --check    exit 1 if they differ from what the code says

Nothing in these pages is written by hand; a test holds them against this module.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway import errors, lifecycle
from gateway.lifecycle import TRANSITIONS, Event, Status
from gateway.mapping.finding import RULES

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
BY_HAND = "<!-- Written by docs/generate.py from {source}; change that, not this. -->"

CODES = {
    100: "segment sequence error",
    101: "required field missing",
    102: "data type error",
    103: "table value not found",
    200: "unsupported message type",
    201: "unsupported event code",
    202: "unsupported processing id",
    203: "unsupported version id",
    204: "unknown key identifier",
    205: "duplicate key identifier",
    206: "application record locked",
    207: "application internal error",
}


def tree(parent: type[errors.GatewayError]) -> list[type[errors.GatewayError]]:
    """A class and all below it, each before its children, in the order of the module."""
    return [parent] + [each for child in parent.__subclasses__() for each in tree(child)]


def happened(error: type[errors.GatewayError]) -> str:
    """The docstring on one line."""
    return " ".join((inspect.getdoc(error) or "").split())


def errors_page() -> str:
    """The operator's table of errors: what happened, and what to do."""
    lines = [
        "# Errors, and what to do",
        "",
        BY_HAND.format(source="gateway/errors.py"),
        "",
        "Every text names a place (`PID-7`, `nato/sesso`) and never a value. The class stands at",
        "the start of the log line and in `--json` output.",
        "",
        "| class | what happened | what to do |",
        "|---|---|---|",
    ]
    for error in tree(errors.GatewayError)[1:]:
        depth = len(error.__mro__) - len(errors.GatewayError.__mro__) - 1
        name = "↳ " * depth + f"`{error.__name__}`"
        lines.append(f"| {name} | {happened(error)} | {error.advice} |")
    lines += [
        "",
        "## Codes in acknowledgments (HL7 table 0357)",
        "",
        "| code | meaning | answered with |",
        "|---|---|---|",
    ]
    for code, meaning in CODES.items():
        lines.append(f"| {code} | {meaning} | {'AR or CR' if code >= 200 else 'AE or CE'} |")
    return "\n".join(lines) + "\n"


def arrows() -> list[str]:
    """The diagram's arrows: one for each pair of statuses, with all the events that lead there."""
    events: dict[tuple[Status, Status], list[Event]] = {}
    for (status, event), following in TRANSITIONS.items():
        if status is not following:
            events.setdefault((status, following), []).append(event)
    return [
        f"    {status} --> {following}: {', '.join(each.value for each in found)}"
        for (status, following), found in events.items()
    ]


def lifecycle_page() -> str:
    """The statuses, the diagram, and the whole table, a row for each status and event."""
    lines = [
        "# The life of a submission",
        "",
        BY_HAND.format(source="gateway/lifecycle.py"),
        "",
        "A submission is one document of one step of one case. Its status changes only by a row of",
        "the table below; a pair that is not there is refused with `LifecycleError`.",
        "",
        "| status | meaning |",
        "|---|---|",
        *(f"| {status} | {lifecycle.MEANINGS[status]} |" for status in Status),
        "",
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> WAITING",
        *arrows(),
        "```",
        "",
        "| status | event | then |",
        "|---|---|---|",
    ]
    for (status, event), following in TRANSITIONS.items():
        then = "stays" if status is following else following.value
        lines.append(f"| {status} | {event} | {then} |")
    return "\n".join(lines) + "\n"


def findings_page() -> str:
    """The rules of `icaro map lint`, by their code."""
    lines = [
        "# What `icaro map lint` finds",
        "",
        BY_HAND.format(source="gateway/mapping/finding.py"),
        "",
        "Each finding has a file, a line, a column and one of these rules. Errors stop a start and",
        "`icaro config check`; warnings do not.",
        "",
        "| rule | what |",
        "|---|---|",
        *(f"| `{rule}` | {meaning} |" for rule, meaning in RULES.items()),
    ]
    return "\n".join(lines) + "\n"


def contracts() -> dict[str, dict[str, Any]]:
    """What lint-imports holds the code to, by id."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {each["id"]: each for each in settings["tool"]["importlinter"]["contracts"]}


def layers() -> list[list[str]]:
    """The rooms of the gateway, layer by layer, from the highest."""
    return [
        re.sub(r"[() ]", "", layer).split("|") for layer in contracts()["gateway-layers"]["layers"]
    ]


def sentence(module: str) -> str:
    """The first sentence of a module's docstring, or of a package's, on one line."""
    path = ROOT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return re.split(r"(?<=\.)\s", " ".join(text.split()), maxsplit=1)[0].replace("|", "\\|")


def place(folder: str, name: str) -> str:
    """`intake` or, of a package, `hl7/`."""
    return f"`{name}/`" if (ROOT / folder / name).is_dir() else f"`{name}`"


def edges() -> Iterator[str]:
    """The rooms of `adapters/`, by name."""
    for path in sorted((ROOT / "adapters").iterdir()):
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").is_file():
            yield path.stem


def listed(modules: list[str]) -> str:
    """`hl7`, `flow`: without what they all begin with."""
    return ", ".join(f"`{each.removeprefix('gateway.')}`" for each in modules)


def walls() -> Iterator[str]:
    """Who must not import whom, beside the order of the layers."""
    for contract in contracts().values():
        match contract["type"]:
            case "forbidden":
                barred = listed(contract["forbidden_modules"])
                yield f"- {contract['name']} ({listed(contract['source_modules'])} never {barred})."
            case "independence":
                yield f"- {contract['name']} ({listed(contract['modules'])})."


def rooms_page() -> str:
    """Every room with its sentence, in the order in which they import each other."""
    lines = [
        "# The rooms, and their order",
        "",
        BY_HAND.format(source="pyproject.toml (`gateway-layers`) and the modules' docstrings"),
        "",
        "Imports go down: a room of `gateway/` knows only rooms of later layers, none above it and",
        "none beside it. `lint-imports` holds the code to it, and fails on a room without a place.",
        "Why they were cut like this: [decision 0002](decisions/0002-rooms.md).",
        "",
        "| layer | room | its sentence |",
        "|---|---|---|",
    ]
    for number, rooms in enumerate(layers(), start=1):
        for room in rooms:
            lines.append(f"| {number} | {place('gateway', room)} | {sentence(f'gateway.{room}')} |")
    lines += ["", "The edges, `adapters/`:", "", "| room | its sentence |", "|---|---|"]
    for name in edges():
        lines.append(f"| {place('adapters', name)} | {sentence(f'adapters.{name}')} |")
    lines += ["", "Beside the order:", "", *walls()]
    return "\n".join(lines) + "\n"


PAGES = {
    "rooms.md": rooms_page,
    "errors.md": errors_page,
    "lifecycle.md": lifecycle_page,
    "findings.md": findings_page,
}


def main(arguments: list[str]) -> int:
    """Write the pages, or only compare them; 1 if one of them is not what the code says."""
    stale = 0
    for name, page in PAGES.items():
        path = DOCS / name
        if "--check" in arguments:
            stale |= not path.is_file() or path.read_text(encoding="utf-8") != page()
        else:
            path.write_text(page(), encoding="utf-8")
    return int(stale)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
