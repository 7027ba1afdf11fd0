"""The folder of mappings with what an editor has open in it, and what is wrong in it now."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath

from gateway.errors import ConfigurationError
from gateway.mapping.document import read_document
from gateway.mapping.finding import Finding, Findings
from gateway.mapping.library import Library
from gateway.mapping.lint import lint_mapping, lint_profile, mappings_in
from gateway.mapping.tree import read


class Workspace:
    """`open` and `close` follow the editor; all else is about the texts as they are then."""

    def __init__(self, mappings: Path, xsd: Path) -> None:
        self._texts: dict[str, bytes] = {}
        self._library = Library(mappings, xsd)

    @property
    def library(self) -> Library:
        """The folder as the editor has it."""
        return self._library

    def open(self, name: str, text: str) -> None:
        """A file has this text now."""
        self._texts[name] = text.encode()
        self._library = self._library.with_open(self._texts)

    def close(self, name: str) -> None:
        """A file is what is on the disk again."""
        self._texts.pop(name, None)
        self._library = self._library.with_open(self._texts)

    def saved(self) -> None:
        """Something on the disk changed: nothing that was read of it is believed any more."""
        fresh = Library(self._library.mappings, self._library.xsd)
        self._library = fresh.with_open(self._texts)

    def text(self, name: str) -> str:
        """The text of a file; '' if there is none."""
        try:
            return self._library.content(name).decode(errors="replace")
        except ConfigurationError:
            return ""

    def findings(self, name: str) -> Mapping[str, list[Finding]]:
        """What is wrong, by file, as far as `name` shows it: of a file of blocks, in every mapping
        that uses it. `name` itself is always there, so that what is mended disappears.
        """
        found: dict[str, set[Finding]] = {name: set()}
        for finding in self._found(name):
            found.setdefault(finding.position.file, set()).add(finding)
        return {file: sorted(findings) for file, findings in found.items()}

    def _found(self, name: str) -> list[Finding]:
        folder = PurePosixPath(name).parts[0]
        if folder == "profiles":
            return lint_profile(self._library, PurePosixPath(name).stem)
        if folder == "lib":
            library = self._library
            users = [each for each in mappings_in(library) if name in used_files(library, each)]
            return [finding for each in users for finding in lint_mapping(library, each)]
        if name.endswith(".flow.yaml") or not name.endswith(".yaml"):
            return []
        return lint_mapping(self._library, name)

    @cached_property
    def root(self) -> Path:
        """The folder of mappings."""
        return self._library.mappings


def used_files(library: Library, name: str) -> list[str]:
    """The files of blocks that a mapping uses."""
    findings = Findings()
    tree = read(library.content(name), name, findings)
    document = read_document(tree, name, findings) if tree else None
    return [use.text for use in document.use] if document else []
