"""Commands: structural changes, queued and applied between sets."""

from __future__ import annotations

import esper

from ecs_localai.runtime import (
    App,
    Commands,
    Query,
    Res,
    SystemFailed,
    SystemSet,
    Update,
    World,
    activity,
    after,
    before,
    chain,
    in_set,
    run_if,
)
from tests.runtime.runtime_parts import (
    Broken,
    Clock,
    Frozen,
    One,
    Position,
    Shown,
    Stage,
    Two,
    Velocity,
    noting,
    the_failure,
)


class Counter:
    """A system that notes how many positions there are."""

    def __init__(self) -> None:
        self.saw: list[int] = []

    def __call__(self, query: Query[Position]) -> None:
        self.saw.append(len(query))


def spawn_one(commands: Commands) -> None:
    """Queue one entity."""
    commands.spawn(Position())


def test_commands_are_applied_at_the_end_of_the_set(app: App) -> None:
    same_set, next_set = Counter(), Counter()
    app.add_set_processors(One(), Two())
    app.configure_sets(Update, chain(Shown.ONE, Shown.TWO))
    app.add_systems(Update, in_set(Shown.ONE, spawn_one, same_set), in_set(Shown.TWO, next_set))
    app.update()
    assert same_set.saw == [0]
    assert next_set.saw == [1]


def test_commands_are_applied_before_a_system_ordered_after_the_one_that_queued_them(app: App) -> None:
    between, ordered = Counter(), Counter()
    app.add_systems(Update, spawn_one, between, after(spawn_one, ordered))
    app.update()
    assert between.saw == [0]
    assert ordered.saw == [1]


def test_commands_are_applied_between_chained_sets_that_no_processor_shows(app: App) -> None:
    counter = Counter()
    app.configure_sets(Update, chain(Stage.INPUT, Stage.MOVE, Stage.DRAW))
    app.add_systems(Update, in_set(Stage.DRAW, counter), in_set(Stage.INPUT, spawn_one))
    app.update()
    assert counter.saw == [1]


def test_commands_are_applied_inside_a_visible_set_too_where_the_order_asks_for_it(app: App) -> None:
    counter = Counter()
    app.add_set_processors(One())
    app.add_systems(Update, in_set(Shown.ONE, chain(spawn_one, counter)))
    app.update()
    assert counter.saw == [1]


def test_nothing_changes_while_a_system_iterates(app: App) -> None:
    for _ in range(3):
        app.world.spawn(Position())
    seen: list[tuple[int, bool]] = []

    def breed(query: Query[Position], commands: Commands, world: World) -> None:
        for entity, _ in query:
            commands.spawn(Position())
            commands.despawn(entity)
            commands.insert(entity, Velocity())
            seen.append((len(query), world.exists(entity)))

    app.add_systems(Update, breed)
    app.update()
    assert seen == [(3, True)] * 3
    assert len(app.world.query(Position)) == 3
    assert app.world.query(Velocity) == []


def test_commands_are_applied_in_the_order_they_were_queued(app: App) -> None:
    entity = app.world.spawn(Position())

    def back_and_forth(commands: Commands) -> None:
        commands.insert(entity, Velocity(1.0))
        commands.insert(entity, Velocity(2.0), Frozen())
        commands.remove(entity, Frozen, Position)

    app.add_systems(Update, back_and_forth)
    app.update()
    [velocity] = app.world.components(entity)
    assert isinstance(velocity, Velocity)
    assert velocity.x == 2.0


def test_id_of_a_spawned_entity_is_good_at_once(app: App) -> None:
    ids: list[int] = []

    def spawn(commands: Commands) -> None:
        entity = commands.spawn(Position())
        commands.insert(entity, Velocity())
        ids.append(entity)
        ids.append(commands.spawn())

    app.add_systems(Update, spawn)
    app.update()
    first, empty = ids
    assert app.world.has(first, Position)
    assert app.world.has(first, Velocity)
    assert app.world.exists(empty)
    assert app.world.components(empty) == ()


def test_spawned_entity_has_no_components_until_the_queue_is_applied(app: App) -> None:
    seen: list[tuple[bool, int]] = []

    def spawn(commands: Commands, world: World, query: Query[Position]) -> None:
        entity = commands.spawn(Position())
        seen.append((world.has(entity, Position), len(query)))

    app.add_systems(Update, spawn)
    app.update()
    assert seen == [(False, 0)]


