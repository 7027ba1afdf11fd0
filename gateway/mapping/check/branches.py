"""Branches that are never reached: after what is always there, or under what is never true.

What comes from a caller or from a profile is another thing for another one: of that nothing is
said. The conditions of one node are compared as they are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.mapping.domain import Domain
    from gateway.mapping.names import Scope


def check_condition(domain: Domain, scope: Scope) -> None:
    """M11 for a `$when` that is always false; `scope` stands where it is written."""
    if domain.always(False):
        scope.warning(0, "M11", "never reached: this is always false")


def check_fallback(domains: Sequence[Domain], columns: Sequence[int], scope: Scope) -> None:
    """M11 for what follows something that is always there in `a ?? b`."""
    for domain, following in zip(domains, columns[1:], strict=False):
        if domain.present and not domain.outside:
            what = domain.path or "what stands before it"
            scope.warning(following, "M11", f"never reached: {what} is always there")
            return
