"""An asyncio event loop in a thread of its own, for the rig's small servers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs an event loop in a daemon thread. ``run`` a coroutine on it from any other thread; ``stop`` ends it."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, for ``call_soon_threadsafe``."""
        return self._loop

    def run(self, coroutine: Coroutine[object, object, T], timeout: float = 10.0) -> T:
        """Runs the coroutine on the loop and returns its result; raises what it raises, or TimeoutError."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout)

    def stop(self) -> None:
        """Cancels what still runs on the loop, closes it and ends the thread. A second call does nothing."""
        if self._loop.is_closed():
            return
        self.run(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)


async def _cancel_others() -> None:
    # A connection that was let in a moment ago is not yet served; cancelled before that, it would stay open.
    for _ in range(5):
        await asyncio.sleep(0)
    me = asyncio.current_task()
    others = [task for task in asyncio.all_tasks() if task is not me]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
    # Transports close in the loop's next rounds; without them their sockets would be reported as never closed.
    for _ in range(3):
        await asyncio.sleep(0)
