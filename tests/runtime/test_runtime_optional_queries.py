"""Optional components: in the row if the entity has one, None if not."""

from __future__ import annotations

from typing import Optional, assert_type

import esper
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.runtime import Added, App, Changed, Query, Update, With, Without
from tests.runtime.runtime_parts import Frozen, Position, Velocity


def test_missing_component_is_none_in_its_place(app: App) -> None:
    position, other, velocity = Position(), Position(), Velocity()
    moving, resting = app.world.spawn(position, velocity), app.world.spawn(other)
    app.world.spawn(Velocity())
    seen: dict[int, tuple[Position, Velocity | None]] = {}

    def look(query: Query[Position, Velocity | None]) -> None:
        for entity, (here, speed) in query:
            here.x += speed.x if speed is not None else 0.0
            seen[entity] = here, speed

    app.add_systems(Update, look)
    app.update()
    assert seen == {moving: (position, velocity), resting: (other, None)}
    assert (position.x, other.x) == (1.0, 0.0)


def test_optional_may_come_first_and_be_written_the_old_way(app: App) -> None:
    position = Position()
    entity = app.world.spawn(position)
    seen: list[tuple[int, object]] = []

    def look(
        query: Query[Velocity | None, Position, Frozen | None],
        old: Query[Optional[Velocity], Position],  # noqa: UP045 - the older spelling means the same
    ) -> None:
        seen.extend(query.rows())
        seen.extend(old.rows())

    app.add_systems(Update, look)
    app.update()
    assert seen == [(entity, (None, position, None)), (entity, (None, position))]


def test_row_follows_the_optional_component_coming_and_going(app: App) -> None:
    entity = app.world.spawn(Position())
    seen: list[bool] = []

    def look(query: Query[Position, Velocity | None]) -> None:
        seen.extend(velocity is not None for _, (_, velocity) in query)

    app.add_systems(Update, look)
    app.update()
    app.world.insert(entity, Velocity())
    app.update()
    app.world.remove(entity, Velocity)
    app.update()
    assert seen == [False, True, False]


def test_optional_alone_needs_a_filter_that_says_which_entities(app: App) -> None:
    entity, position = app.world.spawn(Frozen()), Position()
    other = app.world.spawn(Frozen(), position)
    app.world.spawn(Position())
    seen: list[list[tuple[int, Position | None]]] = []

    def look(query: Query[Position | None, With[Frozen]]) -> None:
        seen.append(list(query))

    app.add_systems(Update, look)
    app.update()
    assert sorted(seen[0], key=lambda row: row[0]) == [(entity, None), (other, position)]


def test_optional_component_goes_with_every_filter(app: App) -> None:
    seen: list[list[tuple[int, tuple[Position, Velocity | None]]]] = []

    def look(
        new: Query[Position, Velocity | None, Added[Position], Without[Frozen]],
        changed: Query[Position, Velocity | None, Changed[Velocity]],
    ) -> None:
        seen.append(list(new))
        seen.append(list(changed))

    app.add_systems(Update, look)
    position, other, velocity = Position(), Position(), Velocity()
    resting = app.world.spawn(position)
    moving = app.world.spawn(other, velocity, Frozen())
    app.update()
    assert seen == [[(resting, (position, None))], [(moving, (other, velocity))]]


def test_generic_component_may_be_optional(app: App) -> None:
    position = Position()
    entity = app.world.spawn(position, [1, 2])
    seen: list[tuple[int, tuple[Position, list[int] | None]]] = []

    def look(query: Query[Position, list[int] | None]) -> None:
        seen.extend(query)

    app.add_systems(Update, look)
    app.update()
    assert seen == [(entity, (position, [1, 2]))]


def test_rows_have_their_types_whatever_the_filters(app: App) -> None:
    seen: list[int] = []

    def look(
        one: Query[Position, With[Velocity], Without[Frozen], Changed[Position]],
        two: Query[Position, Velocity | None, Changed[Position]],
        three: Query[Position, Velocity, Frozen | None, With[Position], Changed[Velocity]],
        five: Query[Position, Velocity, Frozen | None, list[int] | None, set[str] | None],
    ) -> None:
        seen.append(len(one) + len(two) + len(three) + len(five))
        for row in one:
            assert_type(row, tuple[int, Position])
        for _, pair in two:
            assert_type(pair, tuple[Position, Velocity | None])
        for _, triple in three:
            assert_type(triple, tuple[Position, Velocity, Frozen | None])
        for _, parts in five:
            assert_type(parts, tuple[Position, Velocity, Frozen | None, list[int] | None, set[str] | None])

    app.world.spawn(Position(), Velocity())
    app.add_systems(Update, look)
    app.update()
    assert seen == [4]


@given(
    entities=st.lists(st.sets(st.sampled_from([Position, Velocity, Frozen])), max_size=8),
    changes=st.lists(st.tuples(st.integers(0, 7), st.booleans()), max_size=6),
)
@settings(max_examples=60, deadline=None)
def test_rows_agree_with_asking_each_entity(entities: list[set[type]], changes: list[tuple[int, bool]]) -> None:
    with App() as app:
        ids = [app.world.spawn(*(kind() for kind in kinds)) for kinds in entities]
        seen: list[dict[int, object]] = []

        def look(query: Query[Position, Velocity | None, Without[Frozen]]) -> None:
            seen.append(dict(query.rows()))

        app.add_systems(Update, look)
        for number, insert in [(8, True), *changes]:
            if number < len(ids):
                if insert:
                    app.world.insert(ids[number], Velocity())
                else:
                    app.world.remove(ids[number], Velocity)
            app.update()
            assert seen.pop() == {
                entity: (app.world.get(entity, Position), app.world.get(entity, Velocity))
                for entity in ids
                if app.world.has(entity, Position) and not app.world.has(entity, Frozen)
            }
    assert esper.current_world == "default"
