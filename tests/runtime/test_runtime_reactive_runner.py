"""The reactive runner: no frame without a reason, and none too late."""

from __future__ import annotations

import threading

import esper
import pytest

from ecs_localai.runtime import (
    Added,
    App,
    Commands,
    EventReader,
    Latest,
    Plugin,
    Query,
    ReactiveRunner,
    SystemFailed,
    Update,
    activity,
    before,
    run_if,
)
from tests.runtime.runtime_parts import Gate, Ping, Position, noting

pytestmark = pytest.mark.timeout(30)
"""A runner that overslept would never end: nothing else in these programs would wake it."""


def test_arrival_wakes_it(app: App) -> None:
    gate = Gate()
    task = app.tasks.spawn(gate.passed(1))

    def leave_when_done() -> None:
        if task.is_finished():
            app.exit(3)
        elif app.time.frame == 1:
            gate.open(app)

    app.add_systems(Update, leave_when_done)
    assert ReactiveRunner()(app) == 3


def test_value_sent_while_it_sleeps_or_runs_wakes_it(app: App) -> None:
    channel: Latest[int] = app.tasks.channel()
    rounds = 200
    seen: list[object] = []
    taken = threading.Semaphore(0)

    def send() -> None:
        for number in range(1, rounds + 1):
            channel.send(number)
            taken.acquire(timeout=20.0)

    def take() -> None:
        value = channel.take()
        if value is not None:
            seen.append(value)
            taken.release()
        if value == rounds:
            app.exit()

    thread = threading.Thread(target=send)
    app.add_systems(Update, take)
    thread.start()
    assert ReactiveRunner()(app) == 0
    thread.join()
    assert seen == list(range(1, rounds + 1))


def test_timer_wakes_it(app: App) -> None:
    timer = app.wakeups.timer(float("inf"))

    def rest_then_leave() -> None:
        if app.time.frame == 1:
            timer.restart(app.time, 0.01)
        elif app.time.real_elapsed_seconds >= timer.due:
            app.exit(4)

    app.add_systems(Update, rest_then_leave)
    assert ReactiveRunner()(app) == 4


def test_event_written_last_in_a_frame_is_read_in_another(app: App) -> None:
    def read(reader: EventReader[Ping]) -> None:
        for ping in reader:
            app.exit(ping.number)

    def write() -> None:
        if app.time.frame == 1:
            app.send_event(Ping(6))

    app.add_systems(Update, before(write, read), write)
    assert ReactiveRunner()(app) == 6


@pytest.mark.parametrize("plainly", [True, False], ids=["plain esper", "commands"])
def test_entity_made_last_in_a_frame_is_seen_in_another(app: App, plainly: bool) -> None:
    def greet(query: Query[Position, Added[Position]]) -> None:
        for _ in query:
            app.exit(5)

    def make(commands: Commands) -> None:
        if app.time.frame == 1:
            if plainly:
                esper.create_entity(Position())
            else:
                commands.spawn(Position())

    app.add_systems(Update, before(make, run_if(activity, greet)), make)
    assert ReactiveRunner()(app) == 5


def test_requested_frame_comes_at_once(app: App) -> None:
    log: list[str] = []

    def ask() -> None:
        if app.time.frame < 4:
            app.wakeups.request_frame()
        else:
            app.exit()

    app.add_systems(Update, ask, noting(log, "frame"))
    assert ReactiveRunner()(app) == 0
    assert len(log) == 4


def test_idle_world_has_no_frames(app: App) -> None:
    """The only thing that ends this program is a thread that waits until the runner has come to rest."""
    frames = 0

    def count() -> None:
        nonlocal frames
        frames += 1

    gate = Gate()
    task = app.tasks.spawn(gate.passed())
    resting = threading.Event()

    def leave_when_done() -> None:
        if app.time.frame == 1:
            gate.open(app)
        if task.is_finished():
            resting.set()
            app.exit()

    app.add_systems(Update, count, leave_when_done)
    ReactiveRunner()(app)
    assert resting.is_set()
    assert frames <= 3, "the first, one for each arrival"


def test_frames_are_counted_and_plugins_waited_for(app: App, failures: list[SystemFailed]) -> None:
    class Slow(Plugin):
        asked = 0

        def ready(self, app: App) -> bool:
            self.asked += 1
            return self.asked > 3

    log: list[str] = []
    app.add_plugins(Slow())
    app.add_systems(Update, noting(log, "frame"), app.wakeups.request_frame)
    assert ReactiveRunner(frames=2)(app) == 0
    assert log == ["frame", "frame"]
    assert failures == []


def test_negative_number_of_frames_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"frames is -1: give 0 or more"):
        ReactiveRunner(frames=-1)
