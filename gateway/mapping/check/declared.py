"""What a profile declares of HL7, held against the version it is for."""

from __future__ import annotations

from typing import Final

from gateway.mapping.dialect import Dialect
from gateway.mapping.finding import Findings, Position

_RICHEST: Final = "2.5"
"""Before 2.3.1 the dictionary has no types."""


def check_declared(dialect: Dialect, findings: Findings) -> None:
    """H01 to H04 of `segments:`, `fields:` and `codes:`, at the key that is wrong.

    What is inherited was written for the version of its own profile.
    """
    file = f"profiles/{dialect.profile}.yaml"
    for name, segment in dialect.declared.segments.items():
        if segment.position.file != file:
            continue
        _check_segment(name, segment.position, dialect, findings)
        for number, field in segment.fields.items():
            _check_type(f"{name}-{number}", field.datatype, field.position, dialect, findings)
            _check_table(f"{name}-{number}", field.table, field.position, dialect, findings)
    for path, use in dialect.declared.fields.items():
        if use.position.file == file and _check_path(path, use.position, dialect, findings):
            _check_type(path, use.datatype, use.position, dialect, findings)
            _check_table(path, use.table, use.position, dialect, findings)


def _check_segment(name: str, position: Position, dialect: Dialect, findings: Findings) -> bool:
    if dialect.segment(name) is not None:
        return True
    where = dialect.profile_said if name.startswith("Z") else f"HL7 {dialect.version}"
    findings.once(position, "error", "H01", f"no segment {name} in {where}")
    return False


def _check_path(path: str, position: Position, dialect: Dialect, findings: Findings) -> bool:
    name, _, rest = path.partition("-")
    number, _, component = rest.partition(".")
    if not _check_segment(name, position, dialect, findings):
        return False
    if dialect.field(name, int(number)) is None:
        text = f"{name} has no field {number} in HL7 {dialect.version}"
        findings.once(position, "error", "H02", text)
        return False
    components = dialect.components(name, int(number))
    if component and components is not None and int(component) > max(len(components), 1):
        text = f"{name}-{number} has no component {component} in HL7 {dialect.version}"
        findings.once(position, "error", "H03", text)
        return False
    return True


def _check_type(
    path: str, datatype: str, position: Position, dialect: Dialect, findings: Findings
) -> None:
    known = (dialect.datatype(datatype), dialect.of(_RICHEST).datatype(datatype))
    if datatype and known == (None, None):
        text = f"{path}: no data type {datatype} in HL7 {dialect.version}"
        findings.once(position, "error", "H04", text)


def _check_table(
    path: str, table: str, position: Position, dialect: Dialect, findings: Findings
) -> None:
    """HL7 has tables without codes, so a number may be any; another name must be declared."""
    if table and not (table.isdigit() or table in dialect.declared.codes):
        text = f"{path}: no table {table}; write its codes under codes:"
        findings.once(position, "error", "H04", text)
