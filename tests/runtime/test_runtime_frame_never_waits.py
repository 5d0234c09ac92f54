"""A host's frame never waits for us: frames go on while the background provably has not finished.

Nothing here measures time. Work in the background ends only when the test says so, after the frames; had a frame
waited for it, the test would never have come to say so.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import urlsplit

import pytest

from ecs_localai.runtime import Latest, Task
from tests.rig.odd_servers import Silent
from tests.rig.waiting import run_frames_until, wait_until
from tests.runtime.hostile_parts import WAYS, Guest, guest_in

FRAMES = 500


@pytest.fixture(params=WAYS)
def guest(request: pytest.FixtureRequest, host_world: str) -> Iterator[Guest]:
    """A guest in each of the three ways."""
    with guest_in(host_world, request.param) as guest:
        yield guest


class Blocker:
    """Work that keeps the background's only thread to itself until `release`: it computes, and never gives way."""

    def __init__(self) -> None:
        self._released = threading.Event()
        self._begun = threading.Event()
        self.rounds = 0

    async def compute(self) -> int:
        """Count primes below a thousand, again and again; returns how often that was done."""
        self._begun.set()
        while not self._released.is_set():
            assert sum(all(number % one for one in range(2, number)) for number in range(2, 1000)) == 168
            self.rounds += 1
        return self.rounds

    @property
    def is_computing(self) -> bool:
        """Whether it has begun and has not been released."""
        return self._begun.is_set() and not self._released.is_set()

    def release(self) -> None:
        """Let it end."""
        self._released.set()


@pytest.fixture
def blocked(guest: Guest) -> Iterator[tuple[Guest, Blocker, Task[int]]]:
    """A guest whose background thread is busy and answers nobody."""
    blocker = Blocker()
    task = guest.app.tasks.spawn(blocker.compute(), "compute")
    wait_until(lambda: blocker.is_computing)
    try:
        yield guest, blocker, task
    finally:
        blocker.release()


def run_frames(guest: Guest) -> None:
    """Frames of the host's, each with all that is ours in it."""
    frames, host_frames = guest.app.time.frame, len(guest.host.worlds)
    for _ in range(FRAMES):
        guest.frame()
    assert guest.app.time.frame == frames + FRAMES
    assert len(guest.host.worlds) == host_frames + FRAMES
    assert guest.failures == []


def test_frames_go_on_while_the_background_computes(blocked: tuple[Guest, Blocker, Task[int]]) -> None:
    guest, blocker, task = blocked
    run_frames(guest)
    assert blocker.is_computing
    assert not task.is_finished()
    assert task.check_ready() is None
    guest.assert_alive()
    assert blocker.is_computing
    blocker.release()
    run_frames_until(guest.app, task.is_finished)
    assert task.check_ready() == blocker.rounds


def test_nothing_that_a_frame_does_with_tasks_waits_for_the_background(
    blocked: tuple[Guest, Blocker, Task[int]],
) -> None:
    """Spawning, asking, cancelling, detaching, dropping and taking from a channel: each returns at once."""
    guest, blocker, task = blocked
    pool = guest.app.tasks

    async def answer() -> int:
        return 1

    channel: Latest[int] = pool.channel()
    waiting = [pool.spawn(answer()) for _ in range(10)]
    cancelled = pool.spawn(answer())
    cancelled.cancel()
    dropped = pool.spawn(answer())
    del dropped
    pool.spawn(answer()).detach()
    task.cancel()
    assert channel.take() is None
    assert pool.in_flight >= 12
    run_frames(guest)
    assert blocker.is_computing
    assert not task.is_finished()
    assert not any(one.is_finished() for one in (*waiting, cancelled))
    blocker.release()
    run_frames_until(guest.app, lambda: all(one.is_finished() for one in (task, *waiting, cancelled)))
    assert [one.check_ready() for one in waiting] == [1] * 10


def test_component_whose_task_computes_can_be_deleted_at_once(blocked: tuple[Guest, Blocker, Task[int]]) -> None:
    """Deleting its entity cancels it, which it will only notice later; nobody waits for that."""
    guest, blocker, _ = blocked
    held = guest.app.tasks.spawn(asyncio.sleep(3600), "sleep")
    entity = guest.app.world.spawn(held)
    del held
    guest.frame()
    guest.app.world.despawn(entity)
    run_frames(guest)
    assert blocker.is_computing
    blocker.release()
    wait_until(lambda: "sleep" not in guest.app.tasks.task_names)


async def _ask(url: str) -> bytes:
    """Ask over a real connection, and wait for the first byte."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: silent\r\n\r\n")
        await writer.drain()
        return await reader.read(1)
    finally:
        writer.close()


async def _connect_only(url: str) -> bytes:
    """Connect, say nothing, and wait for a greeting."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        return await reader.read(1)
    finally:
        writer.close()


@pytest.mark.parametrize("talk", [_ask, _connect_only])
def test_frames_go_on_while_a_server_never_answers(guest: Guest, talk: Callable[[str], Awaitable[bytes]]) -> None:
    with Silent() as silent:

        async def wait_for_the_answer() -> bytes:
            return await talk(silent.base_url)

        task = guest.app.tasks.spawn(wait_for_the_answer(), "ask a silent server")
        if talk is _ask:
            wait_until(lambda: silent.requests == ["GET /"])
        run_frames(guest)
        assert not task.is_finished()
        guest.assert_alive()
        assert not task.is_finished()
        task.cancel()
        run_frames_until(guest.app, task.is_finished)
