"""Observers: functions that react at once, not at their turn in the frame.

A minefield. `keep_map` and `clear_map` keep an index of where the mines lie, which is right at every moment, because
they are called while a mine is put down or taken away, by whomever. An explosion is an event that somebody triggers:
`explode` is called before `trigger` returns, and sets off the neighbours, whose explosions do the same. Bevy has this
program too, as ``examples/ecs/observers.rs``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ecs_localai import Add, App, On, Remove, Res, World


@dataclass(frozen=True)
class Mine:
    x: int


@dataclass(frozen=True)
class Explosion:
    """What is triggered for one mine."""


@dataclass
class Map:
    """A resource: which entity lies where."""

    mines: dict[int, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return "".join("o" if x in self.mines else "." for x in range(20))


def keep_map(on: On[Add, Mine], minefield: Res[Map]) -> None:
    minefield.mines[on.component.x] = on.entity


def clear_map(on: On[Remove, Mine], minefield: Res[Map]) -> None:
    del minefield.mines[on.component.x]  # the component is still there to be looked at


def explode(on: On[Explosion], minefield: Res[Map], world: World) -> None:
    mine = world.get(on.entity, Mine)
    if mine is None:
        return
    world.despawn(on.entity)
    print(f"{minefield}  the mine at {mine.x} is gone")
    for x in (mine.x - 1, mine.x + 1):
        if x in minefield.mines:
            world.trigger(Explosion(), minefield.mines[x])


def warn(on: On[Explosion]) -> None:
    print(f"entity {on.entity} is watched, and explodes")


def main() -> None:
    with App() as app:
        app.init_resource(Map)
        app.add_observer(keep_map)
        app.add_observer(clear_map)
        watched = [app.world.spawn(Mine(x)) for x in (2, 3, 4, 8, 11, 12)][4]
        app.add_observer(warn, watched)  # only for this entity
        app.add_observer(explode)
        print(app.world.resource(Map))
        app.world.trigger(Explosion(), app.world.resource(Map).mines[3])
        app.world.trigger(Explosion(), watched)


if __name__ == "__main__":
    main()
