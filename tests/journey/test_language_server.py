"""The language server, driven by a client over standard input and output as an editor does it."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.lsp.client import LanguageClient

ROOT = Path(__file__).resolve().parents[2]
NAME = "comune/nascita.yaml"
LINE = "    operazioneRichiesta: {$text: registraNascita}\n"


class Editor:
    """An editor with one mapping open."""

    def __init__(self, folder: Path, client: LanguageClient) -> None:
        self.client = client
        self.path = folder / "mappings" / NAME
        self.uri = self.path.as_uri()
        self.text = self.path.read_text(encoding="utf-8")
        self.version = 1
        self.told: dict[str, list[types.Diagnostic]] = {}
        self.news = asyncio.Event()

        @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params: types.PublishDiagnosticsParams) -> None:
            self.told[params.uri] = list(params.diagnostics)
            self.news.set()

    async def open(self) -> None:
        """Open the mapping and wait for what is said of it."""
        self.client.text_document_did_open(
            types.DidOpenTextDocumentParams(
                types.TextDocumentItem(self.uri, types.LanguageKind.Yaml, self.version, self.text)
            )
        )
        await self.heard()

    async def write(self, line: str, *, wait: bool = True) -> types.Position:
        """Put a line into the header's element; gives the place at its end."""
        text = self.text.replace(LINE, LINE + line + "\n", 1)
        assert text != self.text
        self.version += 1
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self.version, self.uri),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )
        if wait:
            await self.heard()
        return types.Position(text[: text.index(LINE)].count("\n") + 1, len(line))

    async def heard(self) -> None:
        """Wait for the next findings."""
        self.news.clear()
        await asyncio.wait_for(self.news.wait(), 30)

    async def offered(self, line: str) -> dict[str, types.CompletionItem]:
        """What is offered at the end of a line that is being written."""
        at = await self.write(line, wait=False)
        where = types.TextDocumentIdentifier(self.uri)
        found = await self.client.text_document_completion_async(types.CompletionParams(where, at))
        assert isinstance(found, types.CompletionList)
        return {each.label: each for each in found.items}

    def place_of(self, word: str) -> types.Position:
        """Where a word first stands in the mapping as it was opened."""
        before = self.text[: self.text.index(word)]
        return types.Position(before.count("\n"), len(before.rpartition("\n")[2]) + 1)


def driven(tmp_path: Path, work: Callable[[Editor], Awaitable[None]]) -> None:
    """Start the server, open the mapping, do the `work`, end in good order."""
    for name in ("mappings", "xsd"):
        shutil.copytree(ROOT / name, tmp_path / name)

    async def session() -> None:
        client = LanguageClient("test", "1")
        folders = ["--mappings", str(tmp_path / "mappings"), "--xsd", str(tmp_path / "xsd")]
        await client.start_io(sys.executable, "-m", "gateway.cli", "map", "lsp", *folders)
        try:
            asked = types.InitializeParams(
                capabilities=types.ClientCapabilities(), root_uri=tmp_path.as_uri()
            )
            await client.initialize_async(asked)
            client.initialized(types.InitializedParams())
            editor = Editor(tmp_path, client)
            await editor.open()
            await work(editor)
        finally:
            # In order whatever happened: a client that only stops waits for the server for ever.
            await client.shutdown_async(None)
            client.exit(None)
            await client.stop()

    asyncio.run(session())


def test_findings_are_told_as_one_types_and_go_when_they_are_mended(tmp_path: Path) -> None:
    """With code, place and guess; a clean mapping has none."""

    async def work(editor: Editor) -> None:
        assert editor.told[editor.uri] == []
        at = await editor.write("    codMitente: sender.struttura")
        (finding,) = editor.told[editor.uri]
        assert (finding.code, finding.source) == ("X01", "icaro")
        assert "did you mean codMittente?" in finding.message
        assert finding.range.start == types.Position(at.line, 4)
        assert finding.range.end == types.Position(at.line, 14)
        await editor.write("    # as it was")
        assert editor.told[editor.uri] == []

    driven(tmp_path, work)


def test_what_may_stand_at_the_cursor_is_offered(tmp_path: Path) -> None:
    """Fields with the sample's value, components, functions, tables, columns, facts, elements."""

    async def work(editor: Editor) -> None:
        fields = await editor.offered("    x: PID-")
        assert fields["8"].detail == "Administrative sex (IS) = F"
        assert "Given name" in str((await editor.offered("    x: PID-5[1]."))["2"].detail)
        assert "Relationship" in str((await editor.offered("    x: madre-"))["3"].detail)
        assert (await editor.offered("    x: PID-8 | u"))["upper"].detail == "upper(text)"
        assert "sesso" in await editor.offered("    x: PID-8 | lookup(")
        assert "anpr" in await editor.offered("    x: PID-8 | lookup(sesso, ")
        assert "codiceFiscale" in await editor.offered("    x: codice_fiscale.")
        assert {"madre", "PID", "flow"} <= (await editor.offered("    x: ")).keys()
        assert "codMittente" in await editor.offered("    co")
        assert "testata()" in await editor.offered("    $use: ")

    driven(tmp_path, work)


def test_the_word_under_the_cursor_is_explained_and_found(tmp_path: Path) -> None:
    """A field by name, type, table and how often; a block and a table by where they are said."""

    async def work(editor: Editor) -> None:
        at = await editor.write("    idOperazione: PID-8 | lookup(sesso, anpr)")
        where = types.TextDocumentIdentifier(editor.uri)

        async def hover(column: int) -> str:
            place = types.Position(at.line, column)
            found = await editor.client.text_document_hover_async(types.HoverParams(where, place))
            assert found is not None
            assert isinstance(found.contents, types.MarkupContent)
            return found.contents.value

        field = await hover(20)
        assert "**PID-8** Administrative sex" in field
        assert "table 0001" in field
        assert "once" in field
        assert "lookup(value, table, column[, on])" in await hover(28)
        assert "tables/sesso.csv" in await hover(35)
        assert "**idOperazione**" in await hover(6)

        async def goes_to(word: str) -> str:
            place = editor.place_of(word)
            found = await editor.client.text_document_definition_async(
                types.DefinitionParams(where, place)
            )
            assert isinstance(found, types.Location)
            return f"{Path(found.uri).name}:{found.range.start.line + 1}"

        lines = (tmp_path / "mappings/lib/testata.yaml").read_text(encoding="utf-8").split("\n")
        (block,) = [n for n, line in enumerate(lines, 1) if line.strip() == "testata():"]
        assert await goes_to("testata()") == f"testata.yaml:{block + 1}"

    driven(tmp_path, work)


@pytest.mark.parametrize("text", ["", "{", "lang: 1\nemit: [", "\u0000", "a: &b c"])
def test_a_text_that_is_no_yaml_does_not_end_the_server(tmp_path: Path, text: str) -> None:
    """While one types, it seldom is."""

    async def work(editor: Editor) -> None:
        editor.text = f"{LINE}{text}"
        await editor.write("")
        editor.text = editor.path.read_text(encoding="utf-8")
        assert "8" in await editor.offered("    x: PID-")

    driven(tmp_path, work)
