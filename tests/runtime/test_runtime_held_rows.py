"""Rows that were given out stay as they were, however they are held; and only then do they cost a copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import esper
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.runtime import App, Query, Update, With, Without, World
from ecs_localai.runtime.query_parts import Row, split_parts
from ecs_localai.runtime.views import View
from tests.runtime.runtime_parts import Frozen, Position, Velocity

Rest = Callable[[], list[Row]]
"""What a holder has still to see."""
OFTEN = 300
"""Python runs code differently that it has run often, and counts references differently then."""


def in_a_list(view: View) -> Rest:
    """As a closure's own variable, which is how a local of a function that goes on is kept."""
    rows = view.current()
    return lambda: list(rows)


def in_a_default(view: View) -> Rest:
    """As an argument that a function has had since it was made."""

    def rest(rows: list[Row] = view.current()) -> list[Row]:  # noqa: B008 - that it is held from now on is the point
        return list(rows)

    return rest


def in_a_container(view: View) -> Rest:
    """As a value among others."""
    held = {"rows": view.current()}
    return lambda: list(held["rows"])


def in_an_iterator(view: View) -> Rest:
    """As a loop that has not begun holds it."""
    rows = iter(view.current())
    return lambda: list(rows)


def in_a_chain_of_iterators(view: View) -> Rest:
    """As `enumerate` and its like hold it."""
    rows = enumerate(view.current())
    return lambda: [row for _, row in rows]


def in_a_generator(view: View) -> Rest:
    """As a generator holds it in its loop, in the middle of which it waits."""
    seen: list[Row] = []

    def walk() -> Iterator[Row]:
        yield from view.current()

    rows = walk()
    seen.append(next(rows))
    return lambda: [*seen, *rows]


def in_a_local_of_a_generator(view: View) -> Rest:
    """As a local of a function that waits."""

    def walk() -> Iterator[list[Row]]:
        rows = view.current()
        yield []
        yield rows

    waiting = walk()
    next(waiting)
    return lambda: list(next(waiting))


HOLDERS = [
    in_a_list,
    in_a_default,
    in_a_container,
    in_an_iterator,
    in_a_chain_of_iterators,
    in_a_generator,
    in_a_local_of_a_generator,
]
QUERIES = {
    "one": (Position,),
    "two": (Position, Velocity),
    "filtered": (Position, With[Velocity], Without[Frozen]),
    "optional": (Position, Velocity | None),
}


def change(world: World, entity: int) -> int:
    """Change the rows in every way there is: one goes, one is replaced, one comes; returns the one that came."""
    world.insert(entity, Velocity())
    world.insert(entity, Position())
    world.remove(entity, Velocity)
    new = world.spawn(Position(), Velocity())
    world.despawn(entity)
    return new


@pytest.mark.parametrize("hold", HOLDERS)
@pytest.mark.parametrize("asked", QUERIES.values(), ids=QUERIES)
def test_rows_stay_as_they_were_for_whoever_holds_them(
    app: App, asked: tuple[object, ...], hold: Callable[[View], Rest]
) -> None:
    world = app.world
    view = world.views.of(split_parts(asked))
    for _ in range(3):
        world.spawn(Position(), Velocity())
    last = world.spawn(Position(), Velocity())
    with world.active():
        for _ in range(OFTEN):
            expected = list(view.current())
            rest = hold(view)
            last = change(world, last)
            assert view.current() != expected
            assert rest() == expected
            del rest
            last = change(world, last)
            assert sorted(row[0] for row in view.current()) == sorted(
                entity for entity, _ in esper.get_components(Position, Velocity)
            )


@pytest.mark.parametrize("first", HOLDERS)
@pytest.mark.parametrize("second", HOLDERS)
def test_two_holders_see_the_rows_of_their_own_time(
    app: App, first: Callable[[View], Rest], second: Callable[[View], Rest]
) -> None:
    world = app.world
    view = world.views.of(split_parts((Position,)))
    world.spawn(Position())
    last = world.spawn(Position())
    with world.active():
        for _ in range(20):
            expected = list(view.current())
            one, same = first(view), second(view)
            last = change(world, last)
            expected_later = list(view.current())
            later, later_too = second(view), first(view)
            last = change(world, last)
            assert one() == expected
            last = change(world, last)
            assert same() == expected
            assert later() == expected_later
            last = change(world, last)
            assert later_too() == expected_later


