"""Observers react at once: to components that come and go, and to events that somebody triggers."""

from __future__ import annotations

import gc
from dataclasses import dataclass

import esper
import pytest

from ecs_localai.runtime import (
    Add,
    App,
    Commands,
    Insert,
    MissingResourceError,
    On,
    Query,
    Remove,
    Res,
    SystemFailed,
    SystemParamError,
    Update,
    World,
)
from tests.runtime.runtime_parts import Position, Velocity


@dataclass
class Explode:
    force: float


class Score:
    points = 0


class Witness:
    """Writes down what it is called for."""

    def __init__(self, app: App) -> None:
        self.seen: list[tuple[str, int, object]] = []
        app.add_observer(self.added)
        app.add_observer(self.inserted)
        app.add_observer(self.removed)

    def added(self, on: On[Add, Position]) -> None:
        self.seen.append(("add", on.entity, on.component))

    def inserted(self, on: On[Insert, Position]) -> None:
        self.seen.append(("insert", on.entity, on.component))

    def removed(self, on: On[Remove, Position]) -> None:
        self.seen.append(("remove", on.entity, on.component))


def test_adding_a_component_is_told_at_once_add_before_insert(app: App) -> None:
    witness = Witness(app)
    position = Position()
    entity = app.world.spawn(position)
    assert witness.seen == [("add", entity, position), ("insert", entity, position)]


def test_replacing_a_component_is_an_insertion_and_no_addition(app: App) -> None:
    entity = app.world.spawn(Position())
    witness = Witness(app)
    position = Position(x=2.0)
    app.world.insert(entity, position)
    assert witness.seen == [("insert", entity, position)]


def test_what_is_there_already_is_not_told(app: App) -> None:
    app.world.spawn(Position())
    witness = Witness(app)
    app.update()
    assert witness.seen == []


def test_component_that_is_being_removed_is_still_there(app: App) -> None:
    seen: list[tuple[Position | None, Position]] = []

    def removed(on: On[Remove, Position], world: World) -> None:
        seen.append((world.get(on.entity, Position), on.component))

    app.add_observer(removed)
    position = Position()
    entity = app.world.spawn(position)
    app.world.remove(entity, Position)
    assert seen == [(position, position)]
    assert not app.world.has(entity, Position)


def test_despawning_removes_every_component(app: App) -> None:
    witness = Witness(app)
    position = Position()
    entity = app.world.spawn(position, Velocity())
    witness.seen.clear()
    app.world.despawn(entity)
    assert witness.seen == [("remove", entity, position)]


def test_commands_tell_when_they_are_applied(app: App) -> None:
    witness = Witness(app)
    position = Position()

    def spawn(commands: Commands) -> None:
        commands.spawn(position)
        assert witness.seen == []

    app.add_systems(Update, spawn)
    app.update()
    assert [what for what, _, _ in witness.seen] == ["add", "insert"]


def test_what_a_host_did_with_plain_esper_is_told_in_the_next_frame(app: App) -> None:
    witness = Witness(app)
    position = Position()
    with app.world.active():
        entity = esper.create_entity(position)
    assert witness.seen == []
    app.update()
    assert witness.seen == [("add", entity, position), ("insert", entity, position)]
    witness.seen.clear()
    with app.world.active():
        esper.delete_entity(entity, immediate=True)
    app.update()
    assert witness.seen == [("remove", entity, position)]


def test_clearing_the_database_removes_everything_that_was_there(app: App) -> None:
    witness = Witness(app)
    entities = {app.world.spawn(Position()) for _ in range(3)}
    witness.seen.clear()
    with app.world.active():
        esper.clear_database()
    app.update()
    assert {(what, entity) for what, entity, _ in witness.seen} == {("remove", entity) for entity in entities}


