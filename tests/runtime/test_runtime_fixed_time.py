"""FixedUpdate: as many steps as time has passed for."""

from __future__ import annotations

import math
from enum import auto

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.runtime import (
    Added,
    App,
    Commands,
    EventReader,
    FixedTime,
    FixedUpdate,
    PreUpdate,
    Query,
    Res,
    SystemFailed,
    SystemSet,
    Time,
    Update,
    in_set,
    run_if,
)
from tests.runtime.runtime_parts import Ping, Position, broken, noting, the_failure

STEP = 1 / 64


@pytest.fixture
def steps(app: App) -> list[tuple[float, float]]:
    """The clock in each fixed step of `app`: delta and elapsed seconds."""
    seen: list[tuple[float, float]] = []

    def look(time: Time) -> None:
        seen.append((time.delta_seconds, time.elapsed_seconds))

    app.add_systems(FixedUpdate, look)
    return seen


def test_steps_are_as_many_as_fit_and_the_rest_is_kept(app: App, steps: list[tuple[float, float]]) -> None:
    clock = app.world.resource(FixedTime)
    app.update(0.0)
    assert steps == []
    app.update(2.5 * STEP)
    assert steps == [(STEP, STEP), (STEP, 2 * STEP)]
    assert clock.overstep_fraction == 0.5
    assert clock.overstep_seconds == 0.5 * STEP
    app.update(0.25 * STEP)
    assert len(steps) == 2
    app.update(0.25 * STEP)
    assert steps[2:] == [(STEP, 3 * STEP)]
    assert clock.overstep_fraction == 0.0
    assert (clock.step_seconds, clock.elapsed_seconds) == (STEP, 3 * STEP)


def test_fixed_steps_come_between_pre_update_and_update(app: App) -> None:
    log: list[str] = []
    for label in (Update, FixedUpdate, PreUpdate):
        app.add_systems(label, noting(log, label.name))
    app.update(2 * STEP)
    assert log == ["PreUpdate", "FixedUpdate", "FixedUpdate", "Update"]


def test_update_sees_the_frames_own_time_after_the_steps(app: App, steps: list[tuple[float, float]]) -> None:
    seen: list[tuple[float, float]] = []

    def look(time: Time) -> None:
        seen.append((time.delta_seconds, time.elapsed_seconds))

    app.add_systems(Update, look)
    app.update(1.0)
    assert len(steps) == 64
    assert seen == [(1.0, 1.0)]


def test_other_rate(app: App, steps: list[tuple[float, float]]) -> None:
    app.set_fixed_hz(10)
    for _ in range(10):
        app.update(0.3)
    assert len(steps) == 30
    assert steps[-1] == (0.1, 3.0)


def test_sixty_steps_a_second_beside_sixty_frames_a_second(app: App, steps: list[tuple[float, float]]) -> None:
    app.set_fixed_hz(60)
    for frame in range(1, 601):
        app.update(1 / 60)
        assert len(steps) == frame


@pytest.mark.parametrize("hz", [0.0, -64.0, math.nan, math.inf, 1e10])
def test_impossible_rate_is_an_error(app: App, hz: float) -> None:
    with pytest.raises(ValueError, match="steps a second"):
        app.set_fixed_hz(hz)
    assert app.world.resource(FixedTime).step_seconds == STEP


def test_no_steps_while_time_is_paused_and_twice_as_many_at_double_speed(
    app: App, steps: list[tuple[float, float]]
) -> None:
    app.time.pause()
    app.update(1.0)
    assert steps == []
    app.time.unpause()
    app.time.set_relative_speed(2.0)
    app.update(4 * STEP)
    assert len(steps) == 8


def test_commands_of_a_step_are_applied_before_the_next(app: App) -> None:
    seen: list[int] = []

    def spawn(commands: Commands, there: Query[Position]) -> None:
        seen.append(len(there))
        commands.spawn(Position())

    app.add_systems(FixedUpdate, spawn)
    app.update(3 * STEP)
    assert seen == [0, 1, 2]


def test_what_is_new_is_new_to_one_step_only(app: App) -> None:
    seen: list[int] = []

    def look(new: Query[Position, Added[Position]]) -> None:
        seen.append(len(new))

    app.add_systems(FixedUpdate, look)
    app.world.spawn(Position())
    app.update(3 * STEP)
    assert seen == [1, 0, 0]


def test_event_is_read_in_one_step_only(app: App) -> None:
    seen: list[list[Ping]] = []

    def read(reader: EventReader[Ping]) -> None:
        seen.append(reader.read())

    app.add_systems(FixedUpdate, read)
    app.send_event(Ping(1))
    app.update(2 * STEP)
    assert seen == [[Ping(1)], []]


def test_condition_of_a_set_is_asked_once_a_step(app: App) -> None:
    class Physics(SystemSet):
        ALL = auto()

    asked: list[int] = []
    log: list[str] = []

    def every_other() -> bool:
        asked.append(1)
        return len(asked) % 2 == 1

    app.configure_sets(FixedUpdate, run_if(every_other, Physics.ALL))
    app.add_systems(FixedUpdate, in_set(Physics.ALL, noting(log, "a"), noting(log, "b")))
    app.update(4 * STEP)
    assert len(asked) == 4
    assert sorted(log) == ["a", "a", "b", "b"]


def test_failing_step_leaves_the_time_as_it_was(app: App, failures: list[SystemFailed]) -> None:
    app.add_systems(FixedUpdate, broken())
    app.update(STEP)
    assert "FixedUpdate" in str(the_failure(failures))
    assert (app.time.delta_seconds, app.time.elapsed_seconds) == (STEP, STEP)


def test_steps_draw_between_with_the_fraction(app: App) -> None:
    drawn: list[float] = []

    def move(positions: Query[Position], time: Time) -> None:
        for _, position in positions:
            position.x += time.delta_seconds

    def draw(positions: Query[Position], clock: Res[FixedTime]) -> None:
        for _, position in positions:
            drawn.append(position.x + clock.overstep_fraction * clock.step_seconds)

    app.add_systems(FixedUpdate, move)
    app.add_systems(Update, draw)
    app.world.spawn(Position())
    for _ in range(10):
        app.update(0.75 * STEP)
    assert drawn == [frame * 0.75 * STEP for frame in range(1, 11)]


@given(st.lists(st.floats(0.0, 0.5), max_size=20), st.integers(1, 240))
@settings(deadline=None, max_examples=50)
def test_steps_follow_the_time_that_passed(deltas: list[float], hz: int) -> None:
    clock = FixedTime()
    clock.set_hz(hz)
    steps = 0
    for delta in deltas:
        due = clock.accumulate(delta)
        before = steps
        while clock.expend():
            steps += 1
        assert due == (steps > before)
        assert 0.0 <= clock.overstep_fraction < 1.0
    assert clock.elapsed_seconds == pytest.approx(steps * clock.step_seconds)
    assert clock.elapsed_seconds + clock.overstep_seconds == pytest.approx(sum(deltas), abs=1e-6)
