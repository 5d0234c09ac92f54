"""Installations that were asked for and have not ended: kept, so that the next start goes on with them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, cast

import msgspec

from ecs_localai.components.codec import DecodeError, decode, to_builtins
from ecs_localai.components.installation import DownloadRequest, ModelInstallRequest
from ecs_localai.components.time_values import utc_now
from ecs_localai.store.moments import to_microseconds
from ecs_localai.store.tables import Table

if TYPE_CHECKING:
    from ecs_localai.store.state import JsonValue
    from ecs_localai.store.store import Store

_under_way_here: Final[set[str]] = set()
"""The installations that this process sees to: it may have several apps."""


class QueuedInstallation(msgspec.Struct, frozen=True):
    """The value of a row: what is to be downloaded, and which program sees to it."""

    request: DownloadRequest
    pid: int
    """The program's process. While it lives nobody else takes the installation over."""


class KeptQueue:
    """The queue as the file has it."""

    __slots__ = ("_left", "_next", "_ours", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._next = 0
        self._ours: dict[str, tuple[JsonValue, int]] = {}
        self._left: list[tuple[ModelInstallRequest, str]] = []

    def add(self, request: DownloadRequest) -> None:
        """Keep what has been asked for, behind what is there."""
        self._next = max(self._next + 1, to_microseconds(request.requested_at))  # other programs ask, too
        row = cast("JsonValue", to_builtins(QueuedInstallation(request, os.getpid())))
        self._ours[request.installation_id] = row, self._next
        _under_way_here.add(request.installation_id)
        self._store.put(Table.QUEUE, request.installation_id, row, self._next)

    def remove(self, installation_id: str) -> None:
        """It has ended, one way or another."""
        if self._ours.pop(installation_id, None) is not None:
            _under_way_here.discard(installation_id)
            self._store.remove(Table.QUEUE, installation_id)

    def take_over(self, request: ModelInstallRequest) -> None:
        """This request, if it is one of `left_behind`, has another row by now, or needs none any more."""
        for left in [left for left in self._left if left[0] is request]:
            self._left.remove(left)
            self._store.remove(Table.QUEUE, left[1])

    def keep_missing(self, rows: dict[str, JsonValue]) -> None:
        """The file has lost rows of ours: keep them anew."""
        for installation_id, (row, position) in self._ours.items():
            if installation_id not in rows:
                rows[installation_id] = row
                self._store.put(Table.QUEUE, installation_id, row, position)

    def left_behind(self) -> list[ModelInstallRequest]:
        """What programs that have ended without ending it asked for, in their order. For the start.

        Of several programs that start at once one gets it. Each stays in the file until `take_over`.
        """
        left = {key: queued for key, row in self._store.initial.queue.items() if (queued := _left(row)) is not None}
        if not left:
            return []
        initial = self._store.initial.queue
        taken = self._store.swap(
            Table.QUEUE,
            {key: (initial[key], to_builtins(_taken_over(queued))) for key, queued in left.items()},
        )
        for key, queued in left.items():
            if key in taken:
                asked = queued.request
                self._left.append((ModelInstallRequest(asked.model_name, asked.download_config, asked.host), key))
        _under_way_here.update(taken)
        return [request for request, _ in self._left]

    def close(self) -> None:
        """The app ends: what it has not ended is left behind."""
        _under_way_here.difference_update(self._ours, (key for _, key in self._left))


def _left(row: object) -> QueuedInstallation | None:
    """What a row says whose program has ended; None for any other."""
    try:
        queued = decode(msgspec.json.encode(row), QueuedInstallation)
    except DecodeError:
        return None
    return None if _lives(queued) else queued


def _taken_over(queued: QueuedInstallation) -> QueuedInstallation:
    """As asked for by this program now: `_lives` looks at whether it had begun by then."""
    return QueuedInstallation(msgspec.structs.replace(queued.request, requested_at=utc_now()), os.getpid())


def _lives(queued: QueuedInstallation) -> bool:
    """Whether the program is still there. Its number may be another one's by now, one that began later than this."""
    if queued.pid == os.getpid():
        return queued.request.installation_id in _under_way_here
    import psutil  # only where something is left behind

    try:
        return psutil.Process(queued.pid).create_time() <= queued.request.requested_at.timestamp()
    except psutil.Error:
        return False
