"""Mistakes that a newcomer makes: each is refused where it is made, with a sentence that names it and the remedy."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar, cast

import esper
import pytest

from ecs_localai.runtime import (
    Add,
    App,
    Commands,
    EventReader,
    EventWriter,
    FixedUpdate,
    IoTaskPool,
    Local,
    NextState,
    On,
    OnEnter,
    Plugin,
    PluginError,
    PluginGroup,
    Query,
    Res,
    RuntimeSetupError,
    ScheduleError,
    ScheduleLabel,
    SetProcessor,
    Startup,
    States,
    SystemFailed,
    SystemParamError,
    SystemSet,
    Time,
    Update,
    With,
    World,
    after,
    before,
    in_set,
    in_state,
    not_,
    on_event,
    resource_changed,
    resource_exists,
    run_if,
    run_once,
    state_changed,
)
from ecs_localai.runtime.sets import ConfigItem, Target
from ecs_localai.testing import run_until
from tests.runtime.runtime_parts import Clock, Ping, Position, Stage, Velocity, the_failure

T = TypeVar("T")


class Mode(States):
    MENU = auto()


class Colour(Enum):
    RED = auto()


def move() -> None:
    """A system."""


def draw() -> None:
    """Another one."""


class Painter:
    """Could be a system, if it were an instance."""

    def __call__(self) -> None: ...


class Sound(Plugin):
    """A plugin."""


class Sounds(PluginGroup):
    """A group."""

    def plugins(self) -> list[Plugin]:
        return [Sound()]


class Nothing(SetProcessor):
    """Names no set."""


def item(thing: object) -> ConfigItem:
    """A mistake, as a program without a type checker makes it."""
    return cast("ConfigItem", thing)


MISTAKES: dict[str, tuple[Callable[[App], object], type[Exception], str]] = {
    "a tuple of systems": (
        lambda app: app.add_systems(Update, item((move, draw))),
        ScheduleError,
        r"\(move, draw\) is several items in one: give each by itself, add_systems\(Update, a, b\), or chain\(a, b\)",
    ),
    "a system that was called": (
        lambda app: app.add_systems(Update, item(None)),
        ScheduleError,
        "None is neither a system nor a set, .* without calling them",
    ),
    "a class as a system": (
        lambda app: app.add_systems(Update, Painter),
        ScheduleError,
        "Painter is a class, not a system: give an instance",
    ),
    "a class of sets": (
        lambda app: app.configure_sets(Update, item(Stage)),
        ScheduleError,
        r"Stage is a whole class of sets: name its members, or give all: \*Stage",
    ),
    "a text for a schedule": (
        lambda app: app.add_systems(cast("ScheduleLabel", "Update"), move),
        RuntimeSetupError,
        "'Update' is not a schedule: the schedule comes first",
    ),
    "no schedule": (
        lambda app: app.add_systems(cast("ScheduleLabel", move)),
        RuntimeSetupError,
        "move is not a schedule: the schedule comes first",
    ),
    "a text for a new schedule": (
        lambda app: app.insert_schedule(cast("ScheduleLabel", "Physics"), after=FixedUpdate),
        RuntimeSetupError,
        r"One of your own is ScheduleLabel\('Physics'\)",
    ),
    "a text for a set": (
        lambda _: in_set(cast("SystemSet", "move"), move),
        ScheduleError,
        "'move' is not a set: derive a class from SystemSet",
    ),
    "an enumeration for a set": (
        lambda _: in_set(cast("SystemSet", Colour.RED), move),
        ScheduleError,
        "RED.* is not a set: derive a class from SystemSet",
    ),
    "a set's place taken by a system": (
        lambda _: in_set(cast("SystemSet", move), item(Stage.MOVE)),
        ScheduleError,
        r"name one of its members first: in_set\(Step.MOVE, a, b\)",
    ),
    "a text to be before": (
        lambda _: before(cast("Target", "draw"), move),
        ScheduleError,
        r"'draw' is not a system or a set: give the function or the set itself, .*before\(draw, move\)",
    ),
    "a class to be after": (
        lambda _: after(cast("Target", Stage), move),
        ScheduleError,
        r"Stage is not a system or a set: .*after\(draw, move\)",
    ),
    "a value for a condition": (
        lambda _: run_if(cast("Callable[..., object]", True), move),
        ScheduleError,
        "True is not a condition: give a function that returns a bool",
    ),
    "a value in a combined condition": (
        lambda _: not_(cast("Callable[..., object]", True)),
        ScheduleError,
        "True is not a condition",
    ),
    "a system for a condition": (
        lambda app: app.add_systems(Update, run_if(move, run_once())),
        SystemParamError,
        r"Condition move returns None, so that it would never hold: .* run_if\(is_open, draw\)",
    ),
    "Bevy's run_once": (
        lambda app: app.add_systems(Update, run_if(run_once, move)),
        SystemParamError,
        r"Condition run_once returns a function, so that it would always hold: .*run_if\(run_once\(\), draw\)",
    ),
    "a class of states to begin in": (
        lambda app: app.init_state(cast("States", Mode)),
        RuntimeSetupError,
        r"Mode is a whole class of states: name one, app.init_state\(Mode.MENU\)",
    ),
    "a text for a state": (
        lambda _: OnEnter(cast("States", "MENU")),
        RuntimeSetupError,
        r"'MENU' is not a state: derive its class from States, .* write OnEnter\(GameState.MENU\)",
    ),
    "a class for a state": (
        lambda _: in_state(cast("States", Mode)),
        RuntimeSetupError,
        r"name one, in_state\(Mode.MENU\)",
    ),
    "a state for a class": (
        lambda _: state_changed(cast("type[States]", Mode.MENU)),
        RuntimeSetupError,
        "Mode.MENU is not a class of states",
    ),
    "an instance in resource_exists": (
        lambda _: resource_exists(cast("type", Clock())),
        RuntimeSetupError,
        r"is not a class: name the class, resource_exists\(Clock\)",
    ),
    "an instance in resource_changed": (
        lambda _: resource_changed(cast("type", Clock())),
        RuntimeSetupError,
        r"name the class, resource_changed\(Clock\)",
    ),
    "an instance in on_event": (
        lambda _: on_event(cast("type", Ping())),
        RuntimeSetupError,
        r"name the class, on_event\(Ping\)",
    ),
    "a class for a resource": (
        lambda app: app.insert_resource(Clock),
        RuntimeSetupError,
        r"Clock is a class: insert an instance of it, Clock\(…\), or .*init_resource\(Clock\)",
    ),
    "an event for its type": (
        lambda app: app.add_event(cast("type[Ping]", Ping(3))),
        RuntimeSetupError,
        r"Ping\(number=3\) is not a type of event: name the class, Ping",
    ),
    "an event without a hash for its type": (
        lambda app: app.events(cast("type[Clock]", Clock())),
        RuntimeSetupError,
        "name the class, Clock",
    ),
    "a class for an event": (
        lambda app: app.send_event(Ping),
        RuntimeSetupError,
        "A class is not an event: send an instance",
    ),
    "a class to trigger": (
        lambda app: app.world.trigger(Ping),
        TypeError,
        r"Ping is a class: trigger an instance of it, Ping\(…\)",
    ),
    "Bevy's tuple of components": (
        lambda app: app.world.spawn((Position(), Velocity())),
        TypeError,
        r"A tuple is not a component: give each by itself, spawn\(a, b\)",
    ),
    "a class for a component": (
        lambda app: app.world.insert(app.world.spawn(), Position),
        TypeError,
        r"Position is a class, not a component: give an instance, Position\(…\)",
    ),
    "a component for its type": (
        lambda app: app.world.query(cast("type[Clock]", Clock())),
        SystemParamError,
        r"Clock\(ticks=0\) in a query is not a component class",
    ),
    "a plugin to disable": (
        lambda _: Sounds().disable(cast("type[Plugin]", Sound())),
        PluginError,
        r"is not a class: name the plugin's class",
    ),
    "a class to put into a group": (
        lambda _: Sounds().set(cast("Plugin", Sound)),
        PluginError,
        "Sound is not a plugin: give an instance",
    ),
    "a processor without a set": (
        lambda app: app.add_set_processors(Nothing()),
        RuntimeSetupError,
        "Nothing shows no set: give an instance of a subclass of SetProcessor that names one",
    ),
    "a class of processors": (
        lambda app: app.add_set_processors(cast("SetProcessor", Nothing)),
        RuntimeSetupError,
        "Nothing shows no set: give an instance",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_the_remedy(app: App, mistake: str) -> None:
    make, kind, message = MISTAKES[mistake]
    with pytest.raises(kind, match=message):
        make(app)
    app.update()


def test_tuples_in_a_query_are_refused(app: App) -> None:
    def look(query: Query[tuple[Position, Velocity]]) -> None: ...

    with pytest.raises(SystemParamError, match=r"tuple\[.*\] in a query .*: Query\[A, B, With\[C\]\]"):
        app.add_systems(Update, look)


def test_a_filter_cannot_be_optional(app: App) -> None:
    def look(query: Query[Position, With[Velocity] | None]) -> None: ...

    with pytest.raises(SystemParamError, match=r"With\[.*\] in a query is not a component class"):
        app.add_systems(Update, look)


def test_bevys_way_to_write_a_lifecycle_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Add\[Position\] is written On\[Add, Position\]"):
        Add[Position]  # type: ignore[misc]  # that is the point


def test_what_happens_is_an_observers_first_parameter(app: App) -> None:
    def second(positions: Query[Position], on: On[Ping]) -> None: ...

    with pytest.raises(SystemParamError, match=r"Observer .*second: parameter 'on' .*: put it first"):
        app.add_observer(second)


def test_a_missing_state_is_told_with_its_own_remedy(app: App, failures: list[SystemFailed]) -> None:
    def start(mode: Res[NextState[Mode]]) -> None: ...

    app.add_systems(Update, start)
    app.update()
    assert the_failure(failures).message.endswith("Say where Mode begins: app.init_state(Mode.MENU).")


def test_a_system_that_spawns_a_tuple_is_the_one_that_fails(app: App, failures: list[SystemFailed]) -> None:
    def plant(commands: Commands) -> None:
        commands.spawn((Position(), Velocity()))

    app.add_systems(Update, plant)
    app.update()
    failure = the_failure(failures)
    assert (failure.system.rpartition(".")[2], failure.error_type) == ("plant", "TypeError")


def test_a_command_that_cannot_be_called_fails_where_it_is_queued(app: App, failures: list[SystemFailed]) -> None:
    def ask(commands: Commands) -> None:
        commands.queue(cast("Callable[[World], None]", 5))

    app.add_systems(Update, ask)
    app.update()
    assert (
        the_failure(failures).message
        == "5 cannot be queued: give a function of the world, as in queue(lambda world: …)."
    )


def test_what_is_no_coroutine_does_not_end_the_background(app: App) -> None:
    async def fetch() -> int:
        return 7

    pool = app.world.resource(IoTaskPool)
    with pytest.raises(TypeError, match=r"is not a coroutine: spawn what an `async def` function returns"):
        pool.spawn(fetch)  # type: ignore[arg-type]  # that is the point
    task = pool.spawn(fetch())
    run_until(app, task.is_finished)
    assert task.check_ready() == 7
    other = pool.spawn(asyncio.to_thread(lambda: 8))
    run_until(app, other.is_finished)
    assert other.check_ready() == 8


def test_a_generic_event_is_one_type_however_it_is_written(app: App) -> None:
    @dataclass(frozen=True)
    class Moved(Generic[T]):
        what: T

    read: list[object] = []

    def tell(moved: EventWriter[Moved[int]]) -> None:
        moved.write(Moved(1))

    def listen(moved: EventReader[Moved[int]]) -> None:
        read.extend(moved.read())

    app.add_systems(Update, tell, listen)
    app.send_event(Moved(2))
    app.update()
    assert read == [Moved(2), Moved(1)]


def test_a_world_that_has_ended_does_not_come_back(host_world: str) -> None:
    app = App()
    entity = app.world.spawn(Position())
    app.shutdown()
    uses: tuple[Callable[[], object], ...] = (
        lambda: app.world.spawn(Position()),
        lambda: app.world.query(Position),
        lambda: app.world.get(entity, Position),
        app.save,
        app.run,
    )
    for use in uses:
        with pytest.raises(RuntimeError, match=r"has ended with its app, which was shut down"):
            use()
    assert app.world.name not in esper.list_worlds()
    assert esper.current_world == host_world


def test_a_hosts_world_can_be_looked_at_after_the_app(host_world: str) -> None:
    with App(world=host_world) as app:
        entity = app.world.spawn(Position(3.0))
    esper.switch_world("elsewhere")
    try:
        position = app.world.get(entity, Position)
    finally:
        esper.switch_world(host_world)
        esper.delete_world("elsewhere")
    assert position is not None
    assert position.x == 3.0


def test_a_local_that_may_be_none_begins_as_none(app: App) -> None:
    seen: list[float | None] = []

    def remember(last: Local[float | None], time: Time) -> None:
        seen.append(last.value)
        last.value = time.elapsed_seconds

    app.add_systems(Update, remember)
    app.update(0.5)
    app.update(0.5)
    assert seen == [None, 0.5]


@pytest.mark.parametrize("asked", [False, True])
def test_a_failure_that_nobody_asked_for_is_logged_when_the_task_is_dropped(
    app: App, caplog: pytest.LogCaptureFixture, asked: bool
) -> None:
    async def fetch() -> None:
        raise OSError("the disk is full")

    task = app.tasks.spawn(fetch(), "fetching")
    run_until(app, task.is_finished)
    if asked:
        with pytest.raises(OSError, match="the disk is full"):
            task.check_ready()
    del task
    gc.collect()  # the exception that was raised holds the frames that it went through
    assert [record.message for record in caplog.records] == (
        [] if asked else ["The background task fetching failed: the disk is full"]
    )


def test_a_coroutine_that_is_spawned_twice_fails_the_second_task_alone(app: App) -> None:
    async def fetch() -> int:
        await asyncio.sleep(0.01)
        return 7

    work = fetch()
    first, second = app.tasks.spawn(work), app.tasks.spawn(work)
    run_until(app, lambda: first.is_finished() and second.is_finished())
    assert first.check_ready() == 7
    with pytest.raises(RuntimeError, match="coroutine is being awaited already"):
        second.check_ready()


def test_what_would_never_run_is_refused(app: App) -> None:
    app.update()
    with pytest.raises(RuntimeSetupError, match="Startup has run already"):
        app.add_systems(Startup, lambda: None)
    app.add_systems(Update, lambda: None)
    app.shutdown()
    for add in (
        lambda: app.add_systems(Update, lambda: None),
        lambda: app.add_observer(lambda: None),
        lambda: app.add_plugins(lambda app: None),
    ):
        with pytest.raises(RuntimeError, match="has been shut down"):
            add()


def test_settings_of_the_wrong_kind_are_refused_at_once(app: App) -> None:
    with pytest.raises(RuntimeSetupError, match="is no class: init_resource makes the value"):
        app.init_resource(7)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(TypeError, match="is no error handler"):
        app.set_error_handler(None)  # type: ignore[arg-type]  # as above
    with pytest.raises(TypeError, match="is no FailurePolicy"):
        app.set_failure_policy(3)  # type: ignore[arg-type]  # as above
    with pytest.raises(TypeError, match="is no exit code"):
        app.exit("now")  # type: ignore[arg-type]  # as above
