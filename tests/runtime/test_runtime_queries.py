"""Queries: rows in esper's shape, narrowed by filters, always those of the world as it is."""

from __future__ import annotations

from dataclasses import dataclass

import esper
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.runtime import Added, App, Changed, Commands, Query, SystemParamError, Update, With, Without, World
from tests.runtime.runtime_parts import Frozen, Position, Velocity


def test_one_component_gives_entity_and_component(app: App) -> None:
    position = Position(2.0)
    entity = app.world.spawn(position)
    seen: list[tuple[int, Position]] = []

    def look(query: Query[Position]) -> None:
        for entity, found in query:
            seen.append((entity, found))

    app.add_systems(Update, look)
    app.update()
    assert seen == [(entity, position)]
    assert app.world.query(Position) == [(entity, position)]


def test_several_components_give_entity_and_tuple(app: App) -> None:
    position, velocity = Position(), Velocity(3.0)
    entity = app.world.spawn(position, velocity)
    app.world.spawn(Position())

    def move(query: Query[Position, Velocity]) -> None:
        for _, (position, velocity) in query:
            position.x += velocity.x

    app.add_systems(Update, move)
    app.update()
    assert position.x == 3.0
    assert app.world.query(Velocity, Position) == [(entity, (velocity, position))]


def test_any_number_of_components(app: App) -> None:
    @dataclass
    class Number:
        value: int = 0

    class Text:
        pass

    parts = (Position(), Velocity(), Frozen(), Number(), Text())
    entity = app.world.spawn(*parts)
    assert app.world.query(Position, Velocity, Frozen, Number, Text) == [(entity, parts)]


def test_with_asks_for_a_component_without_handing_it_out(app: App) -> None:
    here, there = app.world.spawn(Position(), Frozen()), app.world.spawn(Position())
    seen: list[list[int]] = []

    def look(plain: Query[Position], frozen: Query[Position, With[Frozen]]) -> None:
        seen.append(sorted(entity for entity, position in plain if isinstance(position, Position)))
        seen.append(sorted(entity for entity, position in frozen if isinstance(position, Position)))

    app.add_systems(Update, look)
    app.update()
    assert seen == [[here, there], [here]]


def test_without_leaves_out_and_follows_every_change(app: App) -> None:
    entity = app.world.spawn(Position())
    seen: list[int] = []

    def look(query: Query[Position, Without[Frozen]]) -> None:
        seen.append(len(query))

    app.add_systems(Update, look)
    app.update()
    app.world.insert(entity, Frozen())
    app.update()
    app.world.remove(entity, Frozen)
    app.update()
    app.world.despawn(entity)
    app.update()
    assert seen == [1, 0, 1, 0]


def test_filters_combine(app: App) -> None:
    entity = app.world.spawn(Position(), Velocity())
    app.world.spawn(Position(), Velocity(), Frozen())
    app.world.spawn(Position())
    seen: list[list[tuple[int, Position]]] = []

    def look(query: Query[Position, With[Velocity], Without[Frozen]]) -> None:
        seen.append(query.rows())

    app.add_systems(Update, look)
    app.update()
    [[(found, position)]] = seen
    assert found == entity
    assert isinstance(position, Position)


def test_query_knows_its_length_and_whether_it_is_empty(app: App) -> None:
    seen: list[tuple[int, bool]] = []

    def look(query: Query[Position, With[Velocity]]) -> None:
        seen.append((len(query), bool(query)))

    app.add_systems(Update, look)
    app.update()
    app.world.spawn(Position(), Velocity())
    app.update()
    assert seen == [(0, False), (1, True)]


def test_component_replaced_by_another_object_is_the_new_one(app: App) -> None:
    entity = app.world.spawn(Position(1.0), Velocity())
    seen: list[float] = []

    def look(query: Query[Position, With[Velocity]]) -> None:
        seen.extend(position.x for _, position in query)

    app.add_systems(Update, look)
    app.update()
    app.world.insert(entity, Position(2.0))
    app.update()
    assert seen == [1.0, 2.0]


def test_changing_the_world_while_iterating_is_safe_and_seen_by_the_next_iteration(app: App) -> None:
    for _ in range(3):
        app.world.spawn(Position())
    seen: list[int] = []

    def breed(query: Query[Position], world: World) -> None:
        for entity, _ in query:
            world.spawn(Position())
            world.despawn(entity)
            world.insert(entity, Velocity())
        seen.append(len(query))

    app.add_systems(Update, breed)
    app.update()
    app.update()
    assert seen == [3, 3]


