"""All that is wrong or doubtful in a mapping, before any message.

Compiles it for a profile and adds what only the whole file can tell: what is declared and never
used, tests that cannot be read. The findings are the compiler's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from gateway.mapping.compiler import Compilation
from gateway.mapping.finding import Finding, Findings, Position
from gateway.mapping.library import Library, run_compilation
from gateway.mapping.names import World
from gateway.mapping.tests import check_tests

FLOW = ".flow.yaml"


def mappings_in(library: Library) -> list[str]:
    """Every mapping of the folder whose schema is there; libraries, profiles, flows are none."""
    return [name for name in _all(library) if library.absent_schema(name) is None]


def waiting_in(library: Library) -> dict[str, str]:
    """The mappings that wait for an optional schema, and the schema that is not there."""
    schemas = ((name, library.absent_schema(name)) for name in _all(library))
    return {name: xsd for name, xsd in schemas if xsd is not None}


def _all(library: Library) -> list[str]:
    paths = (path.relative_to(library.mappings) for path in library.mappings.rglob("*.yaml"))
    return sorted(path.as_posix() for path in paths if _is_mapping(PurePosixPath(path)))


def _is_mapping(path: PurePosixPath) -> bool:
    return path.parts[0] not in ("profiles", "lib", "tables", "samples") and not path.name.endswith(
        FLOW
    )


def profiles_in(library: Library) -> list[str]:
    """The names of all profiles of the folder."""
    return sorted(path.stem for path in (library.mappings / "profiles").glob("*.yaml"))


def lint_mapping(library: Library, name: str, profile: str | None = None) -> list[Finding]:
    """All findings of one mapping for one profile, once, in order. A bad profile is told too.

    Without `profile` it is the one that the mapping names under `source:`, else `default`.
    """
    findings = Findings()
    known = library.read_profile(profile or library.profile_of(name), findings)
    read = library.compilation(name, known, findings) if known else None
    if read is not None:
        compilation, pins = read
        run_compilation(compilation, pins)
        check_tests(compilation.document, findings)
        if compilation.world is not None:
            _unused(compilation, compilation.world)
    return findings.all


def _unused(compilation: Compilation, world: World) -> None:
    """Names that are declared and that nothing reads."""
    document, findings = compilation.document, compilation.findings
    for what, name, position in _declared(compilation):
        if (what, *name) not in world.used:
            text = f"{what} {'.'.join(name)} is never used"
            findings.warning(position, "T04" if what == "table" else "M07", text)
    for path in document.unmapped:
        if not path.text.strip():
            findings.error(path.position, "M06", "unmapped names no path")


def _declared(compilation: Compilation) -> Iterator[tuple[str, tuple[str, ...], Position]]:
    document = compilation.document
    for name, definition in document.lets.items():
        yield "let", (name,), definition.text.position
    for key, position in document.input_positions.items():
        yield "input", key, position
    for name, use in document.tables.items():
        yield "table", (name,), use.position
    for name, block in document.blocks.items():
        yield "block", (name,), block.node.position


def lint_profile(library: Library, name: str) -> list[Finding]:
    """All findings of a profile: its files, and each of its definitions compiled."""
    findings = Findings()
    profile = library.read_profile(name, findings)
    for definition in profile.definitions.values() if profile and not findings.errors else ():
        if not definition.parameters:
            assert profile is not None  # the loop is empty without one
            library.check_definition(definition, profile, findings)
    return findings.all
