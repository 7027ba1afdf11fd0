"""What the word under the cursor means, and where it is said: hover and go to definition."""

from __future__ import annotations

import re
from typing import Final

from gateway.mapping.finding import Position
from gateway.mapping.language import words
from gateway.mapping.language.cursor import Cursor
from gateway.mapping.language.scene import Scene
from gateway.mapping.language.target import element_at

_PATH: Final = re.compile(r"(\w+)(?:\[[^\]]*\])?-(\d+)(?:\[[^\]]*\])?(?:\.(\d+))?")


def hover(scene: Scene, cursor: Cursor) -> str | None:
    """Markdown about what the cursor touches; None if nothing is known of it."""
    path = _path(cursor)
    if path is not None:
        return _field(scene, path)
    word = cursor.word()
    shape = element_at(scene, (*cursor.above, word)) if word and not cursor.in_value else None
    if shape is not None:
        return words.element(shape)
    return _named(scene, word) or words.DIRECTIVES.get(word) or words.called(word)


def _named(scene: Scene, word: str) -> str | None:
    """A let, a definition, a table, an input or a block."""
    if word in scene.definitions:
        return words.definition(scene.definitions[word])
    if word in scene.tables:
        return words.table(scene, word, scene.tables[word])
    if word in scene.blocks:
        block = scene.blocks[word]
        return f"block **{word}({', '.join(block.parameters)})** in {block.node.position.file}"
    namespace, _, fact = word.partition(".")
    kind = scene.inputs.get(namespace, {}).get(fact)
    if kind:
        return f"**{namespace}.{fact}** {kind}"
    if word in scene.inputs:
        return f"**{word}** {', '.join(scene.inputs[word])}"
    return None


def _path(cursor: Cursor) -> re.Match[str] | None:
    """The path of a field that the cursor touches."""
    found = (m for m in _PATH.finditer(cursor.line) if m.start() <= cursor.column <= m.end())
    return next(found, None)


def _field(scene: Scene, path: re.Match[str]) -> str | None:
    segment, number = scene.segment_of(path[1]), int(path[2])
    shape = scene.dialect.field(segment, number) if segment else None
    if segment is None or shape is None:
        return None
    whole = words.field(scene, segment, shape)
    part = words.component(scene, segment, number, int(path[3])) if path[3] else None
    return f"{part}\n\n{whole}" if part else whole


def definition(scene: Scene, cursor: Cursor) -> Position | None:
    """Where the name under the cursor is said: a let, a block, a table, a file."""
    path = _path(cursor)
    word = path[1] if path else cursor.word().partition(".")[0]
    if word in scene.definitions:
        return scene.definitions[word].text.position
    if word in scene.blocks:
        return scene.blocks[word].node.position
    if word in scene.tables:
        return Position(f"tables/{scene.tables[word].file}", 1)
    if word.startswith(scene.profile.name) and cursor.key == "profile":
        return Position(f"profiles/{scene.profile.name}.yaml", 1)
    return None
