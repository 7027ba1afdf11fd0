"""A small folder of mappings that each test may change, and messages to run them on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.hl7.message import Message
from gateway.mapping import Library

CONTRACT = Path(__file__).parents[2] / "contract" / "mapping"
MSH = "MSH|^~\\&|HIS|BG|ICARO|ICARO|20260302090000||ADT^A01^ADT_A01|1|P|2.5"
HEAD = "lang: 1\nmapping: m\nsource: {hl7: '2.5'}\ntarget: {xsd: doc.xsd, root: doc}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the contract tests' mappings and schemas."""
    shutil.copytree(CONTRACT / "mappings", tmp_path / "mappings")
    shutil.copytree(CONTRACT / "xsd", tmp_path / "xsd")
    return tmp_path


@pytest.fixture
def library(folder: Path) -> Library:
    return Library(folder / "mappings", folder / "xsd")


@pytest.fixture
def written(folder: Path) -> Callable[..., Library]:
    """Writes files below mappings/ and gives a library that reads them."""

    def write(**files: str) -> Library:
        for name, text in files.items():
            path = folder / "mappings" / (name.replace("__", "/") + ".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Library(folder / "mappings", folder / "xsd")

    return write


@pytest.fixture
def ask(library: Library) -> Callable[..., Any]:
    """The value of one expression on a message of the given segments."""

    def value(text: str, *segments: str, inputs: Any = None) -> Any:
        types = {name: dict.fromkeys(facts, "text") for name, facts in (inputs or {}).items()}
        expression = library.expression(text, library.profile("default"), types, "test:1")
        return expression(message(*segments), inputs or {})

    return value


def message(*segments: str) -> Message:
    return Message.parse("\r".join([MSH, *segments]).encode())
