"""The structural changes that a walk can queue with `Commands`; the model makes each when the real one is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ecs_localai.runtime import Commands, World
from tests.runtime.fuzz_ground import Ground, Step
from tests.runtime.fuzz_parts import Component, kinds_of


def spawn(ground: Ground, step: Step, commands: Commands) -> None:
    components = [ground.new(kind, step.value) for kind in kinds_of(step.mask)]
    entity = commands.spawn(*components)
    ground.model.create(entity)
    commands.queue(_inserting(ground, entity, components))


def insert(ground: Ground, step: Step, commands: Commands) -> None:
    entity = ground.entity(step.which)
    components = [ground.new(kind, step.value) for kind in kinds_of(step.mask)]
    commands.insert(entity, *components)
    commands.queue(_inserting(ground, entity, components))


def _inserting(ground: Ground, entity: int, components: list[Component]) -> Callable[[World], None]:
    def insert_too(_: World) -> None:
        if ground.model.exists(entity):
            for component in components:
                ground.model.insert(entity, component)

    return insert_too


def remove(ground: Ground, step: Step, commands: Commands) -> None:
    entity, kinds = ground.entity(step.which), kinds_of(step.mask)
    commands.remove(entity, *kinds)

    def remove_too(_: World) -> None:
        for kind in ground.model.removable(entity, kinds):
            ground.model.take(entity, kind)

    commands.queue(remove_too)


def despawn(ground: Ground, step: Step, commands: Commands) -> None:
    entity = ground.entity(step.which)
    commands.despawn(entity)

    def delete_too(_: World) -> None:
        if ground.model.exists(entity):
            ground.model.delete(entity)

    commands.queue(delete_too)


QUEUED: Final[dict[str, Callable[[Ground, Step, Commands], None]]] = {
    "later_spawn": spawn,
    "later_insert": insert,
    "later_remove": remove,
    "later_despawn": despawn,
}
"""What a system can queue, by name."""
