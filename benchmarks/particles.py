"""Particles: the entities that the benchmarks of iteration and structural change have, in esper, in a list, in ours.

Every particle has the same three components (as objects with slots), and there are three loops over two of them each.
A loop that writes reads one component and writes another, one attribute each: as little as a loop can do that does
something. A loop that only visits takes each row apart and does nothing with it, so that nothing is compared but the
way to the components.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol

import esper

from ecs_localai import App, Commands, Query, Update, World
from ecs_localai.runtime import chain

COUNTS: Final = (100, 1_000, 10_000)


@dataclass(slots=True)
class Position:
    """Where it is."""

    x: float = 0.0


@dataclass(slots=True)
class Velocity:
    """How it moves."""

    x: float = 1.0


@dataclass(slots=True)
class Heat:
    """How hot it is."""

    x: float = 0.5


# The loops are written out three times because CPython (3.11 and later) adapts a function's code to the types that it
# meets: one loop for all three would meet several, which no system of a program does.


def move(rows: Iterable[tuple[object, tuple[Position, Velocity]]]) -> None:
    """A loop over rows as esper and we have them: write the first component, read the second."""
    for _, (position, velocity) in rows:
        position.x += velocity.x


def warm(rows: Iterable[tuple[object, tuple[Heat, Position]]]) -> None:
    """The second loop."""
    for _, (heat, position) in rows:
        heat.x += position.x


def speed_up(rows: Iterable[tuple[object, tuple[Velocity, Heat]]]) -> None:
    """The third loop."""
    for _, (velocity, heat) in rows:
        velocity.x += heat.x


def visit(rows: Iterable[tuple[object, tuple[object, object]]]) -> None:
    """A loop that takes every row apart, and no more."""
    for _, (_first, _second) in rows:
        pass


class Particles(Protocol):
    """One contestant."""

    name: str
    world: str | None
    """The esper world that has to be active, if any."""

    def move(self) -> None:
        """One loop over two components."""

    def write_thrice(self) -> None:
        """Three loops that write, each over another two of the three components."""

    def visit_thrice(self) -> None:
        """The same loops, only visiting."""

    def change(self) -> None:
        """Delete the oldest particle, or, if that was done the time before, create one."""


def change_by_esper(living: deque[int], count: int) -> None:
    """Delete the oldest of these entities, or create the one that was deleted the time before."""
    if len(living) < count:
        living.append(esper.create_entity(Position(), Velocity(), Heat()))
    else:
        esper.delete_entity(living.popleft(), immediate=True)


class EsperParticles:
    """Plain esper."""

    name = "esper"

    def __init__(self, count: int) -> None:
        self._count = count
        self.world: str | None = f"{count} particles in plain esper"
        before = esper.current_world
        esper.switch_world(self.world)
        self._living = deque(esper.create_entity(Position(), Velocity(), Heat()) for _ in range(count))
        esper.switch_world(before)

    def move(self) -> None:
        """As in `Particles`."""
        move(esper.get_components(Position, Velocity))

    def write_thrice(self) -> None:
        """As in `Particles`."""
        move(esper.get_components(Position, Velocity))
        warm(esper.get_components(Heat, Position))
        speed_up(esper.get_components(Velocity, Heat))

    def visit_thrice(self) -> None:
        """As in `Particles`."""
        visit(esper.get_components(Position, Velocity))
        visit(esper.get_components(Heat, Position))
        visit(esper.get_components(Velocity, Heat))

    def change(self) -> None:
        """As in `Particles`."""
        change_by_esper(self._living, self._count)


def leave(plain: EsperParticles) -> None:
    """Go back to esper's first world, and delete the one of these particles."""
    esper.switch_world("default")
    if plain.world is not None:
        esper.delete_world(plain.world)


class Particle:
    """All of a particle in one object, as one writes it without an entity-component system."""

    __slots__ = ("heat", "position", "velocity")

    def __init__(self) -> None:
        self.position = 0.0
        self.velocity = 1.0
        self.heat = 0.5


