"""Timers and requested frames: when a program that sleeps between frames has to wake."""

from __future__ import annotations

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from ecs_localai.runtime import App, EventWriter, Latest, Time, Timer, Update, Wakeups
from tests.runtime.runtime_parts import Ping


def at(seconds: float) -> Time:
    """A clock that shows this."""
    time = Time()
    time.tick(seconds)
    return time


def test_without_timers_nothing_is_ever_due() -> None:
    wakeups = Wakeups()
    assert wakeups.delay(at(5.0)) is None
    assert not wakeups.due(at(5.0))


def test_new_timer_is_due_at_once_unless_told_otherwise() -> None:
    wakeups = Wakeups()
    timer = wakeups.timer()
    assert wakeups.due(at(0.0))
    timer.stop()
    wakeups.timer(due=3.0)
    assert not wakeups.due(at(2.5))
    assert wakeups.delay(at(2.5)) == 0.5


def test_earliest_timer_counts() -> None:
    wakeups = Wakeups()
    late, early = wakeups.timer(), wakeups.timer()
    late.restart(at(1.0), 10.0)
    early.restart(at(1.0), 2.0)
    assert wakeups.delay(at(1.0)) == 2.0
    early.stop()
    assert wakeups.delay(at(1.0)) == 10.0
    late.drop()
    assert wakeups.delay(at(1.0)) is None


def test_timer_that_has_passed_stays_due_until_it_is_restarted() -> None:
    wakeups = Wakeups()
    timer = wakeups.timer(due=1.0)
    assert [wakeups.due(at(seconds)) for seconds in (0.5, 1.0, 1.5, 2.0)] == [False, True, True, True]
    assert wakeups.delay(at(2.0)) == 0.0
    timer.restart(at(2.0), 1.0)
    assert not wakeups.due(at(2.5))
    assert wakeups.due(at(3.0))


def test_dropping_a_timer_twice_does_no_harm() -> None:
    wakeups = Wakeups()
    timer = wakeups.timer()
    timer.drop()
    timer.drop()
    assert wakeups.delay(at(0.0)) is None


def test_requested_frame_is_one_frame() -> None:
    wakeups = Wakeups()
    wakeups.request_frame()
    assert wakeups.delay(at(1.0)) == 0.0
    assert wakeups.delay(at(1.0)) == 0.0, "asking when is not having it"
    assert wakeups.due(at(1.0))
    assert not wakeups.due(at(1.0))
    assert wakeups.delay(at(1.0)) is None


@pytest.mark.parametrize("what", ["restart", "stop", "drop", "new"])
def test_requested_frame_survives_what_is_done_to_timers_after_it(what: str) -> None:
    wakeups = Wakeups()
    timer = wakeups.timer(due=50.0)
    wakeups.request_frame()
    if what == "restart":
        timer.restart(at(1.0), 60.0)
    elif what == "stop":
        timer.stop()
    elif what == "drop":
        timer.drop()
    else:
        wakeups.timer(due=70.0)
    assert wakeups.delay(at(1.0)) == 0.0
    assert wakeups.due(at(1.0))
    assert not wakeups.due(at(1.0))


class WakeupsModel(RuleBasedStateMachine):
    """Any sequence of timers, against a dictionary of moments."""

    timers = Bundle("timers")

    def __init__(self) -> None:
        super().__init__()
        self.wakeups = Wakeups()
        self.time = Time()
        self.due: dict[Timer, float] = {}
        self.requested = False

    @rule(target=timers, due=st.floats(0.0, 20.0))
    def new(self, due: float) -> Timer:
        timer = self.wakeups.timer(due)
        self.due[timer] = due
        return timer

    @rule(timer=timers, seconds=st.floats(0.0, 5.0))
    def restart(self, timer: Timer, seconds: float) -> None:
        timer.restart(self.time, seconds)
        self.due[timer] = self.time.real_elapsed_seconds + seconds

    @rule(timer=timers)
    def stop(self, timer: Timer) -> None:
        timer.stop()
        self.due[timer] = math.inf

    @rule(timer=consumes(timers))
    def drop(self, timer: Timer) -> None:
        timer.drop()
        del self.due[timer]

    @rule()
    def request(self) -> None:
        self.wakeups.request_frame()
        self.requested = True

    @rule(seconds=st.floats(0.0, 3.0))
    def frame(self, seconds: float) -> None:
        self.time.tick(seconds)
        expected = self.requested or any(due <= self.time.real_elapsed_seconds for due in self.due.values())
        self.requested = False
        assert self.wakeups.due(self.time) == expected

    @invariant()
    def delay_agrees(self) -> None:
        earliest = min(self.due.values(), default=math.inf)
        expected = None if earliest == math.inf else max(0.0, earliest - self.time.real_elapsed_seconds)
        assert self.wakeups.delay(self.time) == (0.0 if self.requested else expected)


TestWakeupsModel = WakeupsModel.TestCase
TestWakeupsModel.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_app_knows_how_long_it_may_sleep(app: App) -> None:
    app.update(1.0)
    app.update(1.0)
    assert app.idle_delay() is None
    app.wakeups.timer(due=5.0)
    assert app.idle_delay() == 3.0
    app.wakeups.request_frame()
    assert app.idle_delay() == 0.0


def test_app_may_not_sleep_over_an_event_an_arrival_or_a_command(app: App) -> None:
    app.update(1.0)
    app.send_event(1)
    assert app.idle_delay() == 0.0
    app.update(1.0)
    app.update(1.0)
    assert app.idle_delay() is None
    app.commands.spawn()
    assert app.idle_delay() == 0.0
    app.update(1.0)
    assert app.idle_delay() is None
    channel: Latest[int] = app.tasks.channel()
    channel.send(1)
    assert app.idle_delay() == 0.0


def test_event_written_in_a_frame_that_nobody_reads_wakes_no_other_frame(app: App) -> None:
    def tell(pings: EventWriter[Ping]) -> None:
        if app.time.frame == 2:
            pings.write(Ping(1))

    app.add_systems(Update, tell)
    app.update()
    app.update()
    assert app.idle_delay() is None


def test_event_written_between_frames_wakes_one_even_if_nobody_reads_it(app: App) -> None:
    app.update()
    app.events(Ping).write(Ping(1))
    assert app.idle_delay() == 0.0
    app.update()
    assert app.idle_delay() is None
