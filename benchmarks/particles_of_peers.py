"""The same particles in tcod-ecs and in snecs, each used as its documentation shows it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import cast

import snecs
import tcod.ecs
from snecs.typedefs import EntityID

from benchmarks.particles import Heat, Position, Velocity, visit


class TcodParticles:
    """tcod-ecs: components are kept by type, queries give their values."""

    name = "tcod-ecs"
    world: str | None = None

    def __init__(self, count: int) -> None:
        self._count = count
        self._registry = tcod.ecs.Registry()
        self._living = deque(self._create() for _ in range(count))

    def _create(self) -> tcod.ecs.Entity:
        return self._registry.new_entity({Position: Position(), Velocity: Velocity(), Heat: Heat()})

    def move(self) -> None:
        """As in `Particles`."""
        for written, read in self._registry.Q[Position, Velocity]:
            written.x += read.x

    def write_thrice(self) -> None:
        """As in `Particles`."""
        self.move()
        for heat, position in self._registry.Q[Heat, Position]:
            heat.x += position.x
        for velocity, read in self._registry.Q[Velocity, Heat]:
            velocity.x += read.x

    def visit_thrice(self) -> None:
        """As in `Particles`."""
        for _position, _velocity in self._registry.Q[Position, Velocity]:
            pass
        for _heat, _read in self._registry.Q[Heat, Position]:
            pass
        for _speed, _warmth in self._registry.Q[Velocity, Heat]:
            pass

    def change(self) -> None:
        """As in `Particles`."""
        if len(self._living) < self._count:
            self._living.append(self._create())
        else:
            self._living.popleft().clear()


class SnecsPosition(snecs.RegisteredComponent):
    """Where it is."""

    __slots__ = ("x",)

    def __init__(self) -> None:
        self.x = 0.0


class SnecsVelocity(snecs.RegisteredComponent):
    """How it moves."""

    __slots__ = ("x",)

    def __init__(self) -> None:
        self.x = 1.0


class SnecsHeat(snecs.RegisteredComponent):
    """How hot it is."""

    __slots__ = ("x",)

    def __init__(self) -> None:
        self.x = 0.5


class SnecsParticles:
    """snecs, with compiled queries."""

    name = "snecs"
    world: str | None = None

    def __init__(self, count: int) -> None:
        self._count = count
        self._world = snecs.World()
        self._living = deque(self._create() for _ in range(count))
        # A compiled query knows its components' types only as a collection; these are the rows that it gives.
        self._moving = cast(
            "Iterable[tuple[int, tuple[SnecsPosition, SnecsVelocity]]]",
            snecs.Query((SnecsPosition, SnecsVelocity), self._world).compile(),
        )
        self._warming = cast(
            "Iterable[tuple[int, tuple[SnecsHeat, SnecsPosition]]]",
            snecs.Query((SnecsHeat, SnecsPosition), self._world).compile(),
        )
        self._speeding = cast(
            "Iterable[tuple[int, tuple[SnecsVelocity, SnecsHeat]]]",
            snecs.Query((SnecsVelocity, SnecsHeat), self._world).compile(),
        )

    def _create(self) -> EntityID:
        return snecs.new_entity((SnecsPosition(), SnecsVelocity(), SnecsHeat()), self._world)

    def move(self) -> None:
        """As in `Particles`."""
        for _, (position, velocity) in self._moving:
            position.x += velocity.x

    def write_thrice(self) -> None:
        """As in `Particles`."""
        self.move()
        for _, (heat, read) in self._warming:
            heat.x += read.x
        for _, (speed, warmth) in self._speeding:
            speed.x += warmth.x

    def visit_thrice(self) -> None:
        """As in `Particles`."""
        visit(self._moving)
        visit(self._warming)
        visit(self._speeding)

    def change(self) -> None:
        """As in `Particles`."""
        if len(self._living) < self._count:
            self._living.append(self._create())
        else:
            snecs.delete_entity_immediately(self._living.popleft(), self._world)
