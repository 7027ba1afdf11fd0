"""Spyne 2.14.0 on today's Python, and the small part of it that the gateway uses.

Knows no SOAP security and no administration. What must be mended before `import spyne` works
without a warning is mended here and only here; everybody else imports spyne's names from this
module. `Documents` is spyne's SOAP 1.1 protocol over elements that were verified already.
"""

from __future__ import annotations

import importlib
import logging
import sys
import warnings
from typing import Any

import six  # type: ignore[import-untyped]  # six ships no types

_MOVED = (
    "moves",
    "moves.collections_abc",
    "moves.http_cookies",
    "moves.urllib",
    "moves.urllib.parse",
    "moves.urllib.request",
)


def _alias_six() -> None:
    # spyne carries an old six whose importer has no find_spec, which Python 3.12 asks for.
    for name in _MOVED:
        sys.modules.setdefault(f"spyne.util.six.{name}", importlib.import_module(f"six.{name}"))


def _forget_old_importer() -> None:
    # Left in place, that importer warns at each import that the process makes later on.
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if type(finder).__module__ != "spyne.util.six"
    ]


_alias_six()
with warnings.catch_warnings():
    # `cgi` is deprecated since 3.11 and comes from legacy-cgi from 3.13 on; spyne imports it.
    warnings.simplefilter("ignore")
    from spyne import (
        Application,
        MethodContext,
        Service,
        rpc,
    )
    from spyne.model import AnyXml
    from spyne.model.fault import Fault
    from spyne.protocol.soap import Soap11
    from spyne.server import ServerBase
_forget_old_importer()

# spyne's own log lines quote documents and exceptions: personal data.
logging.getLogger("spyne").setLevel(logging.CRITICAL + 1)


class Document(AnyXml):  # type: ignore[misc]  # spyne ships no types
    """A whole Body element, root included, as an lxml element: checked by our XSD, not by spyne."""


class Documents(Soap11):  # type: ignore[misc]  # spyne ships no types
    """SOAP 1.1 document/literal where a message is one lxml element, in and out.

    `ctx.in_document` is an envelope of ours around a verified Body: nothing is parsed here, and
    the multi-reference `href` of SOAP encoding is not followed (no document/literal service
    needs it, and it would let an element be read where it was not signed).
    """

    def __init__(self) -> None:
        super().__init__(cleanup_namespaces=False)
        self.deserialization_handlers[Document] = lambda _ctx, _cls, element: element
        self.serialization_handlers[Document] = _append

    def create_in_document(self, ctx: Any, charset: str | None = None) -> None:
        """Take the envelope that the caller put into `ctx.in_string`, as it is."""
        ctx.in_document = (ctx.in_string, {})


def _append(_ctx: Any, _cls: Any, document: Any, parent: Any, *_: Any, **__: Any) -> None:
    parent.append(document)


__all__ = [
    "Application",
    "Document",
    "Documents",
    "Fault",
    "MethodContext",
    "ServerBase",
    "Service",
    "rpc",
    "six",
]
