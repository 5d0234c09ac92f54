"""Time: manual, real, and both by turns."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.runtime import App, First, Last, Startup, Time, Update
from tests.rig.waiting import wait_until


def test_clock_stands_at_zero_before_the_first_frame(app: App) -> None:
    assert (app.time.frame, app.time.delta_seconds, app.time.elapsed_seconds) == (0, 0.0, 0.0)


def test_manual_clock_moves_by_exactly_what_is_given(app: App) -> None:
    app.update(0.25)
    app.update(0.5)
    assert app.time.delta_seconds == 0.5
    assert app.time.elapsed_seconds == 0.75
    assert app.time.delta == timedelta(milliseconds=500)
    assert app.time.elapsed == timedelta(milliseconds=750)
    assert app.time.frame == 2


def test_manual_clock_may_stand_still(app: App) -> None:
    app.update(0.0)
    app.update(0)
    assert app.time.elapsed_seconds == 0
    assert app.time.frame == 2


def test_real_clock_begins_with_a_delta_of_zero_and_then_measures(app: App) -> None:
    app.update()
    assert app.time.delta_seconds == 0.0
    app.update()
    assert app.time.delta_seconds > 0.0
    assert app.time.elapsed_seconds == app.time.delta_seconds


def test_real_clock_goes_on_until_a_moment_has_come(app: App) -> None:
    def has_come() -> bool:
        app.update()
        return app.time.elapsed_seconds > 0.02

    wait_until(has_come)
    assert app.time.frame > 1


def test_real_time_starts_afresh_after_a_manual_frame(app: App) -> None:
    app.update()
    app.update(10.0)
    app.update()
    assert app.time.delta_seconds == 0.0
    assert app.time.elapsed_seconds >= 10.0
    app.update()
    assert 0.0 < app.time.delta_seconds < 5.0


def test_every_system_of_a_frame_sees_the_same_time(app: App) -> None:
    seen: list[tuple[int, float]] = []

    def look(time: Time) -> None:
        seen.append((time.frame, time.delta_seconds))

    for schedule in (Startup, First, Update, Last):
        app.add_systems(schedule, look)
    app.update(0.5)
    assert seen == [(1, 0.5)] * 4


@given(st.lists(st.floats(0.0, 10.0), max_size=20))
@settings(deadline=None, max_examples=30)
def test_elapsed_is_the_sum_of_all_deltas(deltas: list[float]) -> None:
    time = Time()
    for delta in deltas:
        time.tick(delta)
        assert time.delta_seconds == delta
    assert time.elapsed_seconds == pytest.approx(sum(deltas))
    assert time.frame == len(deltas)
