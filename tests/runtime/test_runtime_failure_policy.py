"""Systems that keep failing rest, and come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.runtime import (
    App,
    Res,
    SystemFailed,
    Update,
    in_set,
)
from ecs_localai.runtime.failing import FailingStep, FailingSystems
from ecs_localai.runtime.failure_policy import FailurePolicy
from tests.runtime.failing_parts import fragile, step_frames
from tests.runtime.runtime_parts import Broken, Clock, One, Shown, noting


def test_after_ten_failures_in_a_row_a_system_rests_for_a_second(app: App, failures: list[SystemFailed]) -> None:
    system, log = fragile(), list[str]()
    app.add_systems(Update, system, noting(log, "other"))
    step_frames(app, 30)
    assert system.tries == 10
    assert len(log) == 30
    assert [one.failures_in_a_row for one in failures] == list(range(1, 11))
    assert [one.rests for one in failures] == [False] * 9 + [True]
    assert [one.rests_seconds for one in failures] == [None] * 9 + [1.0]
    app.update(0.99)
    assert system.tries == 10
    app.update(0.01)
    assert system.tries == 11
    failures.clear()


def test_each_further_failure_doubles_the_rest_up_to_a_minute(app: App, failures: list[SystemFailed]) -> None:
    app.add_systems(Update, fragile())
    step_frames(app, 10)
    for _ in range(8):
        rest = failures[-1].rests_seconds
        assert rest is not None
        tried = len(failures)
        app.update(rest * 0.75)
        assert len(failures) == tried
        app.update(rest * 0.25)
        assert len(failures) == tried + 1
    assert [one.rests_seconds for one in failures[9:]] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    failures.clear()


def test_one_success_ends_it_and_counting_begins_anew(app: App, failures: list[SystemFailed]) -> None:
    system = fragile()
    app.add_systems(Update, system)
    step_frames(app, 10)
    system.fails = False
    app.update(1.0)
    assert system.tries == 11
    step_frames(app, 5)
    assert system.tries == 16
    system.fails = True
    step_frames(app, 12)
    assert system.tries == 26
    assert [one.failures_in_a_row for one in failures[10:]] == list(range(1, 11))
    assert failures[-1].rests_seconds == 1.0
    failures.clear()


def test_failures_that_are_not_in_a_row_lead_to_no_rest(app: App, failures: list[SystemFailed]) -> None:
    system = fragile()
    app.add_systems(Update, system)
    for frame in range(60):
        system.fails = frame % 10 != 9
        app.update()
    assert system.tries == 60
    assert not any(one.rests for one in failures)
    failures.clear()


def test_a_system_that_works_has_nothing_around_it_and_neither_has_one_that_works_again(
    app: App, failures: list[SystemFailed]
) -> None:
    system = fragile(fails=False)
    app.add_set_processors(One())
    app.add_systems(Update, in_set(Shown.ONE, system))
    app.update()
    (segment,) = app._frame.layout.segments
    (healthy,) = segment.steps
    system.fails = True
    app.update()
    (failing,) = segment.steps
    assert isinstance(failing, FailingStep)
    assert failing.step is healthy
    system.fails = False
    app.update()
    assert segment.steps == (healthy,)
    assert app.world.resource(FailingSystems).record_of(healthy) is None
    failures.clear()


def test_a_rest_goes_by_real_time_also_while_the_world_is_paused(app: App, failures: list[SystemFailed]) -> None:
    system = fragile()
    app.add_systems(Update, system)
    app.time.pause()
    step_frames(app, 11)
    assert system.tries == 10
    app.update(1.0)
    assert system.tries == 11
    failures.clear()


def test_a_missing_resource_that_comes_ends_the_rest_at_once(app: App, failures: list[SystemFailed]) -> None:
    ticks: list[int] = []

    def look(clock: Res[Clock]) -> None:
        ticks.append(clock.ticks)

    app.add_systems(Update, look)
    step_frames(app, 20)
    assert len(failures) == 10
    app.insert_resource(Clock(7))
    app.update(0.0)
    assert ticks == [7]
    assert len(failures) == 10
    failures.clear()


def test_the_policy_can_be_another(app: App, failures: list[SystemFailed]) -> None:
    system = fragile()
    app.set_failure_policy(FailurePolicy(failures=2, rest_seconds=0.5, longest_rest_seconds=0.75))
    app.add_systems(Update, system)
    step_frames(app, 5)
    assert system.tries == 2
    app.update(0.5)
    app.update(0.75)
    assert [one.rests_seconds for one in failures] == [None, 0.5, 0.75, 0.75]
    failures.clear()


def test_a_policy_without_rests_tries_in_every_frame(app: App, failures: list[SystemFailed]) -> None:
    system = fragile()
    app.set_failure_policy(FailurePolicy.never_rests())
    app.add_systems(Update, system)
    step_frames(app, 50)
    assert system.tries == 50
    assert failures[-1].failures_in_a_row == 50
    assert not any(one.rests for one in failures)
    failures.clear()


def test_a_suspended_system_waits_until_it_is_resumed(app: App, failures: list[SystemFailed]) -> None:
    system = fragile()
    app.set_failure_policy(FailurePolicy.suspends(3))
    app.add_systems(Update, system)
    step_frames(app, 5, dt=80_000.0)
    assert system.tries == 3
    assert failures[-1].rests
    assert failures[-1].rests_seconds is None
    assert app.idle_delay() is None, "nobody is to wake for it"
    assert app.resume_system(system)
    assert not app.resume_system(system)
    assert app.idle_delay() == 0.0
    step_frames(app, 5)
    assert system.tries == 6
    assert failures[-1].failures_in_a_row == 6
    assert app.resume_system(system)
    system.fails = False
    step_frames(app, 5)
    assert system.tries == 11
    failures.clear()


def test_resuming_what_does_not_rest_says_so(app: App, failures: list[SystemFailed]) -> None:
    system = fragile()
    app.add_systems(Update, system)
    assert not app.resume_system(system)
    app.update()
    assert not app.resume_system(system)
    assert not app.resume_system(print)
    failures.clear()


def test_a_method_is_resumed_by_any_reference_to_it(app: App, failures: list[SystemFailed]) -> None:
    class Owner:
        def work(self) -> None:
            raise Broken

    owner = Owner()
    app.add_systems(Update, owner.work)
    step_frames(app, 10)
    assert app.resume_system(owner.work)
    failures.clear()


def test_another_policy_ends_all_rests(app: App, failures: list[SystemFailed]) -> None:
    system = fragile()
    app.add_systems(Update, system)
    app.set_failure_policy(FailurePolicy.suspends(1))
    step_frames(app, 3)
    assert system.tries == 1
    app.set_failure_policy(FailurePolicy())
    step_frames(app, 20)
    assert system.tries == 11
    failures.clear()


def test_the_handler_may_resume_at_once(app: App) -> None:
    system = fragile()
    seen: list[bool] = []

    def resume(failure: SystemFailed) -> None:
        if failure.rests:
            seen.append(app.resume_system(system))

    app.set_error_handler(resume)
    app.add_systems(Update, system)
    step_frames(app, 40)
    assert system.tries == 40
    assert seen == [True] * 4


@dataclass(frozen=True)
class Model:
    """What a policy comes to, worked out run by run."""

    limit: int
    first: float
    longest: float

    def tries(self, frames: list[tuple[float, bool]]) -> list[int]:
        """In which frames it is tried."""
        now = until = rest = 0.0
        count, tried = 0, []
        for frame, (dt, works) in enumerate(frames):
            now += dt
            if now < until:
                continue
            tried.append(frame)
            if works:
                count, rest, until = 0, 0.0, 0.0
                continue
            count += 1
            if count >= self.limit:
                rest = min(2 * rest, self.longest) if rest else self.first
                until = now + rest
        return tried


@given(
    limit=st.integers(1, 4),
    frames=st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.booleans()), max_size=40),
    recompiled=st.sets(st.integers(0, 40)),
)
def test_any_course_of_failures_agrees_with_a_simple_model(
    limit: int, frames: list[tuple[float, bool]], recompiled: set[int]
) -> None:
    tried: list[int] = []
    frame = 0

    def work() -> None:
        tried.append(frame)
        if not frames[frame][1]:
            raise Broken

    with App() as app:
        app.set_error_handler(lambda _failure: None)
        app.set_failure_policy(FailurePolicy(limit, 0.5, 1.5))
        app.add_systems(Update, work)
        for frame, (dt, _) in enumerate(frames):
            if frame in recompiled:
                app.add_systems(Update, noting([], "more"))
            app.update(dt)
    assert tried == Model(limit, 0.5, 1.5).tries(frames)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FailurePolicy(failures=0), "failures is 0: give the number of failing runs"),
        (lambda: FailurePolicy(rest_seconds=0.0), r"rest_seconds is 0\.0: give a number of seconds above 0"),
        (lambda: FailurePolicy(rest_seconds=nan), "rest_seconds is nan"),
        (lambda: FailurePolicy(rest_seconds=5.0, longest_rest_seconds=4.0), r"longest_rest_seconds is 4\.0, which is"),
        (lambda: FailurePolicy(rest_seconds=inf), r"shorter than the first rest of inf s"),
        (lambda: FailurePolicy(longest_rest_seconds=nan), "longest_rest_seconds is nan"),
    ],
)
def test_a_policy_that_makes_no_sense_is_an_error(make: Callable[[], FailurePolicy], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
