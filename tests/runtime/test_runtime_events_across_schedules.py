"""Events written in one phase of the frame and read in another: each is read once, and none is lost.

As Bevy promises (``bevy_ecs/src/message/messages.rs``): whoever reads once an update, at whatever moment of it, reads
every event, whether it was written before or after that moment.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ecs_localai.runtime import (
    App,
    EventReader,
    EventWriter,
    First,
    FixedUpdate,
    Last,
    PostStartup,
    PostUpdate,
    PreStartup,
    PreUpdate,
    ScheduleLabel,
    Startup,
    Time,
    Update,
    chain,
)
from tests.runtime.runtime_parts import Ping

IN_ORDER = (First, PreUpdate, FixedUpdate, Update, PostUpdate, Last)
STEP = 1 / 64
"""As long as one step of `FixedUpdate`, so that every frame has one."""


def write(time: Time, writer: EventWriter[Ping]) -> None:
    """One event a frame, with the frame's number."""
    writer.write(Ping(time.frame))


class Noting:
    """A system that notes in which frame it read what."""

    def __init__(self) -> None:
        self.read: list[tuple[int, int]] = []

    def __call__(self, time: Time, reader: EventReader[Ping]) -> None:
        self.read += [(ping.number, time.frame) for ping in reader.read()]


@pytest.mark.parametrize("reading", IN_ORDER, ids=str)
@pytest.mark.parametrize("writing", IN_ORDER, ids=str)
def test_event_is_read_once_in_this_frame_or_the_next(app: App, writing: ScheduleLabel, reading: ScheduleLabel) -> None:
    noting = Noting()
    app.add_systems(reading, noting)
    app.add_systems(writing, write)  # in the same schedule, the reader comes first
    for _ in range(6):
        app.update(STEP)
    frames = [written for written, _ in noting.read]
    late = 0 if IN_ORDER.index(writing) < IN_ORDER.index(reading) else 1
    assert frames == list(range(frames[0], frames[0] + 6 - late))
    assert all(read - written == late for written, read in noting.read)


@pytest.mark.parametrize("writing", [PreStartup, Startup, PostStartup], ids=str)
@pytest.mark.parametrize("reading", IN_ORDER, ids=str)
def test_event_of_the_startup_is_read_in_the_first_frame(
    app: App, writing: ScheduleLabel, reading: ScheduleLabel
) -> None:
    noting = Noting()
    app.add_systems(writing, write)
    app.add_systems(reading, noting)
    for _ in range(3):
        app.update(STEP)
    assert len(noting.read) == 1
    assert noting.read[0][0] == noting.read[0][1]


def test_events_of_several_writers_are_read_in_the_order_they_were_written(app: App) -> None:
    def writing(number: int) -> Callable[[EventWriter[Ping]], None]:
        def write_one(writer: EventWriter[Ping]) -> None:
            writer.write(Ping(number))

        return write_one

    noting = Noting()
    app.add_systems(Update, chain(writing(3), writing(1), writing(2)))
    app.add_systems(PostUpdate, noting)
    app.update(STEP)
    app.update(STEP)
    assert [number for number, _ in noting.read] == [3, 1, 2, 3, 1, 2]


def test_system_that_was_added_twice_reads_everything_twice(app: App) -> None:
    """Each has a reader of its own: in Bevy, too, a reader belongs to the system, not to the function."""
    noting = Noting()
    app.add_systems(Update, noting, noting)
    app.add_systems(First, write)
    app.update(STEP)
    app.update(STEP)
    assert [written for written, _ in noting.read] == [1, 1, 2, 2]


def test_two_readers_of_one_system_read_everything_each(app: App) -> None:
    read: list[tuple[int, int]] = []

    def two(first: EventReader[Ping], second: EventReader[Ping]) -> None:
        read.append((len(first.read()), len(second.read())))

    app.add_systems(First, write)
    app.add_systems(Update, two)
    app.update(STEP)
    app.update(STEP)
    assert read == [(1, 1), (1, 1)]
