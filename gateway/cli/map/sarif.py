"""Findings in SARIF 2.1.0 (OASIS), for code hosts and editors that show them at their lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from gateway import __version__
from gateway.mapping.finding import RULES, Finding

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_CODES: Final = {code: number for number, code in enumerate(RULES)}


def sarif(found: Sequence[Finding], mappings: Path) -> dict[str, Any]:
    """One run. Addresses are relative to where the command runs, if `mappings` lies below."""
    driver = {
        "name": "icaro map lint",
        "version": __version__,
        "rules": [_rule(code, sentence) for code, sentence in RULES.items()],
    }
    results = [_result(one, mappings) for one in found]
    # Columns count characters, as Python does.
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str, sentence: str) -> dict[str, Any]:
    return {"id": code, "shortDescription": {"text": sentence}}


def _result(finding: Finding, mappings: Path) -> dict[str, Any]:
    file, line, column = finding.position
    region = {"startLine": line, "startColumn": column}
    place = {"artifactLocation": {"uri": _address(mappings / file)}, "region": region}
    return {
        "ruleId": finding.code,
        "ruleIndex": _CODES[finding.code],
        "level": finding.severity,
        "message": {"text": finding.text},
        "locations": [{"physicalLocation": place}],
    }


def _address(path: Path) -> str:
    here = Path.cwd()
    return quote(path.relative_to(here).as_posix()) if path.is_relative_to(here) else path.as_uri()
