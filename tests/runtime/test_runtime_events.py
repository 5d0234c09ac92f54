"""Events: buffered for two updates, read once by each reader, missed ones counted."""

from __future__ import annotations

import pytest

from ecs_localai.runtime import App, AppExit, EventReader, EventWriter, Query, SystemFailed, Update, run_if
from tests.runtime.runtime_parts import Ping, Position


def numbers(pings: list[Ping]) -> list[int]:
    """What the pings carry."""
    return [ping.number for ping in pings]


def test_event_written_by_a_system_is_read_by_a_later_one_in_the_same_frame(app: App) -> None:
    seen: list[list[int]] = []

    def write(writer: EventWriter[Ping]) -> None:
        writer.write(Ping(1))

    def read(reader: EventReader[Ping]) -> None:
        seen.append(numbers(reader.read()))

    app.add_systems(Update, write, read)
    app.update()
    app.update()
    assert seen == [[1], [1]]


def test_event_written_by_a_later_system_is_read_in_the_next_frame(app: App) -> None:
    seen: list[list[int]] = []
    written = iter(range(10))

    def read(reader: EventReader[Ping]) -> None:
        seen.append(numbers(reader.read()))

    def write(writer: EventWriter[Ping]) -> None:
        writer.write(Ping(next(written)))

    app.add_systems(Update, read, write)
    for _ in range(3):
        app.update()
    assert seen == [[], [0], [1]]


def test_event_written_between_updates_is_read_in_the_next(app: App) -> None:
    seen: list[list[int]] = []

    def read(reader: EventReader[Ping]) -> None:
        seen.append(numbers(reader.read()))

    app.add_systems(Update, read)
    app.update()
    app.events(Ping).writer().write(Ping(5))
    app.update()
    app.update()
    assert seen == [[], [5], []]


def test_event_lives_for_two_updates(app: App) -> None:
    events = app.add_event(Ping)
    events.write(Ping(1))
    app.update()
    assert numbers(events.reader().read()) == [1]
    app.update()
    assert numbers(events.reader().read()) == []


def test_late_reader_sees_what_is_still_buffered_and_has_missed_nothing(app: App) -> None:
    events = app.add_event(Ping)
    events.write(Ping(1))
    app.update()
    events.write(Ping(2))
    app.update()
    events.write(Ping(3))
    reader = events.reader()
    assert numbers(reader.read()) == [2, 3]
    assert reader.missed == 0


def test_each_reader_has_a_cursor_of_its_own(app: App) -> None:
    events = app.add_event(Ping)
    one, other = events.reader(), events.reader()
    events.write(Ping(1))
    assert numbers(one.read()) == [1]
    events.write(Ping(2))
    assert numbers(one.read()) == [2]
    assert numbers(other.read()) == [1, 2]
    assert one.read() == []


def test_reader_that_comes_round_too_seldom_counts_what_it_missed(app: App) -> None:
    events = app.add_event(Ping)
    reader = events.reader()
    for number in range(5):
        events.write(Ping(number))
        app.update()
    assert numbers(reader.read()) == [4]
    assert reader.missed == 4
    events.write(Ping(5))
    assert numbers(reader.read()) == [5]
    assert reader.missed == 4


def test_reader_of_a_system_that_was_skipped_counts_what_it_missed(app: App) -> None:
    seen: list[tuple[list[int], int]] = []
    gate = [True]

    def read(reader: EventReader[Ping]) -> None:
        seen.append((numbers(reader.read()), reader.missed))

    app.add_systems(Update, run_if(lambda: gate[0], read))
    app.update()
    gate[0] = False
    for number in range(4):
        app.events(Ping).write(Ping(number))
        app.update()
    gate[0] = True
    app.update()
    assert seen == [([], 0), ([], 4)], "each was written before a frame in which the system did not run"


def test_leaving_a_loop_early_leaves_the_rest_unread(app: App) -> None:
    events = app.add_event(Ping)
    reader = events.reader()
    for number in range(4):
        events.write(Ping(number))
    for ping in reader:
        if ping.number == 1:
            break
    assert len(reader) == 2
    assert numbers(list(reader)) == [2, 3]


