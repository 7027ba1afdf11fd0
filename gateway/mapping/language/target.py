"""Which element of the target a place under `emit:` or in a block stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.mapping.emission import Node
from gateway.mapping.language.scene import Scene
from gateway.mapping.shape import ElementShape


def element_at(scene: Scene, path: Sequence[str]) -> ElementShape | None:
    """The element that holds what stands below the keys `path`; None if there is none.

    A block stands for the first element that uses it.
    """
    steps = [step for step in path if not step.startswith("$")]
    if scene.target is None or not steps:
        return None
    if steps[0] == "emit":
        return _below(scene.target, steps[1:])
    if steps[0] == "blocks" and len(steps) > 1:
        name = steps[1].partition("(")[0]
        found = next(_users(scene, scene.document.emit, scene.target, name, ()), None)
        return _below(found, steps[2:]) if found else None
    return None


def _below(shape: ElementShape, steps: Sequence[str]) -> ElementShape | None:
    here: ElementShape | None = shape
    for step in steps:
        here = here.children.get(step) if here else None
    return here


def _users(
    scene: Scene, node: Node, shape: ElementShape, name: str, open_: tuple[str, ...]
) -> Iterator[ElementShape]:
    """The elements whose node uses the block, looked for through the blocks they use."""
    used = node.use.text.partition("(")[0].strip() if node.use else ""
    if used == name:
        yield shape
    elif used in scene.blocks and used not in open_:
        yield from _users(scene, scene.blocks[used].node, shape, name, (*open_, used))
    for inner in (*node.choose, *node.several):
        yield from _users(scene, inner, shape, name, open_)
    for key, child in node.children:
        below = shape.children.get(key.text)
        if below is not None:
            yield from _users(scene, child, below, name, open_)
