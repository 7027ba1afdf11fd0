"""What a name means, in the words an editor shows beside it: Markdown of a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.hl7.dictionary import UNBOUNDED, FieldShape, spoken
from gateway.mapping.document import Definition, TableUse
from gateway.mapping.functions import FUNCTIONS, SPECIAL, Function
from gateway.mapping.language.scene import Scene
from gateway.mapping.shape import ElementShape

DIRECTIVES: Final[dict[str, str]] = {
    "$when": "Only where this condition is true.",
    "$each": "Once for each: `path as name`.",
    "$use": "What a block holds: `block(arguments)`.",
    "$choose": "The first of a list whose `$when` is true.",
    "$attr": "The attributes of the element.",
    "$note": "For the reader.",
    "$value": "The expression, where directives stand beside it.",
    "$text": "Fixed text.",
    "$required": "What to say where there is no value.",
    "$on_null": "Where the message deletes it: `error`, `omit` or `nil`.",
}
_OPTIONS: Final = {"R": "required", "RE": "required where known", "O": "optional", "X": "never"}
_LONGEST: Final = 40


def field(scene: Scene, segment: str, shape: FieldShape) -> str:
    """`PID-8 Administrative Sex`, type, table, how often, and what the sample has there."""
    path = f"{segment}-{shape.number}"
    return "  \n".join(_lines_of_field(scene, segment, shape, path))


def _lines_of_field(scene: Scene, segment: str, shape: FieldShape, path: str) -> Iterator[str]:
    yield f"**{path}** {spoken(shape.name)}"
    yield f"type `{shape.datatype}`" + (f", table {shape.table}" if shape.table else "")
    usage = _OPTIONS.get(scene.dialect.usage(path), "required" if shape.required else "optional")
    often = _often(None if shape.repeats >= UNBOUNDED else shape.repeats)
    yield f"{usage}, {'once' if shape.repeats == 1 else often} ({scene.dialect.profile_said})"
    text = sample(scene, segment, shape.number)
    if text:
        yield f"sample: `{text}`"


def sample(scene: Scene, segment: str, number: int) -> str:
    """What the sample has in a field, cut."""
    text = scene.sample(segment, number)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def component(scene: Scene, segment: str, number: int, part: int) -> str | None:
    """A component by its name, type and table; None if there is none."""
    found = [
        each for each in scene.dialect.components(segment, number) or () if each.number == part
    ]
    if not found:
        return None
    one = found[0]
    table = f", table {one.table}" if one.table else ""
    return f"**{segment}-{number}.{part}** {spoken(one.name)}  \ntype `{one.datatype}`{table}"


def function(one: Function) -> str:
    """Signature, sentence, examples."""
    examples = "\n".join(f"- `{text}` → `{gives}`" for text, gives in one.examples.items())
    return f"`{one.signature}` → {one.gives}  \n{one.sentence}\n\n{examples}"


def called(name: str) -> str | None:
    """A function by name; None if there is none."""
    if name in SPECIAL:
        signature, sentence = SPECIAL[name]
        return f"`{signature}`  \n{sentence}"
    return function(FUNCTIONS[name]) if name in FUNCTIONS else None


def definition(one: Definition) -> str:
    """A let or a definition of the profile, as it is written."""
    parameters = f"({', '.join(one.parameters)})" if one.parameters else ""
    return f"**{one.name}{parameters}** in {one.text.position.file}\n\n`{one.text.text}`"


def table(scene: Scene, name: str, use: TableUse) -> str:
    """File, key, columns, and what happens to a code without a row."""
    columns = ", ".join(f"`{column}`" for column in scene.columns(name))
    missing = use.default if use.missing == "default" else use.missing
    return f"**{name}** tables/{use.file} by `{use.key}`  \ncolumns {columns}  \nmissing: {missing}"


def element(shape: ElementShape) -> str:
    """An element of the target: what it holds and how often."""
    often = "once" if shape.most == 1 else _often(shape.most)
    if shape.type is None:
        return f"**{shape.name}** holds {', '.join(shape.children) or 'nothing'}  \n{often}"
    values = f": {' '.join(shape.type.values[:20])}" if shape.type.values else ""
    return f"**{shape.name}** {shape.type.name or shape.type.kind}{values}  \n{often}"


def _often(most: int | None) -> str:
    return "any number of times" if most is None else f"up to {most} times"
