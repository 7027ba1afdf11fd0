"""What may stand where the cursor is: fields, components, names, functions, tables, elements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.hl7.dictionary import spoken
from gateway.mapping.document import KEYS
from gateway.mapping.functions import FUNCTIONS, SPECIAL
from gateway.mapping.language import words
from gateway.mapping.language.cursor import Cursor
from gateway.mapping.language.scene import Scene
from gateway.mapping.language.target import element_at

_SELECTOR: Final = r"(?:\[[^\]]*\])?"
_COMPONENT: Final = re.compile(rf"(\w+){_SELECTOR}-(\d+){_SELECTOR}\.(\d*)$")
_FIELD: Final = re.compile(rf"(\w+){_SELECTOR}-(\d*)$")
_COLUMN: Final = re.compile(r"lookup\(\s*(\w+)\s*,\s*(\w*)$")
_TABLE: Final = re.compile(r"lookup\(\s*(\w*)$")
_PIPED: Final = re.compile(r"\|\s*(\w*)$")
_FACT: Final = re.compile(r"(?<![\w.-])([a-z]\w*)\.(\w*)$")
_STEPS: Final = re.compile(r"((?:\w+/)*)(\w*)$")
_NAME: Final = re.compile(r"(\w*)$")
_NO_EXPRESSION: Final = frozenset({"$text", "$note", "$required", "$on_null", "name", "lang"})


class What(StrEnum):
    """What is offered; an editor shows each with a sign of its own."""

    FIELD = "field"
    FUNCTION = "function"
    NAME = "name"
    SEGMENT = "segment"
    TABLE = "table"
    COLUMN = "column"
    ELEMENT = "element"
    DIRECTIVE = "directive"
    BLOCK = "block"
    FACT = "fact"


@dataclass(frozen=True, slots=True)
class Completion:
    """`label` is written in place of the last `typed` characters; `detail` stands beside it."""

    label: str
    what: What
    detail: str = ""
    text: str = ""
    typed: int = 0


def completions(scene: Scene, cursor: Cursor) -> list[Completion]:
    """All that may be written at the cursor, the likeliest kind first."""
    if not cursor.in_value:
        return list(_keys(scene, cursor))
    if cursor.key == "$use":
        return [_block(scene, name) for name in scene.blocks]
    if cursor.key in _NO_EXPRESSION or cursor.above[:1] in (("tests",), ("source",), ("target",)):
        return []
    left = cursor.left
    return list(_in_expression(scene, left))


def _in_expression(scene: Scene, left: str) -> Iterator[Completion]:
    if match := _COLUMN.search(left):
        yield from (
            _typed(Completion(each, What.COLUMN), match[2]) for each in scene.columns(match[1])
        )
    elif match := _TABLE.search(left):
        yield from (
            _typed(Completion(name, What.TABLE, use.file), match[1])
            for name, use in scene.tables.items()
        )
    elif match := _COMPONENT.search(left):
        yield from _components(scene, match[1], int(match[2]), match[3])
    elif match := _FIELD.search(left):
        yield from _fields(scene, match[1], match[2])
    elif match := _PIPED.search(left):
        yield from (_typed(each, match[1]) for each in _functions())
    elif (match := _FACT.search(left)) and match[1] in scene.inputs:
        facts = scene.inputs[match[1]].items()
        yield from (_typed(Completion(fact, What.FACT, kind), match[2]) for fact, kind in facts)
    elif scene.source is not None:
        yield from _elements(scene, left)
    elif match := _NAME.search(left):
        yield from (_typed(each, match[1]) for each in _names(scene))


def _typed(one: Completion, typed: str) -> Completion:
    return Completion(one.label, one.what, one.detail, one.text, len(typed))


def _fields(scene: Scene, head: str, typed: str) -> Iterator[Completion]:
    segment = scene.segment_of(head)
    shape = scene.dialect.segment(segment) if segment else None
    for each in shape.fields if shape and segment else ():
        beside = words.sample(scene, segment or "", each.number)
        detail = f"{spoken(each.name)} ({each.datatype}){f' = {beside}' if beside else ''}"
        text = words.field(scene, segment or "", each)
        yield Completion(str(each.number), What.FIELD, detail, text, len(typed))


def _components(scene: Scene, head: str, number: int, typed: str) -> Iterator[Completion]:
    segment = scene.segment_of(head)
    for each in (scene.dialect.components(segment, number) if segment else None) or ():
        detail = f"{spoken(each.name)} ({each.datatype})"
        yield Completion(str(each.number), What.FIELD, detail, "", len(typed))


def _functions() -> Iterator[Completion]:
    for name, one in FUNCTIONS.items():
        yield Completion(name, What.FUNCTION, one.signature, words.function(one))
    for name, (signature, sentence) in SPECIAL.items():
        yield Completion(name, What.FUNCTION, signature, sentence)


def _names(scene: Scene) -> Iterator[Completion]:
    for name, one in scene.definitions.items():
        yield Completion(name, What.NAME, one.text.text, words.definition(one))
    for segment in scene.segments:
        yield Completion(segment, What.SEGMENT)
    for namespace, facts in scene.inputs.items():
        yield Completion(namespace, What.FACT, ", ".join(facts))
    yield from _functions()


def _elements(scene: Scene, left: str) -> Iterator[Completion]:
    """Steps of a path in the document that is read."""
    match = _STEPS.search(left)
    above, begun = (match[1], match[2]) if match else ("", "")
    here = scene.source
    for step in above.split("/")[:-1]:
        here = here.children.get(step) if here else None
    for name, child in here.children.items() if here else ():
        yield Completion(name, What.ELEMENT, "", words.element(child), len(begun))
    if here is scene.source:
        yield from (_typed(each, begun) for each in _functions())


def _keys(scene: Scene, cursor: Cursor) -> Iterator[Completion]:
    if not cursor.above:
        yield from (Completion(key, What.NAME, typed=len(cursor.left)) for key in KEYS)
        return
    if cursor.above[0] not in ("emit", "blocks"):
        return
    shape = element_at(scene, cursor.above)
    children: Mapping[str, object] = shape.children if shape else {}
    for name in children:
        assert shape is not None  # it has children
        text = words.element(shape.children[name])
        yield Completion(name, What.ELEMENT, "", text, len(cursor.left))
    for name, sentence in words.DIRECTIVES.items():
        yield Completion(name, What.DIRECTIVE, sentence, "", len(cursor.left))


def _block(scene: Scene, name: str) -> Completion:
    block = scene.blocks[name]
    call = f"{name}({', '.join(block.parameters)})"
    return Completion(call, What.BLOCK, block.node.position.file)
