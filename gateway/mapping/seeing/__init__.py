"""What an integrator sees of a mapping: one run step by step, where an element comes from, what
no test reaches. Built on the traced build; gives values and pages, prints nothing.

Everything here may hold what a message says and is for the operator's own eyes: nothing of it
goes into a log, an exception or a finding.
"""

from gateway.mapping.seeing.traced import LeafSeen, Trace, Traced, traced

__all__ = ["LeafSeen", "Trace", "Traced", "traced"]
