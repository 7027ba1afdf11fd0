"""JSON Schema (draft-07) of a mapping file, for editors that complete and explain YAML.

The names of elements come from the target, so that `emit:` completes what the XSD allows where the
cursor stands. It helps to write; what is right is the checker's to say.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from gateway.errors import ConfigurationError
from gateway.mapping.document import KEYS
from gateway.mapping.finding import Findings
from gateway.mapping.kinds import DECLARED
from gateway.mapping.library import Library
from gateway.mapping.shape import ElementShape

Schema: TypeAlias = dict[str, Any]

_EXPRESSION: Final[Schema] = {"$ref": "#/definitions/expression"}
_LEAF: Final[Schema] = {
    "$value": {"type": "string", "description": "the expression"},
    "$text": {"type": "string", "description": "fixed text"},
    "$required": {"type": "string", "description": "what to say where there is no value"},
    "$on_null": {"enum": ["error", "omit", "nil"], "description": "where the source deletes it"},
}
_PLACE: Final[Schema] = {
    "$when": {"type": "string", "description": "only where this is true"},
    "$each": {"type": "string", "description": "once for each: path as name"},
    "$choose": {"type": "array", "description": "the first whose $when is true"},
    "$note": {"type": "string", "description": "for the reader"},
}
_HOLDER: Final[Schema] = {"$use": {"type": "string", "description": "a block: block(arguments)"}}
_DEEPEST: Final = 32
_SHORTEST: Final = 200
"""Characters from which a schema that stands twice is written once, under `definitions`."""


def of_mapping(library: Library, name: str) -> Schema:
    """Of one mapping of the library. Raises ConfigurationError if its target cannot be read."""
    findings = Findings()
    read = library.compilation(name, library.profile(library.profile_of(name)), findings)
    if read is None:
        raise ConfigurationError([str(each) for each in findings.errors])
    compilation, _ = read
    target = compilation.document.target
    if "facts" in target.values:
        return of_facts(compilation.facts())
    if "hl7" in target.values:
        return of_message()
    roots = compilation.files.roots(target.text("xsd"))
    if target.text("root") not in roots:
        raise ConfigurationError([f"{name}: {target.text('xsd')} has no {target.text('root')}"])
    return of_document(roots[target.text("root")])


def of_document(root: ElementShape) -> Schema:
    """Of a mapping whose target is the element `root`."""
    return _file(_element(root, ()))


def of_facts(facts: Mapping[str, str | Mapping[str, str]]) -> Schema:
    """Of a mapping whose target are facts; a group of facts is a table."""
    return _file(_holder({name: _fact(kind) for name, kind in facts.items()}))


def _fact(kind: str | Mapping[str, str]) -> Schema:
    if isinstance(kind, str):
        return _leaf(kind)
    return _holder({name: _leaf(inner) for name, inner in kind.items()})


def of_message() -> Schema:
    """Of a mapping whose target is a message: keys are paths of fields."""
    keys: Schema = {"patternProperties": {r"^[A-Z][A-Z0-9]{2}": {}}}
    return _file({**_holder({}), **keys, "additionalProperties": False})


def written(schema: Schema) -> str:
    """As a file, the same for the same schema; what stands twice is written once."""
    return json.dumps(_shared(schema), ensure_ascii=False, indent=1) + "\n"


def _file(emit: Schema) -> Schema:
    types = {"type": "object", "additionalProperties": {"enum": sorted(DECLARED)}}
    properties: Schema = {key: {} for key in KEYS}
    properties |= {
        "lang": {"enum": [1, "1"]},
        "inputs": {"type": "object", "additionalProperties": types},
        "let": {"type": "object", "additionalProperties": _EXPRESSION},
        "use": {"type": "array", "items": {"type": "string"}},
        "emit": emit,
        "unmapped": {"type": "array", "items": {"type": "string"}},
        "tests": {"type": "array", "items": {"type": "object"}},
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "required": ["lang", "mapping", "source", "target", "emit"],
        "properties": properties,
        "additionalProperties": False,
        "definitions": {"expression": {"type": ["string", "number", "boolean"]}},
    }


def _element(shape: ElementShape, above: tuple[str, ...]) -> Schema:
    """One element; a type that holds itself is followed once."""
    if len(above) > _DEEPEST or shape.tag in above:
        return {}
    attributes = {name: _leaf(each.type.name) for name, each in shape.attributes.items()}
    if shape.type is not None:
        one = _leaf(shape.type.name, shape.type.values, attributes)
    else:
        inner = (*above, shape.tag)
        children = {name: _element(child, inner) for name, child in shape.children.items()}
        one = _holder(children, attributes)
    return {"anyOf": [one, {"type": "array", "items": one}]} if shape.repeats else one


def _leaf(
    kind: str, values: tuple[str, ...] = (), attributes: Mapping[str, Schema] | None = None
) -> Schema:
    said = f"{kind or 'text'}: {' '.join(values)}" if values else kind or "text"
    table = _table({**_LEAF, **_PLACE}, attributes)
    return {"description": said, "anyOf": [_EXPRESSION, table]}


def _holder(
    children: Mapping[str, Schema], attributes: Mapping[str, Schema] | None = None
) -> Schema:
    return _table({**children, **_PLACE, **_HOLDER}, attributes)


def _table(properties: Mapping[str, Schema], attributes: Mapping[str, Schema] | None) -> Schema:
    attr: Schema = {"type": "object", "properties": attributes, "additionalProperties": False}
    own = {**properties, "$attr": attr} if attributes else dict(properties)
    return {"type": "object", "properties": own, "additionalProperties": False}


def _shared(schema: Schema) -> Schema:
    """The schema with what stands several times under `definitions`."""
    counts: Counter[str] = Counter()

    def count(one: Schema) -> Schema:
        counts[json.dumps(one, sort_keys=True)] += 1
        return _inside(one, count)

    _inside(schema, count)
    names: dict[str, str] = {}
    definitions: Schema = dict(schema["definitions"])

    def fold(one: Schema) -> Schema:
        text = json.dumps(one, sort_keys=True)
        if counts[text] < 2 or len(text) < _SHORTEST:
            return _inside(one, fold)
        if text not in names:
            names[text] = f"d{len(names) + 1}"
            definitions[names[text]] = _inside(one, fold)
        return {"$ref": f"#/definitions/{names[text]}"}

    return {**_inside(schema, fold), "definitions": definitions}


def _inside(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """The schema with each schema directly inside it changed."""
    changed = dict(schema)
    for key in ("properties", "patternProperties"):
        if key in schema:
            changed[key] = {name: change(one) for name, one in schema[key].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            changed[key] = change(schema[key])
    if "anyOf" in schema:
        changed["anyOf"] = [change(one) for one in schema["anyOf"]]
    return changed
