"""Equal reads at the same time are one request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import TypeVar, cast

__all__ = ["SharedReads"]

_T = TypeVar("_T")


class _Flight:
    """One request on its way, and how many wait for it."""

    __slots__ = ("task", "waiting")

    def __init__(self, task: asyncio.Task[object]) -> None:
        self.task = task
        self.waiting = 0


class SharedReads:
    """The reads that run, by what they ask. Cancelling one who waits hurts nobody else; the last one ends the read."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight] = {}

    async def join(self, key: Hashable, start: Callable[[], Coroutine[object, object, _T]]) -> _T:
        """What the read ``key`` gives: of the one that runs, or of one that ``start`` makes."""
        flight = self._flights.get(key)
        if flight is None:
            task: asyncio.Task[object] = asyncio.get_running_loop().create_task(start())
            flight = self._flights[key] = _Flight(task)
            task.add_done_callback(lambda _: self._forget(key, task))
        flight.waiting += 1
        try:
            return cast("_T", await asyncio.shield(flight.task))
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self._forget(key, flight.task)
                flight.task.cancel()

    def part(self) -> None:
        """Something has changed: what is read from now on is asked anew, and what runs ends for those who wait."""
        self._flights.clear()

    def _forget(self, key: Hashable, task: asyncio.Task[object]) -> None:
        flight = self._flights.get(key)
        if flight is not None and flight.task is task:
            del self._flights[key]
