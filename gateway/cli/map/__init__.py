"""`icaro map`: what an integrator does with mappings. Each verb is a module of this package."""

from __future__ import annotations

from typing import Final

import click

from gateway.cli.verbs import Verb, Verbs

VERBS: Final[dict[str, Verb]] = {
    "new": Verb("new", "new", "Begin a mapping for a schema, with what can be guessed."),
    "lint": Verb("lint", "lint", "Say what is wrong in mappings, and where."),
    "test": Verb("tests", "test", "Run the tests that mappings carry."),
    "preview": Verb("preview", "preview", "Show a message, the mapping's values, the document."),
    "explain": Verb("explain", "explain_verb", "Where an element comes from, and how."),
    "coverage": Verb("coverage", "coverage", "What no test reaches and no leaf reads."),
    "lsp": Verb("lsp", "lsp", "A language server for editors."),
    "fmt": Verb("fmt", "fmt", "Lay mappings out as all others are."),
    "doc": Verb("doc", "doc", "A mapping in words, as a table to be signed."),
    "schema": Verb("schema", "schema", "What an editor needs to complete a mapping."),
    "diff": Verb("diff", "diff", "What another version of the mappings writes otherwise."),
    "history": Verb("history", "history", "Which mappings were in use, and which were refused."),
    "rollback": Verb("history", "rollback", "Put the mappings back as they were."),
}


@click.group("map", cls=Verbs, verbs=VERBS, package=__name__)
def map_group() -> None:
    """Mappings: run their tests, say what is wrong in them.

    PATHS are mappings or folders below the folder of mappings, as `comune/nascita.yaml`, or
    files on disk that lie there; without any, all mappings.
    """
