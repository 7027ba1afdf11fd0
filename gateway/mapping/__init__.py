"""The mapping language. Knows no HTTP, no SQL, no administration.

A `Library` reads profiles and mappings and compiles them; a `Compiled` mapping turns a message
into a document, an answer into facts, or facts into a message; an `Expression` is what flows
ask of a message. Whatever one message lacks is a `Problem` with target path and mapping line.
"""

from gateway.mapping.compiled import Compiled, Direction, Expression, Result
from gateway.mapping.finding import Finding, Position
from gateway.mapping.library import Library
from gateway.mapping.problem import Problem, ProblemKind
from gateway.mapping.profile import Profile

__all__ = [
    "Compiled",
    "Direction",
    "Expression",
    "Finding",
    "Library",
    "Position",
    "Problem",
    "ProblemKind",
    "Profile",
    "Result",
]
