"""Shutting the task pool down: it cancels, waits for the closers, and ends its thread."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from ecs_localai.runtime import App, IoTaskPool
from tests.rig.waiting import wait_until
from tests.runtime.runtime_parts import Broken, Gate, forever


@pytest.fixture
def pool() -> Iterator[IoTaskPool]:
    """A pool of the test's own."""
    pool = IoTaskPool("a pool under test")
    yield pool
    assert pool.shutdown()


def thread_is_there() -> bool:
    """Whether the pool's thread runs."""
    return any(thread.name == "a pool under test" for thread in threading.enumerate())


def test_shutdown_cancels_then_closes_then_ends_the_thread(pool: IoTaskPool) -> None:
    notes: list[str] = []

    async def work() -> None:
        notes.append("begun")
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            notes.append("cancelled")

    async def close(name: str) -> None:
        await asyncio.sleep(0)
        notes.append(f"closed {name}")

    pool.on_close(lambda: close("first"))
    pool.on_close(lambda: close("second"))
    task = pool.spawn(work())
    wait_until(lambda: notes)
    assert pool.shutdown()
    assert notes == ["begun", "cancelled", "closed first", "closed second"]
    assert task.is_finished()
    assert not thread_is_there()


def test_closer_that_fails_is_logged_and_keeps_no_other_from_closing(
    pool: IoTaskPool, caplog: pytest.LogCaptureFixture
) -> None:
    notes: list[str] = []

    async def fail() -> None:
        raise Broken

    async def close() -> None:
        notes.append("closed")

    pool.on_close(fail)
    pool.on_close(close)
    pool.spawn(forever()).detach()
    with caplog.at_level(logging.ERROR, "ecs_localai"):
        pool.shutdown()
    assert notes == ["closed"]
    assert "Closing a background resource failed" in caplog.text


def test_closers_are_not_called_when_nothing_was_ever_spawned(pool: IoTaskPool) -> None:
    called: list[int] = []

    async def close() -> None:
        called.append(1)

    pool.on_close(close)
    assert pool.shutdown()
    assert called == []


def test_spawn_after_shutdown_is_an_error_and_leaves_no_coroutine_behind(pool: IoTaskPool) -> None:
    pool.shutdown()
    work = forever()
    with pytest.raises(RuntimeError, match="was shut down together with its app"):
        pool.spawn(work)
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        work.send(None)


def test_work_spawned_just_before_shutdown_is_finished_one_way_or_the_other(pool: IoTaskPool) -> None:
    gate = Gate()
    tasks = [pool.spawn(gate.passed()) for _ in range(50)]
    assert pool.shutdown()
    assert all(task.is_finished() for task in tasks)


def test_detached_work_ends_with_the_pool(pool: IoTaskPool) -> None:
    pool.spawn(forever()).detach()
    assert pool.shutdown()
    assert pool.in_flight == 0


def test_tasks_dropped_after_the_shutdown_do_no_harm(pool: IoTaskPool) -> None:
    task = pool.spawn(forever())
    assert pool.shutdown()
    task.cancel()
    del task
    assert pool.shutdown()


def test_work_that_blocks_its_thread_makes_shutdown_give_up_in_time_and_say_so(
    pool: IoTaskPool, caplog: pytest.LogCaptureFixture
) -> None:
    leave = threading.Event()
    stuck = threading.Event()

    async def block() -> None:
        stuck.set()
        leave.wait()

    pool.spawn(block()).detach()
    assert stuck.wait(10.0)
    with caplog.at_level(logging.WARNING, "ecs_localai"):
        assert not pool.shutdown(timeout=0.05)
    assert "a pool under test did not end within 0.05 s" in caplog.text
    leave.set()
    assert pool.shutdown()
    assert not thread_is_there()


def test_app_shutdown_shuts_its_pool_down() -> None:
    closed: list[str] = []

    async def close() -> None:
        closed.append(threading.current_thread().name)

    with App() as app:
        app.tasks.on_close(close)
        task = app.tasks.spawn(forever())
    assert closed == [f"{app.world.name}-io"]
    assert task.is_finished()
    with pytest.raises(RuntimeError, match="was shut down"):
        app.tasks.spawn(forever())
