"""How long events are kept, also in unusual frames: time is paused, plugins are awaited, hosts step worlds."""

from __future__ import annotations

import esper
import pytest

from ecs_localai.runtime import (
    App,
    EventReader,
    EventWriter,
    FixedUpdate,
    Plugin,
    PostUpdate,
    SystemFailed,
    Time,
    Update,
    run_if,
)
from tests.runtime.runtime_parts import Ping, broken, the_failure

STEP = 1 / 64


class Slow(Plugin):
    """Is ready when it is told so."""

    is_ready = False

    def ready(self, app: App) -> bool:
        return self.is_ready


class Reading:
    """A system that keeps what it reads."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.missed = 0

    def __call__(self, reader: EventReader[Ping]) -> None:
        self.numbers += [ping.number for ping in reader.read()]
        self.missed = reader.missed


def test_events_do_not_pile_up_while_time_is_paused(app: App) -> None:
    """Unlike in Bevy, which keeps them until the next fixed step (``bevy_app``'s ``signal_message_update_system``)."""
    app.add_systems(FixedUpdate, Reading())
    app.time.pause()
    for number in range(50):
        app.send_event(Ping(number))
        app.update(STEP)
    assert len(app.events(Ping).buffer) <= 2


def test_fixed_steps_that_are_rarer_than_frames_count_what_they_missed(app: App) -> None:
    reading = Reading()
    app.add_systems(FixedUpdate, reading)
    for number in range(16):
        app.send_event(Ping(number))
        app.update(STEP / 8)
    assert reading.missed + len(reading.numbers) == 16
    assert reading.missed > 0


def test_event_waits_as_long_as_plugins_do(app: App) -> None:
    reading, slow = Reading(), Slow()
    app.add_plugins(slow)
    app.add_systems(Update, reading)
    app.send_event(Ping(1))
    for _ in range(5):
        app.update(STEP)
    assert reading.numbers == []
    slow.is_ready = True
    app.update(STEP)
    assert reading.numbers == [1]
    assert reading.missed == 0


def test_event_is_not_lost_by_systems_that_fail_before_reading(app: App, failures: list[SystemFailed]) -> None:
    reading = Reading()
    app.add_systems(Update, broken(), reading)
    app.send_event(Ping(1))
    app.update(STEP)
    the_failure(failures)
    assert reading.numbers == [1]


@pytest.mark.parametrize("rest", [0, 1, 2])
def test_reader_that_rests_for_a_frame_misses_what_was_written_before_it(app: App, rest: int) -> None:
    """An event written after its reader's turn is there for it in the next frame; here that one is `rest` later."""
    reading, on, to_write = Reading(), [True], [Ping(1)]

    def write_once(writer: EventWriter[Ping]) -> None:
        if to_write:
            writer.write(to_write.pop())

    app.add_systems(Update, run_if(lambda: bool(on), reading))
    app.add_systems(PostUpdate, write_once)
    app.update(STEP)
    on.clear()
    for _ in range(rest):
        app.update(STEP)
    on.append(True)
    app.update(STEP)
    assert (reading.numbers, reading.missed) == (([1], 0) if rest == 0 else ([], 1))


def test_event_sent_between_frames_is_there_for_the_next_frame_alone(app: App) -> None:
    """As in Bevy, where the buffers are swapped in `First`: a frame that begins makes it one of the frame before."""
    late = Reading()
    app.send_event(Ping(1))
    app.update(STEP)
    app.add_systems(Update, late)
    app.update(STEP)
    assert late.numbers == []


def test_hosts_frames_count_as_updates(host_world: str) -> None:
    with App(world=host_world) as app:
        reading = Reading()
        app.add_systems(Update, reading)
        app.send_event(Ping(1))
        esper.process()
        app.send_event(Ping(2))
        app.update(STEP)
        esper.process()
        esper.process()
        assert reading.numbers == [1, 2]
        assert app.events(Ping).buffer == []


def test_late_reader_reads_what_is_left_of_the_frame_before(app: App) -> None:
    late = Reading()

    def write(time: Time, writer: EventWriter[Ping]) -> None:
        writer.write(Ping(time.frame))

    app.add_systems(PostUpdate, write)
    app.update(STEP)
    app.update(STEP)
    app.add_systems(Update, late)
    app.update(STEP)
    assert late.numbers == [2]
