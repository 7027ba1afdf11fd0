"""The steps of a path, one after the other, each checked against dictionary or schema."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from gateway.mapping import expressions, hl7_groups, hl7_paths, hl7_selection, xml_paths
from gateway.mapping.check import paths, selectors
from gateway.mapping.finding import did_you_mean
from gateway.mapping.hl7_groups import Groups
from gateway.mapping.hl7_paths import Repetitions, Segments, Test
from gateway.mapping.meaning import UNKNOWN, Read, Value
from gateway.mapping.names import Meaning, Relative, Scope, shared
from gateway.mapping.syntax import (
    Attribute,
    Call,
    Child,
    Comparison,
    Fallback,
    Field,
    Logic,
    Membership,
    Not,
    Number,
    Part,
    Select,
    Step,
    Syntax,
    Text,
    Truth,
)
from gateway.mapping.xml_paths import Elements


def all_of(meaning: Meaning, parts: Sequence[Step], scope: Scope) -> Meaning:
    """`meaning` after all steps."""
    for part in parts:
        if meaning is UNKNOWN:
            return UNKNOWN
        meaning = _step(meaning, part, scope)
    return meaning


def _step(meaning: Meaning, step: Step, scope: Scope) -> Meaning:
    if isinstance(meaning, Segments):
        if isinstance(step, Select):
            return _select_segments(meaning, step, scope)
        if isinstance(step, Field):
            return _field(meaning, step, scope)
    elif isinstance(meaning, Repetitions):
        if isinstance(step, Select) and not meaning.component:
            return _select_repetitions(meaning, step, scope)
        if isinstance(step, Part) and not meaning.subcomponent:
            return _part(meaning, step, scope)
    elif isinstance(meaning, Elements):
        if isinstance(step, Select):
            return _select_elements(meaning, step, scope)
        if isinstance(step, Child):
            return _child(meaning, step, scope)
    elif isinstance(meaning, Groups):
        if isinstance(step, Select):
            return _select_groups(meaning, step, scope)
        if isinstance(step, Child) and not step.attribute:
            return _segment_in_group(meaning, step, scope)
    text = "nothing of this form can follow here: a path is SEG-field[choice].component"
    return scope.error(step.column, "M01", text)


_Path = TypeVar("_Path", Segments, Repetitions)


def _shared(path: _Path, step: Select, scope: Scope, make: Callable[[], _Path]) -> _Path:
    """A path whose selector says the same wherever it is written is chosen once a run."""
    key = ("select", path, step.condition)
    return shared(scope.world, key, make)  # type: ignore[return-value]  # what `make` gave


def _once(
    look: Value, path: Segments | Repetitions, wanted: tuple[object, ...], scope: Scope
) -> Read[Any]:
    """All selectors of one path that look at the same part share one look a run."""
    if path.varies:
        return look.read
    key = ("texts", path, *wanted[:2])
    return cast(Value, shared(scope.world, key, lambda: look)).read


def _is_closed(tree: Syntax) -> bool:
    """Whether a selector has texts and numbers only, no names."""
    match tree:
        case Text() | Number() | Truth():
            return True
        case Comparison(left, _, right):
            return _is_closed(left) and _is_closed(right)
        case Membership(left, choices):
            return _is_closed(left) and all(map(_is_closed, choices))
        case Logic(_, operands) | Fallback(operands):
            return all(map(_is_closed, operands))
        case Not(operand):
            return _is_closed(operand)
        case Call(name, arguments):
            return name == "exists" and all(map(_is_closed, arguments))
    return False


def _index(step: Select) -> int:
    """`[2]` → 2; 0 if the selector is no plain number."""
    condition = step.condition
    plain = isinstance(condition, Number) and "." not in condition.value
    return int(condition.value) if plain and isinstance(condition, Number) else 0


def _test(step: Select, scope: Scope) -> Test:
    assert step.condition is not None  # `[*]` is dealt with before
    value = expressions.value_of(step.condition, scope)
    return expressions.boolean(value, scope, step.condition.column).read


def _wanted(step: Select) -> tuple[int, int, frozenset[str]] | None:
    """Of the usual selector, one part among fixed texts: its two numbers and the texts."""
    match step.condition:
        case Comparison(Number(path), "==", Text(text)):
            texts = frozenset({text})
        case Membership(Number(path), choices) if all(isinstance(one, Text) for one in choices):
            texts = frozenset(one.value for one in choices if isinstance(one, Text))
        case _:
            return None
    first, _, second = path.partition(".")
    return int(first), int(second or 1), texts


def _chosen_by(step: Select) -> str:
    """How an error tells what was chosen: ` with 5 == 'CF'`. A mapping's own words."""
    match step.condition:
        case Comparison(Number(number), operator, Text(text)):
            return f" with {number} {operator} '{text}'"
    return " with what the mapping chooses"


