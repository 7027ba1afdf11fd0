"""Hostile files: each is refused at its line, quickly and in little memory, in a child process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.mapping.tables import ROWS

from .conftest import HEAD

EMIT = "emit:\n  testo: PID-8\n"
MEMORY = 200 * 2**20
SECONDS = 5.0
"""Of the processor. Generous: the promise is a second on a machine of one's own."""

CHILD = """
import json, sys, time
from pathlib import Path
from gateway.mapping import Library
from gateway.mapping.lint import lint_mapping
import gateway.mapping.schema_reader
folder = Path(sys.argv[1])
began = time.process_time()
library = Library(folder / "mappings", folder / "xsd")
found = [str(finding) for finding in lint_mapping(library, "bad.yaml", "default")]
took = time.process_time() - began
# Not getrusage: its high mark outlives exec, so a child of a large test run begins with that.
status = Path("/proc/self/status").read_text().split("VmHWM:")[1]
most = int(status.split()[0]) * 1024
print(json.dumps({"found": found, "seconds": took, "bytes": most}))
"""


def told(folder: Path, text: bytes) -> list[str]:
    """The findings of a mapping, after looking at what they cost."""
    (folder / "mappings" / "bad.yaml").write_bytes(text)
    run = [sys.executable, "-c", CHILD, str(folder)]
    answer: dict[str, Any] = json.loads(subprocess.run(run, check=True, capture_output=True).stdout)
    assert answer["bytes"] < MEMORY
    assert answer["seconds"] < SECONDS
    found: list[str] = answer["found"]
    return found


def _cycle() -> bytes:
    blocks = "blocks:\n  a():\n    figlio: {$use: b()}\n  b():\n    figlio: {$use: a()}\n"
    return f"{HEAD}{blocks}emit:\n  persona: {{$use: a()}}\n".encode()


def _doubling() -> bytes:
    """Each let says the one before twice: 2^40 readings if nobody counted."""
    lets = "".join(f"  a{n + 1}(x): join(a{n}(x), a{n}(x))\n" for n in range(40))
    return f"{HEAD}let:\n  a0(x): x\n{lets}emit:\n  testo: a40(PID-8)\n".encode()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"# " + b"x" * 2**20, "bad.yaml:1:1: error Y04"),
        ((HEAD + "emit:\n  testo: " + "[" * 10_000).encode(), "bad.yaml:6:40: error Y04"),
        ((HEAD + "emit: " + "{a: " * 10_000).encode(), "bad.yaml:5:128: error Y04"),
        (
            (HEAD + "emit:\n  testo: " + "(" * 10_000 + "1" + ")" * 10_000).encode(),
            "bad.yaml:6:10: error M01",
        ),
        ((HEAD + "a: &a [x]\nb: [*a, *a]\n" + EMIT).encode(), "bad.yaml:5:4: error Y03"),
        ((HEAD + "emit:\n  testo: !x PID-8\n").encode(), "bad.yaml:6:10: error Y03"),
        ((HEAD + "emit:\n\ttesto: PID-8\n").encode(), "bad.yaml:6:1: error Y03"),
        (b"\xef\xbb\xbf" + (HEAD + EMIT).encode(), "bad.yaml:1:1: error Y03"),
        ((HEAD + EMIT).replace("\n", "\r\n").encode(), "bad.yaml:1:8: error Y03"),
        ((HEAD + EMIT + "  testo: PID-8\n").encode(), "bad.yaml:7:3: error Y02"),
        (_cycle(), "bad.yaml:9:20: error M05"),
        (_doubling(), "bad.yaml:"),
        (b"\x00" * 1000, "bad.yaml:1:1: error Y01"),
    ],
    ids=[
        *("a megabyte", "deep lists", "deep tables", "deep brackets", "aliases", "tag", "tab"),
        *("mark", "line ends", "duplicate", "cycle", "doubling", "zeros"),
    ],
)
def test_a_hostile_mapping_is_refused_at_its_line(folder: Path, text: bytes, place: str) -> None:
    """Whatever it asks for, the answer is a finding."""
    assert any(finding.startswith(place) for finding in told(folder, text))


def test_a_table_with_too_many_rows_is_refused_where_it_is_named(folder: Path) -> None:
    """The limit is counted while reading; no row more is kept."""
    rows = "".join(f"{number:06},x\n" for number in range(ROWS + 1))
    (folder / "mappings" / "tables" / "big.csv").write_text("k,v\n" + rows)
    text = (
        HEAD
        + "tables:\n  t:\n    file: big.csv\n    key: k\nemit:\n  testo: PID-8 | lookup(t, v)\n"
    )
    assert told(folder, text.encode()) == [
        "bad.yaml:7:11: error T01 table t: more than 200000 rows"
    ]


XSD = (
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{}<xs:element name="doc"/></xs:schema>'
)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (XSD.format('<xs:include schemaLocation="http://localhost/x.xsd"/>'), "is not inside"),
        (XSD.format('<xs:include schemaLocation="../../x.xsd"/>'), "is not inside"),
        (XSD.format('<xs:include schemaLocation="file:///etc/x.xsd"/>'), "is not inside"),
        (
            '<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
            '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>' + XSD.format(""),
            "declares an entity",
        ),
        (XSD.format("<xs:annotation>" * 5_000), "bad.xsd"),
        ("<x" * 1000, "bad.xsd"),
    ],
    ids=["url", "outside", "file", "bomb", "deep", "broken"],
)
def test_a_hostile_schema_is_refused_where_it_is_named(
    folder: Path, schema: str, reason: str
) -> None:
    """At `xsd:`, with the file's own line in the text."""
    (folder / "xsd" / "bad.xsd").write_text(schema)
    text = HEAD.replace("doc.xsd", "bad.xsd") + EMIT
    found = told(folder, text.encode())
    assert found
    assert all(finding.startswith("bad.yaml:4:15: error X04") for finding in found)
    assert any(reason in finding for finding in found)


@pytest.mark.parametrize(
    ("make", "place"),
    [
        (lambda path: f"{HEAD}use: [{path}.yaml]\n{EMIT}", "bad.yaml:5:7: error Y01"),
        (
            lambda path: (
                f"{HEAD}tables:\n  t: {{file: {path}.csv, key: k}}\n"
                "emit:\n  testo: PID-8 | lookup(t, v)\n"
            ),
            "bad.yaml:6:13: error T01",
        ),
        (lambda path: HEAD.replace("doc.xsd", f"{path}.xsd") + EMIT, "bad.yaml:4:15: error X04"),
    ],
    ids=["use", "file", "xsd"],
)
@pytest.mark.parametrize("linked", [False, True], ids=["dots", "link"])
def test_no_path_leaves_the_folder(
    folder: Path, make: Callable[[str], str], place: str, linked: bool
) -> None:
    """Neither by `..` nor by a link: what counts is where the file lies."""
    for ending in ("yaml", "csv", "xsd"):
        (folder / f"out.{ending}").write_text("k,v\n1,a\n")
        for inside in ("mappings", "mappings/tables", "xsd"):
            (folder / inside / f"link.{ending}").symlink_to(folder / f"out.{ending}")
    found = told(folder, make("link" if linked else "../../out").encode())
    assert len(found) == 1
    assert found[0].startswith(place)
    assert "outside the folder" in found[0]
