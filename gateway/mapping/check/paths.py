"""Whether what a path names exists: segments, fields and components of the sender's dialect.

Each function tells its finding at the column of the step that is wrong, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.mapping.finding import did_you_mean

if TYPE_CHECKING:
    from gateway.mapping.dialect import Dialect
    from gateway.mapping.hl7_paths import Repetitions
    from gateway.mapping.names import Scope


def check_segment(name: str, scope: Scope, column: int) -> bool:
    """H01 if neither the version nor the profile has it, H07 if these messages do not."""
    dialect = scope.dialect
    if dialect is None:
        return True
    known = {each for part in scope.world.structures for each in part.segments()}
    if dialect.segment(name) is None:
        guess = did_you_mean(name, known | {*dialect.own_segments})
        where = dialect.profile_said if name.startswith("Z") else f"HL7 {dialect.version}"
        scope.error(column, "H01", f"no segment {name} in {where}{guess}")
        return False
    if _is_foreign(name, known, dialect, scope):
        messages = " and ".join(part.name for part in scope.world.structures)
        text = f"{messages} of HL7 {dialect.version} have no segment {name}"
        scope.error(column, "H07", text + did_you_mean(name, known - {name}))
        return False
    _check_sent(name, scope, column)
    return True


def _is_foreign(name: str, known: set[str], dialect: Dialect, scope: Scope) -> bool:
    """Whether the mapping's messages lack it. A profile's words are read of all messages."""
    if not known or scope.level != "mapping" or name.startswith("Z"):
        return False
    return name not in known and not dialect.usage(name)


def check_field(segment: str, number: int, scope: Scope, column: int) -> bool:
    """H02 if the segment has no such field."""
    dialect = scope.dialect
    shape = dialect.segment(segment) if dialect else None
    if dialect is None or shape is None:
        return True
    if shape[number] is None:
        where = dialect.profile_said if segment.startswith("Z") else f"HL7 {dialect.version}"
        scope.error(column, "H02", f"{segment} has no field {number} in {where}")
        return False
    _check_sent(f"{segment}-{number}", scope, column)
    return True


def _check_sent(path: str, scope: Scope, column: int) -> None:
    """H08 for what the profile says never comes; words that it inherits may read it."""
    dialect = scope.dialect
    if dialect is None or dialect.usage(path) != "X":
        return
    if scope.level == "mapping" or scope.position.file == f"profiles/{dialect.profile}.yaml":
        text = f"{dialect.profile_said} says that {path} is never sent"
        scope.warning(column, "H08", text)


def check_component(
    path: Repetitions, component: int, subcomponent: int, scope: Scope, column: int
) -> bool:
    """H03 if the field's type has no such component, or that no such subcomponent."""
    parts = component, subcomponent
    return check_parts(path.label, path.segments.name, path.number, parts, scope, column)


def check_parts(
    told: str, segment: str, number: int, parts: tuple[int, int], scope: Scope, column: int
) -> bool:
    """As `check_component`, of a field by its number; `told` is how the finding names it."""
    dialect = scope.dialect
    components = dialect.components(segment, number) if dialect else None
    if dialect is None or components is None:
        return True
    component, subcomponent = parts
    version = "in this HL7 version"
    if component > max(len(components), 1):
        scope.error(column, "H03", f"{told} has no component {component} {version}")
        return False
    inner = dialect.datatype(components[component - 1].datatype) if components else ()
    if inner is not None and subcomponent > max(len(inner), 1):
        text = f"{told}.{component} has no subcomponent {subcomponent} {version}"
        scope.error(column, "H03", text)
        return False
    return True


def check_chosen(path: Repetitions, scope: Scope, column: int) -> None:
    """H05 for a field that may repeat, read as one without saying which."""
    if not path.chosen and not path.many:
        check_once(path.label, path.segments.name, path.number, scope, column)


def check_once(told: str, segment: str, number: int, scope: Scope, column: int) -> None:
    """H05 for a field that may repeat where it can be there once."""
    dialect = scope.dialect
    shape = dialect.field(segment, number) if dialect else None
    if shape is not None and shape.repeats > 1:
        text = f"{told} may repeat; choose with [1] or [5 == '…'], or take all with [*]"
        scope.warning(column, "H05", text)
