"""Whatever fails again and again rests: conditions, sets' conditions, fixed steps; also while the order changes."""

from __future__ import annotations

import pytest

from ecs_localai.runtime import (
    App,
    Commands,
    FixedUpdate,
    Res,
    SystemFailed,
    Time,
    Update,
    before,
    in_set,
    run_if,
)
from tests.runtime.failing_parts import described, fragile, step_frames
from tests.runtime.runtime_parts import Broken, Clock, One, Position, Shown, Stage, noting


def test_a_condition_that_keeps_failing_rests_and_does_not_hold(app: App, failures: list[SystemFailed]) -> None:
    condition, log = fragile(), list[str]()
    app.add_systems(Update, run_if(condition, noting(log, "work")))
    step_frames(app, 20)
    assert condition.tries == 10
    assert {one.system for one in failures} == {"fragile"}
    rest = described(app, "work").rest
    assert rest is not None
    assert rest.name == "fragile"
    condition.fails = False
    step_frames(app, 5)
    assert log == []
    app.update(1.0)
    app.update()
    assert log == ["work"] * 2
    assert condition.tries == 12
    failures.clear()


def test_a_condition_that_was_not_met_is_neither_failure_nor_success(app: App, failures: list[SystemFailed]) -> None:
    system, open_frames = fragile(), set(range(1, 10))

    def is_open(time: Time) -> bool:
        return time.frame in open_frames

    app.add_systems(Update, run_if(is_open, system))
    step_frames(app, 30)
    assert system.tries == 9
    open_frames.update(range(31, 99))
    step_frames(app, 5)
    assert system.tries == 10
    assert failures[-1].failures_in_a_row == 10
    failures.clear()


@pytest.mark.parametrize("visible", [False, True], ids=["inner set", "visible set"])
def test_a_condition_of_a_set_that_keeps_failing_rests_for_all_its_systems(
    app: App, failures: list[SystemFailed], visible: bool
) -> None:
    condition, log = fragile(), list[str]()
    home = Shown.ONE if visible else Stage.MOVE
    app.add_set_processors(One())
    app.configure_sets(Update, run_if(condition, home))
    app.add_systems(Update, in_set(home, noting(log, "a"), noting(log, "b")))
    step_frames(app, 20)
    assert condition.tries == len(failures) == 10
    app.add_systems(Update, noting([], "more"))
    step_frames(app, 20)
    assert condition.tries == 10
    condition.fails = False
    app.update(1.0)
    app.update()
    assert sorted(log) == ["a", "a", "b", "b"]
    assert condition.tries == 12
    failures.clear()


@pytest.mark.parametrize("timing", [False, True], ids=["untimed", "timed"])
def test_what_is_added_meanwhile_neither_ends_a_rest_nor_brings_one_back(
    app: App, failures: list[SystemFailed], timing: bool
) -> None:
    system, guarded = fragile(), fragile("guarded")
    app.set_timing(timing)
    app.add_systems(Update, system, run_if(lambda: True, guarded))
    step_frames(app, 15)
    app.add_systems(Update, noting([], "more"))
    app.describe()
    step_frames(app, 15)
    assert (system.tries, guarded.tries) == (10, 10)
    system.fails = guarded.fails = False
    app.update(1.0)
    assert (system.tries, guarded.tries) == (11, 11)
    app.add_systems(Update, noting([], "still more"))
    step_frames(app, 4)
    assert (system.tries, guarded.tries) == (15, 15)
    assert described(app).rest is None
    failures.clear()


def test_one_that_recovers_while_a_new_order_waits_is_not_at_rest_in_it(app: App, failures: list[SystemFailed]) -> None:
    system = fragile()

    def add_and_cure() -> None:
        if system.tries == 10:
            app.add_systems(Update, noting([], "more"))
            app.describe()  # compiles anew while the old order runs
            system.fails = False

    app.add_systems(Update, system)
    step_frames(app, 10)
    app.add_systems(Update, before(system, add_and_cure))
    app.update(1.0)
    assert system.tries == 11
    step_frames(app, 3)
    assert described(app).rest is None
    system.fails = True
    step_frames(app, 3)
    assert failures[-1].failures_in_a_row == 3
    failures.clear()


def test_turning_timing_on_keeps_the_count_and_times_go_on_through_failures(
    app: App, failures: list[SystemFailed]
) -> None:
    system = fragile()
    app.add_systems(Update, system)
    step_frames(app, 5)
    app.set_timing(True)
    step_frames(app, 15)
    assert system.tries == 10
    times = described(app).times
    assert times is not None
    assert times.runs == 5, "a rest is no run"
    system.fails = False
    app.update(1.0)
    app.update()
    times = described(app).times
    assert times is not None
    assert times.runs == 7
    failures.clear()


def test_several_fixed_steps_in_a_frame_count_each(app: App, failures: list[SystemFailed]) -> None:
    system = fragile()
    app.set_fixed_hz(10.0).add_systems(FixedUpdate, system)
    app.update(0.0)
    app.update(0.5)
    assert system.tries == 5
    app.update(2.0)
    assert system.tries == 10
    assert failures[-1].rests
    failures.clear()


def test_systems_rest_one_by_one(app: App, failures: list[SystemFailed]) -> None:
    first, second = fragile(), fragile()
    app.add_systems(Update, first)
    step_frames(app, 5)
    app.add_systems(Update, second)
    step_frames(app, 20)
    assert (first.tries, second.tries) == (10, 10)
    first.fails = False
    app.update(1.0)
    step_frames(app, 3)
    assert (first.tries, second.tries) == (14, 11)
    failures.clear()


def test_one_function_added_twice_is_two_systems(app: App, failures: list[SystemFailed]) -> None:
    system = fragile()
    app.add_systems(Update, system)
    app.add_systems(Update, system)
    step_frames(app, 20)
    assert system.tries == 20
    assert app.resume_system(system)
    app.update()
    assert system.tries == 22
    failures.clear()


@pytest.mark.parametrize("recompiled", [False, True])
def test_a_system_that_works_again_sees_the_resources_of_now(
    app: App, failures: list[SystemFailed], recompiled: bool
) -> None:
    ticks: list[int] = []

    def look(clock: Res[Clock]) -> None:
        ticks.append(clock.ticks)
        if not clock.ticks:
            raise Broken

    app.insert_resource(Clock(0))
    app.add_systems(Update, look)
    step_frames(app, 2)
    if recompiled:
        app.add_systems(Update, noting([], "more"))
        app.update()
    for number in (1, 2, 3):
        app.insert_resource(Clock(number))
        app.update()
    assert ticks[-3:] == [1, 2, 3]
    failures.clear()


def test_failing_leaves_the_world_alone(app: App, failures: list[SystemFailed]) -> None:
    """Commands of a failing system are applied; those of one that rests were never queued."""

    def plant(commands: Commands) -> None:
        commands.spawn(Position())
        raise Broken

    app.add_systems(Update, plant)
    step_frames(app, 20)
    assert len(app.world.query(Position)) == 10
    failures.clear()
