"""Rules of change detection that systems rely on, as Bevy documents them.

``bevy_ecs/src/change_detection`` and the documentation of `Added` and `Changed` in ``bevy_ecs/src/query/filter.rs``:
each system is shown once what has happened since it last looked, whoever did it and however long ago that was.
"""

from __future__ import annotations

import gc
import weakref

import esper
import pytest

from ecs_localai.runtime import (
    Added,
    App,
    Changed,
    Changes,
    Commands,
    FixedUpdate,
    Query,
    RemovedComponents,
    SystemFailed,
    Update,
    With,
    Without,
    run_if,
)
from tests.runtime.runtime_parts import Broken, Position, Velocity, the_failure


class Looking:
    """A system that notes which positions it is shown as changed."""

    def __init__(self) -> None:
        self.saw: list[list[int]] = []

    def __call__(self, query: Query[Position, Changed[Position]]) -> None:
        self.saw.append(sorted(entity for entity, _ in query))


def test_what_a_system_does_by_commands_is_shown_to_it_in_its_next_run(app: App) -> None:
    """Commands are done after the system has run, so they are no changes of its own (Bevy: the same)."""
    entity = app.world.spawn(Position())
    saw: list[list[int]] = []
    left = [True]

    def replace_once(query: Query[Position, Changed[Position]], commands: Commands) -> None:
        saw.append([entity for entity, _ in query])
        if left:
            left.pop()
            commands.insert(entity, Position(2.0))

    app.add_systems(Update, replace_once)
    for _ in range(3):
        app.update(0.1)
    assert saw == [[entity], [entity], []]


def test_system_that_was_added_twice_is_shown_everything_twice(app: App) -> None:
    looking = Looking()
    app.add_systems(Update, looking, looking)
    entity = app.world.spawn(Position())
    app.update(0.1)
    app.update(0.1)
    assert looking.saw == [[entity], [entity], [], []]


def test_condition_and_its_system_are_shown_the_same_change_each(app: App) -> None:
    def something_changed(query: Query[Position, Changed[Position]]) -> bool:
        return bool(query)

    looking = Looking()
    app.add_systems(Update, run_if(something_changed, looking))
    entity = app.world.spawn(Position())
    for _ in range(2):
        app.update(0.1)
    app.world.mark_changed(entity, Position)
    for _ in range(2):
        app.update(0.1)
    assert looking.saw == [[entity], [entity]]


def test_system_that_fails_before_it_looks_is_shown_the_change_when_it_is_well_again(
    app: App, failures: list[SystemFailed]
) -> None:
    saw: list[list[int]] = []
    ill = [True]

    def ill_at_first(query: Query[Position, Changed[Position]]) -> None:
        if ill:
            ill.pop()
            raise Broken("not today")
        saw.append([entity for entity, _ in query])

    app.add_systems(Update, ill_at_first)
    entity = app.world.spawn(Position())
    app.update(0.1)
    the_failure(failures)
    app.update(0.1)
    assert saw == [[entity]]


def test_change_is_shown_however_many_frames_a_system_did_not_run(app: App) -> None:
    looking, on = Looking(), [True]
    app.add_systems(Update, run_if(lambda: bool(on), looking))
    entity, other = app.world.spawn(Position()), app.world.spawn(Position())
    app.update(0.1)
    on.clear()
    app.world.mark_changed(entity, Position)
    for _ in range(100):
        app.update(0.1)
        app.world.spawn(Velocity())
    on.append(True)
    app.update(0.1)
    app.update(0.1)
    assert looking.saw == [[entity, other], [entity], []]


def test_change_between_two_fixed_steps_is_shown_in_the_first_of_the_next_frame(app: App) -> None:
    looking = Looking()
    app.add_systems(FixedUpdate, looking)
    entity = app.world.spawn(Position())
    app.update(2 / 64)
    app.update(0.0)
    app.world.mark_changed(entity, Position)
    app.update(0.0)
    app.update(2 / 64)
    assert looking.saw == [[entity], [], [entity], []]


def test_id_that_a_host_used_again_is_another_entity_with_everything_new(app: App) -> None:
    looking = Looking()
    app.add_systems(Update, looking)
    entity = app.world.spawn(Position())
    app.update(0.1)
    with app.world.active():
        esper.clear_database()
        assert esper.create_entity(Position()) == entity
    app.update(0.1)
    assert looking.saw == [[entity], [entity]]


def test_marks_of_several_systems_reach_each_other_and_not_themselves(app: App) -> None:
    entity = app.world.spawn(Position())
    shown: dict[str, list[bool]] = {"a": [], "b": []}

    def a(query: Query[Position, Changed[Position]], changes: Changes[Position]) -> None:
        shown["a"].append(bool(query))
        changes.mark(entity)

    def b(query: Query[Position, Changed[Position]], changes: Changes[Position]) -> None:
        shown["b"].append(bool(query))
        if len(shown["b"]) == 2:
            changes.mark(entity)

    app.add_systems(Update, a, b)
    for _ in range(4):
        app.update(0.1)
    assert shown == {"a": [True, False, True, False], "b": [True, True, True, True]}


PLAIN = (
    Query[Position],
    Query[Position, Velocity],
    Query[Position, With[Velocity]],
    Query[Velocity, Without[Position]],
    Query[Velocity, Position | None],
)
FRESH = (
    Query[Position, Added[Position]],
    Query[Position, Changed[Position]],
    Query[Position, Velocity, Added[Velocity]],
    Query[Velocity, Added[Position], Changed[Velocity]],
    RemovedComponents[Position],
)


@pytest.mark.parametrize("by_host", [False, True], ids=["by our world", "by plain esper"])
@pytest.mark.parametrize("asked", [*PLAIN, *FRESH], ids=lambda asked: str(asked).replace("tests.runtime.", ""))
def test_component_that_has_gone_is_not_kept_by_a_system_that_does_not_look(
    app: App, asked: object, by_host: bool
) -> None:
    """What hangs on a component, such as a task, ends with it and not when some system comes round to looking."""
    looks = [True]

    def look(query: Query[Position]) -> None:
        if looks:
            for _ in query:
                pass

    look.__annotations__["query"] = asked
    app.add_systems(Update, look)
    position = Position()
    entity = app.world.spawn(position, Velocity())
    gone = weakref.ref(position)
    del position
    app.update(0.1)
    looks.clear()
    if by_host:
        with app.world.active():
            esper.delete_entity(entity, immediate=True)
    else:
        app.world.despawn(entity)
    app.update(0.1)
    gc.collect()
    assert gone() is None
