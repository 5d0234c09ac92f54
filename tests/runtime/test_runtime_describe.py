"""An app tells what is in it: as data, as JSON and as text."""

from __future__ import annotations

import esper
import msgspec
import pytest

from ecs_localai.runtime import (
    Add,
    App,
    AppDescription,
    Commands,
    EventReader,
    FixedUpdate,
    Last,
    On,
    Plugin,
    Remove,
    ScheduleDescription,
    ScheduleError,
    Startup,
    SystemDescription,
    SystemFailed,
    Time,
    Update,
    activity,
    after,
    chain,
    in_set,
    run_if,
)
from tests.rig.waiting import run_frames_until
from tests.runtime.runtime_parts import (
    Clock,
    One,
    Ping,
    Position,
    Shown,
    Stage,
    Two,
    Velocity,
    broken,
    forever,
    noting,
    the_failure,
)


def schedule(app: App, name: str) -> ScheduleDescription:
    """One of the schedules."""
    (found,) = [one for one in app.describe().schedules if one.name == name]
    return found


def only_system(app: App, name: str = "Update") -> SystemDescription:
    """The only system of a schedule."""
    ((system,),) = [stage.systems for stage in schedule(app, name).stages]
    return system


def is_open() -> bool:
    """A condition."""
    return True


def is_shut() -> bool:
    """A condition that never holds."""
    return False


class Garden(Plugin):
    """A plugin."""


def test_plugins_are_listed_in_the_order_they_were_added(app: App) -> None:
    def pond(app: App) -> None:
        app.insert_resource(Clock())

    app.add_plugins(Garden(), pond)
    assert [name.rpartition(".")[2] for name in app.describe().plugins] == ["Garden", "pond"]


def test_systems_are_listed_in_the_order_they_run(app: App) -> None:
    log: list[str] = []
    a, b, c = (noting(log, name) for name in "abc")
    app.add_systems(Update, after(b, a), c, after(c, b))
    app.update()
    names = [system.name for stage in schedule(app, "Update").stages for system in stage.systems]
    assert names == log
    assert names == ["c", "b", "a"]


@pytest.mark.parametrize("seed", range(4))
def test_a_shuffled_order_is_the_one_in_force(seed: int) -> None:
    log: list[str] = []
    with App(shuffle_seed=seed) as app:
        app.add_systems(Update, *(noting(log, name) for name in "abcdef"))
        app.update()
        assert [system.name for system in schedule(app, "Update").stages[0].systems] == log


def test_schedules_come_in_the_order_they_run(app: App) -> None:
    described = app.describe().schedules
    assert [(one.name, one.runs) for one in described if one.runs == "startup"] == [
        ("PreStartup", "startup"),
        ("Startup", "startup"),
        ("PostStartup", "startup"),
    ]
    frame = [one.name for one in described if one.runs == "frame"]
    assert frame.index("First") < frame.index("FixedUpdate") < frame.index("Update") < frame.index("Last")


def test_sets_conditions_and_processors_are_told(app: App) -> None:
    app.add_set_processors(One(), Two())
    app.configure_sets(Update, chain(Shown.ONE, Shown.TWO))
    app.configure_sets(Update, run_if(is_open, run_if(activity, Shown.ONE)), run_if(is_shut, Stage.MOVE))
    app.add_systems(Update, in_set(Shown.ONE, in_set(Stage.MOVE, run_if(is_open, noting([], "move")))))
    app.add_systems(Update, after(Shown.ONE, noting([], "between")))
    app.add_systems(Last, noting([], "end"))
    stages = schedule(app, "Update").stages
    first, between = (one for one in stages if one.systems)
    assert (first.set, first.processor, first.conditions) == ("Shown.ONE", "One", ["activity", "is_open"])
    (move,) = first.systems
    assert (move.name, move.sets, move.conditions) == ("move", ["Stage.MOVE"], ["is_shut", "is_open"])
    assert (between.set, between.processor) == (None, "One")
    assert schedule(app, "Last").stages[0].processor == "FrameEnd"
    processors = app.describe().processors
    assert [one.name for one in processors] == ["FrameStart", "One", "Two", "FrameEnd"]
    assert [one.priority for one in processors] == sorted((one.priority for one in processors), reverse=True)


def test_where_commands_are_applied_is_told(app: App) -> None:
    def plant(commands: Commands) -> None:
        commands.spawn(Position())

    app.add_systems(Update, chain(plant, noting([], "look")))
    names = [system.name for system in schedule(app, "Update").stages[0].systems]
    assert [name.rpartition(".")[2] for name in names] == ["plant", "(commands are applied)", "look"]


