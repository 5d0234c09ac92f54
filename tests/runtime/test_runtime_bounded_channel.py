"""Bounded channels: everything arrives, in order, in bounded memory, and the frame never waits."""

from __future__ import annotations

import asyncio
import threading
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.runtime import App, IoTaskPool, ReactiveRunner, TaskCancelled, Update
from ecs_localai.runtime.channels import Channel, ChannelClosed
from tests.rig.waiting import run_frames_until, wait_until
from tests.runtime.runtime_parts import Gate


async def send_all(channel: Channel[int], numbers: range) -> None:
    """Send them one after the other."""
    for number in numbers:
        await channel.send(number)


def test_a_fast_stream_reaches_a_slow_frame_whole_and_in_order_in_bounded_memory(app: App) -> None:
    channel: Channel[int] = app.tasks.bounded(16)
    received: list[int] = []
    most = 0
    task = app.tasks.spawn(send_all(channel, range(2000)))

    def step() -> bool:
        nonlocal most
        most = max(most, len(channel))
        received.extend(channel.drain())
        return task.is_finished() and not len(channel)

    run_frames_until(app, step)
    task.check_ready()
    assert received == list(range(2000))
    assert most <= 16
    assert channel.sent == 2000
    assert channel.waited > 0
    assert channel.refused == 0


def test_a_sender_waits_while_the_channel_is_full_and_goes_on_when_there_is_room(app: App) -> None:
    channel: Channel[int] = app.tasks.bounded(2)
    task = app.tasks.spawn(send_all(channel, range(3)))
    wait_until(lambda: channel.waited == 1)
    assert not task.is_finished()
    assert len(channel) == 2
    assert channel.drain() == [0, 1]
    wait_until(task.is_finished)
    assert channel.drain() == [2]
    assert channel.drain() == []


def test_try_send_refuses_what_there_is_no_room_for_and_counts_it(app: App) -> None:
    channel: Channel[int] = app.tasks.bounded(2)
    assert [channel.try_send(number) for number in range(5)] == [True, True, False, False, False]
    assert (channel.sent, channel.refused) == (2, 3)
    assert channel.drain() == [0, 1]
    assert channel.try_send(5)
    assert channel.drain() == [5]


def test_nobody_overtakes_a_sender_that_waits(app: App) -> None:
    channel: Channel[int] = app.tasks.bounded(1)
    assert channel.try_send(0)
    first = app.tasks.spawn(channel.send(1))
    wait_until(lambda: channel.waited == 1)
    second = app.tasks.spawn(channel.send(2))
    wait_until(lambda: channel.waited == 2)
    assert not channel.try_send(99)
    received: list[int] = []

    def all_received() -> bool:
        received.extend(channel.drain())
        return len(received) == 3

    wait_until(all_received)
    assert received == [0, 1, 2]
    wait_until(lambda: first.is_finished() and second.is_finished())


def test_many_senders_in_the_pool_and_in_threads_lose_and_double_nothing(app: App) -> None:
    channel: Channel[int] = app.tasks.bounded(7)
    tasks = [app.tasks.spawn(send_all(channel, range(start, start + 300))) for start in range(0, 1500, 300)]

    def push(start: int) -> None:
        for number in range(start, start + 300):
            while not channel.try_send(number):
                pause.wait(0.0005)

    pause = threading.Event()
    threads = [threading.Thread(target=push, args=(start,)) for start in (10_000, 20_000)]
    for thread in threads:
        thread.start()
    received: list[int] = []
    sizes: set[int] = set()

    def step() -> bool:
        drained = channel.drain()
        sizes.add(len(drained))
        received.extend(drained)
        return len(received) >= 2100

    wait_until(step, poll=0.0)
    for thread in threads:
        thread.join()
    wait_until(lambda: all(task.is_finished() for task in tasks))
    assert channel.drain() == []
    assert len(received) == len(set(received)) == 2100
    for start in (*range(0, 1500, 300), 10_000, 20_000):
        own = [number for number in received if start <= number < start + 300]
        assert own == list(range(start, start + 300)), "each sender's order is kept"
    assert max(sizes) <= 7


def test_the_frame_is_woken_once_for_what_arrives_between_two_drains(app: App) -> None:
    woken: list[int] = []
    channel: Channel[int] = app.tasks.bounded(100)
    app.tasks.set_wake(lambda: woken.append(1))
    for number in range(50):
        channel.try_send(number)
    assert len(woken) == 1
    app.update()
    assert app.tasks.arrived == 1
    channel.try_send(50)
    app.update()
    assert len(woken) == 1, "it has not been drained yet"
    assert len(channel.drain()) == 51
    channel.try_send(51)
    assert len(woken) == 2
    app.tasks.set_wake(None)


@pytest.mark.timeout(30)
def test_a_runner_that_sleeps_gets_everything(app: App) -> None:
    """Nothing else in this program would wake it."""
    channel: Channel[int] = app.tasks.bounded(5)
    received: list[int] = []

    def receive() -> None:
        received.extend(channel.drain())
        if len(received) == 500:
            app.exit(5)

    app.add_systems(Update, receive)
    app.tasks.spawn(send_all(channel, range(500))).detach()
    assert ReactiveRunner()(app) == 5
    assert received == list(range(500))


