"""Room on a host's disk for what is to be downloaded, beside what its other downloads will still take of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ecs_localai.components.installation_errors import InstallationError, InstallationErrorKind
from ecs_localai.components.preflight import DISK_RESERVE
from ecs_localai.systems.pull_ledger import PullLedger

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient

_TELLS_BLOCKS = hasattr(os.stat_result, "st_blocks")
"""Whether this system tells how much of a file with holes is on the disk; Windows does not."""


class WaitsForRoom(Exception):
    """It fits, but not beside what its host is downloading now."""

    def __init__(self, *, is_elsewhere: bool = False) -> None:
        super().__init__()
        self.is_elsewhere = is_elsewhere
        """Whether it is another program that has that downloaded."""


class RoomShares:
    """What the downloads of an app that are at work will still take of their servers' disks. For the background loop.

    Each of two may fit on a disk that is too small for both: it would be full before either is complete, and Ollama
    keeps what has arrived of both (0.9.3).
    """

    def __init__(self) -> None:
        self._held: dict[str, list[PullLedger]] = {}

    def taken_of(self, server: str) -> int:
        """The bytes that are still to come to a server."""
        return sum(ledger.left for ledger in self._held.get(server, ()))

    @contextmanager
    def hold(self, server: str, ledger: PullLedger) -> Iterator[None]:
        """Count what this one still takes, until the block ends."""
        held = self._held.setdefault(server, [])
        held.append(ledger)
        try:
            yield
        finally:
            self._held[server] = [one for one in held if one is not ledger]


async def room_left_over(
    client: OllamaClient, layers: Mapping[str, int], ledger: PullLedger, *, ignored: bool
) -> int | None:
    """The bytes that stay free besides the reserve once what is to come has come; None where that cannot be seen, or
    is to be `ignored`.

    Notes in the ledger what is to come: what has arrived of a file takes its room already.

    Raises:
        InstallationError: it does not fit, whatever else is downloaded.
    """
    sizes = {digest: layers[digest] for digest in ledger.missing}
    if not sizes:
        return None
    from ecs_localai.systems.models_room import room_for_models
    from ecs_localai.systems.preflight_findings import room_problem

    room = await room_for_models(client)
    ledger.left = need = sum(sizes.values()) - await _arrived(room.folder, sizes, ledger)
    if ignored or not need or room.free is None:
        return None
    problem = room_problem(need, room)
    if problem is not None:
        raise InstallationError(problem, InstallationErrorKind.DISK_FULL)
    return room.free - DISK_RESERVE - need


async def _arrived(folder: str, sizes: Mapping[str, int], ledger: PullLedger) -> int:
    """How much of these files is on the disk: what the disk itself says, or what earlier pulls brought."""
    if folder and _TELLS_BLOCKS:
        import asyncio  # in the background: a first frame need not wait for it

        from ecs_localai.systems.models_room import taken_already

        return await asyncio.to_thread(taken_already, Path(folder), sizes)
    return sum(min(size, ledger.fetched.get(digest, 0)) for digest, size in sizes.items())
