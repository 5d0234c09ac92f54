"""What the fuzz tests found, as small as it gets."""

from __future__ import annotations

import esper

from ecs_localai.runtime import App, Query, RemovedComponents, Update
from tests.runtime.fuzz_parts import Alpha, SubAlpha
from tests.runtime.runtime_parts import Position


def test_removed_components_are_counted_as_they_are_read(app: App) -> None:
    counts: list[tuple[int, int]] = []

    def count(removed: RemovedComponents[Position]) -> None:
        waiting = len(removed)
        counts.append((waiting, len(removed.read())))

    def despawn_one(query: Query[Position]) -> None:
        for entity, _ in list(query)[:1]:
            app.world.despawn(entity)

    app.add_systems(Update, despawn_one, count)
    app.world.spawn(Position())
    app.world.spawn(Position())
    for _ in range(3):
        app.update(0.1)
    assert counts == [(1, 1), (1, 1), (0, 0)]


def test_entity_with_one_object_under_two_types_leaves_both_queries_when_despawned(app: App) -> None:
    component = SubAlpha()
    entity = app.world.spawn(component)
    with app.world.active():
        esper.add_component(entity, component, type_alias=Alpha)
    assert app.world.query(Alpha) == [(entity, component)]
    assert app.world.despawn(entity)
    assert app.world.query(SubAlpha) == []
    assert app.world.query(Alpha) == []
