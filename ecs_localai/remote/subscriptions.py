"""A client that watches: what it wants to know, and the next thing it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from ecs_localai.remote.errors import INTERNAL_ERROR, ErrorObject, RpcError
from ecs_localai.remote.question import WatchQuestion


class Subscription:
    """One client that watches. Made in the background.

    The frame looks for news only when the news before has been sent. So a slow reader is told less often, and never
    has more than one update waiting for it. (Bevy, ``bevy_remote/src/http.rs``, keeps eight and then hangs up.)
    """

    def __init__(self, question: WatchQuestion) -> None:
        self.question = question
        self.ready = True
        """The frame's own: whether the news before has been sent."""
        self.closed = False
        """Written in the background: the client has gone."""
        self.look: Callable[[], object | None] | None = None
        """The frame's own: what finds news; None before the first frame."""
        self._updates: asyncio.Queue[bytes | ErrorObject | None] = asyncio.Queue()

    def be_ready(self) -> None:
        """Take it, on the frame, that the news before has been sent."""
        self.ready = True

    def receive(self, news: object) -> None:
        """Take an update."""
        try:
            self._updates.put_nowait(msgspec.json.encode(news))
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            self.fail(RpcError(INTERNAL_ERROR, f"The news cannot be written as JSON ({type(error).__name__})."))

    def fail(self, error: RpcError) -> None:
        """Take it that there is nothing to watch (any more)."""
        self._updates.put_nowait(error.told)
        self.end()

    def end(self) -> None:
        """Take it that this is all."""
        self._updates.put_nowait(None)

    async def next(self) -> bytes | ErrorObject | None:
        """Wait for an update as JSON, or an error; None at the end."""
        return await self._updates.get()