def test_rows_is_a_list_of_ones_own(app: App) -> None:
    app.world.spawn(Position())
    app.world.query(Position).clear()
    assert len(app.world.query(Position)) == 1


def test_component_of_a_generic_class_is_found_by_its_class(app: App) -> None:
    class Names(list[str]):
        pass

    app.world.spawn(Names(["a"]), [1, 2])
    seen: list[list[int]] = []

    def look(query: Query[list[int], With[Names]]) -> None:
        seen.extend(numbers for _, numbers in query)

    app.add_systems(Update, look)
    app.update()
    assert seen == [[1, 2]]


def test_subclass_of_a_component_is_another_component(app: App) -> None:
    class Special(Position):
        pass

    app.world.spawn(Special())
    assert app.world.query(Position) == [], "as in esper"


def test_spawn_without_components_is_in_no_query(app: App) -> None:
    def spawn(commands: Commands) -> None:
        commands.spawn()

    app.add_systems(Update, spawn)
    app.update()
    assert app.world.query(Position) == []


def test_queries_of_two_apps_see_their_own_worlds() -> None:
    with App() as one, App() as two:
        one.world.spawn(Position())
        seen: list[str] = []

        def look_one(query: Query[Position]) -> None:
            seen.append(f"one {len(query)}")

        def look_two(query: Query[Position]) -> None:
            seen.append(f"two {len(query)}")

        one.add_systems(Update, look_one)
        two.add_systems(Update, look_two)
        one.update()
        two.update()
    assert seen == ["one 1", "two 0"]


def test_query_without_components_is_an_error(app: App) -> None:
    with pytest.raises(SystemParamError, match="at least one component type"):
        app.world.query()


def test_component_after_a_filter_is_an_error_that_says_where_it_belongs(app: App) -> None:
    """A type checker could not tell it from another filter, and would have the rows' types wrong."""

    def look(query: Query[Position, With[Frozen], Velocity]) -> None: ...

    with pytest.raises(SystemParamError, match=r"'query': Velocity stands after a filter.*Query\[A, B, With\[C\]\]"):
        app.add_systems(Update, look)
    with pytest.raises(SystemParamError, match="Velocity stands after a filter"):
        app.world.query(Position, With[Frozen], Velocity | None)
    with pytest.raises(SystemParamError, match="Position stands after a filter"):
        app.world.query(Without[Frozen], Position)


@pytest.mark.parametrize(("name", "asked"), [("Added", Added[Position]), ("Changed", Changed[Position])])
def test_world_is_not_asked_for_what_is_new_to_a_system(app: App, name: str, asked: type) -> None:
    for _ in range(2):
        with pytest.raises(SystemParamError, match=rf"{name} is for systems.*Query\[A, {name}\[A\]\]"):
            app.world.query(Position, asked)


@given(
    entities=st.lists(st.sets(st.sampled_from([Position, Velocity, Frozen])), max_size=8),
    changes=st.lists(st.tuples(st.integers(0, 7), st.sampled_from(["insert", "remove", "despawn"])), max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_filters_agree_with_asking_each_entity(entities: list[set[type]], changes: list[tuple[int, str]]) -> None:
    with App() as app:
        ids = [app.world.spawn(*(kind() for kind in kinds)) for kinds in entities]
        seen: list[set[int]] = []

        def look(
            both: Query[Position, With[Velocity]],
            moving: Query[Position, Velocity, Without[Frozen]],
            bare: Query[Velocity, Without[Position], Without[Frozen]],
        ) -> None:
            seen.append({entity for entity, _ in both})
            seen.append({entity for entity, _ in moving})
            seen.append({entity for entity, _ in bare})

        app.add_systems(Update, look)
        for number, change in [(0, "look"), *changes]:
            if change == "insert" and number < len(ids):
                app.world.insert(ids[number], Velocity())
            elif change == "remove" and number < len(ids):
                app.world.remove(ids[number], Frozen)
            elif change == "despawn" and number < len(ids):
                app.world.despawn(ids[number])
            app.update()
            has = {kind: {one for one in ids if app.world.has(one, kind)} for kind in (Position, Velocity, Frozen)}
            assert seen == [
                has[Position] & has[Velocity],
                has[Position] & has[Velocity] - has[Frozen],
                has[Velocity] - has[Position] - has[Frozen],
            ]
            seen.clear()
    assert esper.current_world == "default"
