"""Cancelling: by asking, by dropping, by despawning; never what was detached, and never twice."""

from __future__ import annotations

import asyncio
import gc

import esper
import pytest

from ecs_localai.runtime import Added, App, Query, Task, TaskCancelled, Update, With, Without, run_if
from tests.rig.waiting import run_frames_until, wait_until
from tests.runtime.runtime_parts import Gate, Position, forever


class Work:
    """Work without an end that notes how it went."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    async def run(self, *, slow: bool = False) -> None:
        self.notes.append("begun")
        try:
            await forever()
        finally:
            for _ in range(20 if slow else 0):
                await asyncio.sleep(0)
            self.notes.append("cleaned up")


class Doing:
    """A component that holds a task."""

    def __init__(self, task: Task[None]) -> None:
        self.task = task


def begun(app: App, work: Work, *, slow: bool = False) -> Task[None]:
    """A task that is under way."""
    task = app.tasks.spawn(work.run(slow=slow), "the work")
    wait_until(lambda: work.notes == ["begun"], poll=0.001)
    return task


def test_cancelled_task_cleans_up_and_says_that_it_was_cancelled(app: App) -> None:
    work = Work()
    task = begun(app, work)
    task.cancel()
    run_frames_until(app, task.is_finished)
    assert work.notes == ["begun", "cleaned up"]
    for _ in range(2):
        with pytest.raises(TaskCancelled, match="the work was cancelled"):
            task.check_ready()


def test_task_cancelled_before_it_could_begin_never_begins(app: App) -> None:
    work = Work()
    gate = Gate()
    first = app.tasks.spawn(gate.passed())
    tasks = [app.tasks.spawn(work.run()) for _ in range(10)]
    for task in tasks:
        task.cancel()
    run_frames_until(app, lambda: all(task.is_finished() for task in tasks))
    assert work.notes.count("begun") == work.notes.count("cleaned up")
    gate.open(app)
    run_frames_until(app, first.is_finished)


def test_cancelling_a_finished_task_changes_nothing(app: App) -> None:
    gate = Gate()
    task = app.tasks.spawn(gate.passed(3))
    gate.open(app)
    run_frames_until(app, task.is_finished)
    task.cancel()
    app.update()
    assert task.check_ready() == 3


def test_dropping_the_last_reference_cancels(app: App) -> None:
    work = Work()
    task = begun(app, work)
    del task
    gc.collect()
    wait_until(lambda: work.notes == ["begun", "cleaned up"])


def test_dropping_after_cancelling_does_not_disturb_the_cleaning_up(app: App) -> None:
    work = Work()
    task = begun(app, work, slow=True)
    task.cancel()
    task.cancel()
    del task
    gc.collect()
    wait_until(lambda: app.tasks.in_flight == 0)
    assert work.notes == ["begun", "cleaned up"]


def test_shutdown_does_not_disturb_the_cleaning_up_of_what_was_cancelled() -> None:
    work = Work()
    with App() as app:
        task = begun(app, work, slow=True)
        task.cancel()
    assert work.notes == ["begun", "cleaned up"]


def test_detached_task_runs_to_its_end_although_nobody_holds_it(app: App) -> None:
    done: list[int] = []
    gate = Gate()

    async def finish() -> None:
        done.append(await gate.passed(5))

    task = app.tasks.spawn(finish())
    task.detach()
    del task
    gc.collect()
    gate.open(app)
    run_frames_until(app, lambda: done)
    assert done == [5]


def test_despawning_the_entity_that_holds_a_task_cancels_it(app: App) -> None:
    work = Work()
    entity = app.world.spawn(Doing(begun(app, work)))
    app.update()
    assert len(app.world.query(Doing)) == 1
    app.world.despawn(entity)
    run_frames_until(app, lambda: work.notes == ["begun", "cleaned up"])


def test_replacing_the_component_cancels_the_task_of_the_old_one(app: App) -> None:
    work, other = Work(), Work()
    entity = app.world.spawn(Doing(begun(app, work)))
    app.world.insert(entity, Doing(begun(app, other)))
    run_frames_until(app, lambda: work.notes == ["begun", "cleaned up"])
    assert other.notes == ["begun"]


def test_despawning_by_plain_esper_cancels_too(host_world: str) -> None:
    work = Work()
    with App(world=host_world) as app:
        entity = esper.create_entity(Doing(begun(app, work)))
        app.update()
        esper.delete_entity(entity)
        esper.process()
        run_frames_until(app, lambda: work.notes == ["begun", "cleaned up"])


def test_clearing_the_database_cancels_all(host_world: str) -> None:
    work = Work()
    with App(world=host_world) as app:
        esper.create_entity(Doing(begun(app, work)))
        app.update()
        esper.clear_database()
        run_frames_until(app, lambda: work.notes == ["begun", "cleaned up"])


def test_systems_that_have_seen_the_task_and_run_no_more_do_not_keep_it_alive(app: App) -> None:
    gate = [True]
    seen: list[int] = []

    def look(
        plain: Query[Doing],
        added: Query[Doing, Added[Doing]],
        narrowed: Query[Doing, With[Position]],
        without: Query[Doing, Without[Work]],
    ) -> None:
        seen.append(len(plain) + len(added) + len(narrowed) + len(without))

    app.add_systems(Update, run_if(lambda: gate[0], look))
    work = Work()
    entity = app.world.spawn(Doing(begun(app, work)), Position())
    app.update()
    gate[0] = False
    app.update()
    app.world.despawn(entity)
    run_frames_until(app, lambda: work.notes == ["begun", "cleaned up"])
    assert seen == [4]


def test_task_that_does_not_listen_the_first_time_is_ended_by_shutdown() -> None:
    notes: list[str] = []

    async def deaf() -> None:
        notes.append("begun")
        try:
            await forever()
        except asyncio.CancelledError:
            notes.append("heard nothing")
        await forever()

    app = App()
    task = app.tasks.spawn(deaf())
    wait_until(lambda: notes == ["begun"])
    task.cancel()
    wait_until(lambda: notes == ["begun", "heard nothing"])
    app.shutdown()
    assert task.is_finished()
