"""Channels that keep the latest value, and the one wake-up for a full inbox."""

from __future__ import annotations

import threading
import weakref

from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.runtime import App, IoTaskPool, Latest
from tests.rig.waiting import run_frames_until, wait_until


def test_only_the_newest_value_is_taken_and_only_once(app: App) -> None:
    channel: Latest[int] = app.tasks.channel()
    assert channel.take() is None

    async def stream() -> None:
        for number in range(1000):
            channel.send(number)

    task = app.tasks.spawn(stream())
    run_frames_until(app, task.is_finished)
    assert channel.take() == 999
    assert channel.take() is None


def test_fast_stream_puts_one_arrival_into_the_inbox_until_it_is_taken(app: App) -> None:
    channel: Latest[int] = app.tasks.channel()
    for number in range(100):
        channel.send(number)
    app.update()
    assert app.tasks.arrived == 1
    app.update()
    assert app.tasks.arrived == 0
    assert channel.take() == 99
    channel.send(100)
    app.update()
    assert app.tasks.arrived == 1
    assert channel.take() == 100


def test_values_may_be_false(app: App) -> None:
    channel: Latest[int] = app.tasks.channel()
    channel.send(0)
    assert channel.take() == 0


def test_value_that_was_taken_is_not_kept_alive(app: App) -> None:
    channel: Latest[set[int]] = app.tasks.channel()
    channel.send({1})
    assert channel.take() == {1}
    assert not channel._values


@given(st.lists(st.one_of(st.integers(0, 5), st.none()), max_size=30))
@settings(deadline=None)
def test_any_sequence_of_sending_and_taking_agrees_with_one_variable(steps: list[int | None]) -> None:
    channel: Latest[int] = Latest(IoTaskPool())
    waiting: int | None = None
    for step in steps:
        if step is None:
            assert channel.take() == waiting
            waiting = None
        else:
            channel.send(step)
            waiting = step


def test_nothing_is_lost_or_doubled_between_two_threads(app: App) -> None:
    channel: Latest[int] = app.tasks.channel()
    last = 20_000

    async def stream() -> None:
        for number in range(last + 1):
            channel.send(number)

    taken: list[int] = []

    def take() -> bool:
        value = channel.take()
        if value is not None:
            taken.append(value)
        return bool(taken) and taken[-1] == last

    task = app.tasks.spawn(stream())
    wait_until(take, poll=0.0)
    assert taken == sorted(set(taken))
    run_frames_until(app, task.is_finished)


def test_wake_is_called_for_the_first_arrival_in_an_empty_inbox_only(app: App) -> None:
    woken: list[int] = []
    channels: list[Latest[int]] = [app.tasks.channel() for _ in range(5)]
    app.tasks.set_wake(lambda: woken.append(1))
    for channel in channels:
        channel.send(1)
    assert len(woken) == 1
    app.update()
    channels[0].take()
    channels[0].send(2)
    assert len(woken) == 2
    app.tasks.set_wake(None)
    app.update()
    channels[1].take()
    channels[1].send(3)
    assert len(woken) == 2


def test_wake_is_called_from_the_background_for_a_finished_task(app: App) -> None:
    threads: list[int] = []
    app.tasks.set_wake(lambda: threads.append(threading.get_ident()))

    async def nothing() -> None:
        return None

    app.tasks.spawn(nothing()).detach()
    wait_until(lambda: threads)
    assert threads[0] != threading.get_ident()
    app.tasks.set_wake(None)


def test_what_arrives_while_the_inbox_is_emptied_is_emptied_too_or_wakes(app: App) -> None:
    woken: list[int] = []
    first: Latest[int] = app.tasks.channel()
    second: Latest[int] = app.tasks.channel()
    third: Latest[int] = app.tasks.channel()
    weakref.finalize(first, third.send, 3)  # the inbox holds the last reference: taking it out sends this
    first.send(1)
    second.send(2)
    app.tasks.set_wake(lambda: woken.append(1))
    del first
    app.tasks.drain()
    assert woken or not app.tasks.pending
    assert third.take() == 3
    app.tasks.set_wake(None)


def test_no_arrival_stays_unannounced_while_frames_and_arrivals_cross(app: App) -> None:
    """Whatever arrives while the inbox is being emptied is either emptied too or wakes somebody."""
    woken = threading.Event()
    app.tasks.set_wake(woken.set)
    rounds = 3000
    channels: list[Latest[int]] = [app.tasks.channel() for _ in range(8)]

    async def stream() -> None:
        for number in range(rounds):
            channels[number % len(channels)].send(number)

    task = app.tasks.spawn(stream())
    taken = 0
    while not (task.is_finished() and taken == rounds - 1):
        assert woken.wait(10.0), "something is in the inbox, or will come, and nobody was told"
        woken.clear()
        app.tasks.drain()
        for channel in channels:
            value = channel.take()
            taken = taken if value is None else max(taken, value)
    app.tasks.set_wake(None)
