"""The language server: the protocol on one side, `gateway.mapping.language` on the other.

Positions of the protocol count from 0 in the units that the editor chose; ours count characters.
Findings are told a moment after the last key, so that nobody waits for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from gateway import __version__
from gateway.mapping.finding import Finding
from gateway.mapping.language.completion import Completion, What, completions
from gateway.mapping.language.cursor import Cursor, cursor_at
from gateway.mapping.language.meaning_here import definition, hover
from gateway.mapping.language.scene import Scene, scene_for
from gateway.mapping.language.workspace import Workspace

T = TypeVar("T")

_PAUSE: Final = 0.2
"""Seconds without a key before the findings are looked for."""

_KINDS: Final = {
    What.FIELD: types.CompletionItemKind.Field,
    What.FUNCTION: types.CompletionItemKind.Function,
    What.NAME: types.CompletionItemKind.Variable,
    What.SEGMENT: types.CompletionItemKind.Struct,
    What.TABLE: types.CompletionItemKind.File,
    What.COLUMN: types.CompletionItemKind.EnumMember,
    What.ELEMENT: types.CompletionItemKind.Property,
    What.DIRECTIVE: types.CompletionItemKind.Keyword,
    What.BLOCK: types.CompletionItemKind.Module,
    What.FACT: types.CompletionItemKind.Constant,
}
_SEVERITIES: Final = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
}


class Desk:
    """One editor, one folder. `told` are the files whose findings the editor shows."""

    def __init__(self, server: LanguageServer, workspace: Workspace) -> None:
        self._server = server
        self.workspace = workspace
        self._told: set[str] = set()
        self._scenes: dict[str, Scene] = {}
        self._waiting: dict[str, asyncio.Task[None]] = {}

    def name_of(self, uri: str) -> str | None:
        """The file as the library names it; None for one that lies elsewhere."""
        path = Path(to_fs_path(uri) or "").resolve()
        root = self.workspace.root
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else None

    def uri_of(self, name: str) -> str:
        """The other way."""
        return from_fs_path(str(self.workspace.root / name)) or ""

    def changed(self, uri: str) -> None:
        """The editor's text of a file is another now."""
        name = self.name_of(uri)
        if name is None:
            return
        self.workspace.open(name, self._server.workspace.get_text_document(uri).source)
        before = self._waiting.pop(name, None)
        if before is not None:
            before.cancel()
        self._waiting[name] = asyncio.ensure_future(self._later(name))

    async def _later(self, name: str) -> None:
        await asyncio.sleep(_PAUSE)
        found = await asyncio.to_thread(self.workspace.findings, name)
        for file in found.keys() | (self._told & {name}):
            self._publish(file, found.get(file, ()))
        self._told |= found.keys()

    def _publish(self, file: str, findings: Iterable[Finding]) -> None:
        lines = self.workspace.text(file).split("\n")
        self._server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(
                uri=self.uri_of(file),
                diagnostics=[_diagnostic(each, lines, self._server) for each in findings],
            )
        )

    def look(
        self, uri: str, position: types.Position, ask: Callable[[Scene, Cursor], T]
    ) -> T | None:
        """What `ask` says of a place; None where the file is none of ours or cannot be read yet."""
        name = self.name_of(uri)
        if name is None:
            return None
        text = self._server.workspace.get_text_document(uri).source
        at = self._server.workspace.position_codec.position_from_client_units(
            text.splitlines(keepends=True), position
        )
        scene = scene_for(self.workspace.library, name) or self._scenes.get(name)
        if scene is None:
            return None
        self._scenes[name] = scene
        return ask(scene, cursor_at(text, at.line, at.character))


def serve(mappings: Path, xsd: Path) -> None:
    """Speak the protocol on standard input and output until the editor says it is enough."""
    made(mappings, xsd).start_io()


def made(mappings: Path, xsd: Path) -> LanguageServer:
    """The server, not yet started."""
    server = LanguageServer("icaro", __version__)
    desk = Desk(server, Workspace(mappings, xsd))
    _follow(server, desk)
    _answer(server, desk)
    return server


def _follow(server: LanguageServer, desk: Desk) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        desk.changed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        desk.changed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: types.DidSaveTextDocumentParams) -> None:
        desk.workspace.saved()
        desk.changed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: types.DidCloseTextDocumentParams) -> None:
        name = desk.name_of(params.text_document.uri)
        if name is not None:
            desk.workspace.close(name)


def _answer(server: LanguageServer, desk: Desk) -> None:
    options = types.CompletionOptions(trigger_characters=["-", ".", "|", "(", "/", "$", " "])

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, options)
    def complete(params: types.CompletionParams) -> types.CompletionList:
        found = desk.look(params.text_document.uri, params.position, completions) or []
        items = [_item(each, params.position) for each in found]
        return types.CompletionList(is_incomplete=False, items=items)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def explain(params: types.HoverParams) -> types.Hover | None:
        text = desk.look(params.text_document.uri, params.position, hover)
        markdown = types.MarkupKind.Markdown
        return types.Hover(types.MarkupContent(markdown, text)) if text else None

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def go(params: types.DefinitionParams) -> types.Location | None:
        place = desk.look(params.text_document.uri, params.position, definition)
        if place is None:
            return None
        at = types.Position(place.line - 1, place.column - 1)
        return types.Location(desk.uri_of(place.file), types.Range(at, at))


def _item(one: Completion, at: types.Position) -> types.CompletionItem:
    start = types.Position(at.line, at.character - one.typed)
    explained = types.MarkupContent(types.MarkupKind.Markdown, one.text)
    return types.CompletionItem(
        label=one.label,
        kind=_KINDS[one.what],
        detail=one.detail or None,
        documentation=explained if one.text else None,
        text_edit=types.TextEdit(types.Range(start, at), one.label),
    )


def _diagnostic(finding: Finding, lines: list[str], server: LanguageServer) -> types.Diagnostic:
    """From the finding's place to the end of its word."""
    line, column = finding.position.line - 1, finding.position.column - 1
    text = lines[line] if line < len(lines) else ""
    length = next((n for n, c in enumerate(text[column:]) if not (c.isalnum() or c in "_-.$")), 0)
    codec: Any = server.workspace.position_codec
    whole = types.Range(types.Position(line, column), types.Position(line, column + max(length, 1)))
    return types.Diagnostic(
        range=codec.range_to_client_units([f"{each}\n" for each in lines], whole),
        severity=_SEVERITIES[finding.severity],
        code=finding.code,
        source="icaro",
        message=finding.text,
    )
