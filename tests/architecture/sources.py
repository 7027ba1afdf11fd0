"""The project's own files as the architecture tests see them: paths, texts, syntax trees.

Reads what git tracks (or, outside a checkout, what lies in the folders), so that files that a
developer left about do not fail a test.
"""

from __future__ import annotations

import ast
import io
import subprocess
import tokenize
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from tokenize import COMMENT

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("gateway", "adapters")
"""The folders whose code an operator runs."""


@dataclass(frozen=True)
class Source:
    """One Python file. `name` is its path from the project's folder, with slashes."""

    name: str

    @property
    def path(self) -> Path:
        return ROOT / self.name

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    @cached_property
    def comments(self) -> list[tuple[int, str]]:
        """Every comment with its line."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return [(token.start[0], token.string) for token in tokens if token.type == COMMENT]

    @property
    def module(self) -> str:
        return self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@lru_cache
def tracked() -> tuple[str, ...]:
    """Every committed or about to be committed file that is there, as paths with slashes."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        found = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
        names = found.split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = [p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*") if ".venv" not in str(p)]
    return tuple(sorted(name for name in set(names) if name and (ROOT / name).is_file()))


@lru_cache
def sources(*folders: str) -> tuple[Source, ...]:
    """The Python files under `folders`; all of the project's when none is named."""
    return tuple(
        Source(name)
        for name in tracked()
        if name.endswith(".py") and (not folders or name.split("/")[0] in folders)
    )


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    """Every call with the dotted name of what is called; '' before the dot where it is no name."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found.append((dotted(node.func), node))
    return found


def dotted(node: ast.expr) -> str:
    """'etree.fromstring' for the expression etree.fromstring."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def imported(tree: ast.AST) -> list[tuple[str, int]]:
    """Every imported module (and `module.name` for each name taken from one) with its line."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append((node.module, node.lineno))
            found += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
    return found


def breaches(rule: Callable[[Source], Iterable[str]], *folders: str) -> list[str]:
    """All that `rule` finds wrong, file by file, each line beginning with the file's name."""
    return [f"{source.name}:{wrong}" for source in sources(*folders) for wrong in rule(source)]
