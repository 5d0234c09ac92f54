"""Virtual time: paused, faster, slower and cut, while real time and the timers go on."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.runtime import Activity, App, Time, Update, activity, run_if
from ecs_localai.runtime.time import MAX_DELTA_SECONDS
from tests.rig.waiting import wait_until
from tests.runtime.runtime_parts import noting


def test_paused_time_stands_still_and_real_time_goes_on(app: App) -> None:
    app.update(0.5)
    app.time.pause()
    is_paused = [app.time.is_paused]
    app.update(0.5)
    assert (app.time.delta_seconds, app.time.elapsed_seconds) == (0.0, 0.5)
    assert (app.time.real_delta_seconds, app.time.real_elapsed_seconds) == (0.5, 1.0)
    app.time.unpause()
    app.update(0.25)
    assert [*is_paused, app.time.is_paused] == [True, False]
    assert (app.time.delta_seconds, app.time.elapsed_seconds) == (0.25, 0.75)


def test_systems_run_on_while_time_is_paused(app: App) -> None:
    log: list[str] = []
    app.add_systems(Update, noting(log, "ran"))
    app.time.pause()
    app.update(0.5)
    assert log == ["ran"]


def test_pausing_does_not_change_the_frame_in_which_it_happens(app: App) -> None:
    seen: list[float] = []

    def pause(time: Time) -> None:
        time.pause()
        seen.append(time.delta_seconds)

    app.add_systems(Update, pause)
    app.update(0.5)
    app.update(0.5)
    assert seen == [0.5, 0.0]


def test_relative_speed_stretches_virtual_time(app: App) -> None:
    app.time.set_relative_speed(2)
    app.update(0.5)
    assert (app.time.delta_seconds, app.time.real_delta_seconds) == (1.0, 0.5)
    app.time.set_relative_speed(0.5)
    app.update(0.5)
    assert (app.time.elapsed_seconds, app.time.real_elapsed_seconds) == (1.25, 1.0)
    assert app.time.relative_speed == 0.5


def test_speed_that_is_set_while_paused_holds_afterwards(app: App) -> None:
    app.time.pause()
    app.time.set_relative_speed(0.0)
    app.time.set_relative_speed(4.0)
    app.update(0.5)
    assert app.time.elapsed_seconds == 0.0
    app.time.unpause()
    app.update(0.5)
    assert app.time.elapsed_seconds == 2.0


@pytest.mark.parametrize("speed", [-1.0, math.nan, math.inf])
def test_impossible_speed_is_an_error(app: App, speed: float) -> None:
    with pytest.raises(ValueError, match="relative speed"):
        app.time.set_relative_speed(speed)
    assert app.time.relative_speed == 1.0


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan])
def test_impossible_longest_delta_is_an_error(app: App, seconds: float) -> None:
    with pytest.raises(ValueError, match="longest delta"):
        app.time.set_max_delta(seconds)
    assert app.time.max_delta_seconds == MAX_DELTA_SECONDS


def test_long_measured_frame_is_cut_in_virtual_time_alone(app: App) -> None:
    app.time.set_max_delta(1e-6)
    app.update()

    def is_cut() -> bool:
        app.update()
        return app.time.real_delta_seconds > 1e-6

    wait_until(is_cut)
    assert app.time.delta_seconds == 1e-6
    assert app.time.elapsed_seconds < app.time.real_elapsed_seconds


def test_manual_frame_is_as_long_as_was_said(app: App) -> None:
    app.update(10.0)
    assert app.time.delta_seconds == app.time.real_delta_seconds == 10.0


def test_timers_go_on_while_time_is_paused(app: App) -> None:
    timer = app.wakeups.timer(float("inf"))
    log: list[str] = []
    app.add_systems(Update, run_if(activity, noting(log, "woken")))
    while app.world.resource(Activity).happened:
        app.update(0.0)
    log.clear()
    app.time.pause()
    timer.restart(app.time, 1.0)
    app.update(0.0)  # a restarted timer is no activity, and not due yet
    assert log == []
    assert app.wakeups.delay(app.time) == 1.0
    app.update(0.5)
    assert log == []
    app.update(0.5)
    assert log == ["woken"]


@given(st.lists(st.tuples(st.floats(0.0, 10.0), st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.booleans()), max_size=20))
@settings(deadline=None, max_examples=50)
def test_virtual_time_is_the_sum_of_what_was_not_paused(frames: list[tuple[float, float, bool]]) -> None:
    time, virtual, real = Time(), 0.0, 0.0
    for dt, speed, paused in frames:
        time.set_relative_speed(speed)
        if paused:
            time.pause()
        else:
            time.unpause()
        time.tick(dt)
        virtual += 0.0 if paused else dt * speed
        real += dt
        assert time.elapsed_seconds == pytest.approx(virtual)
        assert time.real_elapsed_seconds == pytest.approx(real)
