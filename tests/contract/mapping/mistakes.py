"""Makes seeded mistakes in a shipped mapping, as an integrator makes them.

A mistake changes one word, number or line of what the mapping uses: its own lets, elements, rules
and table keys, and the blocks it reaches; of a profile, the definitions that a mapping reads. Prose
and comments are left alone. Knows nothing of who finds the mistake.
"""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from gateway.mapping import Library
from gateway.mapping.document import TableUse, read_document
from gateway.mapping.finding import Findings
from gateway.mapping.tree import read
from tests.contract.mapping.slips import (
    Change,
    another_type,
    gone,
    misspelt,
    one_of,
    other_code,
    other_number,
    other_type,
)

KINDS: Final = (
    *("misspelt element", "misspelt path", "misspelt name", "wrong field", "wrong component"),
    *("missing required", "wrong type", "misspelt column", "another column"),
    *("code not in the table", "wrong constant"),
)
_SECTIONS: Final = ("let", "emit", "blocks", "rules", "define", "tables")
_PROSE: Final = ("$required", "$note", "refuse", "code")
_LINE: Final = re.compile(
    r"(?P<key> *(?:- )*(?:'[^']*'|[\w$.\[\]+-]+(?:\([\w, ]*\))?):)(?: (?P<value>.*))?"
)
_STEP: Final = r"(?<![\w'.$-])(?P<it>[A-Za-z]\w{2,})"
_TRIES: Final = 50
"""How often one place is tried in vain for a mistake that was not made yet."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """One mistake: where, what stood there, what stands there now, and the `text` of the file."""

    kind: str
    file: str
    line: int
    before: str
    after: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.file}:{self.line}: {self.before!r} -> {self.after!r}"


@dataclass(frozen=True, slots=True)
class _Place:
    kind: str
    file: str
    start: int
    end: int
    change: Change


def mutations(library: Library, name: str, count: int, seed: int) -> Iterator[Mutation]:
    """`count` different mistakes in a mapping, or a profile; fewer if there are no more.

    The kinds take turns, so that each has its share as long as there are places for it.
    """
    dice = random.Random(f"{seed} {name}")
    by_kind: dict[str, list[_Place]] = {}
    for place in _places(library, name):
        by_kind.setdefault(place.kind, []).append(place)
    turns = {kind: _changes(library, places, dice) for kind, places in by_kind.items()}
    while turns:
        for kind, turn in tuple(turns.items()):
            mutation = next(turn, None)
            if mutation is None:
                del turns[kind]
            elif count > 0:
                yield mutation
                count -= 1
        if count <= 0:
            return


def _changes(library: Library, places: list[_Place], dice: random.Random) -> Iterator[Mutation]:
    """Every place once in a drawn order, and again as long as there is something new to do."""
    seen: set[tuple[str, int, str]] = set()
    barren = 0
    while barren < _TRIES * len(places):
        for place in dice.sample(places, len(places)):
            text = library.content(place.file).decode()
            before = text[place.start : place.end]
            after = place.change(dice, before)
            if after == before or (place.file, place.start, after) in seen:
                barren += 1
                continue
            seen.add((place.file, place.start, after))
            barren = 0
            changed = text[: place.start] + after + text[place.end :]
            line = text.count("\n", 0, place.start) + 1
            yield Mutation(place.kind, place.file, line, before, after, changed)


@dataclass(frozen=True, slots=True)
class _Reach:
    """What a mapping uses: names of blocks or definitions, tables, and what it says with them.

    `checked` are the facts declared `cf`; `written` the codes of an element that is always looked
    up in a table.
    """

    library: Library
    names: frozenset[str]
    tables: Mapping[str, TableUse]
    checked: frozenset[str] = frozenset()
    written: Mapping[str, frozenset[str]] = field(default_factory=dict)


def _places(library: Library, name: str) -> Iterator[_Place]:
    if name.startswith("profiles/"):
        profile = library.profile(name.removeprefix("profiles/").removesuffix(".yaml"))
        reach = _Reach(library, read_by_mappings(library), profile.tables)
        yield from _in_file(reach, name, library.content(name).decode())
        return
    findings = Findings()
    tree = read(library.content(name), name, findings)
    assert tree is not None, findings.errors
    document = read_document(tree, name, findings)
    files = (name, *(use.text for use in document.use))
    texts = {file: library.content(file).decode() for file in files}
    everything, own = "\n".join(texts.values()), texts[name]
    reach = _Reach(
        library,
        _reached(everything, own),
        document.tables,
        frozenset(re.findall(r"\b(\w+): cf\b", own.partition("\n  facts:")[2])),
        _written(library, everything, document.tables),
    )
    for file, text in texts.items():
        yield from _in_file(reach, file, text)


def _written(
    library: Library, everything: str, tables: Mapping[str, TableUse]
) -> dict[str, frozenset[str]]:
    """Elements that only a table says, and all that it can say."""
    values: dict[str, list[str]] = {}
    for match in re.finditer(r"(?m)^ +(?P<element>\w+): (?P<value>.*)$", everything):
        values.setdefault(match["element"], []).append(match["value"])
    found = {}
    for element, expressions in values.items():
        calls = [re.search(r"lookup\((\w+), (\w+)[^()]*\)$", one) for one in expressions]
        if all(one and one[1] in tables for one in calls):
            cells = [_cells(library, tables[one[1]].file, one[2]) for one in calls if one]
            found[element] = frozenset(cell for column in cells for cell in column)
    return found


def _cells(library: Library, file: str, column: str) -> list[str]:
    return [row[column] for row in _rows(library, file)]


def _rows(library: Library, file: str) -> list[dict[str, str]]:
    text = library.content(f"tables/{file}").decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


def read_by_mappings(library: Library) -> frozenset[str]:
    """The profile's definitions that mappings and blocks read, and those that these read."""
    files = library.mappings.rglob("*.yaml")
    texts = [path.read_text("utf-8") for path in files if path.parent.name != "profiles"]
    everything = "\n".join(t.partition("\ntests:")[0] for t in texts if "\nflow:" not in t)
    definitions = {
        match["name"]: match["text"]
        for match in re.finditer(
            r"(?m)^  (?P<name>\w+)(?:\([\w, ]*\))?: (?P<text>.*)$",
            library.content("profiles/default.yaml").decode().partition("\ndefine:")[2],
        )
    }
    return _closure(set(_words(everything)) & definitions.keys(), definitions)


