"""One fault a file: each of `faults/` is found at its line and column, and nothing else is.

The first line is `# expect: line:column CODE`. A file with `profile:` is a profile, all others are
mappings. They stand in the contract's folder of mappings, with its tables, samples and profile.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from gateway.mapping import Library
from gateway.mapping.finding import RULES
from gateway.mapping.lint import lint_mapping, lint_profile

HERE = Path(__file__).parent
FAULTS = sorted((HERE / "faults").glob("*.yaml"))
_EXPECT = re.compile(rb"\A(?:\xef\xbb\xbf)?# expect: (\d+):(\d+) ([YMHXTC]\d\d)\r?\n")


def found(path: Path, folder: Path) -> list[str]:
    """`line:column CODE` of all findings, and the file where it is another."""
    shutil.copytree(HERE / "mappings", folder / "mappings")
    library = Library(folder / "mappings", HERE / "xsd")
    content = path.read_bytes()
    if re.search(rb"^profile:", content, re.M):
        name = "profiles/fault.yaml"
        (folder / "mappings" / name).write_bytes(content)
        findings = lint_profile(library, "fault")
    else:
        name = "fault.yaml"
        (folder / "mappings" / name).write_bytes(content)
        findings = lint_mapping(library, name)
    return [
        f"{'' if one.position.file == name else one.position.file + ':'}"
        f"{one.position.line}:{one.position.column} {one.code}"
        for one in findings
    ]


@pytest.mark.parametrize("path", FAULTS, ids=[path.stem for path in FAULTS])
def test_a_fault_is_found_at_its_place_and_nothing_else(path: Path, tmp_path: Path) -> None:
    """The finding points at the token that is wrong, and one fault never causes a second."""
    expected = _EXPECT.match(path.read_bytes())
    assert expected, "the first line says where: # expect: line:column CODE"
    line, column, code = (group.decode() for group in expected.groups())
    assert path.stem.startswith(code + "_")
    assert found(path, tmp_path) == [f"{line}:{column} {code}"]


@pytest.mark.parametrize("code", [code for code in RULES if code[0] in "MH"])
def test_expressions_and_hl7_have_three_faults_of_each_code(code: str) -> None:
    """One could be found by chance."""
    assert len([path for path in FAULTS if path.stem.startswith(f"{code}_")]) >= 3
