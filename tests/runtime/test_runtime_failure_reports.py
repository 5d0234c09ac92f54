"""What is told of systems that rest: in the log, by events, in descriptions, and to runners that sleep."""

from __future__ import annotations

import logging
from itertools import pairwise

import msgspec
import pytest

from ecs_localai.runtime import (
    Activity,
    App,
    AppDescription,
    OnEnter,
    ReactiveRunner,
    States,
    SystemFailed,
    Update,
    activity,
    in_set,
    run_if,
)
from ecs_localai.runtime.failing import SystemRecovered
from ecs_localai.runtime.failure_policy import FailurePolicy
from tests.runtime.failing_parts import described, fragile, step_frames
from tests.runtime.runtime_parts import Broken, One, Shown, noting


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