def test_fixed_steps_and_startup_are_listed_too(app: App) -> None:
    app.add_systems(FixedUpdate, noting([], "step"))
    app.add_systems(Startup, noting([], "begin"))
    app.update(1.0)
    assert only_system(app, "FixedUpdate").name == "step"
    assert only_system(app, "Startup").name == "begin"


def test_before_the_first_frame_the_order_is_known_and_nothing_has_run(app: App) -> None:
    log: list[str] = []
    app.add_systems(Update, noting(log, "one"))
    assert only_system(app).name == "one"
    assert app.describe().frame == 0
    app.update()
    assert log == ["one"]


def test_an_impossible_order_is_told_as_by_update(app: App) -> None:
    a, b = noting([], "a"), noting([], "b")
    app.add_systems(Update, after(a, b), after(b, a))
    with pytest.raises(ScheduleError, match="a"):
        app.describe()


def test_entities_are_counted_by_component(app: App) -> None:
    app.world.spawn(Position(), Velocity())
    app.world.spawn(Position())
    dying = app.world.spawn(Velocity())
    with app.world.active():
        esper.delete_entity(dying)  # in the next frame, as esper does
    described = app.describe()
    assert described.entities == 2
    assert described.components == {"Position": 2, "Velocity": 1}


def test_types_of_one_name_are_told_apart(app: App) -> None:
    other = type("Position", (), {})
    app.world.spawn(Position(), other())
    assert set(app.describe().components) == {
        "tests.runtime.runtime_parts.Position",
        f"{other.__module__}.Position",
    }


def test_resources_tasks_and_timers_are_listed(app: App) -> None:
    app.insert_resource(Clock())
    app.wakeups.timer(due=5.0)
    app.wakeups.timer().stop()
    task = app.tasks.spawn(forever(), "count the stars")
    run_frames_until(app, lambda: app.describe().tasks == ["count the stars"])
    app.update(1.0)
    described = app.describe()
    assert "Clock" in described.resources
    soon, stopped = described.timers
    assert stopped is None
    assert soon is not None
    assert soon == pytest.approx(5.0 - app.time.real_elapsed_seconds)
    task.cancel()


def test_events_are_counted_and_so_are_those_that_a_reader_misses(app: App) -> None:
    def read_now_and_then(pings: EventReader[Ping], time: Time) -> None:
        if time.frame == 6:
            pings.read()

    app.add_systems(Update, read_now_and_then)
    app.send_event(Ping(1))
    app.update()
    (ping,) = [event for event in app.describe().events if event.name == "Ping"]
    assert (ping.written, ping.buffered, ping.readers, ping.missed) == (1, 1, 1, 0)
    for _ in range(3):
        app.update()
    (ping,) = [event for event in app.describe().events if event.name == "Ping"]
    assert (ping.written, ping.buffered, ping.missed) == (1, 0, 1)
    for _ in range(3):
        app.update()
    (ping,) = [event for event in app.describe().events if event.name == "Ping"]
    assert ping.missed == 1  # not counted twice, now that the reader knows it


def test_timing_is_off_at_first_and_measures_when_it_is_on(app: App) -> None:
    app.add_systems(Update, noting([], "work"))
    app.update()
    assert only_system(app).times is None
    app.set_timing(True)
    times = only_system(app).times
    assert times is not None
    assert (times.runs, times.last_seconds) == (0, None)
    for _ in range(3):
        app.update()
    times = only_system(app).times
    assert times is not None
    assert times.runs == 3
    assert times.last_seconds is not None
    assert times.mean_seconds is not None
    assert times.longest_seconds is not None
    assert 0.0 < times.mean_seconds <= times.longest_seconds
    app.set_timing(False)
    app.update()
    assert only_system(app).times is None


def test_a_system_that_is_passed_over_is_not_measured(app: App) -> None:
    app.set_timing(True)
    app.add_systems(Update, run_if(is_shut, noting([], "rest")))
    app.update()
    times = only_system(app).times
    assert times is not None
    assert times.runs == 0


def test_a_failing_system_is_isolated_and_measured_with_timing_on(app: App, failures: list[SystemFailed]) -> None:
    log: list[str] = []
    app.set_timing(True)
    app.add_systems(Update, chain(broken(), noting(log, "next")))
    app.update()
    assert log == ["next"]
    assert the_failure(failures).system == "broken"
    measured = [system.times for system in schedule(app, "Update").stages[0].systems]
    assert [times.runs for times in measured if times is not None] == [1, 1]


