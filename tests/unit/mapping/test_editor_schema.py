"""The JSON Schema of a mapping takes what the target has, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gateway.mapping import Library
from gateway.mapping.editor_schema import of_mapping, written
from gateway.mapping.lint import mappings_in

ROOT = Path(__file__).parents[3]
LIBRARY = Library(ROOT / "mappings", ROOT / "xsd")


def faults(name: str, document: Any) -> list[str]:
    """Where a document breaks the schema of a shipped mapping."""
    schema = json.loads(written(of_mapping(LIBRARY, name)))
    validator = jsonschema.Draft7Validator(schema)
    return ["/".join(map(str, each.absolute_path)) for each in validator.iter_errors(document)]


def shipped(name: str) -> Any:
    """A shipped mapping as a plain YAML reader sees it."""
    return yaml.safe_load((ROOT / "mappings" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", mappings_in(LIBRARY))
def test_every_shipped_mapping_obeys_its_schema(name: str) -> None:
    """In all three directions; the schema itself is one of draft-07."""
    schema = json.loads(written(of_mapping(LIBRARY, name)))
    jsonschema.Draft7Validator.check_schema(schema)
    assert faults(name, shipped(name)) == []


@pytest.mark.parametrize(
    ("where", "key"),
    [
        ((), "emitt"),
        (("emit",), "testata"),
        (("emit", "testataRichiesta"), "idOperazion"),
        (("emit", "datiControllo"), "$wen"),
    ],
)
def test_what_the_target_does_not_have_is_underlined(where: tuple[str, ...], key: str) -> None:
    """At its place in the tree."""
    document = shipped("comune/nascita.yaml")
    here = document
    for step in where:
        here = here[step]
    here[key] = "x"
    assert faults("comune/nascita.yaml", document)


def test_the_same_target_gives_the_same_file() -> None:
    """Byte for byte, so that it can be committed."""
    texts = {written(of_mapping(LIBRARY, "asl/iscrizione.yaml")) for _ in range(2)}
    assert len(texts) == 1


@pytest.mark.parametrize("name", mappings_in(LIBRARY))
def test_every_shipped_mapping_names_its_schema_which_says_what_the_target_is(name: str) -> None:
    """The first line names it for the editor; the file is what `icaro map schema` writes today."""
    path = ROOT / "mappings" / name
    schema = path.with_suffix(".map.schema.json")
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    assert first == f"# yaml-language-server: $schema=./{schema.name}"
    assert schema.read_text(encoding="utf-8") == written(of_mapping(LIBRARY, name))
