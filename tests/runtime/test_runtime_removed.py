"""RemovedComponents: entities that lost a component, however that happened, told to each reader once."""

from __future__ import annotations

import gc
import weakref

import esper
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.runtime import App, Commands, First, Last, Query, RemovedComponents, Update, chain, run_if
from ecs_localai.runtime.removed import KEPT_UNREAD
from tests.runtime.runtime_parts import Position, Velocity


class Mourner:
    """A system that remembers which entities lost their position before its last run."""

    def __init__(self) -> None:
        self.told: list[int] = []

    def __call__(self, removed: RemovedComponents[Position]) -> None:
        self.told = removed.read()


def mourning(app: App) -> Mourner:
    """A mourner in the app."""
    mourner = Mourner()
    app.add_systems(Update, mourner)
    return mourner


def test_removed_component_is_told_once(app: App) -> None:
    mourner = mourning(app)
    entity, _ = app.world.spawn(Position()), app.world.spawn(Position())
    app.update()
    assert mourner.told == []
    app.world.remove(entity, Position)
    app.update()
    assert mourner.told == [entity]
    app.update()
    assert mourner.told == []


def test_despawned_entity_is_told(app: App) -> None:
    mourner = mourning(app)
    entity, other = app.world.spawn(Position()), app.world.spawn(Velocity())
    app.update()
    app.world.despawn(entity)
    app.world.despawn(other)
    app.update()
    assert mourner.told == [entity]


def test_plain_esper_of_a_host_is_noticed(host_world: str) -> None:
    with App(world=host_world) as app:
        entities = [esper.create_entity(Position(), Velocity()) for _ in range(4)]
        mourner = mourning(app)
        esper.process()
        esper.remove_component(entities[0], Position)
        esper.delete_entity(entities[1])
        esper.delete_entity(entities[2], immediate=True)
        esper.process()
        assert mourner.told == entities[:3]
        esper.clear_database()
        esper.process()
        assert mourner.told == entities[3:]


def test_removal_between_adding_the_system_and_its_first_run_is_told(app: App) -> None:
    entity = app.world.spawn(Position())
    mourner = mourning(app)
    app.world.despawn(entity)
    app.update()
    assert mourner.told == [entity]


def test_removal_before_the_system_was_added_is_not_told(app: App) -> None:
    entity = app.world.spawn(Position())
    early = mourning(app)
    app.update()
    app.world.despawn(entity)
    late = mourning(app)
    app.update()
    assert early.told == [entity]
    assert late.told == []


def test_systems_later_in_the_frame_are_told_at_once_and_earlier_ones_in_the_next(app: App) -> None:
    wanted: list[int] = []

    def despawn(commands: Commands) -> None:
        while wanted:
            commands.despawn(wanted.pop())

    before, after = Mourner(), Mourner()
    app.add_systems(First, before)
    app.add_systems(Update, despawn)
    app.add_systems(Last, after)
    entity = app.world.spawn(Position())
    app.update()
    wanted.append(entity)
    app.update()
    assert (before.told, after.told) == ([], [entity])
    app.update()
    assert (before.told, after.told) == ([entity], [])


def test_skipped_system_misses_nothing_even_of_what_came_meanwhile(app: App) -> None:
    open_now = [True]
    mourner = Mourner()
    app.add_systems(Update, run_if(lambda: open_now[0], mourner))
    first = app.world.spawn(Position())
    app.update()
    open_now[0] = False
    app.world.despawn(first)
    second = app.world.spawn(Position())
    for _ in range(4):
        app.update()
    app.world.remove(second, Position)
    app.update()
    open_now[0] = True
    app.update()
    assert mourner.told == [first, second]


def test_replacing_a_component_removes_nothing(app: App) -> None:
    mourner = mourning(app)
    entity = app.world.spawn(Position())
    app.update()
    app.world.insert(entity, Position())
    app.update()
    assert mourner.told == []


