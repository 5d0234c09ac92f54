"""What the fuzz tests found, as small as it gets."""

from __future__ import annotations

import esper

from ecs_localai.runtime import Add, App, Insert, On, Query, Remove, RemovedComponents, Update, With, World
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


class Index:
    """Where the positions are, by what observers are told."""

    def __init__(self, app: App) -> None:
        self.positions: dict[int, Position] = {}
        app.add_observer(self.inserted)
        app.add_observer(self.removed)

    def inserted(self, on: On[Insert, Position]) -> None:
        self.positions[on.entity] = on.component

    def removed(self, on: On[Remove, Position]) -> None:
        self.positions.pop(on.entity, None)


def test_insertion_that_another_observer_has_undone_is_not_told_after_the_removal(app: App) -> None:
    def refuse(on: On[Add, Position], world: World) -> None:
        world.remove(on.entity, Position)

    app.add_observer(refuse)
    index = Index(app)
    entity = app.world.spawn(Position())
    assert app.world.get(entity, Position) is None
    assert index.positions == {}


def test_insertion_that_an_observer_has_replaced_is_not_told_after_the_replacement(app: App) -> None:
    better = Position(2.0)

    def improve(on: On[Insert, Position], world: World) -> None:
        if on.component is not better:
            world.insert(on.entity, better)

    app.add_observer(improve)
    index = Index(app)
    entity = app.world.spawn(Position(1.0))
    assert app.world.get(entity, Position) is better
    assert index.positions == {entity: better}


def test_component_that_an_observer_puts_back_is_there_if_observers_were_told_so(app: App) -> None:
    index = Index(app)

    def put_back(on: On[Remove, Position], world: World) -> None:
        if on.component.x == 1.0:
            world.insert(on.entity, Position(2.0))

    app.add_observer(put_back)
    entity = app.world.spawn(Position(1.0))
    app.world.remove(entity, Position)
    assert index.positions == dict(app.world.query(Position))


def test_component_that_an_observer_gives_to_a_dying_entity_goes_with_it_and_is_told(app: App) -> None:
    index = Index(app)

    def put_back(on: On[Remove, Position], world: World) -> None:
        if on.component.x == 1.0:
            world.insert(on.entity, Position(2.0))

    app.add_observer(put_back)
    entity = app.world.spawn(Position(1.0))
    assert app.world.despawn(entity)
    assert app.world.query(Position) == []
    assert index.positions == {}


def test_optional_component_that_a_filter_asks_for_is_no_tuple(app: App) -> None:
    rows: list[tuple[int, object]] = []

    def look(query: Query[Position | None, With[Position]]) -> None:
        rows.extend(query)

    app.add_systems(Update, look)
    position = Position()
    entity = app.world.spawn(position)
    app.update(0.1)
    assert rows == [(entity, position)]