@pytest.mark.timeout(30)
def test_no_arrival_stays_unannounced_when_threads_announce_together(app: App) -> None:
    woken = threading.Event()
    app.tasks.set_wake(woken.set)
    rounds = 2000
    channels: list[Channel[int]] = [app.tasks.bounded(rounds) for _ in range(4)]

    def push(channel: Channel[int]) -> None:
        for number in range(rounds):
            channel.try_send(number)

    threads = [threading.Thread(target=push, args=(channel,)) for channel in channels]
    for thread in threads:
        thread.start()
    received = 0
    while received < rounds * len(channels):
        assert woken.wait(10.0), "something is in the inbox, or will come, and nobody was told"
        woken.clear()
        app.tasks.drain()
        received += sum(len(channel.drain()) for channel in channels)
    for thread in threads:
        thread.join()
    app.tasks.set_wake(None)


def test_a_sender_that_is_cancelled_while_it_waits_leaves_nothing_behind(app: App) -> None:
    channel: Channel[int] = app.tasks.bounded(1)
    assert channel.try_send(0)
    cancelled = app.tasks.spawn(channel.send(1))
    wait_until(lambda: channel.waited == 1)
    patient = app.tasks.spawn(channel.send(2))
    wait_until(lambda: channel.waited == 2)
    cancelled.cancel()
    wait_until(cancelled.is_finished)
    with pytest.raises(TaskCancelled):
        cancelled.check_ready()
    assert channel.drain() == [0]
    wait_until(patient.is_finished)
    assert channel.drain() == [2]
    assert not channel._waiting


def test_closing_turns_senders_away_and_leaves_what_was_sent(app: App) -> None:
    channel: Channel[int] = app.tasks.bounded(1)
    assert channel.try_send(0)
    waiting = app.tasks.spawn(channel.send(1))
    wait_until(lambda: channel.waited == 1)
    channel.close()
    channel.close()
    wait_until(waiting.is_finished)
    with pytest.raises(ChannelClosed, match="The channel was closed"):
        waiting.check_ready()
    assert channel.is_closed
    assert not channel.try_send(2)
    late = app.tasks.spawn(channel.send(3))
    wait_until(late.is_finished)
    with pytest.raises(ChannelClosed):
        late.check_ready()
    assert channel.drain() == [0]
    assert channel.drain() == []
    assert (channel.sent, channel.refused) == (1, 1)


def test_a_sender_closes_the_channel_when_it_is_done_and_that_wakes_the_frame(app: App) -> None:
    channel: Channel[int] = app.tasks.bounded(4)
    gate = Gate()

    async def stream() -> None:
        await send_all(channel, range(2))
        await gate.passed()
        channel.close()

    app.tasks.spawn(stream()).detach()
    received: list[int] = []

    def receive() -> None:
        received.extend(channel.drain())
        if len(received) == 2 and not channel.is_closed:
            gate.open(app)
        if channel.is_closed and not len(channel):
            app.exit(7)

    app.add_systems(Update, receive)
    assert ReactiveRunner()(app) == 7
    assert received == [0, 1]


def test_closing_a_channel_that_nobody_used_starts_nothing(app: App) -> None:
    channel: Channel[int] = app.tasks.bounded(1)
    channel.close()
    assert channel.drain() == []
    assert app.tasks.in_flight == 0


def test_shutting_down_ends_a_sender_that_waits() -> None:
    app = App()
    channel: Channel[int] = app.tasks.bounded(1)
    task = app.tasks.spawn(send_all(channel, range(5)))
    wait_until(lambda: channel.waited == 1)
    app.shutdown()
    assert task.is_finished()
    assert channel.drain() == [0]


def test_awaiting_outside_of_the_background_is_an_error_that_says_what_to_do(app: App) -> None:
    channel: Channel[int] = app.tasks.bounded(1)
    with pytest.raises(RuntimeError, match="spawn the coroutine on IoTaskPool, or use try_send"):
        asyncio.run(channel.send(1))
    assert channel.drain() == []


def test_a_value_that_was_drained_is_not_kept_alive(app: App) -> None:
    channel: Channel[set[int]] = app.tasks.bounded(3)
    channel.try_send({1})
    assert channel.drain() == [{1}]
    assert not channel._values


def test_an_empty_channel_is_true(app: App) -> None:
    channel: Channel[int] = app.tasks.bounded(1)
    assert channel
    assert len(channel) == 0


@pytest.mark.parametrize("capacity", [0, -1])
def test_a_channel_without_room_is_an_error(app: App, capacity: int) -> None:
    with pytest.raises(ValueError, match=f"capacity is {capacity}: give the number of values"):
        app.tasks.bounded(capacity)


@given(capacity=st.integers(1, 4), steps=st.lists(st.one_of(st.integers(0, 9), st.none()), max_size=40))
@settings(deadline=None)
def test_any_sequence_of_sending_and_draining_agrees_with_a_plain_queue(capacity: int, steps: list[int | None]) -> None:
    channel: Channel[int] = Channel(IoTaskPool(), capacity)
    queue: deque[int] = deque()
    refused = 0
    for step in steps:
        if step is None:
            assert channel.drain() == list(queue)
            queue.clear()
        elif channel.try_send(step):
            queue.append(step)
        else:
            refused += 1
            assert len(queue) == capacity
        assert len(channel) == len(queue) <= capacity
    assert channel.refused == refused
