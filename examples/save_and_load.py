"""Saving a world to a file and loading it into another one.

A garden with beds and plants, which grow two days whenever the program runs. A plant knows its bed by the bed's entity
id; a loaded world has ids of its own, and fields annotated as `Entity` follow. A file may only contain types that the
program has registered. ``python examples/save_and_load.py garden.json`` goes on with the garden in the file, or plants
a new one, and saves it there.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from ecs_localai import App, Entity, LoadError, Query, Res, Time, TypeRegistry, Update, chain


@dataclass
class Bed:
    name: str


@dataclass
class Plant:
    bed: Entity
    height: float = 0.0


@dataclass
class Diary:
    """A resource."""

    days: int = 0
    harvest: dict[str, float] = field(default_factory=dict)


def grow(plants: Query[Plant], time: Time) -> None:
    for _, plant in plants:
        plant.height += time.delta_seconds


def harvest(plants: Query[Plant], beds: Query[Bed], diary: Res[Diary]) -> None:
    diary.days += 1
    names = {entity: bed.name for entity, bed in beds}
    for _, plant in plants:
        if plant.height >= 3:
            diary.harvest[names[plant.bed]] = diary.harvest.get(names[plant.bed], 0.0) + plant.height
            plant.height = 0.0


def plant_anew(app: App) -> None:
    for name, count in (("beans", 2), ("peas", 1)):
        bed = app.world.spawn(Bed(name))
        for _ in range(count):
            app.world.spawn(Plant(bed))


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: save_and_load.py FILE", file=sys.stderr)
        return 2
    file = Path(sys.argv[1])
    with App() as app:
        app.add_systems(Update, chain(grow, harvest))
        app.init_resource(Diary)
        app.world.resource(TypeRegistry).register(Bed, Plant, Diary)
        if file.exists():
            try:
                loaded = app.load(file.read_bytes())
            except LoadError as error:
                print(error, file=sys.stderr)
                return 1
            print(f"went on with {len(loaded.entities)} entities")
        else:
            plant_anew(app)
        for _ in range(2):
            app.update(1.0)
        print(app.world.resource(Diary))
        file.write_bytes(app.save().data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
