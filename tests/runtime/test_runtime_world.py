"""The world seen from outside of systems: entities and components, whatever world the caller is in."""

from __future__ import annotations

import esper

from ecs_localai.runtime import App
from tests.runtime.runtime_parts import Frozen, Position, Velocity


def test_spawn_get_insert_remove_despawn(app: App) -> None:
    world = app.world
    position = Position(1.0)
    entity = world.spawn(position)
    assert world.get(entity, Position) is position
    assert world.get(entity, Velocity) is None
    assert world.insert(entity, Velocity(), Frozen())
    assert world.has(entity, Velocity)
    assert world.remove(entity, Velocity, Frozen)
    assert not world.has(entity, Frozen)
    assert world.components(entity) == (position,)
    assert world.despawn(entity)
    assert not world.exists(entity)


def test_insert_replaces_a_component_of_the_same_type(app: App) -> None:
    entity = app.world.spawn(Position(1.0))
    app.world.insert(entity, Position(2.0))
    position = app.world.get(entity, Position)
    assert position is not None
    assert position.x == 2.0


def test_everything_about_an_entity_that_does_not_exist_is_answered_calmly(app: App) -> None:
    world = app.world
    entity = world.spawn(Position())
    world.despawn(entity)
    assert world.get(entity, Position) is None
    assert not world.has(entity, Position)
    assert not world.insert(entity, Velocity())
    assert not world.remove(entity, Position)
    assert world.components(entity) == ()
    assert not world.despawn(entity)
    app.update()
    assert world.query(Velocity) == []


def test_removing_what_is_not_there_removes_the_rest(app: App) -> None:
    entity = app.world.spawn(Position(), Frozen())
    assert app.world.remove(entity, Velocity, Frozen)
    assert not app.world.remove(entity, Velocity)
    assert app.world.has(entity, Position)
    assert not app.world.has(entity, Frozen)


def test_entity_with_no_component_left_still_exists(app: App) -> None:
    entity = app.world.spawn(Position())
    app.world.remove(entity, Position)
    assert app.world.exists(entity)


def test_entity_that_plain_esper_will_delete_exists_no_more(app: App) -> None:
    entity = app.world.spawn(Position())
    with app.world.active():
        esper.delete_entity(entity)
    assert not app.world.exists(entity)
    assert not app.world.insert(entity, Velocity())
    assert not app.world.despawn(entity)
    app.update()
    assert app.world.query(Position) == []


def test_despawned_entity_is_gone_from_queries_at_once(app: App) -> None:
    entity = app.world.spawn(Position())
    assert len(app.world.query(Position)) == 1
    app.world.despawn(entity)
    assert app.world.query(Position) == []


def test_name_is_that_of_the_esper_world(app: App) -> None:
    assert app.world.name in esper.list_worlds()
    entity = app.world.spawn(Position())
    with app.world.active():
        assert esper.current_world == app.world.name
        assert esper.has_component(entity, Position)