def _reached(everything: str, mapping: str) -> frozenset[str]:
    """The blocks that a mapping uses, and those that these use."""
    blocks = {
        match["name"]: match["text"]
        for match in re.finditer(
            r"(?m)^  (?P<name>\w+)\([\w, ]*\):\n(?P<text>(?:    .*\n|\s*\n|  #.*\n)*)", everything
        )
    }
    emitted = mapping.partition("\nemit:")[2].partition("\ntests:")[0]
    return _closure({word for word in blocks if f"use: {word}(" in emitted}, blocks)


def _closure(first: set[str], texts: Mapping[str, str]) -> frozenset[str]:
    found: set[str] = set()
    while first:
        found |= first
        first = {word for name in first for word in _words(texts[name])} & texts.keys() - found
    return frozenset(found)


def _words(text: str) -> list[str]:
    spoken = r"#.*|(?:\$required|\$note|refuse|name): .*|'[^'\n]*'"
    return re.findall(r"\b[a-z]\w*", re.sub(spoken, "", text))


def _in_file(reach: _Reach, file: str, text: str) -> Iterator[_Place]:
    """The places of one file, line by line."""
    at = 0
    section = part = element = ""
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        top = re.match(r"(\w+):", line)
        inner = re.match(r"  (\w+)", line)
        section = top[1] if top else section
        part = inner[1] if inner else part
        bare = re.sub(r"(^|\s)#.*", lambda found: " " * len(found[0]), line.rstrip("\n"))
        match = _LINE.fullmatch(bare)
        skipped = section in ("blocks", "define") and part not in reach.names
        if section in _SECTIONS and match and not top and not skipped:
            word = match["key"].strip(" -:")
            element = element if word.startswith("$") else word
            for kind, start, end, change in _in_line(reach, section, element, match):
                yield _Place(kind, file, at + start, at + end, change)
            if section == "emit" or (section == "blocks" and not inner):
                length = _element(lines[number:])
                if length:
                    yield _Place("missing required", file, at, at + length, gone)
        at += len(line)


def _element(lines: list[str]) -> int:
    """How long an element is, with all that is in it; 0 for a directive or an item of a list."""
    first = lines[0]
    if not re.match(r" +['\w]", first):
        return 0
    depth = len(first) - len(first.lstrip())
    inside = takewhile(
        lambda line: line.strip() and len(line) - len(line.lstrip()) > depth, lines[1:]
    )
    return len(first) + sum(len(line) for line in inside)


_Found = Iterator[tuple[str, int, int, Change]]


