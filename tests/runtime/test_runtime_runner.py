"""Runners: what steps an app when nobody else does."""

from __future__ import annotations

import threading
from collections.abc import Callable

import esper
import pytest

from ecs_localai.runtime import (
    App,
    AppExit,
    EventWriter,
    Latest,
    Plugin,
    ReactiveRunner,
    ScheduleError,
    ScheduleRunner,
    Startup,
    Task,
    Update,
    after,
)
from tests.runtime.runtime_parts import Gate, broken, noting

pytestmark = pytest.mark.timeout(30)
HOURS = 1 / 7200
"""A rate at which the next frame is two hours away: what comes sooner has been woken."""


def test_number_of_frames_is_kept_and_ends_with_zero() -> None:
    log: list[str] = []
    app = App()
    app.add_systems(Update, noting(log, "frame"))
    app.set_runner(ScheduleRunner(frames=3))
    assert app.run() == 0
    assert log == ["frame"] * 3


def test_no_frames_are_no_frames(app: App) -> None:
    assert ScheduleRunner(frames=0)(app) == 0
    assert app.time.frame == 0


def test_runner_begins_where_the_app_is(app: App) -> None:
    app.update()
    app.update()
    assert ScheduleRunner(frames=2)(app) == 0
    assert app.time.frame == 4


def test_exit_ends_the_run_after_its_frame_with_its_code() -> None:
    log: list[str] = []
    app = App()

    def leave(exits: EventWriter[AppExit]) -> None:
        if app.time.frame == 3:
            exits.write(AppExit(5))

    app.add_systems(Update, leave, noting(log, "after"))
    assert app.run() == 5
    assert log == ["after"] * 3


def test_exit_asked_for_before_the_run_ends_it_after_one_frame() -> None:
    app = App()
    app.exit(2)
    assert app.run() == 2
    assert app.time.frame == 1


def test_run_shuts_the_app_down() -> None:
    app = App()
    app.exit()
    app.run()
    assert app.world.name not in esper.list_worlds()
    with pytest.raises(RuntimeError, match="has been shut down"):
        app.update()


def test_system_that_shuts_the_app_down_ends_the_run() -> None:
    app = App()
    app.add_systems(Update, app.shutdown)
    assert app.run() == 0
    assert app.time.frame == 1
    assert esper.current_world == "default"


def test_impossible_order_ends_the_run_with_the_error_and_shuts_down() -> None:
    app = App()
    app.add_systems(Update, after(noting([], "absent"), noting([], "a")))
    with pytest.raises(ScheduleError):
        app.run()
    assert app.world.name not in esper.list_worlds()


def test_failing_systems_do_not_end_the_run(app: App) -> None:
    app.set_error_handler(lambda failure: None)
    app.add_systems(Update, broken())
    assert ScheduleRunner(frames=3)(app) == 0
    assert app.time.frame == 3


def test_interrupt_ends_the_run_and_shuts_down() -> None:
    def press() -> None:
        raise KeyboardInterrupt

    app = App()
    app.add_systems(Update, press)
    with pytest.raises(KeyboardInterrupt):
        app.run()
    assert esper.current_world == "default"
    assert app.world.name not in esper.list_worlds()


def test_runner_of_ones_own_gets_the_app_and_gives_the_code() -> None:
    app = App()

    def run(given: App) -> int:
        given.update(0.5)
        return 7

    app.set_runner(run)
    assert app.run() == 7
    assert app.time.elapsed_seconds == 0.5


def test_arrival_from_the_background_begins_the_next_frame_early() -> None:
    app = App()
    gate = Gate()
    task = app.tasks.spawn(gate.passed(1))

    def open_then_leave() -> None:
        if task.is_finished():
            app.exit()
        elif app.time.frame == 1:
            gate.open(app)

    app.add_systems(Update, open_then_leave)
    app.set_runner(ScheduleRunner(hz=HOURS))
    assert app.run() == 0
    assert app.time.frame >= 2


def test_value_sent_through_a_channel_begins_the_next_frame_early() -> None:
    app = App()
    channel: Latest[int] = app.tasks.channel()
    begun = threading.Event()

    def send() -> None:
        begun.wait(30.0)
        for _ in range(3):
            channel.send(1)

    def look() -> None:
        begun.set()
        if channel.take() is not None:
            app.exit()

    thread = threading.Thread(target=send)
    thread.start()
    app.add_systems(Update, look)
    app.set_runner(ScheduleRunner(hz=HOURS))
    assert app.run() == 0
    thread.join()


@pytest.mark.parametrize(
    "step", [ScheduleRunner(hz=HOURS, frames=1), ReactiveRunner(frames=1)], ids=["paced", "reactive"]
)
def test_runner_of_one_frame_is_a_step_that_waits_for_what_arrives(app: App, step: Callable[[App], int]) -> None:
    tasks: list[Task[None]] = []

    async def nothing() -> None:
        return None

    def spawn() -> None:
        tasks.append(app.tasks.spawn(nothing()))

    app.add_systems(Update, spawn)
    for frame in range(1, 4):
        assert step(app) == 0
        assert app.time.frame == frame
        assert tasks[-1].is_finished()


def test_paced_run_steps_by_itself() -> None:
    app = App()
    app.set_runner(ScheduleRunner(hz=500.0, frames=4))
    assert app.run() == 0
    assert app.time.frame == 4
    assert app.time.elapsed_seconds > 0.0


@pytest.mark.parametrize("hz", [None, 500.0])
def test_frames_before_the_plugins_are_ready_do_not_count(hz: float | None) -> None:
    class Slow(Plugin):
        asked = 0

        def ready(self, app: App) -> bool:
            self.asked += 1
            return self.asked > 3

    log: list[str] = []
    app = App()
    app.add_plugins(Slow())
    app.add_systems(Startup, noting(log, "startup")).add_systems(Update, noting(log, "frame"))
    app.set_runner(ScheduleRunner(hz=hz, frames=2))
    assert app.run() == 0
    assert log == ["startup", "frame", "frame"]


def test_apps_world_is_active_during_the_run_and_the_callers_after_it(host_world: str) -> None:
    seen: list[str] = []
    app = App()
    app.add_systems(Update, lambda: seen.append(esper.current_world))
    app.set_runner(ScheduleRunner(frames=1))
    app.run()
    assert seen == [app.world.name]
    assert esper.current_world == host_world


@pytest.mark.parametrize("hz", [0.0, -1.0, float("nan")])
def test_impossible_rate_is_an_error(hz: float) -> None:
    with pytest.raises(ValueError, match="give a number of frames a second above 0"):
        ScheduleRunner(hz=hz)


def test_negative_number_of_frames_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"frames is -1: give 0 or more"):
        ScheduleRunner(frames=-1)


def test_of_several_requests_to_exit_the_first_that_failed_counts(app: App) -> None:
    app.exit()
    app.exit(3)
    app.exit(4)
    assert app.should_exit() == AppExit(3)
