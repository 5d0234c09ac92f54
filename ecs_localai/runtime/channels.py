"""Values on their way from the background to the frame: the latest one, or all of them in a bounded queue.

Bevy leaves this to crates such as ``async_channel``, whose bounded channels `Channel` follows.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import asyncio

    from ecs_localai.runtime.tasks import IoTaskPool

T = TypeVar("T")


class Latest(Generic[T]):
    """A channel that keeps only the newest value: a fast stream cannot flood a slow frame. Bevy has none of its own.

    Made by `IoTaskPool.channel`. `send` is called in the background, `take` on the frame.
    """

    __slots__ = ("__weakref__", "_announced", "_pool", "_values")

    def __init__(self, pool: IoTaskPool) -> None:
        self._pool = pool
        self._values: deque[T] = deque(maxlen=1)  # handing over is one step, in either thread
        self._announced = False

    def send(self, value: T) -> None:
        """Offer a value, replacing one that was not taken."""
        self._values.append(value)
        if not self._announced:
            self._announced = True
            self._pool._announce(self)

    def take(self) -> T | None:
        """The newest value if there is one that was not taken yet."""
        self._announced = False  # before taking: a value sent from now on is announced again
        try:
            return self._values.pop()
        except IndexError:
            return None


class ChannelClosed(Exception):
    """Something was sent into a channel that has been closed (``async_channel::SendError``)."""


class _Waiting(Generic[T]):
    """A send that waits for room."""

    __slots__ = ("accepted", "value")

    def __init__(self, value: T, accepted: asyncio.Future[None]) -> None:
        self.value = value
        self.accepted = accepted


class Channel(Generic[T]):
    """A queue from the background to the frame that holds at most `capacity` values, in the order of their sending.

    Made by `IoTaskPool.bounded`; Bevy's programs take ``async_channel::bounded`` for this. A sender that is faster than
    the frames waits in `send`, or finds out from `try_send`, so that memory stays bounded. The frame calls `drain` and
    never waits.

    Raises:
        ValueError: `capacity` is below 1.
    """

    __slots__ = (
        "__weakref__",
        "_announced",
        "_lock",
        "_pool",
        "_values",
        "_waiting",
        "capacity",
        "is_closed",
        "refused",
        "sent",
        "waited",
    )

    def __init__(self, pool: IoTaskPool, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(
                f"capacity is {capacity}: give the number of values that may wait for the frame, 1 or more. For the "
                f"newest value alone use IoTaskPool.channel."
            )
        self._pool = pool
        self.capacity = capacity
        """How many values it holds at most."""
        self._values: deque[T] = deque()
        self._waiting: deque[_Waiting[T]] = deque()  # touched by the pool's loop alone; others only look at it
        self._lock = threading.Lock()  # between senders: the frame makes room without it
        self._announced = False
        self.is_closed = False
        """Whether nothing can be sent any more; what has been sent can still be drained."""
        self.sent = 0
        """How many values were accepted."""
        self.refused = 0
        """How many values `try_send` did not accept."""
        self.waited = 0
        """How many values had to wait for room in `send`."""

    def __len__(self) -> int:
        """How many values can be drained now."""
        return len(self._values)

    def __bool__(self) -> bool:
        return True  # a channel, also while it is empty

    # In the background

    async def send(self, value: T) -> None:
        """Send a value from a task of the pool, after waiting for room if there is none.

        Senders that wait are served in the order of their coming. If the task is cancelled while it waits, the value
        is not sent, except where it was accepted in the same moment.

        Raises:
            ChannelClosed: the channel is closed, or was while this waited.
            RuntimeError: it is not the pool's loop that awaits this.
        """
        import asyncio  # late, so that a program's first frame need not wait for it

        if asyncio.get_running_loop() is not self._pool._loop:
            raise RuntimeError(
                "Channel.send was awaited outside of the app's background: spawn the coroutine on IoTaskPool, or use "
                "try_send, which any thread may call."
            )
        if self.is_closed:
            raise self._closed()
        if self._accept(value):
            return
        self.waited += 1
        waiting = _Waiting(value, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._refill()  # before it could see that somebody waits, the frame may have made room, or closed the channel
        try:
            await waiting.accepted
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    def try_send(self, value: T) -> bool:
        """Send a value if there is room and nobody waits for it; any thread may call this, and it never waits.

        False where the channel is full or closed; `refused` counts these.
        """
        if not self.is_closed and self._accept(value):
            return True
        with self._lock:
            self.refused += 1
        return False

    # On the frame

    def drain(self) -> list[T]:
        """All values that have arrived, oldest first. Never waits for anything."""
        self._announced = False  # before taking: a value sent from now on is announced again
        values = self._values
        drained = [values.popleft() for _ in range(len(values))]  # what arrives meanwhile is for the next frame
        if self._waiting:
            self._pool._in_loop(self._refill)
        return drained

    def close(self) -> None:
        """Accept nothing more; from either side. Senders that wait get `ChannelClosed`. Once is enough."""
        if self.is_closed:
            return
        self.is_closed = True
        if self._waiting:
            self._pool._in_loop(self._turn_away)
        self._announce()

    # Inside

    def _accept(self, value: T, *, in_turn: bool = False) -> bool:
        with self._lock:
            if len(self._values) >= self.capacity or (self._waiting and not in_turn):
                return False
            self._values.append(value)
            self.sent += 1
        self._announce()
        return True

    def _announce(self) -> None:
        if not self._announced:
            self._announced = True
            self._pool._announce(self)

    def _refill(self) -> None:
        """Accept what waits, as far as there is room. In the pool's loop."""
        waiting = self._waiting
        if self.is_closed:
            self._turn_away()
        while waiting:
            first = waiting[0]
            if not first.accepted.done():
                if not self._accept(first.value, in_turn=True):
                    return
                first.accepted.set_result(None)
            waiting.popleft()

    def _turn_away(self) -> None:
        """Tell those who wait that nothing is accepted any more. In the pool's loop."""
        while self._waiting:
            accepted = self._waiting.popleft().accepted
            if not accepted.done():
                accepted.set_exception(self._closed())

    @staticmethod
    def _closed() -> ChannelClosed:
        return ChannelClosed("The channel was closed: nothing can be sent into it any more. Look at is_closed first.")
