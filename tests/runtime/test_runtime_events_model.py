"""Event buffers and readers under any sequence of calls, against a model that keeps everything."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ecs_localai.runtime import EventReader, Events
from tests.runtime.runtime_parts import Ping


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


class EventsModel(RuleBasedStateMachine):
    """An event is there until the second update after it was written; a reader gets each that is there once."""

    def __init__(self) -> None:
        super().__init__()
        self.events: Events[Ping] = Events(Ping)
        self.all: list[ModelEvent] = []
        self.readers: list[ModelReader] = []

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

    @invariant()
    def what_is_waiting_is_known(self) -> None:
        assert self.events.written == len(self.all)
        assert [ping.number for ping in self.events.buffer] == [one.number for one in self.all if not one.gone]
        for reader in self.readers:
            waiting = self._waiting(reader)
            assert len(reader.real) == len(waiting)
            assert bool(reader.real) == bool(waiting)


TestEventsModel = EventsModel.TestCase
TestEventsModel.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
