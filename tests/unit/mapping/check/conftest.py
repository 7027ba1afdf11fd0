"""Findings of a small mapping, in each direction of the language."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.mapping import Library
from gateway.mapping.lint import lint_mapping

CONTRACT = Path(__file__).parents[3] / "contract" / "mapping"
ENDS = {
    "doc": "source: {hl7: '2.5'}\ntarget: {xsd: doc.xsd, root: doc}\n",
    "forme": "source: {hl7: '2.5'}\ntarget: {xsd: forme.xsd, root: forme}\n",
    "hl7": "source: {hl7: '2.5'}\ntarget: {hl7: '2.5', message: ADT_A05}\n",
}

Told = Callable[..., list[str]]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """`line:column severity CODE text` of every finding; the rest of the file begins on line 5.

    `facts` are declared of an answer in `doc.xsd`; the rest begins on line 7 then.
    """
    shutil.copytree(CONTRACT / "mappings", tmp_path / "mappings")

    def findings(rest: str, ends: str = "doc", facts: str = "") -> list[str]:
        answer = f"source: {{xsd: doc.xsd, root: doc}}\ntarget:\n  facts:\n    {facts}\n"
        text = f"lang: 1\nmapping: m\n{answer if facts else ENDS[ends]}{rest}"
        (tmp_path / "mappings" / "m.yaml").write_text(text)
        found = lint_mapping(Library(tmp_path / "mappings", CONTRACT / "xsd"), "m.yaml")
        return [str(one).removeprefix("m.yaml:") for one in found]

    return findings
