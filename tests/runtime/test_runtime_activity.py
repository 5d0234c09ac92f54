"""The run condition `activity`: idle frames pass a set over, and everything that happens wakes it."""

from __future__ import annotations

from collections.abc import Callable

import esper
import pytest

from ecs_localai.runtime import (
    Activity,
    App,
    Commands,
    EventReader,
    EventWriter,
    First,
    Local,
    Query,
    Res,
    Update,
    activity,
    after,
    chain,
    in_set,
    run_if,
)
from tests.rig.waiting import wait_until
from tests.runtime.runtime_parts import One, Ping, Position, Shown, Stage, Two, Velocity, noting


def reacting(app: App, *, visible: bool) -> list[str]:
    """A log into which a set that only reacts writes "ran"."""
    log: list[str] = []
    if visible:
        app.add_set_processors(One())
        app.configure_sets(Update, run_if(activity, Shown.ONE))
        app.add_systems(Update, in_set(Shown.ONE, noting(log, "ran")))
    else:
        app.add_systems(Update, run_if(activity, noting(log, "ran")))
    return log


def settle(app: App, log: list[str]) -> None:
    """Frames until nothing happens any more."""
    for _ in range(4):
        app.update(1.0)
    log.clear()
    app.update(1.0)
    assert log == []


def spawn(app: App) -> None:
    """Change the structure through our world."""
    app.world.spawn(Position())


def spawn_plainly(app: App) -> None:
    """Change the structure with plain esper."""
    with app.world.active():
        esper.create_entity(Position())


def add_component(app: App) -> None:
    """Add a component to an entity that is there already."""
    app.world.insert(app.world.query(Velocity)[0][0], Position())


def despawn(app: App) -> None:
    """Take an entity out."""
    app.world.despawn(app.world.query(Velocity)[0][0])


def send_event(app: App) -> None:
    """Write an event between frames."""
    app.send_event(Ping())


def arrive(app: App) -> None:
    """Let a task of the background arrive."""

    async def nothing() -> None:
        return None

    app.tasks.spawn(nothing()).detach()
    wait_until(lambda: app.tasks.pending)


def take_timer(app: App) -> None:
    """Start a timer that is due in the next frame, and not for ever."""
    app.wakeups.timer(app.time.real_elapsed_seconds + 1.0)


def request(app: App) -> None:
    """Ask for a frame."""
    app.wakeups.request_frame()


def queue_command(app: App) -> None:
    """Queue a structural change between frames."""
    app.commands.insert(app.world.query(Velocity)[0][0], Position())


WAKERS = [spawn, spawn_plainly, add_component, despawn, send_event, arrive, take_timer, request, queue_command]


@pytest.mark.parametrize("visible", [True, False], ids=["visible set", "system"])
@pytest.mark.parametrize("waker", WAKERS, ids=lambda waker: waker.__name__)
def test_what_happens_between_frames_wakes_an_idle_set(app: App, waker: Callable[[App], None], visible: bool) -> None:
    app.world.spawn(Velocity())
    log = reacting(app, visible=visible)
    settle(app, log)
    waker(app)
    app.update(1.0)
    assert log == ["ran"]


def test_first_frame_is_active(app: App) -> None:
    log = reacting(app, visible=True)
    app.update()
    assert log == ["ran"]


def test_changing_a_component_in_place_wakes_nothing(app: App) -> None:
    position = Position()
    app.world.spawn(position)
    log = reacting(app, visible=True)
    settle(app, log)
    position.x = 5.0
    app.update(1.0)
    assert log == []


def test_condition_is_a_condition_like_any_other(app: App) -> None:
    log: list[str] = []
    app.add_set_processors(One())
    app.configure_sets(Update, run_if(activity, run_if(lambda: False, Shown.ONE)))
    app.configure_sets(Update, run_if(activity, Stage.MOVE))
    app.add_systems(Update, in_set(Shown.ONE, noting(log, "never")), in_set(Stage.MOVE, noting(log, "moved")))
    app.update()
    assert log == ["moved"]


def test_commands_applied_in_the_middle_of_a_frame_wake_the_sets_after_them(app: App) -> None:
    log: list[str] = []
    wanted: list[Position] = []

    def make(commands: Commands) -> None:
        while wanted:
            commands.spawn(wanted.pop())

    def look(query: Query[Position]) -> None:
        log.append(f"saw {len(query)}")

    app.add_set_processors(One(), Two())
    app.configure_sets(Update, chain(Shown.ONE, run_if(activity, Shown.TWO)))
    app.add_systems(Update, in_set(Shown.ONE, make), in_set(Shown.TWO, look))
    settle(app, log)
    wanted.append(Position())
    app.update(1.0)
    assert log == ["saw 1"]


def test_systems_that_could_queue_commands_but_do_not_let_the_world_be_idle(app: App) -> None:
    log: list[str] = []

    def could(commands: Commands) -> None:
        assert commands is app.commands

    def later() -> None:
        pass

    app.add_systems(First, chain(could, later))
    app.add_systems(Update, run_if(activity, noting(log, "ran")))
    settle(app, log)
    assert not app.activity.happened


def test_event_written_after_the_set_wakes_it_in_the_next_frame_in_time_to_be_read(app: App) -> None:
    heard: list[int] = []
    wanted: list[int] = []

    def hear(reader: EventReader[Ping]) -> None:
        heard.extend(ping.number for ping in reader)

    def write(writer: EventWriter[Ping]) -> None:
        while wanted:
            writer.write(Ping(wanted.pop()))

    app.add_systems(Update, run_if(activity, hear), after(hear, write))
    settle(app, [])
    wanted.append(8)
    app.update(1.0)
    assert heard == []
    app.update(1.0)
    assert heard == [8]


def test_idle_world_that_is_woken_once_comes_to_rest_again(app: App) -> None:
    log = reacting(app, visible=True)
    settle(app, log)
    app.send_event(Ping())
    app.world.spawn(Position())
    settle(app, log)


def test_system_that_looks_for_itself_sees_whether_something_happened(app: App) -> None:
    seen: list[bool] = []

    def look(seen_here: Res[Activity], frames: Local[int]) -> None:
        frames.value += 1
        seen.append(seen_here.happened)

    app.add_systems(Update, look)
    app.update(1.0)
    app.update(1.0)
    app.world.spawn(Position())
    app.update(1.0)
    assert seen == [True, False, True]


def test_worlds_wake_for_themselves_only() -> None:
    with App() as one, App() as other:
        logs = [reacting(app, visible=True) for app in (one, other)]
        for app, log in zip((one, other), logs, strict=True):
            settle(app, log)
        one.world.spawn(Position())
        one.update(1.0)
        other.update(1.0)
        assert logs == [["ran"], []]
