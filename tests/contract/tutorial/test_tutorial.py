"""The tutorial, typed as it stands: every command, every file, and what is shown of the output.

`console` blocks hold commands after `$ ` and what they print; a `yaml` block with a file name is
that file. A line `…` stands for any lines, `…` inside a line for anything. `[exit code 1]` ends
the output of what does not exit with 0.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared"
PAGE = ROOT / "docs/tutorial.md"
BLOCK = re.compile(r"^```(\w+)(?: ([^\n`]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SCHEMAS = SHARED / "anpr/ansc/xsd"
MESSAGE = SHARED / "corpus/births/integrationsoup_a28.hl7"


class Step(NamedTuple):
    """A command and what it shows, or a file (`name`) and what it holds."""

    command: str
    name: str
    text: str


def steps(page: str) -> Iterator[Step]:
    """All that a reader does, in order."""
    for kind, name, text in BLOCK.findall(page):
        if kind == "console":
            for one in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, shown = one.partition("\n")
                yield Step(command, "", shown)
        elif name:
            yield Step("", name, text)


def shows(shown: str, printed: str) -> bool:
    """Whether what is printed is what the page shows, but for what it leaves out."""
    lines = []
    for line in shown.splitlines():
        if line == "…":
            lines.append(r"(?:[^\n]*\n)*?")
        else:
            lines.append(".*".join(map(re.escape, line.rstrip().split("…"))) + r" *\n")
    return re.fullmatch("".join(lines), printed) is not None


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    """A folder with what the reader has downloaded, and `icaro` to be typed."""
    for path in (SCHEMAS, MESSAGE):
        if not path.exists():
            pytest.skip(f"shared data absent: {path.relative_to(SHARED)}")
    (tmp_path / "download").mkdir()
    for path in SCHEMAS.glob("*.xsd"):
        shutil.copy(path, tmp_path / "download")
    shutil.copy(MESSAGE, tmp_path / "download/nata.hl7")
    (tmp_path / ".bin").mkdir()
    icaro = tmp_path / ".bin/icaro"
    icaro.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gateway.cli "$@"\n')
    icaro.chmod(0o755)
    return tmp_path


def typed(command: str, folder: Path, home: Path) -> str:
    """What a terminal shows for a command."""
    search = f"{home / '.bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": search, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**environment, "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return done.stdout + (f"[exit code {done.returncode}]\n" if done.returncode else "")


def test_every_command_of_the_tutorial_does_what_the_page_shows(reader: Path) -> None:
    """A reader who types what stands there sees what stands there."""
    folder = reader
    for step in steps(PAGE.read_text(encoding="utf-8")):
        if step.name:
            (folder / step.name).write_text(step.text, encoding="utf-8")
        elif step.command.startswith("cd "):
            folder /= step.command[3:]
        else:
            printed = typed(step.command, folder, reader)
            assert shows(step.text, printed), f"$ {step.command}\n{printed}"


def test_the_tutorial_has_all_its_steps() -> None:
    """New, lint, preview, test and coverage are on the page; a block misspelt would not be run."""
    commands = [step.command for step in steps(PAGE.read_text(encoding="utf-8"))]
    for verb in ("new", "lint", "preview", "test", "coverage"):
        assert any(command.startswith(f"icaro map {verb} ") for command in commands), verb
    assert commands.count("") == 1


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\n", "a\n", True),
        ("a\n…\nc\n", "a\nb\nb\nc\n", True),
        ("a … c\n", "a b c\n", True),
        ("", "", True),
        ("", "a\n", False),
        ("a\n", "a\nb\n", False),
        ("a\n…\nd\n", "a\nb\nc\n", False),
        ("a.c\n", "abc\n", False),
    ],
)
def test_only_what_is_left_out_may_differ(shown: str, printed: str, same: bool) -> None:
    """The comparison itself."""
    assert shows(shown, printed) is same