def _select_segments(path: Segments, step: Select, scope: Scope) -> Segments:
    if step.condition is None:
        return replace(path, many=True)
    if index := _index(step):
        return hl7_selection.indexed(path, index)
    selectors.check_selector(path, step.condition, scope)

    def make() -> Segments:
        wanted = _wanted(step)
        if wanted is None:
            test = _test(step, scope.inside(Relative()))
            return hl7_selection.filtered(path, test, _chosen_by(step))
        number, component, texts = wanted
        look = hl7_selection.texts_of_segments(path, number, component)
        return hl7_selection.with_text(
            path, _once(look, path, wanted, scope), texts, _chosen_by(step)
        )

    return (
        make()
        if path.varies or not _is_closed(step.condition)
        else _shared(path, step, scope, make)
    )


def _select_repetitions(path: Repetitions, step: Select, scope: Scope) -> Repetitions:
    if step.condition is None:
        return replace(path, many=True)
    if index := _index(step):
        return hl7_selection.select_index(path, index)
    selectors.check_selector(path, step.condition, scope)

    def make() -> Repetitions:
        wanted, by = _wanted(step), _type_chosen(path, step, scope)
        if wanted is None:
            test = _test(step, scope.inside(Relative(number=path.number)))
            return hl7_selection.select_where(path, test, by)
        component, subcomponent, texts = wanted
        look = hl7_selection.texts_of_repetitions(path, component, subcomponent)
        return hl7_selection.with_text(
            replace(path, index=0), _once(look, path, wanted, scope), texts, by
        )

    return (
        make()
        if path.varies or not _is_closed(step.condition)
        else _shared(path, step, scope, make)
    )


def _type_chosen(path: Repetitions, step: Select, scope: Scope) -> str:
    """` with type N` where the component is the type of its data type; it reads better."""
    condition = step.condition
    if isinstance(condition, Comparison) and isinstance(condition.left, Number):
        name = _component_name(path, condition.left.value, scope)
        if "TYPE" in name and condition.operator == "==" and isinstance(condition.right, Text):
            return f" with type {condition.right.value}"
    return _chosen_by(step)


def _component_name(path: Repetitions, number: str, scope: Scope) -> str:
    dialect = scope.dialect
    components = dialect.components(path.segments.name, path.number) if dialect else None
    names = (each.name.upper() for each in components or () if str(each.number) == number)
    return next(names, "")


def _select_elements(path: Elements, step: Select, scope: Scope) -> Elements:
    if step.condition is None:
        return replace(path, many=True)
    if index := _index(step):
        return xml_paths.select_index(path, index)
    test = _test(step, scope.inside(Relative(shape=path.shape)))
    return xml_paths.select_where(path, test, " with what the mapping chooses")


def _select_groups(path: Groups, step: Select, scope: Scope) -> Meaning:
    if step.condition is None:
        return replace(path, many=True)
    if index := _index(step):
        return hl7_groups.select_index(path, index)
    return scope.error(step.column, "M01", "a group is chosen by number or [*]")


def _field(path: Segments, step: Field, scope: Scope) -> Meaning:
    if not paths.check_field(path.name, step.number, scope, step.column):
        return UNKNOWN
    key = ("field", path, step.number)
    return shared(scope.world, key, lambda: hl7_paths.field_of(path, step.number))


def _part(path: Repetitions, step: Part, scope: Scope) -> Meaning:
    if path.component:
        if step.subcomponent:
            return scope.error(step.column, "M01", "a subcomponent has no parts")
        found = replace(path, subcomponent=step.component)
    else:
        found = replace(path, component=step.component, subcomponent=step.subcomponent or 0)
    part = found.component, found.subcomponent
    return found if paths.check_component(path, *part, scope, step.column) else UNKNOWN


def _child(path: Elements, step: Child, scope: Scope) -> Meaning:
    if step.attribute:
        shape = path.shape.attributes.get(step.name)
        if shape is None:
            guess = did_you_mean(step.name, path.shape.attributes)
            text = f"{path.shape.name} has no attribute {step.name}{guess}"
            return scope.error(step.column, "X01", text)
        return xml_paths.attribute(path, shape)
    found = xml_paths.child(path, step.name)
    if found is None:
        guess = did_you_mean(step.name, path.shape.children)
        text = f"{path.shape.name} has no element {step.name}{guess}"
        return scope.error(step.column, "X01", text)
    return found


def attribute_here(head: Attribute, scope: Scope) -> Meaning:
    """`@x` alone: of the element a selector looks at, or of the document."""
    relative = scope.relative
    if relative and relative.shape:
        here = xml_paths.item_at_hand(relative.shape)
    elif scope.world.root:
        here = xml_paths.document(scope.world.root)
    else:
        return scope.error(head.column, "M01", "only XML has attributes")
    return _child(here, Child(head.value, True, head.column), scope)


def _segment_in_group(path: Groups, step: Child, scope: Scope) -> Meaning:
    names = set(path.part.segments())
    if step.name.startswith("Z"):
        paths.check_segment(step.name, scope, step.column)
    elif step.name not in names:
        guess = did_you_mean(step.name, names)
        text = f"group {path.name} has no segment {step.name}{guess}"
        return scope.error(step.column, "H01", text)
    return hl7_groups.segments_in(path, step.name)