def test_event_is_handed_to_its_observers_in_the_order_they_were_added(app: App) -> None:
    seen: list[tuple[str, float, int | None]] = []

    def first(on: On[Explode]) -> None:
        seen.append(("first", on.event.force, on.target))

    def second(on: On[Explode]) -> None:
        seen.append(("second", on.event.force, on.target))

    app.add_observer(first)
    app.add_observer(second)
    app.world.trigger(Explode(3.0))
    app.world.trigger(Explode(4.0), 7)
    assert seen == [("first", 3.0, None), ("second", 3.0, None), ("first", 4.0, 7), ("second", 4.0, 7)]


def test_event_for_no_entity_says_so_when_asked_for_one(app: App) -> None:
    failures: list[SystemFailed] = []
    app.set_error_handler(failures.append)

    def ask(on: On[Explode]) -> None:
        assert on.entity

    app.add_observer(ask)
    app.world.trigger(Explode(1.0))
    assert [failure.message for failure in failures] == [
        "Explode was triggered for no entity: use World.trigger(event, entity)."
    ]


def test_observer_of_one_entity_is_told_of_it_alone_and_goes_with_it(app: App) -> None:
    seen: list[int | None] = []

    def hurt(on: On[Explode]) -> None:
        seen.append(on.target)

    one, other = app.world.spawn(), app.world.spawn()
    app.add_observer(hurt, entity=one)
    for target in (None, one, other):
        app.world.trigger(Explode(1.0), target)
    assert seen == [one]
    app.world.despawn(one)
    app.world.trigger(Explode(1.0), one)
    assert seen == [one]
    assert list(app.world.observers) == []


def test_observer_of_an_entity_that_a_host_deleted_goes_with_the_next_frame(app: App) -> None:
    def hurt(on: On[Explode]) -> None: ...

    entity = app.world.spawn()
    app.add_observer(hurt, entity=entity)
    with app.world.active():
        esper.delete_entity(entity, immediate=True)
    app.update()
    assert list(app.world.observers) == []


def test_observers_take_what_systems_take(app: App) -> None:
    app.insert_resource(Score())

    def count(on: On[Explode], everybody: Query[Position], score: Res[Score], commands: Commands) -> None:
        score.points += len(everybody)
        commands.spawn(Velocity())

    app.add_observer(count)
    app.world.spawn(Position())
    app.world.trigger(Explode(1.0))
    assert app.world.resource(Score).points == 1
    assert app.idle_delay() == 0.0  # what was queued waits for a frame
    app.update()
    assert len(app.world.query(Velocity)) == 1


def test_resource_that_is_missing_is_reported_and_the_observer_works_once_it_is_there(app: App) -> None:
    failures: list[SystemFailed] = []
    app.set_error_handler(failures.append)

    def count(on: On[Explode], score: Res[Score]) -> None:
        score.points += 1

    app.add_observer(count)
    app.world.trigger(Explode(1.0))
    assert [failure.error_type for failure in failures] == [MissingResourceError.__name__]
    app.insert_resource(Score())
    app.world.trigger(Explode(1.0))
    assert app.world.resource(Score).points == 1


def test_observer_that_fails_is_reported_and_hurts_nobody(app: App) -> None:
    failures: list[SystemFailed] = []
    app.set_error_handler(failures.append)

    def fail(on: On[Add, Position]) -> None:
        raise RuntimeError("broken")

    app.add_observer(fail)
    witness = Witness(app)
    entity = app.world.spawn(Position())
    assert app.world.has(entity, Position)
    assert len(witness.seen) == 2
    assert [(one.schedule, one.message) for one in failures] == [("observers/Add[Position]", "broken")]


def test_observers_that_trigger_each_other_for_ever_are_stopped_and_named(app: App) -> None:
    failures: list[SystemFailed] = []
    app.set_error_handler(failures.append)
    count = 0

    def again(on: On[Explode], world: World) -> None:
        nonlocal count
        count += 1
        world.trigger(on.event)

    app.add_observer(again)
    app.world.trigger(Explode(1.0))
    assert count == 64
    assert len(failures) == 1
    assert "64 deep" in failures[0].message
    app.world.trigger(Explode(1.0))
    assert count == 128


