"""How the code reads: modules of one idea, short functions, words that say something."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.architecture.sources import SHIPPED, Source, breaches, calls, imported, sources

FORBIDDEN = {
    *("handler", "processor", "engine", "manager", "helper", "util", "utils", "common"),
    *("base", "misc", "data", "info"),
}
GIVEN = {"dataReceived", "smtpState_data"}
"""Names that a library calls us by, or that a standard gives."""
Function = ast.FunctionDef | ast.AsyncFunctionDef
Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def words(name: str) -> set[str]:
    """The words of an identifier: BlockReader and block_reader are both block, reader."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return {word.lower() for word in spaced.split("_") if word}


def named(tree: ast.AST) -> Iterator[Named]:
    """Every class and function, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, Named):
            yield node


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function, nested ones and methods too."""
    for node in named(tree):
        if isinstance(node, Function):
            yield node


def lawless(source: Source) -> Iterator[str]:
    """A module without its law."""
    if not (ast.get_docstring(source.tree) or "").strip():
        yield "1: no docstring"


def test_module_says_its_law():
    """Every module begins with what it may know and what not."""
    assert breaches(lawless) == []


def overlong(source: Source) -> Iterator[str]:
    """A module of more than 350 lines."""
    lines = len(source.text.splitlines())
    if lines > 350:
        yield f"{lines}: lines"


def test_module_is_of_one_idea():
    """No module that an operator runs is longer than 350 lines."""
    assert breaches(overlong, *SHIPPED, "bench") == []


def vague(source: Source) -> Iterator[str]:
    """Modules, classes and functions whose name holds a word that could stand for anything."""
    names = [(source.path.stem, 1), (source.path.parent.name, 1)]
    names += [(node.name, node.lineno) for node in named(source.tree)]
    for name, line in names:
        if name not in GIVEN and FORBIDDEN & words(name):
            yield f"{line}: {name}"


def test_names_say_something():
    """No module, class or function is called by a word that could stand for anything."""
    assert breaches(vague, *SHIPPED, "bench") == []


def length(function: Function) -> int:
    """Lines of a function without its docstring and decorators."""
    first, prose = function.body[0], 0
    if ast.get_docstring(function) is not None:
        prose = (first.end_lineno or first.lineno) - first.lineno + 1
    return (function.end_lineno or function.lineno) - function.lineno + 1 - prose


def test_nine_functions_in_ten_are_under_thirty_lines():
    """Long functions are the exception; none but a migration is longer than eighty lines."""
    lengths = {
        f"{source.name}:{node.lineno}: {node.name}": length(node)
        for source in sources(*SHIPPED)
        if "/migrations/" not in source.name
        for node in functions(source.tree)
    }
    long = {name: lines for name, lines in lengths.items() if lines >= 30}
    assert len(long) <= len(lengths) / 10, long
    assert [name for name, lines in lengths.items() if lines > 80] == []


def self_evident(node: Named, owner: ast.AST) -> bool:
    """A private name, a class of a few fields, a short method, or a library's name for one."""
    if node.name.startswith("_"):
        return True
    if isinstance(node, ast.ClassDef):
        return all(isinstance(each, ast.AnnAssign) for each in node.body)
    if isinstance(owner, ast.Module):
        return False
    return length(node) <= 10 or re.search("[a-z][A-Z]|^render_", node.name) is not None


def undocumented(source: Source) -> Iterator[str]:
    """Public classes, functions and methods that neither explain themselves nor need not."""
    classes = [n for n in named(source.tree) if isinstance(n, ast.ClassDef) and n.name[0] != "_"]
    for owner in (source.tree, *classes):
        for node in owner.body:
            if not isinstance(node, Named) or self_evident(node, owner):
                continue
            if ast.get_docstring(node) is None:
                yield f"{node.lineno}: {node.name}"


def test_public_names_are_explained():
    """What others may call says what it gives, what it raises and where the rule comes from."""
    assert breaches(undocumented, *SHIPPED) == []


EXCEPTION = re.compile(
    r"#\s*(noqa\b(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)?|type:\s*ignore(\[[\w\-, ]+\])?|pragma: no \w+)"
)
NAMED_RULE = re.compile(r"noqa:\s*[A-Z]|ignore\[|pragma")


def unreasoned(source: Source) -> Iterator[str]:
    """Every noqa, type: ignore and pragma that names no rule or gives no reason."""
    for line, comment in source.comments:
        if EXCEPTION.search(comment):
            reason = EXCEPTION.sub(" ", comment).strip(" #-:;,—")
            if not NAMED_RULE.search(comment) or not reason:
                yield f"{line}: {comment}"


def test_every_exception_to_a_rule_has_its_reason():
    """A noqa, a type: ignore or a pragma names its rule and says why, on the same line."""
    assert breaches(unreasoned) == []


def left_over(source: Source) -> Iterator[str]:
    """Comments that promise work without the issue that it belongs to."""
    for line, comment in source.comments:
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", comment) and not re.search(r"#\d+", comment):
            yield f"{line}: {comment}"


def test_nothing_is_left_to_do():
    """No comment promises work without the issue that it belongs to."""
    assert breaches(left_over) == []


def exceptions(source: Source) -> Iterator[str]:
    """The exception classes of a file that are more than a ValueError."""
    for node in named(source.tree):
        if isinstance(node, ast.ClassDef):
            parents = [ast.unparse(parent) for parent in node.bases]
            if any(re.search(r"(?<!Value)(Error|Exception)$", parent) for parent in parents):
                yield f"{source.module}.{node.name}"


def strangers(source: Source) -> Iterator[str]:
    """Exceptions of another folder that are not of the one tree."""
    for name, line in imported(source.tree):
        module = name.rpartition(".")[0].replace(".", "/")
        found = [each for each in sources(*SHIPPED) if each.module.replace(".", "/") == module]
        if found and found[0].name != "gateway/errors.py":
            near = found[0].path.parent in source.path.parents
            if name in exceptions(found[0]) and not near:
                yield f"{line}: {name}"


def test_one_exception_tree():
    """What leaves its room is in gateway/errors.py, or a ValueError for the caller to turn."""
    assert breaches(strangers, *SHIPPED) == []


def printers(source: Source) -> Iterator[str]:
    """Calls of print outside the command line and telemetry."""
    if not source.name.startswith(("gateway/cli/", "gateway/telemetry")):
        yield from (f"{call.lineno}: print" for name, call in calls(source.tree) if name == "print")


def test_only_the_verbs_print():
    """Standard output belongs to the verbs and to telemetry; the rest speaks through values."""
    assert breaches(printers, *SHIPPED) == []


def swallowed(source: Source) -> Iterator[str]:
    """`except:` without a class, which would also catch the order to stop."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"{node.lineno}: except without a class"


def test_nothing_is_swallowed_whole():
    """No `except` catches what it does not name."""
    assert breaches(swallowed, *SHIPPED) == []


def unpromising(source: Source) -> Iterator[str]:
    """Tests that do not say in one sentence what they hold the code to."""
    if not source.path.name.startswith("test_"):
        return
    for node in functions(source.tree):
        promise = (ast.get_docstring(node) or "").strip()
        if node.name.startswith("test_") and (not promise.endswith(".") or "\n\n" in promise):
            yield f"{node.lineno}: {node.name}"


def test_every_test_reads_as_a_promise():
    """Each test says in one sentence what it holds the code to."""
    assert breaches(unpromising, "tests") == []