class ListedParticles:
    """A plain list of objects."""

    name = "list of objects"
    world: str | None = None

    def __init__(self, count: int) -> None:
        self._count = count
        self._particles = [Particle() for _ in range(count)]

    def move(self) -> None:
        """As in `Particles`."""
        for one in self._particles:
            one.position += one.velocity

    def write_thrice(self) -> None:
        """As in `Particles`."""
        self.move()
        for one in self._particles:
            one.heat += one.position
        for one in self._particles:
            one.velocity += one.heat

    def visit_thrice(self) -> None:
        """As in `Particles`: there are no rows to take apart, so two attributes are read."""
        for one in self._particles:
            _first, _second = one.position, one.velocity
        for one in self._particles:
            _first, _second = one.heat, one.position
        for one in self._particles:
            _first, _second = one.velocity, one.heat

    def change(self) -> None:
        """As in `Particles`. The last one takes the place of the one that goes, so nothing has to move up."""
        if len(self._particles) < self._count:
            self._particles.append(Particle())
        else:
            self._particles[0] = self._particles[-1]
            self._particles.pop()


class By(Enum):
    """How a system of ours makes its structural change."""

    COMMANDS = auto()
    """Queued, and applied before the loops."""
    WORLD = auto()
    """At once."""


class Loops(Enum):
    """What the systems of ours do in a frame."""

    WRITE_ONCE = auto()
    WRITE_THRICE = auto()
    VISIT_THRICE = auto()


class OurParticles:
    """An app whose only entities they are. Its frames make one change, if any, and run the given loops."""

    name = "ours"

    def __init__(self, app: App, count: int, loops: Loops, changes: By | None = None) -> None:
        self._app = app
        self.world: str | None = app.world.name
        self._count = count
        self._living = deque(app.world.spawn(Position(), Velocity(), Heat()) for _ in range(count))
        self._queries: list[Query[Position, Velocity]] = []
        changing: dict[By | None, tuple[Callable[..., None], ...]] = {
            None: (),
            By.COMMANDS: (self._change_by_commands,),
            By.WORLD: (self._change_by_world,),
        }
        app.add_systems(Update, chain(*changing[changes], *self._systems(loops)))
        app.update(0.0)

    def _change_by_commands(self, commands: Commands) -> None:
        if len(self._living) < self._count:
            self._living.append(commands.spawn(Position(), Velocity(), Heat()))
        else:
            commands.despawn(self._living.popleft())

    def _change_by_world(self, world: World) -> None:
        if len(self._living) < self._count:
            self._living.append(world.spawn(Position(), Velocity(), Heat()))
        else:
            world.despawn(self._living.popleft())

    def _systems(self, loops: Loops) -> tuple[Callable[..., None], ...]:
        """The loops as systems."""

        def moving(rows: Query[Position, Velocity]) -> None:
            if not self._queries:
                self._queries.append(rows)
            move(rows)

        def warming(rows: Query[Heat, Position]) -> None:
            warm(rows)

        def speeding_up(rows: Query[Velocity, Heat]) -> None:
            speed_up(rows)

        def visiting_moving(rows: Query[Position, Velocity]) -> None:
            visit(rows)

        def visiting_warm(rows: Query[Heat, Position]) -> None:
            visit(rows)

        def visiting_speeding(rows: Query[Velocity, Heat]) -> None:
            visit(rows)

        return {
            Loops.WRITE_ONCE: (moving,),
            Loops.WRITE_THRICE: (moving, warming, speeding_up),
            Loops.VISIT_THRICE: (visiting_moving, visiting_warm, visiting_speeding),
        }[loops]

    def frame(self) -> None:
        """A frame of the app. Its clock stands still."""
        self._app.update(0.0)

    def move(self) -> None:
        """The loop over two components, as a system runs it, without the frame around it."""
        move(self._queries[0])

    def ask_the_world(self) -> None:
        """The same loop outside of systems: `World.query` makes a new list."""
        move(self._app.world.query(Position, Velocity))

    def change_by_world(self) -> None:
        """Delete the oldest, or create one, at once, outside of systems."""
        self._change_by_world(self._app.world)

    def change_by_queue(self) -> None:
        """The same by commands, applied as a frame does it."""
        self._change_by_commands(self._app.commands)
        self._app.apply_commands()

    def change_by_esper(self) -> None:
        """The same as a host does it: with plain esper, our world being active."""
        change_by_esper(self._living, self._count)

    def host_frame(self) -> None:
        """A change by a host, and then a frame of the app."""
        self.change_by_esper()
        self._app.update(0.0)