def test_what_came_and_went_unnoticed_is_not_told(app: App) -> None:
    mourner = mourning(app)
    app.update()
    app.world.despawn(app.world.spawn(Position()))
    app.update()
    assert mourner.told == []


def test_leaving_the_loop_early_leaves_the_rest_unread(app: App) -> None:
    told: list[int] = []

    def one_at_a_time(removed: RemovedComponents[Position]) -> None:
        assert bool(removed) == (len(removed) > 0)
        for entity in removed:
            told.append(entity)
            break

    app.add_systems(Update, one_at_a_time)
    entities = [app.world.spawn(Position()) for _ in range(3)]
    app.update()
    for entity in entities:
        app.world.despawn(entity)
    app.update()
    assert told == entities[:1]
    app.update()
    app.update()
    app.update()
    assert told == entities


def test_clear_skips_what_is_waiting(app: App) -> None:
    left: list[list[int]] = []

    def look(removed: RemovedComponents[Position]) -> None:
        removed.clear()
        left.append(removed.read())

    app.add_systems(Update, look)
    entity = app.world.spawn(Position())
    app.update()
    app.world.despawn(entity)
    app.update()
    assert left == [[], []]


def test_system_can_ask_for_a_removal_that_it_made_itself(app: App) -> None:
    told: list[int] = []

    def look(query: Query[Position], removed: RemovedComponents[Position]) -> None:
        for entity, _ in query:
            app.world.despawn(entity)
        told.extend(removed)

    entity = app.world.spawn(Position())
    app.add_systems(Update, chain(look))
    app.update()
    assert told == [entity]


def test_reader_that_never_reads_keeps_a_limited_number_and_counts_the_rest(app: App) -> None:
    told: list[int] = []
    missed: list[int] = []
    open_now = [False]

    def late(removed: RemovedComponents[Position]) -> None:
        told.extend(removed)
        missed.append(removed.missed)

    app.add_systems(Update, run_if(lambda: open_now[0], late))
    entities = [app.world.spawn(Position()) for _ in range(KEPT_UNREAD + 3)]
    app.update()
    for entity in entities:
        app.world.despawn(entity)
    app.update()
    open_now[0] = True
    app.update()
    assert told == entities[3:]
    assert missed == [3]


def test_component_that_went_is_not_kept_alive_by_a_system_that_does_not_run(app: App) -> None:
    app.add_systems(Update, run_if(lambda: False, Mourner()))
    position = Position()
    gone = weakref.ref(position)
    entity = app.world.spawn(position)
    app.update()
    app.world.despawn(entity)
    del position
    app.update()
    gc.collect()
    assert gone() is None


@given(steps=st.lists(st.sampled_from(["spawn", "despawn", "take away", "give back", "frame"]), max_size=30))
@settings(max_examples=60, deadline=None)
def test_told_are_those_that_had_it_at_the_last_frame_and_have_it_no_more(steps: list[str]) -> None:
    with App() as app:
        mourner = mourning(app)
        app.update()
        entities: list[int] = []
        before: set[int] = set()
        for step in [*steps, "frame"]:
            if step == "spawn":
                entities.append(app.world.spawn(Position(), Velocity()))
            elif step == "frame":
                app.update()
                now = {entity for entity, _ in app.world.query(Position)}
                assert mourner.told == sorted(before - now)
                before = now
            elif entities and step == "despawn":
                app.world.despawn(entities.pop(0))
            elif entities and step == "take away":
                app.world.remove(entities[-1], Position)
            elif entities:
                app.world.insert(entities[-1], Position())


@pytest.mark.parametrize("reads", [1, 2])
def test_each_reader_has_its_own_cursor(app: App, reads: int) -> None:
    mourners = [mourning(app) for _ in range(reads)]
    entity = app.world.spawn(Position())
    app.update()
    app.world.despawn(entity)
    app.update()
    assert [mourner.told for mourner in mourners] == [[entity]] * reads