def test_list_that_nobody_holds_is_kept_up_to_date_in_its_place(app: App) -> None:
    """The other half: where counting told nothing, every change would cost a copy of all rows, unnoticed."""
    world = app.world
    view = world.views.of(split_parts((Position, Velocity)))
    last = world.spawn(Position(), Velocity())
    with world.active():
        view.current()
        last = change(world, last)
        place = id(view.current())
        for _ in range(OFTEN):
            last = change(world, last)
            assert id(view.current()) == place
        held = view.current()
        last = change(world, last)
        now = view.current()
        assert now is not held
        place = id(now)
        del held, now
        for _ in range(OFTEN):
            last = change(world, last)
            assert id(view.current()) == place


def test_nested_loops_over_one_query_each_see_the_rows_of_their_beginning(app: App) -> None:
    world = app.world
    for _ in range(4):
        world.spawn(Position())
    loops: list[tuple[list[int], list[int]]] = []

    def breed(query: Query[Position], world: World) -> None:
        outer_expected, outer = [entity for entity, _ in query], []
        for entity, _ in query:
            outer.append(entity)
            inner_expected, inner = [other for other, _ in query], []
            for other, _ in query:
                inner.append(other)
                innermost_expected, innermost = [third for third, _ in query], []
                for third, _ in query:
                    innermost.append(third)
                    if len(innermost) == 1:
                        world.spawn(Position())
                        world.despawn(other)
                loops.append((innermost, innermost_expected))
            loops.append((inner, inner_expected))
        loops.append((outer, outer_expected))

    app.add_systems(Update, breed)
    for _ in range(3):
        app.update()
    assert len(loops) == 3 * (1 + 4 + 4 * 4)
    for seen, expected in loops:
        assert seen == expected


def test_loop_that_was_left_early_and_one_that_waits_see_nothing_new(app: App) -> None:
    world = app.world
    entities = [world.spawn(Position()) for _ in range(3)]
    seen: list[list[int]] = []

    def look(query: Query[Position], world: World) -> None:
        waiting = (entity for entity, _ in query)
        begun = [next(waiting)]
        for entity, _ in query:
            world.spawn(Position())
            if entity == entities[1]:
                break
        pairs = zip(query, query, strict=True)  # two iterators of one list
        world.despawn(entities[2])
        seen.append([*begun, *waiting])
        seen.append([left[0] for left, right in pairs if left is right])

    app.add_systems(Update, look)
    app.update()
    assert seen[0] == entities
    assert seen[1][:3] == entities
    assert len(seen[1]) == 5


@dataclass
class Reader:
    """A loop that goes on."""

    rows: Iterator[tuple[int, Position]]
    expected: list[tuple[int, Position]]
    seen: list[tuple[int, Position]] = field(default_factory=list)


steps = st.lists(
    st.tuples(
        st.sampled_from(["open", "read", "end", "spawn", "despawn", "replace", "freeze", "host spawns"]),
        st.integers(0, 5),
    ),
    max_size=40,
)


@given(steps)
@settings(max_examples=80, deadline=None)
def test_any_loops_among_any_changes_see_the_rows_of_their_beginning(steps: list[tuple[str, int]]) -> None:
    with App() as app, app.world.active():
        world = app.world
        query = Query[Position]((Position, Without[Frozen]), world, 0)
        readers: list[Reader] = []
        entities = [world.spawn(Position()) for _ in range(3)]
        for step, number in steps:
            entity = entities[number % len(entities)]
            if step == "open":
                expected = [
                    (one, position)
                    for one in entities
                    if (position := world.get(one, Position)) is not None and not world.has(one, Frozen)
                ]
                readers.append(Reader(iter(query), expected))
            elif step == "read" and readers:
                reader = readers[number % len(readers)]
                reader.seen += [row for row in [next(reader.rows, None)] if row is not None]
            elif step == "end" and readers:
                reader = readers.pop(number % len(readers))
                assert sorted([*reader.seen, *reader.rows], key=_entity) == reader.expected
            elif step == "spawn":
                entities.append(world.spawn(Position()))
            elif step == "despawn":
                world.despawn(entity)
            elif step == "replace" and world.exists(entity):
                world.insert(entity, Position(number))
            elif step == "freeze" and world.exists(entity):
                world.insert(entity, Frozen())
            elif step == "host spawns":
                entities.append(esper.create_entity(Position()))
        for reader in readers:
            assert sorted([*reader.seen, *reader.rows], key=_entity) == reader.expected


def _entity(row: tuple[int, Position]) -> int:
    return row[0]
