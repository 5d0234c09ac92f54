"""Threads: an app's frames belong to one of them, and whoever begins a frame in the middle of another is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ecs_localai.runtime import NestedUpdateError
from tests.rig.waiting import run_frames_until
from tests.runtime.hostile_parts import STEP, WAYS, Guest, guest_in


@pytest.fixture(params=WAYS)
def guest(request: pytest.FixtureRequest, host_world: str) -> Iterator[Guest]:
    """A guest in each of the three ways."""
    with guest_in(host_world, request.param) as guest:
        yield guest


def begun_in_another_thread(guest: Guest) -> BaseException | None:
    """Begin a frame of the host's in a thread of its own; what that raised there."""
    raised: list[BaseException] = []

    def begin() -> None:
        try:
            guest.frame()
        except NestedUpdateError as error:
            raised.append(error)

    thread = threading.Thread(target=begin, name="another thread of the host's")
    thread.start()
    thread.join()
    return raised[0] if raised else None


def test_frame_that_another_thread_begins_in_the_middle_of_ours_is_refused(guest: Guest) -> None:
    """Our world is the active one of the whole program then, so the other thread's `esper.process` would be ours."""
    raised: list[BaseException | None] = []
    frames = guest.app.time.frame
    guest.forget()
    guest.in_system = lambda: raised.append(begun_in_another_thread(guest))
    guest.frame()
    [error] = raised
    assert "in the thread another thread of the host's while another thread runs a frame" in str(error)
    assert guest.failures == []
    assert guest.app.time.frame == frames + 1
    assert [look.place for look in guest.looks] == ["one", "two", "three", "after"]
    assert {look.world for look in guest.looks} == {guest.app.world.name}
    guest.assert_alive()


def test_background_task_that_begins_a_frame_in_the_middle_of_ours_fails_alone(guest: Guest) -> None:
    called = threading.Event()

    async def step_the_app() -> None:
        try:
            guest.app.update(STEP)
        finally:
            called.set()

    def spawn_and_wait() -> None:
        guest.app.tasks.spawn(step_the_app(), "step the app").detach()
        assert called.wait(30.0)

    frames = guest.app.time.frame
    guest.in_system = spawn_and_wait
    guest.frame()
    assert guest.app.time.frame == frames + 1
    assert guest.failures == []
    run_frames_until(guest.app, lambda: guest.app.tasks.in_flight == 0)
    guest.assert_alive()


def test_frames_may_move_to_another_thread_between_two_of_them(guest: Guest) -> None:
    """A host may build in one thread and run in another, as long as it is one at a time."""
    frames = guest.app.time.frame
    guest.forget()
    assert begun_in_another_thread(guest) is None
    assert guest.app.time.frame == frames + 1
    assert [look.place for look in guest.looks] == ["one", "two", "three", "after"]
    guest.assert_alive()
