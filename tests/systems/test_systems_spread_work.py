"""Work that frames begin and the background ends: little is done at once, much holds no frame up."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ecs_localai.runtime import App
from ecs_localai.systems.spread_work import STEPS_A_FRAME, SpreadWork
from ecs_localai.systems.stepwise import Steps
from tests.rig.waiting import wait_until

Threads = list[int]


@pytest.fixture
def app() -> Iterator[App]:
    with App() as app:
        yield app


def noting(steps: int, threads: Threads) -> Steps[Threads]:
    """Steps that note by which thread each is done."""
    for _ in range(steps):
        threads.append(threading.get_ident())
        yield
    return threads


def looking(steps: int, making: Steps[Threads], threads: Threads) -> Steps[Steps[Threads]]:
    yield from noting(steps, threads)
    return making


def end_of(work: SpreadWork[Threads]) -> Threads:
    """Frames are run until the work has ended."""
    ended = wait_until(work.go_on)
    assert ended is not None
    return ended


def state(work: SpreadWork[Threads]) -> str:
    """Where the work is."""
    return "in background" if work.is_in_background else "under way" if work.is_under_way else "none"


def test_little_work_is_done_at_once(app: App) -> None:
    work = SpreadWork[Threads](app.tasks, "little")
    work.begin(looking(2, noting(3, []), []))
    assert state(work) == "under way"
    assert work.go_on() == 3 * [threading.get_ident()]
    assert state(work) == "none"
    assert app.tasks.in_flight == 0


def test_much_work_is_begun_by_a_frame_and_ended_in_the_background(app: App) -> None:
    work = SpreadWork[Threads](app.tasks, "much")
    work.begin_making(noting(500, []))
    assert work.go_on() is None
    assert state(work) == "in background"
    threads = end_of(work)
    assert len(threads) == 500
    assert threads[:STEPS_A_FRAME] == STEPS_A_FRAME * [threading.get_ident()]
    assert threading.get_ident() not in threads[STEPS_A_FRAME:]
    assert state(work) == "none"
    assert work.go_on() is None  # it is handed out once


def test_only_frames_look_at_the_world(app: App) -> None:
    looks: Threads = []
    work = SpreadWork[Threads](app.tasks, "much to see")
    work.begin(looking(3 * STEPS_A_FRAME, noting(500, []), looks))
    frames = 0
    while state(work) != "in background":
        assert work.go_on() is None
        frames += 1
    assert frames == 4
    end_of(work)
    assert looks == 3 * STEPS_A_FRAME * [threading.get_ident()]


def test_the_end_of_much_work_wakes_a_frame(app: App) -> None:
    work = SpreadWork[Threads](app.tasks, "much")
    work.begin_making(noting(500, []))
    assert work.go_on() is None
    wait_until(lambda: app.tasks.pending)
    assert work.go_on() is not None


@pytest.mark.parametrize("steps", [1, 500])
def test_work_that_fails_is_not_under_way_any_more(app: App, steps: int) -> None:
    def failing() -> Steps[Threads]:
        yield from noting(steps, [])
        raise LookupError("It was not there.")

    work = SpreadWork[Threads](app.tasks, "failing")
    work.begin_making(failing())
    with pytest.raises(LookupError, match="It was not there"):
        end_of(work)
    assert state(work) == "none"
    work.begin_making(noting(1, []))
    assert end_of(work) == [threading.get_ident()]


def test_work_of_an_app_that_ends_is_given_up(app: App) -> None:
    work = SpreadWork[Threads](app.tasks, "much")
    work.begin_making(noting(1_000_000, []))
    assert work.go_on() is None
    app.shutdown()
    assert app.tasks.in_flight == 0