def test_observer_may_undo_what_it_observes(app: App) -> None:
    seen: list[str] = []

    def refuse(on: On[Add, Position], world: World) -> None:
        seen.append("add")
        world.despawn(on.entity)

    def inserted(on: On[Insert, Position]) -> None:
        seen.append("insert")

    app.add_observer(refuse)
    app.add_observer(inserted)
    entity = app.world.spawn(Position(), Velocity())
    assert not app.world.exists(entity)
    assert app.world.query(Velocity) == []


def test_observer_may_delete_the_entity_whose_component_is_being_removed(app: App) -> None:
    def last_one_out(on: On[Remove, Position], world: World) -> None:
        world.despawn(on.entity)

    app.add_observer(last_one_out)
    entity = app.world.spawn(Position(), Velocity())
    assert app.world.remove(entity, Position)
    assert not app.world.exists(entity)
    another = app.world.spawn(Position())
    assert app.world.despawn(another)
    assert not app.world.exists(another)


def test_observer_is_held_by_the_app_until_it_is_despawned(app: App) -> None:
    seen: list[float] = []

    def make() -> None:
        def heard(on: On[Explode]) -> None:
            seen.append(on.event.force)

        app.add_observer(heard)

    make()
    gc.collect()
    app.world.trigger(Explode(1.0))
    assert seen == [1.0]
    [observer] = app.world.observers
    observer.despawn()
    observer.despawn()
    app.world.trigger(Explode(2.0))
    assert seen == [1.0]


def test_observer_may_despawn_itself_while_it_is_called(app: App) -> None:
    seen: list[str] = []

    def once(on: On[Explode]) -> None:
        seen.append("once")
        observer.despawn()

    def always(on: On[Explode]) -> None:
        seen.append("always")

    observer = app.add_observer(once)
    app.add_observer(always)
    app.world.trigger(Explode(1.0))
    app.world.trigger(Explode(1.0))
    assert seen == ["once", "always", "always"]


def test_queued_event_is_triggered_in_its_place_among_the_commands(app: App) -> None:
    seen: list[int] = []

    def heard(on: On[Explode], everybody: Query[Position]) -> None:
        seen.append(len(everybody))

    def system(commands: Commands) -> None:
        commands.spawn(Position())
        commands.trigger(Explode(1.0))
        commands.spawn(Position())

    app.add_observer(heard)
    app.add_systems(Update, system)
    app.update()
    assert seen == [1]


def test_frozen_component_given_another_value_is_inserted(app: App) -> None:
    @dataclass(frozen=True)
    class Name:
        text: str

    seen: list[str] = []

    def renamed(on: On[Insert, Name]) -> None:
        seen.append(on.component.text)

    entity = app.world.spawn(Name("a"))
    app.add_observer(renamed)
    assert app.world.set_if_neq(entity, Name("b"))
    assert seen == ["b"]


def test_callers_world_is_active_again_after_a_trigger(app: App) -> None:
    inside: list[str] = []

    def heard(on: On[Explode]) -> None:
        inside.append(esper.current_world)

    app.add_observer(heard)
    before = esper.current_world
    app.world.trigger(Explode(1.0))
    assert inside == [app.world.name]
    assert esper.current_world == before


def test_observer_whose_first_parameter_says_nothing_is_refused(app: App) -> None:
    def silent(everybody: Query[Position]) -> None: ...

    with pytest.raises(SystemParamError, match=r"annotate its first parameter with what it is called for"):
        app.add_observer(silent)


def test_component_without_what_happens_to_it_is_refused(app: App) -> None:
    def vague(on: On[Add]) -> None: ...

    with pytest.raises(SystemParamError, match=r"On\[Add\] cannot be observed: write On\[SomeEvent\]"):
        app.add_observer(vague)


def test_system_of_a_schedule_cannot_be_an_observer(app: App) -> None:
    def misplaced(on: On[Explode]) -> None: ...

    with pytest.raises(SystemParamError, match=r"add the function with App\.add_observer"):
        app.add_systems(Update, misplaced)
