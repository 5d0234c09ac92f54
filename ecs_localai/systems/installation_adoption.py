"""Installations of programs that end while this one runs: it goes on with them once it hears of their rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ecs_localai.runtime import App, Task, TaskCancelled
from ecs_localai.systems.kept_queue import KeptInstallation, KeptQueue

if TYPE_CHECKING:
    from ecs_localai.store.state import JsonValue, StoredState


class Adoption:
    """Takes over what nobody sees to any more. Nothing is asked for at intervals: somebody has changed the file."""

    def __init__(self, app: App, queue: KeptQueue, *, wanted: bool) -> None:
        self._app = app
        self._queue = queue
        self._wanted = wanted
        self._under_way: Task[list[KeptInstallation]] | None = None
        self._next: StoredState | None = None

    def begin(self, state: StoredState) -> None:
        """Look which of the rows nobody sees to."""
        rows = self._queue.of_others(state)
        if self._under_way is not None:
            self._next = state
        elif self._wanted and rows:
            work = _adopt(self._queue, rows, dict(state.queue_positions))
            self._under_way = self._app.tasks.spawn(work, "look for installations that were left behind")

    def take_in(self) -> None:
        """Ask for those that were found."""
        task = self._under_way
        if task is None or not task.is_finished():
            return
        self._under_way = None
        try:
            found = task.check_ready() or []
        except TaskCancelled:  # the app ends
            return
        for request in self._queue.take_adopted(found):
            self._app.world.spawn(request)
        if found:
            self._app.wakeups.request_frame()
        state, self._next = self._next, None
        if state is not None:
            self.begin(state)


async def _adopt(
    queue: KeptQueue, rows: Mapping[str, JsonValue], positions: Mapping[str, int]
) -> list[KeptInstallation]:
    import asyncio  # in the background: a first frame need not wait for it

    return await asyncio.to_thread(queue.adopt, rows, positions)