def test_conditions_hold_back_a_visible_set_with_timing_on(app: App, failures: list[SystemFailed]) -> None:
    log: list[str] = []
    app.set_timing(True)
    app.add_set_processors(One(), Two())
    app.configure_sets(Update, run_if(is_shut, Shown.ONE), run_if(broken("condition"), Shown.TWO))
    app.add_systems(Update, in_set(Shown.ONE, noting(log, "one")), in_set(Shown.TWO, noting(log, "two")))
    app.update()
    assert log == []
    assert the_failure(failures).system == "condition"


def test_commands_are_applied_with_timing_on(app: App) -> None:
    def plant(commands: Commands) -> None:
        commands.spawn(Position())

    app.set_timing(True)
    app.add_systems(Update, plant)
    app.update()
    assert len(app.world.query(Position)) == 1


def test_measurements_go_on_when_a_system_is_added(app: App) -> None:
    app.set_timing(True)
    app.add_systems(Update, noting([], "work"))
    app.update()
    app.add_systems(Update, noting([], "more"))
    app.update()
    runs = {one.name: one.times.runs for one in schedule(app, "Update").stages[0].systems if one.times is not None}
    assert runs == {"work": 2, "more": 1}


def test_a_description_is_json_and_comes_back_equal(app: App) -> None:
    app.set_timing(True)
    app.add_systems(Update, noting([], "work"))
    app.world.spawn(Position())
    app.update()
    described = app.describe()
    assert msgspec.json.decode(msgspec.json.encode(described), type=AppDescription) == described


def test_the_text_is_a_tree(app: App) -> None:
    app.add_set_processors(One())
    app.add_systems(Update, in_set(Shown.ONE, in_set(Stage.MOVE, run_if(is_open, noting([], "move")))))
    app.world.spawn(Position())
    app.update(0.5)
    text = str(app.describe())
    assert text == app.describe().as_text()
    assert text.startswith(f"World {app.world.name}: frame 1, 0.50 s, timing off\nPlugins: none\nSchedules, ")
    tree = "  Update (every frame)\n    Shown.ONE [One]\n      move in Stage.MOVE if is_open\nProcessors"
    assert tree in text
    assert "Entities: 1, with components\n       1 Position\n" in text
    assert "Background tasks in flight: none\nTimers: none" in text


def test_the_text_shows_times(app: App) -> None:
    app.set_timing(True)
    app.add_systems(Update, noting([], "work"))
    assert "work  has not run since timing is on" in str(app.describe())
    app.update()
    assert " of 1 run\n" in str(app.describe())


def test_it_can_be_asked_from_a_system_and_leaves_the_callers_world(app: App, host_world: str) -> None:
    seen: list[AppDescription] = []
    app.add_systems(Update, lambda: seen.append(app.describe()))
    app.update()
    assert [one.frame for one in seen] == [1]
    app.describe()
    assert esper.current_world == host_world


def test_an_app_that_was_shut_down_says_so() -> None:
    app = App()
    app.shutdown()
    with pytest.raises(RuntimeError, match="has been shut down"):
        app.describe()
    assert app.world.name not in esper.list_worlds()


def test_no_run_is_lost_however_many_there_are(app: App) -> None:
    def now_and_then(time: Time) -> bool:
        return time.frame % 3 == 0

    app.set_timing(True)
    app.add_systems(Update, noting([], "often"), run_if(now_and_then, noting([], "seldom")))
    for _ in range(3000):
        app.update(0.01)
    systems = schedule(app, "Update").stages[0].systems
    assert {one.name: one.times.runs for one in systems if one.times} == {"often": 3000, "seldom": 1000}
    assert all(one.times.last_seconds for one in systems if one.times)


def test_observers_are_listed_with_what_they_watch(app: App) -> None:
    def greet(on: On[Add, Position]) -> None: ...

    def mourn(on: On[Remove, Position]) -> None: ...

    entity = app.world.spawn()
    app.add_observer(greet)
    app.add_observer(mourn, entity=entity)
    described = app.describe()
    assert [(one.name.rpartition(".")[2], one.watches, one.entity) for one in described.observers] == [
        ("greet", "Add[Position]", None),
        ("mourn", "Remove[Position]", entity),
    ]
    assert f"mourn (of entity {entity} alone)" in str(described)
    assert msgspec.json.decode(msgspec.json.encode(described), type=AppDescription) == described
