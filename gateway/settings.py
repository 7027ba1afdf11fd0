"""Reads a settings file (YAML) and says everything that is wrong with it at once.

YAML is only the container: every scalar is text, and anchors, tags and repeated keys are
mistakes. Every value remembers its line, so that what pydantic complains of is told as
`icaro.yaml:12: journal.url: …`. Knows no setting by name; never shows a value that was set.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from gateway.errors import ConfigurationError

Where = tuple[str | int, ...]
"""The way to a value: `('senders', 0, 'profile')`."""


class Settings(BaseModel):
    """Frozen; a key it does not know is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


Model = TypeVar("Model", bound=Settings)


@dataclass(slots=True)
class Tree:
    """What a file says: `values` as plain Python (text at the leaves), `places` their lines."""

    path: Path
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[Where, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    copied: dict[Where, Where] = field(default_factory=dict)
    """Values that the file says elsewhere, such as the defaults of a list: where they stand."""

    def origin(self, where: Where) -> Where:
        """Where the file itself says what is read at `where`."""
        for end in range(len(where), 0, -1):
            if where[:end] in self.copied:
                return (*self.copied[where[:end]], *where[end:])
        return where

    def place(self, where: Where) -> str:
        """Where the file says `where`, or the nearest that holds it: `icaro.yaml:12`."""
        while where and where not in self.places:
            where = where[:-1]
        return self.places.get(where, self.path.name)


def read(path: Path) -> Tree:
    """Read `path`; mistakes of YAML itself are in `.problems`, never raised."""
    tree = Tree(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8 text"
        tree.problems.append(f"{path}: cannot be read: {reason}")
        return tree
    try:
        tree.problems += _ornaments(path, text)
        # A node named by an anchor may hold itself: walk only a tree.
        root = None if tree.problems else yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        tree.problems.append(f"{path.name}:{line}: not YAML: {error.problem}")
        return tree
    except yaml.YAMLError:
        tree.problems.append(f"{path.name}: not YAML: it has characters that YAML does not allow")
        return tree
    if isinstance(root, yaml.MappingNode):
        tree.values = _plain(root, (), tree)
    elif not tree.problems:
        tree.problems.append(f"{path.name}:1: the file must be a mapping of keys to values")
    return tree


def _ornaments(path: Path, text: str) -> Iterator[str]:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if getattr(event, "anchor", None):
            yield f"{path.name}:{line}: anchors and aliases are not used here"
        elif getattr(event, "tag", None):
            yield f"{path.name}:{line}: tags (!…) are not used here"


def _plain(node: yaml.Node, where: Where, tree: Tree) -> Any:
    """The node as dict, list, text or None; notes its line and its repeated keys."""
    tree.places.setdefault(where, f"{tree.path.name}:{node.start_mark.line + 1}")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, where, tree)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*where, at), tree) for at, item in enumerate(node.value)]
    empty = node.style is None and node.value in ("", "~", "null")  # type: ignore[attr-defined]  # a ScalarNode
    return None if empty else node.value


def _mapping(node: yaml.MappingNode, where: Where, tree: Tree) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        place = f"{tree.path.name}:{key.start_mark.line + 1}"
        if not isinstance(key, yaml.ScalarNode):
            tree.problems.append(f"{place}: a key must be one word")
        elif key.value in found:
            tree.problems.append(f"{place}: {dotted((*where, key.value))}: said twice")
        else:
            tree.places[(*where, key.value)] = place
            found[key.value] = _plain(value, (*where, key.value), tree)
    # A key with nothing behind it says nothing: the default holds.
    return {key: value for key, value in found.items() if value is not None}


def override(tree: Tree, model: type[Settings], environment: Mapping[str, str]) -> None:
    """Put `ICARO_JOURNAL__URL=…` over `journal.url`; a list's items go by number.

    A name without `__` is taken only if it is a top-level key; another `ICARO_` name belongs to
    somebody else.
    """
    for name, value in sorted(environment.items()):
        if not name.startswith("ICARO_"):
            continue
        parts = name.removeprefix("ICARO_").lower().split("__")
        if len(parts) > 1 or parts[0] in model.model_fields:
            _put(tree, parts, value, place=f"environment: {name}")


def _put(tree: Tree, parts: Sequence[str], value: str, *, place: str) -> None:
    inside: Any = tree.values
    where: Where = ()
    for part in parts:
        key = _key(inside, part)
        if key is None:
            tree.problems.append(f"{place}: names nothing that the file has")
            return
        where = (*where, key)
        if len(where) == len(parts):
            inside[key] = value
            tree.places[where] = place
        else:
            inside = inside.setdefault(key, {}) if isinstance(inside, dict) else inside[key]


def _key(inside: Any, part: str) -> str | int | None:
    if isinstance(inside, dict):
        return part
    is_item = isinstance(inside, list) and part.isdecimal() and int(part) < len(inside)
    return int(part) if is_item else None


def build(model: type[Model], tree: Tree, **context: object) -> Model:
    """The tree as `model`; relative paths count from the file's folder.

    Validators find `folder` and whatever else is in `context`. Raises ConfigurationError.
    """
    context["folder"] = tree.path.resolve().parent
    try:
        built = model.model_validate(tree.values, context=context)
    except ValidationError as error:
        told = [_told(problem, model, tree) for problem in error.errors(include_url=False)]
        raise ConfigurationError(in_order([*tree.problems, *told])) from None
    if tree.problems:
        raise ConfigurationError(in_order(tree.problems))
    return built


def in_order(problems: Sequence[str]) -> list[str]:
    """Each problem once, a file's in the order of its lines."""

    def line(problem: str) -> tuple[str, int]:
        name, _, rest = problem.partition(":")
        number = rest.partition(":")[0]
        return name, int(number) if number.isdecimal() else 0

    return sorted(dict.fromkeys(problems), key=line)


def _told(problem: ErrorDetails, model: type[Settings], tree: Tree) -> str:
    where = tree.origin(problem["loc"])
    place = f"{tree.place(where)}: {dotted(where)}"
    if problem["type"] == "missing":
        return f"{place}: missing"
    if problem["type"] == "extra_forbidden":
        return f"{place}: unknown key{_did_you_mean(model, problem['loc'])}"
    if problem["type"] == "value_error":
        return f"{place}: {problem['ctx']['error']}"
    return f"{place}: {problem['msg'][:1].lower()}{problem['msg'][1:]}"


def _did_you_mean(model: type[Settings], where: Where) -> str:
    known = _fields_at(model, where[:-1])
    near = difflib.get_close_matches(str(where[-1]).lower(), known, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(known)}"


def _fields_at(model: type[Settings], where: Where) -> list[str]:
    shape: Any = model
    for part in where:
        if isinstance(shape, type) and issubclass(shape, BaseModel):
            shape = shape.model_fields[str(part)].annotation
        else:
            shape = get_args(shape)[1 if get_origin(shape) is dict else 0]
        if get_origin(shape) in (Union, types.UnionType):
            shape = next(kind for kind in get_args(shape) if kind is not type(None))
    return list(shape.model_fields)


def dotted(where: Where) -> str:
    """`senders[0].profile`, as a person writes it."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return text.removeprefix(".")
