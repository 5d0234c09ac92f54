"""Ends what makes no progress, however many bytes come meanwhile."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

__all__ = ["Watchdog"]


class Watchdog:
    """Raises TimeoutError in an ``async with`` block in which nothing has `moved` for ``seconds``; None: never.

    Noting a movement costs a look at the clock; the timer is moved only when it rings.
    """

    __slots__ = ("_limit", "_loop", "_moved_at", "_timer", "has_moved", "seconds")

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.has_moved = False
        self._limit = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None

    def moved(self) -> None:
        """There was progress just now."""
        self.has_moved = True
        if self.seconds is not None:
            self._moved_at = self._loop.time()

    @property
    def bit(self) -> bool:
        """Whether it has ended the block."""
        return self._limit.expired()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._moved_at = self._loop.time()
        await self._limit.__aenter__()
        if self.seconds is not None:
            self._timer = self._loop.call_later(self.seconds, self._ring, self.seconds)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._limit.__aexit__(kind, error, trace)

    def _ring(self, seconds: float) -> None:
        due = self._moved_at + seconds
        if self._loop.time() < due:
            self._timer = self._loop.call_at(due, self._ring, seconds)
        else:
            self._limit.reschedule(self._loop.time())
