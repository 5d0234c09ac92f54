"""Run conditions that come with the runtime, and conditions made of others."""

from __future__ import annotations

from enum import auto

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.runtime import (
    App,
    EventReader,
    FixedUpdate,
    Local,
    Res,
    SystemFailed,
    SystemParamError,
    SystemSet,
    Update,
    and_,
    chain,
    in_set,
    not_,
    on_event,
    on_timer,
    or_,
    resource_exists,
    run_if,
    run_once,
)
from ecs_localai.runtime.sets import SystemFunction
from tests.runtime.runtime_parts import Broken, Clock, Ping, noting, the_failure


def yes() -> bool:
    """A condition that holds."""
    return True


def no() -> bool:
    """A condition that does not hold."""
    return False


def forbidden() -> bool:
    """A condition that must not be asked."""
    raise Broken("it was asked")


def runs(app: App, condition: SystemFunction, deltas: list[float]) -> list[int]:
    """The frames, counted from 1, in which a system with this condition runs."""
    seen: list[int] = []
    app.add_systems(Update, run_if(condition, lambda: seen.append(app.time.frame)))
    for delta in deltas:
        app.update(delta)
    return seen


def test_run_once_holds_in_the_first_frame(app: App) -> None:
    assert runs(app, run_once(), [0.0] * 3) == [1]


def test_run_once_is_once_for_each_system(app: App) -> None:
    log: list[str] = []
    app.add_systems(Update, run_if(run_once(), chain(noting(log, "a"), noting(log, "b"))))
    app.update(0.0)
    app.update(0.0)
    assert log == ["a", "b"]


def test_run_once_is_once_for_a_set(app: App) -> None:
    class Stage(SystemSet):
        ALL = auto()

    log: list[str] = []
    app.configure_sets(Update, run_if(run_once(), Stage.ALL))
    app.add_systems(Update, in_set(Stage.ALL, chain(noting(log, "a"), noting(log, "b"))))
    app.update(0.0)
    app.update(0.0)
    assert log == ["a", "b"]


def test_timer_holds_whenever_its_time_has_passed(app: App) -> None:
    assert runs(app, on_timer(0.3), [0.1] * 9) == [3, 6, 9]


def test_timer_keeps_what_was_too_much_and_counts_a_long_frame_once(app: App) -> None:
    assert runs(app, on_timer(1.0), [0.75, 0.75, 0.5, 5.0, 0.5, 0.5]) == [2, 3, 4, 6]


def test_timer_rests_while_time_is_paused(app: App) -> None:
    app.time.pause()
    assert runs(app, on_timer(0.5), [1.0, 1.0]) == []
    app.time.unpause()
    app.update(0.5)
    assert app.time.elapsed_seconds == 0.5


def test_timer_in_fixed_update_counts_steps(app: App) -> None:
    log: list[str] = []
    app.add_systems(FixedUpdate, run_if(on_timer(2 / 64), noting(log, "every second step")))
    app.update(7 / 64)
    assert len(log) == 3


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-12, float("nan")])
def test_timer_without_a_period_is_an_error(seconds: float) -> None:
    with pytest.raises(ValueError, match="period"):
        on_timer(seconds)


def test_event_condition_holds_once_for_each_time_something_was_written(app: App) -> None:
    seen: list[list[Ping]] = []

    def read(reader: EventReader[Ping]) -> None:
        seen.append(reader.read())

    app.add_systems(Update, run_if(on_event(Ping), read))
    app.update(0.0)
    app.send_event(Ping(1))
    app.send_event(Ping(2))
    app.update(0.0)
    app.update(0.0)
    assert seen == [[Ping(1), Ping(2)]]


def test_event_condition_is_read_by_each_system_for_itself(app: App) -> None:
    log: list[str] = []
    app.add_systems(Update, run_if(on_event(Ping), noting(log, "a"), noting(log, "b")))
    app.send_event(Ping())
    app.update(0.0)
    assert sorted(log) == ["a", "b"]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (not_(yes), False),
        (not_(no), True),
        (and_(yes, yes), True),
        (and_(yes, no), False),
        (or_(no, yes), True),
        (or_(no, no), False),
        (and_(no, forbidden), False),
        (or_(yes, forbidden), True),
        (and_(), True),
        (or_(), False),
        (not_(or_(no, and_(yes, not_(yes)))), True),
    ],
)
def test_combined_conditions(app: App, condition: SystemFunction, holds: bool) -> None:
    assert bool(runs(app, condition, [0.0])) is holds


def test_parts_have_parameters_and_memory_of_their_own(app: App) -> None:
    def late(clock: Res[Clock]) -> bool:
        return clock.ticks > 1

    def even(asked: Local[int]) -> bool:
        asked.value += 1
        return asked.value % 2 == 0

    app.insert_resource(Clock(2))
    assert runs(app, and_(late, even), [0.0] * 4) == [2, 4]


def test_later_part_may_need_what_an_earlier_one_makes_sure_of(app: App) -> None:
    def late(clock: Res[Clock]) -> bool:
        return clock.ticks > 1

    seen = runs(app, and_(resource_exists(Clock), late), [0.0])
    assert seen == []
    app.insert_resource(Clock(2))
    app.update(0.0)
    assert seen == [2]


def test_failing_part_is_reported_with_the_whole_conditions_name(app: App, failures: list[SystemFailed]) -> None:
    assert runs(app, and_(yes, forbidden), [0.0]) == []
    assert "and_(yes, forbidden)" in str(the_failure(failures))


def test_combination_of_what_cannot_be_supplied_is_an_error_when_added(app: App) -> None:
    def impossible(number: int) -> bool:
        return number > 0

    with pytest.raises(SystemParamError, match=r"impossible.*'number'"):
        app.add_systems(Update, run_if(not_(impossible), noting([], "never")))


@given(st.recursive(st.booleans(), lambda inner: st.tuples(st.sampled_from(["and", "or", "not"]), st.lists(inner))))
@settings(deadline=None, max_examples=50)
def test_combinations_are_those_of_logic(tree: object) -> None:
    condition, expected = built(tree)
    with App() as app:
        assert bool(runs(app, condition, [0.0])) is expected


def built(tree: object) -> tuple[SystemFunction, bool]:
    """A condition and whether it holds, from nested ``(operator, parts)`` with booleans at the ends."""
    if not isinstance(tree, tuple):
        return (yes if tree else no), bool(tree)
    operator, parts = tree
    found = [built(part) for part in parts]
    conditions, values = [one for one, _ in found], [value for _, value in found]
    if operator == "not":
        return not_(or_(*conditions)), not any(values)
    if operator == "and":
        return and_(*conditions), all(values)
    return or_(*conditions), any(values)
