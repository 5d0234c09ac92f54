"""Systems that keep failing rest, and come back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import inf, nan

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.runtime import (
    Activity,
    App,
    AppDescription,
    Commands,
    FixedUpdate,
    OnEnter,
    ReactiveRunner,
    Res,
    States,
    SystemDescription,
    SystemFailed,
    Time,
    Update,
    activity,
    before,
    in_set,
    run_if,
)
from ecs_localai.runtime.failing import FailingStep, FailingSystems, SystemRecovered
from ecs_localai.runtime.failure_policy import FailurePolicy
from tests.runtime.runtime_parts import Broken, Clock, One, Position, Shown, Stage, noting


class Fragile:
    """A system, or a condition that holds, that fails while it is told to."""

    __qualname__ = "Fragile"

    def __init__(self, *, fails: bool = True) -> None:
        self.fails = fails
        self.tries = 0

    def __call__(self) -> bool:
        self.tries += 1
        if self.fails:
            raise Broken(f"try {self.tries}")
        return True


def fragile(name: str = "fragile", *, fails: bool = True) -> Fragile:
    """One that is called so in messages."""
    made = Fragile(fails=fails)
    made.__qualname__ = name
    return made


def described(app: App, name: str = "fragile") -> SystemDescription:
    """A system of `Update`."""
    (update,) = [one for one in app.describe().schedules if one.name == "Update"]
    (found,) = [system for stage in update.stages for system in stage.systems if system.name == name]
    return found


def step_frames(app: App, count: int, dt: float = 0.0) -> None:
    """So many frames."""
    for _ in range(count):
        app.update(dt)


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
    (run,) = [one.process for one in app._frame.layout.processors if isinstance(one, One)]
    segment = run.__self__  # type: ignore[attr-defined]  # a single part is a bound method of its segment
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
    step_frames(app, 5, dt=1e6)
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


class Place(States):
    """Where the app is."""

    HOME = 1


def test_the_end_of_a_rest_wakes_a_runner_that_sleeps_once(app: App, failures: list[SystemFailed]) -> None:
    """Also where nothing would run then: the system belongs to a state that is not entered again."""
    app.set_failure_policy(FailurePolicy(failures=1, rest_seconds=0.02))
    app.init_state(Place.HOME)
    app.add_systems(OnEnter(Place.HOME), fragile())
    app.update(0.0)
    assert failures[-1].rests_seconds == 0.02
    step_frames(app, 3)
    assert app.idle_delay() == pytest.approx(0.02)
    app.update(0.02)
    assert app.world.resource(Activity).happened
    app.update(0.001)
    app.update(0.001)
    assert not app.world.resource(Activity).happened
    assert app.idle_delay() is None
    failures.clear()


@pytest.mark.timeout(30)
def test_a_runner_that_sleeps_wakes_when_a_rest_ends(app: App, failures: list[SystemFailed]) -> None:
    """Nothing else in this program would wake it."""
    app.set_failure_policy(FailurePolicy(failures=3, rest_seconds=0.01))
    tries: list[float] = []

    def fail() -> None:
        tries.append(app.time.real_elapsed_seconds)
        if len(tries) == 6:
            app.exit(6)
        else:
            if len(tries) < 3:
                app.wakeups.request_frame()
            raise Broken

    app.add_set_processors(One())
    app.configure_sets(Update, run_if(activity, Shown.ONE))
    app.add_systems(Update, in_set(Shown.ONE, fail))
    assert ReactiveRunner()(app) == 6
    waited = [now - last for last, now in pairwise(tries[2:])]
    assert all(seconds >= rest for seconds, rest in zip(waited, (0.01, 0.02, 0.04), strict=True))
    assert app.wakeups.due_times() == [], "the rest's timer is gone"
    failures.clear()


def test_the_log_says_once_that_it_rests_and_once_that_it_works_again(caplog: pytest.LogCaptureFixture) -> None:
    system = fragile()
    with App() as app, caplog.at_level(logging.WARNING, "ecs_localai"):
        app.add_systems(Update, system)
        step_frames(app, 10)
        step_frames(app, 5, dt=10.0)
        system.fails = False
        app.update(60.0)
        step_frames(app, 3)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 3
    assert messages[0].startswith("System fragile (Update) failed in frame 1; the other systems go on.")
    assert messages[1] == (
        "System fragile (Update) failed 10 times in a row and rests for 1 s; then it is tried again, and each further "
        "failure doubles the rest, up to 60 s. The last error was Broken: try 10"
    )
    assert messages[2] == "System fragile (Update) works again; it had failed 14 times in a row."


def test_the_log_says_what_a_suspended_system_waits_for(caplog: pytest.LogCaptureFixture) -> None:
    with App() as app, caplog.at_level(logging.WARNING, "ecs_localai"):
        app.set_failure_policy(FailurePolicy.suspends(1))
        app.add_systems(Update, fragile())
        app.update()
    assert "failed once and is suspended until App.resume_system is called for it" in caplog.text


def test_recovery_is_an_event_where_there_was_a_rest(app: App, failures: list[SystemFailed]) -> None:
    system = fragile()
    recovered = app.events(SystemRecovered).reader()
    app.add_systems(Update, system)
    app.update()
    system.fails = False
    app.update()
    assert recovered.read() == []
    system.fails = True
    step_frames(app, 10)
    system.fails = False
    app.update(1.0)
    assert recovered.read() == [SystemRecovered("fragile", "Update", 10, app.time.frame)]
    failures.clear()


def test_a_description_tells_what_rests_and_how_long(app: App, failures: list[SystemFailed]) -> None:
    system = fragile()
    app.add_systems(Update, system)
    step_frames(app, 9)
    assert described(app).rest is None
    app.update()
    app.update(0.25)
    rest = described(app).rest
    assert rest is not None
    assert (rest.name, rest.failures_in_a_row, rest.error) == ("fragile", 10, "Broken: try 10")
    assert rest.seconds_left == pytest.approx(0.75)
    whole = app.describe()
    assert msgspec.json.decode(msgspec.json.encode(whole), type=AppDescription) == whole
    assert "fragile  rests for 0.8 s, as fragile failed 10 times in a row: Broken: try 10\n" in str(whole)
    app.set_timing(True)
    assert "has not run since timing is on; rests for 0.8 s" in str(app.describe())
    app.update(0.75)
    rest = described(app).rest
    assert rest is not None
    assert rest.seconds_left == 2.0
    failures.clear()


def test_a_description_tells_of_suspended_systems_and_of_a_visible_sets_condition(
    app: App, failures: list[SystemFailed]
) -> None:
    app.set_failure_policy(FailurePolicy.suspends(1))
    app.add_set_processors(One())
    app.configure_sets(Update, run_if(fragile(), Shown.ONE))
    app.add_systems(Update, in_set(Shown.ONE, noting([], "work")))
    app.update()
    (stage,) = [one for schedule in app.describe().schedules for one in schedule.stages if one.systems]
    assert stage.rest is not None
    assert stage.rest.seconds_left is None
    assert "if fragile  rests until it is resumed, as fragile failed once: Broken" in str(app.describe())
    failures.clear()


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


def test_failing_leaves_the_world_alone(app: App, failures: list[SystemFailed]) -> None:
    """Commands of a failing system are applied; those of one that rests were never queued."""

    def plant(commands: Commands) -> None:
        commands.spawn(Position())
        raise Broken

    app.add_systems(Update, plant)
    step_frames(app, 20)
    assert len(app.world.query(Position)) == 10
    failures.clear()
