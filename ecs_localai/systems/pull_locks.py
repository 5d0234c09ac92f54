"""No two installations of an app fetch the same at the same time, whatever their manifests said a moment ago."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


class PullLocks:
    """What is being fetched now, each thing by one alone. For the background loop."""

    def __init__(self) -> None:
        self._held: set[Hashable] = set()
        self._waiting: set[asyncio.Future[None]] = set()

    async def acquire(self, keys: Collection[Hashable]) -> Callable[[], None]:
        """Wait until nobody has any of these, and have them all; returns what gives them back. Calling that twice does
        nothing more.
        """
        import asyncio  # in the background: a first frame need not wait for it

        taken = frozenset(keys)
        while not self._held.isdisjoint(taken):
            freed = asyncio.get_running_loop().create_future()
            self._waiting.add(freed)
            try:
                await freed
            finally:
                self._waiting.discard(freed)
        self._held |= taken
        given_back = False

        def give_back() -> None:
            nonlocal given_back
            if given_back:
                return
            given_back = True
            self._held.difference_update(taken)
            for freed in self._waiting:
                if not freed.done():
                    freed.set_result(None)

        return give_back
