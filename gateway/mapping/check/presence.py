"""Comparisons that are neither true nor false where an optional field is absent.

`$when` and `$choose` treat absent as not true, so `PID-24 == 'Y'` needs nothing there. Absence
makes a difference where a reader would say true of it (`PID-24 != 'Y'`, `not (PID-24 == 'Y')`),
and wherever the value itself is used: written, or compared again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.mapping.domain import Domain
    from gateway.mapping.finding import Findings


def ask_of_condition(domain: Domain, findings: Findings) -> None:
    """M10 for what a reader would say is true, and a condition takes as not true."""
    for doubt in domain.doubts:
        if doubt.reads:
            text = "and then this is not true; say what it is then, with `??`"
            findings.once(doubt.position, "warning", "M10", f"{doubt.path} may be absent, {text}")


def ask_of_value(domain: Domain, findings: Findings) -> None:
    """M10 for all that may be absent: a value is wanted, and there is none."""
    for doubt in domain.doubts:
        text = "and then there is neither true nor false; say what it is then, with `??`"
        findings.once(doubt.position, "warning", "M10", f"{doubt.path} may be absent, {text}")
