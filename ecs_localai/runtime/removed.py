"""Removed components: which entities lost one (Bevy: ``RemovedComponents``).

Bevy (``bevy_ecs/src/lifecycle.rs``) writes an entity into a buffer when a component goes. A host that uses plain
esper would not tell us, so here the entities that have the component are compared with those that had it: once at
the beginning of a frame before which the world's structure changed, and whenever somebody reads. Where only our own
world made changes, only the entities that it touched are looked at; and nothing is spent while nothing is created or
deleted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, TypeVar
from weakref import ref

import esper

from ecs_localai.runtime.guard import WorldGuard
from ecs_localai.runtime.listing import list_component
from ecs_localai.runtime.structure import Structure

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

KEPT_UNREAD: Final = 65_536
"""How many entities are kept for a reader that does not read; of more, the oldest are dropped and counted."""


class Removals:
    """The removed components of one world, of the types that somebody reads."""

    __slots__ = ("_guard", "_logs", "_structure")

    def __init__(self, world: str, structure: Structure) -> None:
        self._guard = WorldGuard(world)
        self._structure = structure
        self._logs: dict[type, RemovalLog] = {}

    def reader(self, kind: type[T]) -> RemovedComponents[T]:
        """A new reader. It is told of what goes from now on."""
        log = self._logs.get(kind)
        if log is None:
            log = self._logs[kind] = RemovalLog(kind, self._structure, self._guard)
        return RemovedComponents(log)

    def forget_gone(self) -> None:
        """Note what has gone. The app calls this at the beginning of a frame before which the structure changed."""
        if not self._logs:  # as in most apps
            return
        for kind, log in list(self._logs.items()):
            if log.is_read:
                log.look()
            else:
                log.close()
                del self._logs[kind]


class RemovalLog:
    """Which entities lost a component of one type, oldest first."""

    __slots__ = ("_guard", "_known", "_lost", "_readers", "_structure", "_touch", "_touched", "buffer", "first", "kind")

    def __init__(self, kind: type, structure: Structure, guard: WorldGuard) -> None:
        self.kind = kind
        self._structure = structure
        self._guard = guard
        self._known: set[int] = set()
        self._touched: set[int] = set()
        self._touch = self._touched.add
        self._lost = -1
        self._readers: list[ref[RemovedComponents[object]]] = []
        self.buffer: list[int] = []
        """What some reader has not read yet."""
        self.first = 0
        """How many were dropped before ``buffer[0]``."""
        structure.watch((kind,), self._touch)
        self.look()

    def close(self) -> None:
        """Nobody reads any more."""
        self._structure.unwatch(self.kind, self._touch)

    @property
    def is_read(self) -> bool:
        """Whether there is a reader."""
        return any(one() is not None for one in self._readers)

    @property
    def end(self) -> int:
        """How many have been noted since the log began."""
        return self.first + len(self.buffer)

    def subscribe(self, reader: RemovedComponents[object]) -> None:
        """Keep for this reader what it has not read, for as long as somebody else keeps the reader."""
        self._readers = [one for one in self._readers if one() is not None]
        self._readers.append(ref(reader))

    def look(self) -> None:
        """Compare the world with what it was."""
        structure = self._structure
        with self._guard:
            structure.look()
            if self._lost != structure.lost:
                gone = self._look_at_all()
            elif self._touched:
                gone = self._look_at_touched()
            else:
                return
        if gone:
            self._drop_read()
            self.buffer.extend(sorted(gone))
            self._drop(len(self.buffer) - KEPT_UNREAD)

    def _look_at_all(self) -> set[int]:
        rows = list_component(self.kind)
        here = {entity for entity, _ in rows}
        gone = self._known - here
        self._known = here
        self._touched.clear()
        self._lost = self._structure.lost
        return gone

    def _look_at_touched(self) -> set[int]:
        here: set[int] = {entity for entity in self._touched if esper.try_component(entity, self.kind) is not None}
        gone = (self._touched - here) & self._known
        self._known -= gone
        self._known |= here
        self._touched.clear()
        return gone

    def _drop_read(self) -> None:
        readers = [reader for one in self._readers if (reader := one()) is not None]
        self._drop(min((reader.cursor for reader in readers), default=self.end) - self.first)

    def _drop(self, count: int) -> None:
        if count > 0:
            del self.buffer[:count]
            self.first += count


class RemovedComponents(Generic[T_co]):
    """Entities that have lost their `T`, or were deleted with it, since this system last read, however that happened.

    As a system parameter, ``RemovedComponents[T]`` belongs to that system; each reader is told of each removal once.
    Unlike Bevy's, whose buffer lasts two updates, a system that was skipped misses nothing (up to `KEPT_UNREAD`
    entities). Also unlike Bevy's, what came and went, or went and came back, before anybody could notice it
    (within a frame, or between two frames) is not told: with plain esper nothing is left of it to see.
    """

    __slots__ = ("__weakref__", "_log", "cursor", "missed")

    def __init__(self, log: RemovalLog) -> None:
        log.look()
        self._log = log
        self.cursor = log.end
        """How many of the log's removals were read or passed over."""
        self.missed = 0
        """How many were dropped before this reader came round to them."""
        log.subscribe(self)

    def read(self) -> list[int]:
        """All entities not read yet, oldest first; an empty list when there are none."""
        start = self._start()
        self.cursor = self._log.end
        return self._log.buffer[start:]

    def __iter__(self) -> Iterator[int]:
        """Read one by one: leaving the loop early leaves the rest unread, as in Bevy."""
        self._start()
        log = self._log
        end = log.end
        while self.cursor < end:
            if self.cursor < log.first:  # dropped while the loop ran
                self._pass_over_dropped()
            else:
                self.cursor += 1
                yield log.buffer[self.cursor - 1 - log.first]

    def __len__(self) -> int:
        """How many entities are waiting to be read."""
        start = self._start()
        return len(self._log.buffer) - start

    def __bool__(self) -> bool:
        return len(self) > 0

    def clear(self) -> None:
        """Skip everything that is waiting, without counting it as missed."""
        self._log.look()
        self.cursor = self._log.end

    def _start(self) -> int:
        """Note what has gone, and find where the unread ones begin in the buffer."""
        self._log.look()
        self._pass_over_dropped()
        return self.cursor - self._log.first

    def _pass_over_dropped(self) -> None:
        if self.cursor < self._log.first:
            self.missed += self._log.first - self.cursor
            self.cursor = self._log.first