def _in_line(reach: _Reach, section: str, element: str, line: re.Match[str]) -> _Found:
    key, value = line["key"], line["value"] or ""
    start = line.start("value")
    word = key.strip(" -:")
    if word in _PROSE:
        return
    if section == "tables":
        yield from _in_table_use(reach, reach.tables.get(word), value, start)
        return
    if name := re.fullmatch(r"(?: |- )*(?P<it>[A-Za-z]\w{2,})(?:\(.*\))?:", key):
        yield "misspelt element", *_span(name, 0), misspelt
    if word == "$text" or "$text" in value:
        constant = re.search(r"^(?:\{\$text: )?'?(?P<it>[^'}]+)", value)
        assert constant is not None, value
        yield "wrong constant", *_span(constant, start), other_code
        yield from _paths(key)
        return
    unquoted = re.sub(r"'[^']*'", lambda found: "'" * len(found[0]), value)
    # A key may be a path of the message that is written: both are read alike.
    yield from _paths(f"{key} {unquoted}" if unquoted else key)
    yield from _names(unquoted, start)
    yield from _columns(reach, value, start)
    yield from _codes(reach, value, start)
    pattern = r"(?P<it> \| (?:date|time|integer|number|cf|datetime\([^)]*\)))(?!\w)"
    for match in re.finditer(pattern, unquoted):
        # A fact that is declared `cf` is checked as one without being asked.
        again = match["it"] == " | cf" and element in reach.checked
        yield "wrong type", *_span(match, start), another_type if again else other_type


def _codes(reach: _Reach, value: str, start: int) -> _Found:
    for match in re.finditer(r"(?:==|!=|in \(|, ) ?'(?P<it>[A-Z0-9-]{1,8})'", value):
        element = re.search(r"/(\w+) (?:==|!=) $", value[: match.start("it") - 1])
        # A rule's code that this mapping never writes is there for the documents of others.
        if not element or match["it"] in reach.written.get(element[1], match["it"]):
            yield "code not in the table", *_span(match, start), other_code


def _span(match: re.Match[str], start: int) -> tuple[int, int]:
    return start + match.start("it"), start + match.end("it")


def _paths(line: str) -> _Found:
    for match in re.finditer(r"\b(?P<it>[A-Z][A-Z0-9]{2})(?=-\d|\[)", line):
        yield "misspelt path", *_span(match, 0), misspelt
    for match in re.finditer(r"(?<=[\w\]])-(?P<it>\d+)\b", line):
        yield "wrong field", *_span(match, 0), other_number
    numbers = r"\.(?P<it>\d+)\b", r"(?<=[\[( ])(?P<it>\d+)(?=(?:\.\d+)? (?:==|!=|in)\b)"
    for match in (found for each in numbers for found in re.finditer(each, line)):
        yield "wrong component", *_span(match, 0), other_number
    if quoted := re.match(r"(?: |- )*'(?P<it>\d+)", line):
        yield "wrong component", *_span(quoted, 0), other_number


def _names(unquoted: str, start: int) -> _Found:
    for match in re.finditer(_STEP, unquoted):
        word, after = match["it"], unquoted[match.end() :]
        if word.isupper() or word in ("and", "not"):
            continue
        in_path = unquoted[: match.start()].endswith("/") or after.startswith(("/", "[*]"))
        yield "misspelt path" if in_path else "misspelt name", *_span(match, start), misspelt


def _columns(reach: _Reach, value: str, start: int) -> _Found:
    for match in re.finditer(r"lookup\((?P<table>\w+), (?P<it>\w+)", value):
        yield "misspelt column", *_span(match, start), misspelt
        before = value[: match.start()].rpartition("exists(")
        asked = before[1] != "" and before[2].count("(") >= before[2].count(")")
        file = reach.tables[match["table"]].file
        if others := _others(reach.library, file, match["it"], asked=asked):
            yield "another column", *_span(match, start), one_of(others)


def _in_table_use(reach: _Reach, use: TableUse | None, value: str, start: int) -> _Found:
    for match in re.finditer(r"key: (?P<it>\w+)", value):
        yield "misspelt column", *_span(match, start), misspelt
        if use and (others := _others(reach.library, use.file, match["it"], asked=False)):
            yield "another column", *_span(match, start), one_of(others)


def _others(library: Library, file: str, column: str, *, asked: bool) -> tuple[str, ...]:
    """The columns of a sheet that say something else than this one, in some row.

    Where it is only `asked` whether there is something in it, all columns that are filled in
    every row say the same.
    """
    rows = _rows(library, file)

    def says(row: Mapping[str, str], name: str) -> object:
        return bool(row[name]) if asked else row[name]

    names = rows[0].keys() - {column}
    return tuple(sorted(n for n in names if any(says(r, n) != says(r, column) for r in rows)))
