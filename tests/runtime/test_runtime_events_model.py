"""Event buffers and readers under any sequence of calls, against a model that keeps everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ecs_localai.runtime import EventReader, Events
from tests.runtime.fuzz_parts import FACTOR
from tests.runtime.runtime_parts import Ping

pytestmark = pytest.mark.timeout(120 * FACTOR)


@dataclass
class ModelEvent:
    """An event that nobody forgets."""

    number: int
    updates: int = 0
    gone: bool = False


@dataclass
class ModelReader:
    """Which events a reader has had, skipped or missed, by number."""

    real: EventReader[Ping]
    done: set[int] = field(default_factory=set)
    missed: int = 0


@dataclass
class ModelLoop:
    """A loop over a reader that is in the middle of it."""

    reader: ModelReader
    real: Iterator[Ping]
    end: int
    """How many events there were when it began."""


class EventsModel(RuleBasedStateMachine):
    """An event is there until the second update after it was written; a reader gets each that is there once."""

    def __init__(self) -> None:
        super().__init__()
        self.events: Events[Ping] = Events(Ping)
        self.all: list[ModelEvent] = []
        self.readers: list[ModelReader] = []
        self.loops: list[ModelLoop] = []

    @rule()
    def write(self) -> None:
        self.events.write(Ping(len(self.all)))
        self.all.append(ModelEvent(len(self.all)))

    @rule()
    def update(self) -> None:
        self.events.update()
        for event in self.all:
            event.updates += 1
            event.gone = event.gone or event.updates == 2

    @rule()
    def clear(self) -> None:
        self.events.clear()
        for event in self.all:
            event.gone = True

    @rule()
    def new_reader(self) -> None:
        done = {event.number for event in self.all if event.gone}
        self.readers.append(ModelReader(self.events.reader(), done))

    def _waiting(self, reader: ModelReader) -> list[int]:
        return [event.number for event in self.all if not event.gone and event.number not in reader.done]

    def _come_round(self, reader: ModelReader) -> None:
        lost = {event.number for event in self.all if event.gone} - reader.done
        reader.missed += len(lost)
        reader.done |= lost

    @precondition(lambda self: self.readers)
    @rule(which=st.integers(0, 100))
    def read(self, which: int) -> None:
        reader = self.readers[which % len(self.readers)]
        expected = self._waiting(reader)
        self._come_round(reader)
        reader.done.update(expected)
        assert [ping.number for ping in reader.real.read()] == expected
        assert reader.real.missed == reader.missed

    @precondition(lambda self: self.readers)
    @rule(which=st.integers(0, 100), count=st.integers(0, 3))
    def read_a_few(self, which: int, count: int) -> None:
        reader = self.readers[which % len(self.readers)]
        expected = self._waiting(reader)[:count]
        if count:
            self._come_round(reader)
        reader.done.update(expected)
        assert [ping.number for ping in islice(reader.real, count)] == expected
        assert reader.real.missed == reader.missed

    @precondition(lambda self: self.readers)
    @rule(which=st.integers(0, 100))
    def skip(self, which: int) -> None:
        reader = self.readers[which % len(self.readers)]
        reader.done = {event.number for event in self.all}
        reader.real.clear()

    @precondition(lambda self: self.readers)
    @rule(which=st.integers(0, 100), answers=st.integers(0, 3))
    def answer_while_reading(self, which: int, answers: int) -> None:
        """What is written in the loop waits for the next one."""
        reader = self.readers[which % len(self.readers)]
        expected = self._waiting(reader)
        if self._is_behind(reader, len(self.all)):
            self._come_round(reader)
        reader.done.update(expected)
        numbers = []
        for ping in reader.real:
            numbers.append(ping.number)
            for _ in range(answers):
                self.write()
        assert numbers == expected

    @precondition(lambda self: self.readers)
    @rule(which=st.integers(0, 100))
    def begin_a_loop(self, which: int) -> None:
        """A loop that goes on later, perhaps when what it was to read has been dropped."""
        reader = self.readers[which % len(self.readers)]
        loop = ModelLoop(reader, iter(reader.real), len(self.all))
        self.loops.append(loop)
        self._go_on(loop)

    @precondition(lambda self: self.loops)
    @rule(which=st.integers(0, 100))
    def go_on_with_a_loop(self, which: int) -> None:
        self._go_on(self.loops[which % len(self.loops)])

    def _go_on(self, loop: ModelLoop) -> None:
        expected = None
        if self._is_behind(loop.reader, loop.end):
            self._come_round(loop.reader)
            expected = next((number for number in self._waiting(loop.reader) if number < loop.end), None)
        ping = next(loop.real, None)
        assert (ping.number if ping else None) == expected
        if expected is None:
            self.loops.remove(loop)
        else:
            loop.reader.done.add(expected)

    def _is_behind(self, reader: ModelReader, end: int) -> bool:
        return any(event.number < end and event.number not in reader.done for event in self.all)

    @precondition(lambda self: self.readers)
    @rule(which=st.integers(0, 100))
    def drop_a_reader(self, which: int) -> None:
        """Nobody holds it any more: it counts for nothing."""
        gone = self.readers.pop(which % len(self.readers))
        self.loops = [loop for loop in self.loops if loop.reader is not gone]

    @invariant()
    def readers_are_those_that_somebody_holds(self) -> None:
        assert set(map(id, self.events.readers)) == {id(reader.real) for reader in self.readers}

    @invariant()
    def a_frame_is_wanted_while_something_new_is_unread(self) -> None:
        if self.readers:
            new = any(event.updates == 0 and not event.gone for event in self.all)
            unread = any(len(reader.done) < len(self.all) for reader in self.readers)
            assert self.events.is_unread == (new and unread)

    @invariant()
    def what_is_waiting_is_known(self) -> None:
        assert self.events.written == len(self.all)
        assert [ping.number for ping in self.events.buffer] == [one.number for one in self.all if not one.gone]
        for reader in self.readers:
            waiting = self._waiting(reader)
            assert len(reader.real) == len(waiting)
            assert bool(reader.real) == bool(waiting)
            lost = {event.number for event in self.all if event.gone} - reader.done
            assert reader.real.dropped == reader.missed + len(lost)


TestEventsModel = EventsModel.TestCase
TestEventsModel.settings = settings(max_examples=80 * FACTOR, stateful_step_count=30, deadline=None)
