"""`icaro map lsp`: a language server for mappings, over standard input and output."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.map.folders import MAPPINGS, XSD, library_of


@click.command()
@MAPPINGS
@XSD
def lsp(mappings: Path | None, xsd: Path | None) -> None:
    """Serve an editor that speaks the Language Server Protocol, over stdin and stdout.

    While a mapping is written it shows what `icaro map lint` finds, completes fields (with what
    the sample of the mapping's first test has there), components, names, functions, tables,
    columns, facts and elements of the target, explains the word under the cursor, and goes to
    where a block, a let or a table is said. The README shows VS Code and Neovim.

    \b
      icaro map lsp --mappings mappings --xsd xsd
    """
    from gateway.cli.map.language_server import serve  # slow to load

    library = library_of(mappings, xsd, ())
    serve(library.mappings, library.xsd)
