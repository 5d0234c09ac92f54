"""Typed, buffered events (Bevy 0.17 and later call them Messages; the brief and we keep the older names).

As in Bevy (``bevy_ecs/src/message``) an event lives for two updates: whoever reads once an update misses none.
Unlike Bevy, the buffers are always swapped once an update, also while time is paused, so they cannot grow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Generic, TypeVar
from weakref import ref

T = TypeVar("T")


class Events(Generic[T]):
    """The buffer of one event type (Bevy: ``Messages<M>``).

    One list with two generations: the first `_old` entries are from the update before. `write` is the list's
    own ``append``, which makes writing an event as cheap as Python allows. Only it may be used to write.
    """

    def __init__(self, kind: type[T], on_writable: Callable[[list[T]], object] | None = None) -> None:
        """`on_writable` is told the buffer before the first event can be written."""
        self.kind = kind
        self._on_writable = on_writable
        self.buffer: list[T] = []
        """What is readable now, oldest first. The list object stays the same."""
        self._first = 0  # how many events were dropped before buffer[0]
        self._old = 0
        self._at_end = 0  # how many had been written when the last frame ended
        self._readers: list[ref[EventReader[T]]] = []

    @cached_property
    def write(self) -> Callable[[T], None]:
        """``write(event)``: the list's own ``append``."""
        if self._on_writable is not None:
            self._on_writable(self.buffer)
        return self.buffer.append

    def reader(self) -> EventReader[T]:
        """A new reader. It starts with what is still buffered, as Bevy's late readers do."""
        reader = EventReader(self)
        self._readers = [one for one in self._readers if one() is not None]
        self._readers.append(ref(reader))
        return reader

    def writer(self) -> EventWriter[T]:
        """A writer."""
        return EventWriter(self)

    @property
    def written(self) -> int:
        """How many events have been written since the app began."""
        return self._first + len(self.buffer)

    @property
    def readers(self) -> list[EventReader[T]]:
        """The readers that somebody still holds."""
        return [reader for one in self._readers if (reader := one()) is not None]

    @property
    def is_unread(self) -> bool:
        """Whether something was written since the frame began that is still to be read: then a frame is wanted.

        Where there are no readers, whoever writes outside of a frame is thought to want one all the same.
        """
        if len(self.buffer) <= self._old:
            return False
        readers = self.readers
        if not readers:
            return self.written > self._at_end
        return any(reader._cursor < self.written for reader in readers)

    def end_frame(self) -> None:
        """Remember what there is. The app calls this at the end of a frame with events."""
        self._at_end = self.written

    def update(self) -> None:
        """Drop the older generation and make the newer one the older. The app calls this once an update."""
        if self._old:
            del self.buffer[: self._old]
            self._first += self._old
        self._old = len(self.buffer)

    def clear(self) -> None:
        """Drop everything; readers count nothing of it as missed twice."""
        self._first += len(self.buffer)
        self.buffer.clear()
        self._old = 0


class EventReader(Generic[T]):
    """A cursor into one event type's buffer; each reader sees every event once (Bevy: ``MessageReader<M>``).

    As a system parameter, ``EventReader[T]`` belongs to that system.
    """

    __slots__ = ("__weakref__", "_cursor", "_events", "missed")

    def __init__(self, events: Events[T]) -> None:
        self._events = events
        self._cursor = events._first
        self.missed = 0
        """How many events were dropped before this reader came round to them."""

    def read(self) -> list[T]:
        """All events not read yet, oldest first; an empty list when there are none."""
        events = self._events
        buffer = events.buffer
        start = self._cursor - events._first
        if start == len(buffer):
            return []
        if start < 0:
            self.missed -= start
            start = 0
        self._cursor = events._first + len(buffer)
        return buffer[start:]

    def __iter__(self) -> Iterator[T]:
        """Read one by one: leaving the loop early leaves the rest unread, as in Bevy.

        What is written while the loop runs waits for the next one, so a system may answer an event with another
        of the same type.
        """
        events = self._events
        end = events.written
        while self._cursor < end:
            start = self._cursor - events._first
            if start < 0:
                self.missed -= start
                self._cursor = events._first
            else:
                self._cursor += 1
                yield events.buffer[start]

    def __len__(self) -> int:
        """How many events are waiting to be read."""
        return min(self._events.written - self._cursor, len(self._events.buffer))

    def __bool__(self) -> bool:
        return len(self) > 0

    @property
    def dropped(self) -> int:
        """How many events it will never see: those it knows it `missed`, and those it has not noticed yet."""
        return self.missed + max(0, self._events._first - self._cursor)

    def clear(self) -> None:
        """Skip everything that is waiting, without counting it as missed."""
        self._cursor = self._events.written


class EventWriter(Generic[T]):
    """Writes events of one type (Bevy: ``MessageWriter<M>``). ``write`` costs about as much as appending to a list."""

    __slots__ = ("write",)

    def __init__(self, events: Events[T]) -> None:
        self.write: Callable[[T], None] = events.write
