"""What is declared and never used: lets, inputs, tables, blocks, parameters, files of `use:`.

A name that is written anywhere counts as used, even where the text around it cannot be read, and
so does one that a finding guesses was meant: one mistake has one finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from gateway.mapping.finding import Findings, Position

if TYPE_CHECKING:
    from gateway.mapping.document import Block, Document
    from gateway.mapping.emission import Node
    from gateway.mapping.tree import Scalar

_FIXED: Final = re.compile(r"'(?:[^']|'')*'")
_WORD: Final = re.compile(r"[A-Za-z_]\w*")
_FACT: Final = re.compile(r"([A-Za-z_]\w*)\s*\.\s*([A-Za-z_]\w*)")
_GUESS: Final = re.compile(r"did you mean (\S+)\?")
_GUESSING: Final = frozenset({"M02", "M03"})

Used = set[tuple[str, ...]]
"""`("let", "madre")`, `("input", "flow", "now")`, `("table", "sesso")`, `("block", "genitore")`."""


def check_unused(
    document: Document, blocks: Mapping[str, Block], used: Used, findings: Findings
) -> None:
    """M07 and T04 of one mapping. `blocks` are its own and those of its files; `used` is what
    the compiler met."""
    if _is_broken(document.emit) or any(_is_broken(block.node) for block in blocks.values()):
        return  # what stands under a directive that is none was not read
    texts = list(_texts_of_mapping(document, blocks))
    words, facts = _mentions(texts)
    words |= _guesses(findings)
    for what, name, position in _declared(document):
        written = name in facts or name[-1] in words if what == "input" else name[0] in words
        if (what, *name) not in used and not written:
            text = f"{what} {'.'.join(name)} is never used"
            findings.warning(position, "T04" if what == "table" else "M07", text)
    _check_files(document, blocks, words, used, findings)
    for block in blocks.values():
        check_parameters(block.key, block.parameters, _texts(block.node), findings)
    for let in document.lets.values():
        check_parameters(let.key, let.parameters, (let.text.text,), findings)


def _is_broken(node: Node) -> bool:
    return any(each.broken for each in nodes_of(node))


def _declared(document: Document) -> Iterator[tuple[str, tuple[str, ...], Position]]:
    for name, let in document.lets.items():
        yield "let", (name,), let.key.position
    for key, position in document.input_positions.items():
        yield "input", key, position
    for name, use in document.tables.items():
        yield "table", (name,), use.position
    for name, block in document.blocks.items():
        yield "block", (name,), block.key.position


def _check_files(
    document: Document,
    blocks: Mapping[str, Block],
    words: set[str],
    used: Used,
    findings: Findings,
) -> None:
    """A file of `use:` of which nothing is used; its rules are always asked."""
    ruling = {rule.position.file for rule in document.rules}
    for use in document.use:
        names = [name for name, block in blocks.items() if block.key.position.file == use.text]
        idle = all(("block", name) not in used and name not in words for name in names)
        if names and idle and use.text not in ruling:
            findings.warning(use.position, "M07", f"no block of {use.text} is used")


def check_parameters(
    key: Scalar, parameters: Iterable[str], texts: Iterable[str], findings: Findings
) -> None:
    """M07 for a parameter that the texts of a block or definition do not name, at its place."""
    words, _ = _mentions(texts)
    words |= _guesses(findings)
    for name in parameters:
        if name in words:
            continue
        inside = key.text.index("(")
        found = re.compile(rf"\b{re.escape(name)}\b").search(key.text, inside)
        column = found.start() if found else 0
        position = key.position.after(column + key.quoted)
        findings.warning(position, "M07", f"parameter {name} is never used")


def _mentions(texts: Iterable[str]) -> tuple[set[str], set[tuple[str, ...]]]:
    """All names in the texts, and all `namespace.fact`; fixed texts name nothing."""
    words: set[str] = set()
    facts: set[tuple[str, ...]] = set()
    for text in texts:
        plain = _FIXED.sub(" ", text)
        words.update(_WORD.findall(plain))
        facts.update(_FACT.findall(plain))
    return words, facts


def _guesses(findings: Findings) -> set[str]:
    """The names that were meant, as findings say."""
    texts = (finding.text for finding in findings.found if finding.code in _GUESSING)
    return {found[1] for text in texts if (found := _GUESS.search(text))}


def _texts_of_mapping(document: Document, blocks: Mapping[str, Block]) -> Iterator[str]:
    """Every expression of the mapping, and of the blocks of other files that it uses."""
    yield from (let.text.text for let in document.lets.values())
    yield from (rule.when.text for rule in document.rules)
    if (when := document.source.text("when")) != "":
        yield when
    waiting = [document.emit, *(block.node for block in document.blocks.values())]
    met = {*document.blocks}
    while waiting:
        node = waiting.pop()
        yield from _texts(node)
        for name in _blocks_named(node) - met:
            met.add(name)
            if name in blocks:
                waiting.append(blocks[name].node)


def _texts(node: Node) -> Iterator[str]:
    for each in nodes_of(node):
        said = (each.value, each.when, each.use, each.each.path if each.each else None)
        yield from (text.text for text in said if text)


def _blocks_named(node: Node) -> set[str]:
    uses = [each.use.text for each in nodes_of(node) if each.use]
    return {found[0] for text in uses if (found := _WORD.match(text.strip()))}


def nodes_of(node: Node) -> Iterator[Node]:
    """The node and all below it, as written."""
    yield node
    below = (*node.choose, *node.several, *(child for _, child in node.children))
    for each in (*below, *(attribute for _, attribute in node.attributes)):
        yield from nodes_of(each)
