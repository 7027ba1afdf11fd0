"""All that is wrong or doubtful in a mapping, before any message.

Compiles it for a profile and adds what only the whole file can tell: what is declared and never
used, tests that cannot be read. The findings are the compiler's own.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from gateway.mapping.check.branches import check_tree
from gateway.mapping.check.declared import check_declared
from gateway.mapping.check.expectations import check_expectations
from gateway.mapping.check.unused import check_parameters, check_unused
from gateway.mapping.compiler import Compilation
from gateway.mapping.finding import Finding, Findings
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
        check_expectations(compilation, findings)
        if compilation.world is not None:
            _check_whole(compilation, compilation.world)
    return findings.all


def _check_whole(compilation: Compilation, world: World) -> None:
    """What no single expression tells: names that nothing reads, branches that others rule out."""
    document, findings = compilation.document, compilation.findings
    if compilation.is_whole:
        check_unused(document, compilation.blocks, world.used, findings)
    check_tree(document.emit, findings)
    for block in compilation.blocks.values():
        check_tree(block.node, findings)
    for path in document.unmapped:
        if not path.text.strip():
            findings.error(path.position, "M06", "unmapped names no path")


def lint_profile(library: Library, name: str) -> list[Finding]:
    """All findings of a profile: its files, and each of its definitions compiled."""
    findings = Findings()
    profile = library.read_profile(name, findings)
    if profile is not None:
        check_declared(profile.dialect(profile.version), findings)
    for definition in profile.definitions.values() if profile and not findings.errors else ():
        assert profile is not None  # the loop is empty without one
        library.check_definition(definition, profile, findings)
        check_parameters(definition.key, definition.parameters, (definition.text.text,), findings)
    return findings.all