def test_iterating_counts_missed_ones_too(app: App) -> None:
    events = app.add_event(Ping)
    reader = events.reader()
    events.write(Ping(1))
    app.update()
    app.update()
    events.write(Ping(2))
    assert numbers(list(reader)) == [2]
    assert reader.missed == 1


def test_answering_an_event_with_one_of_the_same_type_comes_to_an_end(app: App) -> None:
    heard: list[int] = []

    def echo(reader: EventReader[Ping], writer: EventWriter[Ping]) -> None:
        for ping in reader:
            heard.append(ping.number)
            writer.write(Ping(ping.number + 1))

    app.add_systems(Update, echo)
    app.events(Ping).write(Ping(0))
    for _ in range(3):
        app.update()
    assert heard == [0, 1, 2]


def test_reader_knows_how_much_is_waiting(app: App) -> None:
    events = app.add_event(Ping)
    reader = events.reader()
    assert (len(reader), bool(reader)) == (0, False)
    events.write(Ping(1))
    events.write(Ping(2))
    assert (len(reader), bool(reader)) == (2, True)
    reader.read()
    assert (len(reader), bool(reader)) == (0, False)


def test_reader_that_missed_everything_has_nothing_waiting(app: App) -> None:
    events = app.add_event(Ping)
    reader = events.reader()
    events.write(Ping(1))
    app.update()
    app.update()
    assert (len(reader), bool(reader)) == (0, False)
    assert reader.read() == []
    assert reader.missed == 1


def test_clearing_a_reader_skips_without_counting_as_missed(app: App) -> None:
    events = app.add_event(Ping)
    reader = events.reader()
    events.write(Ping(1))
    reader.clear()
    app.update()
    app.update()
    events.write(Ping(2))
    assert numbers(reader.read()) == [2]
    assert reader.missed == 0


def test_list_that_was_read_is_the_readers_own(app: App) -> None:
    events = app.add_event(Ping)
    one, other = events.reader(), events.reader()
    events.write(Ping(1))
    one.read().clear()
    assert numbers(other.read()) == [1]


def test_written_counts_everything_ever_written(app: App) -> None:
    events = app.add_event(Ping)
    for number in range(7):
        events.write(Ping(number))
        app.update()
    assert events.written == 7
    assert len(events.buffer) <= 2


def test_event_type_is_registered_once_and_by_every_use(app: App) -> None:
    assert app.add_event(Ping) is app.add_event(Ping) is app.events(Ping)
    assert app.event_types.count(Ping) == 1

    class Pong:
        pass

    def read(reader: EventReader[Pong]) -> None:
        reader.read()

    app.add_systems(Update, read)
    assert Pong in app.event_types


def test_event_of_any_type_can_be_sent(app: App) -> None:
    app.send_event(Ping(3))
    assert app.events(Ping).reader().read() == [Ping(3)]


def test_types_do_not_mix(app: App) -> None:
    app.send_event(Ping(1))
    assert app.events(AppExit).reader().read() == []
    assert app.events(SystemFailed).reader().read() == []


def test_events_are_held_strongly(app: App) -> None:
    reader = app.events(Position).reader()
    app.send_event(Position(4.0))  # nobody else keeps it
    app.update()
    assert [event.x for event in reader.read()] == [4.0]


def test_events_of_the_app_stay_out_of_its_world(app: App) -> None:
    seen: list[int] = []

    def look(query: Query[Ping]) -> None:
        seen.append(len(query))

    app.add_systems(Update, look)
    app.send_event(Ping())
    app.update()
    assert seen == [0]


@pytest.mark.parametrize("frames", [0, 1, 5])
def test_request_to_exit_is_not_lost_however_late_it_is_asked_for(app: App, frames: int) -> None:
    app.exit(4)
    app.exit(5)
    for _ in range(frames):
        app.update()
    assert app.should_exit() == AppExit(4)
    assert app.should_exit() == AppExit(4)
