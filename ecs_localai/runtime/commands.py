"""Structural changes, queued by systems and applied between sets (Bevy: ``Commands``)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

import esper

from ecs_localai.runtime.world import NO_COMPONENTS, World, no_component

Command = Callable[[World], None]
_Queued = tuple[Callable[..., object], tuple[object, ...]]
"""A method of the world, or what stands for a function of somebody else, and what it is called with."""


class Commands:
    """Queues structural changes of the world.

    They are applied in order when the set ends, and before a system of the same set that was explicitly
    ordered after the one that queued them. Changes to an entity that has died meanwhile do nothing. A system
    that fails still has its queued commands applied, as in Bevy.
    """

    __slots__ = ("_world", "waiting")

    def __init__(self, world: World) -> None:
        self._world = world
        self.waiting: deque[_Queued] = deque()
        """What has been queued and not applied. The deque object stays the same."""

    def spawn(self, *components: object) -> int:
        """Make an entity. Its id is valid at once; its components appear when the queue is applied.

        Raises:
            TypeError: a tuple, a list or a class was given for a component.
        """
        if components and components[0].__class__ in NO_COMPONENTS:  # here, where the traceback shows who did it
            raise no_component(components[0])
        entity = self._world.spawn()  # without components no query shows it
        self.waiting.append((World.insert, (entity, *components)))
        return entity

    def insert(self, entity: int, *components: object) -> None:
        """Add or replace components of an entity. For what it raises see `spawn`."""
        if components and components[0].__class__ in NO_COMPONENTS:
            raise no_component(components[0])
        self.waiting.append((World.insert, (entity, *components)))

    def remove(self, entity: int, *kinds: type) -> None:
        """Remove components from an entity."""
        self.waiting.append((World.remove, (entity, *kinds)))

    def despawn(self, entity: int) -> None:
        """Delete an entity."""
        self.waiting.append((World.despawn, (entity,)))

    def insert_resource(self, value: object) -> None:
        """Insert or replace a resource."""
        self.waiting.append((World.insert_resource, (value,)))

    def trigger(self, event: object, entity: int | None = None) -> None:
        """Call the observers of this event when the queue is applied; see `World.trigger`."""
        self.waiting.append((World.trigger, (event, entity)))

    def queue(self, command: Command) -> None:
        """Run any function of the world when the queue is applied.

        Raises:
            TypeError: it cannot be called.
        """
        if not callable(command):
            raise TypeError(
                f"{command!r} cannot be queued: give a function of the world, as in queue(lambda world: …)."
            )
        self.waiting.append((_apart, (command,)))

    def apply(self, on_error: Callable[[object, Exception], None]) -> None:
        """Run the queue, including what the commands queue themselves; one that fails is reported."""
        world = self._world
        if esper.current_world != world.name:
            with world.active():
                self.apply(on_error)
            return
        waiting = self.waiting
        structure = world.structure
        structure.be_alone()
        try:
            while waiting:
                method, args = waiting.popleft()
                try:
                    method(world, *args)
                except Exception as error:  # noqa: BLE001 - the isolation point: one command, not the frame
                    failed = args[0] if method is _apart else method
                    structure.together(partial(on_error, failed, error))
        finally:
            structure.be_together()


def _apart(world: World, function: Command) -> None:
    """Call a function that somebody else has queued, and that may do anything, also with plain esper."""
    world.structure.together(partial(function, world))
