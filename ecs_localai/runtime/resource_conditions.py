"""Run conditions about resources (Bevy: ``bevy_ecs/src/schedule/condition.rs``)."""

from __future__ import annotations

from collections.abc import Callable

from ecs_localai.runtime.errors import RuntimeSetupError
from ecs_localai.runtime.local import Local
from ecs_localai.runtime.world import World


def resource_exists(kind: type) -> Callable[[World], bool]:
    """A run condition: the world has a resource of this type. ``run_if(resource_exists(Score), draw)``.

    Bevy: ``resource_exists``.

    Raises:
        RuntimeSetupError: it is not a class.
    """
    check_class(kind, "resource_exists")

    def condition(world: World) -> bool:
        return world.get_resource(kind) is not None

    condition.__qualname__ = f"resource_exists({kind.__name__})"
    return condition


def resource_changed(kind: type) -> Callable[[World, Local[int]], bool]:
    """A run condition: the resource was inserted, replaced or marked since this condition was last asked.

    Marks are explicit: `World.mark_resource_changed`. While there is no such resource it does not hold, as with
    Bevy's ``resource_exists_and_changed``; Bevy's ``resource_changed`` panics.

    Raises:
        RuntimeSetupError: it is not a class.
    """
    check_class(kind, "resource_changed")

    def condition(world: World, seen: Local[int]) -> bool:
        tick = world.resources.changed_at(kind)
        changed = tick > seen.value
        if changed:
            seen.value = tick
        return changed

    condition.__qualname__ = f"resource_changed({kind.__name__})"
    return condition


def check_class(kind: object, condition: str) -> None:
    """See that a condition is given a class.

    Raises:
        RuntimeSetupError: it is not.
    """
    if not isinstance(kind, type):
        raise RuntimeSetupError(f"{kind!r} is not a class: name the class, {condition}({type(kind).__name__}).")