def test_commands_to_an_entity_that_has_died_do_nothing(app: App) -> None:
    entity, other = app.world.spawn(Position()), app.world.spawn(Position())

    def kill(commands: Commands) -> None:
        commands.despawn(entity)
        commands.insert(entity, Velocity())
        commands.remove(entity, Position)
        commands.despawn(entity)
        commands.insert(other, Velocity())

    app.add_systems(Update, kill)
    app.update()
    assert not app.world.exists(entity)
    assert app.world.has(other, Velocity)


def test_entity_deleted_with_plain_esper_at_the_same_time_is_gone_and_esper_goes_on(app: App) -> None:
    entities = [app.world.spawn(Position())]

    def kill_twice(commands: Commands) -> None:
        while entities:
            entity = entities.pop()
            esper.delete_entity(entity)
            commands.despawn(entity)
            commands.insert(entity, Velocity())

    app.add_systems(Update, kill_twice)
    app.update()
    app.update()
    assert app.world.query(Position) == []
    assert app.world.query(Velocity) == []


def test_failing_command_is_reported_and_the_others_are_applied(app: App, failures: list[SystemFailed]) -> None:
    def impossible(_world: World) -> None:
        raise Broken("cannot be done")

    def queue(commands: Commands) -> None:
        commands.spawn(Position())
        commands.queue(impossible)
        commands.spawn(Position())

    counter = Counter()
    app.add_systems(Update, chain(queue, counter))
    app.update()
    assert counter.saw == [2]
    failure = the_failure(failures)
    assert failure.system.endswith("impossible")
    assert failure.message == "cannot be done"


def test_commands_of_a_system_that_fails_afterwards_are_applied(app: App, failures: list[SystemFailed]) -> None:
    def stumble(commands: Commands) -> None:
        commands.spawn(Position())
        raise Broken

    app.add_systems(Update, stumble)
    app.update()
    assert len(app.world.query(Position)) == 1
    the_failure(failures)


def test_any_function_of_the_world_is_a_command_and_may_queue_more(app: App) -> None:
    def second(world: World) -> None:
        world.insert_resource(Clock(2))

    def first(world: World) -> None:
        world.spawn(Position())
        app.commands.queue(second)

    def queue(commands: Commands) -> None:
        commands.queue(first)

    app.add_systems(Update, queue)
    app.update()
    assert app.world.resource(Clock).ticks == 2
    assert len(app.world.query(Position)) == 1


def test_resource_inserted_by_a_command_is_there_for_the_next_set(app: App) -> None:
    seen: list[int] = []

    def insert(commands: Commands) -> None:
        commands.insert_resource(Clock(7))

    def look(clock: Res[Clock]) -> None:
        seen.append(clock.ticks)

    app.add_systems(Update, chain(insert, look))
    app.update()
    assert seen == [7]


def test_commands_queued_between_frames_are_applied_when_the_next_begins(app: App) -> None:
    entity = app.world.spawn(Position())
    counter = Counter()
    app.add_systems(Update, counter)
    app.update()
    app.commands.despawn(entity)
    assert app.world.exists(entity)
    app.update()
    assert counter.saw == [1, 0]


def test_commands_queued_between_frames_wake_an_idle_world(app: App) -> None:
    entity = app.world.spawn(Velocity())
    counter = Counter()
    app.add_systems(Update, run_if(activity, counter))
    app.update()
    app.update()
    app.update()
    app.commands.insert(entity, Position())
    app.update()
    assert counter.saw == [0, 1]


def test_commands_can_be_applied_by_hand(app: App) -> None:
    app.commands.spawn(Position())
    app.apply_commands()
    assert len(app.world.query(Position)) == 1


def test_commands_queued_in_a_hosts_world_arrive_in_ours() -> None:
    before_us = esper.current_world
    with App() as app:
        app.commands.spawn(Position())
        app.apply_commands()
        assert len(app.world.query(Position)) == 1
    assert esper.current_world == before_us
    assert esper.get_component(Position) == []


def test_order_against_a_set_applies_commands_before_all_of_it(app: App) -> None:
    class Local(SystemSet):
        LATER = 1

    counters = Counter(), Counter()
    log: list[str] = []
    app.add_systems(Update, in_set(Local.LATER, *counters), before(Local.LATER, spawn_one), noting(log, "unrelated"))
    app.update()
    assert [counter.saw for counter in counters] == [[1], [1]]
