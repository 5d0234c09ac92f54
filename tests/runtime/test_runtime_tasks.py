"""Background tasks: asked without waiting, failing and ending on their own."""

from __future__ import annotations

import asyncio
import logging
import threading
import traceback

import pytest

from ecs_localai.runtime import App, Commands, IoTaskPool, Local, Query, Res, SystemFailed, Task, TaskCancelled, Update
from tests.rig.waiting import run_frames_until, wait_until
from tests.runtime.runtime_parts import Broken, Gate, Position


async def answer(value: int = 42) -> int:
    """Work that is done at once."""
    return value


async def fail() -> int:
    """Work that fails."""
    raise Broken("the background is broken")


def test_result_is_none_until_it_is_there_and_stays(app: App) -> None:
    gate = Gate()
    task = app.tasks.spawn(gate.passed(7))
    assert task.check_ready() is None
    assert not task.is_finished()
    gate.open(app)
    run_frames_until(app, task.is_finished)
    assert task.check_ready() == 7
    assert task.check_ready() == 7
    assert task.poll_once() == 7


def test_work_runs_in_one_background_thread(app: App) -> None:
    async def where() -> tuple[int, str]:
        return threading.get_ident(), threading.current_thread().name

    tasks = [app.tasks.spawn(where()) for _ in range(3)]
    run_frames_until(app, lambda: all(task.is_finished() for task in tasks))
    [(thread, name)] = {task.check_ready() or (0, "") for task in tasks}
    assert thread != threading.get_ident()
    assert name == f"{app.world.name}-io"


def test_no_thread_is_started_before_there_is_work() -> None:
    threads = threading.active_count()
    with App() as app:
        app.update()
        assert threading.active_count() == threads


def test_work_begins_in_the_order_it_was_spawned(app: App) -> None:
    begun: list[int] = []

    async def begin(number: int) -> None:
        begun.append(number)

    tasks = [app.tasks.spawn(begin(number)) for number in range(20)]
    run_frames_until(app, lambda: all(task.is_finished() for task in tasks))
    assert begun == list(range(20))


def test_failure_is_raised_each_time_it_is_asked_for_and_does_not_grow(app: App) -> None:
    task = app.tasks.spawn(fail())
    run_frames_until(app, task.is_finished)
    lengths = []
    for _ in range(20):
        with pytest.raises(Broken, match="the background is broken") as error:
            task.check_ready()
        lengths.append(len(traceback.extract_tb(error.tb)))
    assert set(lengths[1:]) == {lengths[0]}
    assert "in fail" in "".join(traceback.format_tb(error.tb))


def test_failure_asked_for_by_a_system_is_isolated(app: App, failures: list[SystemFailed]) -> None:
    task = app.tasks.spawn(fail())

    def ask() -> None:
        task.check_ready()

    app.add_systems(Update, ask)
    run_frames_until(app, lambda: failures)
    assert failures[0].message == "the background is broken"
    failures.clear()


@pytest.mark.parametrize("way", [SystemExit, KeyboardInterrupt])
def test_work_that_wants_to_end_the_program_fails_and_the_others_go_on(app: App, way: type[BaseException]) -> None:
    async def leave() -> None:
        raise way(3)

    gate = Gate()
    other = app.tasks.spawn(gate.passed(1))
    leaving = app.tasks.spawn(leave(), "leave")
    run_frames_until(app, leaving.is_finished)
    with pytest.raises(RuntimeError, match=rf"leave raised {way.__name__}\(3\) in the background; use App.exit"):
        leaving.check_ready()
    gate.open(app)
    run_frames_until(app, other.is_finished)
    assert other.check_ready() == 1


def test_work_that_cancels_itself_is_cancelled(app: App) -> None:
    async def give_up() -> None:
        raise asyncio.CancelledError

    task = app.tasks.spawn(give_up(), "giving up")
    run_frames_until(app, task.is_finished)
    with pytest.raises(TaskCancelled, match="giving up was cancelled"):
        task.check_ready()


def test_detached_work_that_fails_is_logged(app: App, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "ecs_localai"):
        app.tasks.spawn(fail(), "nobody's").detach()
        run_frames_until(app, lambda: caplog.records)
    assert "The background task nobody's failed: the background is broken" in caplog.text


def test_work_that_has_failed_when_it_is_detached_is_logged_once(app: App, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "ecs_localai"):
        task = app.tasks.spawn(fail(), "too fast")
        run_frames_until(app, task.is_finished)
        assert caplog.text == ""
        task.detach()
        task.detach()
    assert caplog.text.count("The background task too fast failed") == 1


def test_task_is_named_after_its_work_unless_it_is_given_a_name(app: App) -> None:
    unnamed, named = app.tasks.spawn(answer()), app.tasks.spawn(answer(), "the answer")
    assert (unnamed.name, named.name) == ("answer", "the answer")
    run_frames_until(app, lambda: unnamed.is_finished() and named.is_finished())


def test_tasks_in_flight_are_counted(app: App) -> None:
    gate = Gate()
    tasks = [app.tasks.spawn(gate.passed()) for _ in range(5)]
    assert app.tasks.in_flight == 5
    gate.open(app)
    run_frames_until(app, lambda: app.tasks.in_flight == 0)
    assert all(task.is_finished() for task in tasks)


def test_arrivals_are_counted_in_the_frame_that_gets_them(app: App) -> None:
    tasks = [app.tasks.spawn(answer()) for _ in range(3)]
    wait_until(lambda: all(task.is_finished() for task in tasks) and len(app.tasks.inbox) == 3)
    seen = [app.tasks.pending]
    app.update()
    assert app.tasks.arrived == 3
    seen.append(app.tasks.pending)
    assert seen == [True, False]
    app.update()
    assert app.tasks.arrived == 0


def test_system_spawns_work_and_a_later_frame_puts_the_result_into_the_world(app: App) -> None:
    class Thinking:
        def __init__(self, task: Task[int]) -> None:
            self.task = task

    def begin(tasks: Res[IoTaskPool], commands: Commands, begun: Local[bool]) -> None:
        if not begun.value:
            begun.value = True
            commands.spawn(Thinking(tasks.spawn(answer(9))))

    def finish(query: Query[Thinking], commands: Commands) -> None:
        for entity, thinking in query:
            result = thinking.task.check_ready()
            if result is not None:
                commands.remove(entity, Thinking)
                commands.insert(entity, Position(result))

    app.add_systems(Update, begin, finish)
    [(_, position)] = run_frames_until(app, lambda: app.world.query(Position))
    assert position.x == 9


def test_frames_go_on_while_the_background_is_busy(app: App) -> None:
    finished = threading.Event()

    async def spin() -> int:
        turns = 0
        while not finished.is_set():
            turns += 1
        return turns

    task = app.tasks.spawn(spin())
    for _ in range(20):
        app.update()
    finished.set()
    run_frames_until(app, task.is_finished)
    assert app.time.frame >= 20


def test_check_ready_of_work_without_a_result_is_none_and_is_finished_tells(app: App) -> None:
    async def nothing() -> None:
        return None

    task = app.tasks.spawn(nothing())
    run_frames_until(app, task.is_finished)
    assert task.check_ready() is None
