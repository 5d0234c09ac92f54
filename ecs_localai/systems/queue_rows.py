"""A row of the kept queue: what is to be installed, how it stands, and which program sees to it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from enum import Enum, auto
from typing import Final

import msgspec

from ecs_localai.components.codec import DecodeError, decode
from ecs_localai.components.installation import (
    DownloadRequest,
    InstallationPhase,
    LayerProgress,
    ModelInstallRequest,
)
from ecs_localai.components.time_values import Timestamp
from ecs_localai.ollama.names import name_key
from ecs_localai.systems.creation_mark import CreationMark
from ecs_localai.systems.saved_hosts import server_of

UNDER_WAY_HERE: Final[set[str]] = set()
"""The installations that this process sees to: it may have several apps."""
_AT_WORK = frozenset(
    {
        InstallationPhase.DOWNLOADING,
        InstallationPhase.EXTRACTING,
        InstallationPhase.VERIFYING,
        InstallationPhase.INSTALLING,
    }
)


class ClaimAnswer(Enum):
    """Whether an installation may begin, as far as other programs go."""

    GRANTED = auto()
    ELSEWHERE = auto()
    """One is at work on something that it needs, too."""
    NO_ROOM = auto()
    """What they are downloading will take the room that it needs."""


class QueuedInstallation(msgspec.Struct, frozen=True):
    """The value of a row. Of what it says about pausing and the time the row counts, not the request in it.

    Its program writes all of it, others `paused` and `not_before` alone, each field for itself: so that nobody undoes
    what another one has just written.
    """

    request: DownloadRequest
    pid: int
    """The program's process. While it lives nobody else takes the installation over."""
    taken_at: Timestamp | None = None
    """When that program began to see to it; None in rows of old: when it was asked for."""
    state: InstallationPhase = InstallationPhase.QUEUED
    paused: bool = False
    not_before: Timestamp | None = None
    bytes_done: int = 0
    total_bytes: int = 0
    refetched_bytes: int = 0
    layers: list[LayerProgress] = []
    """The files that it fetches, as far as they are known."""
    begun_at: Timestamp | None = None
    """When it had its turn first, in whichever program; None before that."""
    seconds: float = 0.0
    """How long it was at work, pauses left out, when its progress was kept last."""
    mark: CreationMark | None = None
    """Of one that is made: what its host was asked to make; None before that."""

    @property
    def is_at_work(self) -> bool:
        """Whether its host is at work on it, if its program lives."""
        return self.state in _AT_WORK

    def to_request(self) -> ModelInstallRequest:
        """What another program asks for to go on with it."""
        asked = self.request
        return ModelInstallRequest(
            asked.model_name,
            asked.download_config,
            asked.host,
            not_before=self.not_before,
            paused=self.paused,
            recipe=asked.recipe,
        )


def read_row(row: object) -> QueuedInstallation | None:
    """What a row says; None where it makes no sense to this version."""
    try:
        return decode(msgspec.json.encode(row), QueuedInstallation)
    except DecodeError:
        return None


def program_lives(installation_id: str, row: QueuedInstallation) -> bool:
    """Whether the program that sees to it is still there. Takes a moment: not for a frame.

    Its number may be another one's by now, one that began later than it had taken this.
    """
    if row.pid == os.getpid():
        return installation_id in UNDER_WAY_HERE
    import psutil  # only where something is left behind

    taken_at = row.taken_at if row.taken_at is not None else row.request.requested_at
    try:
        return psutil.Process(row.pid).create_time() <= taken_at.timestamp()
    except psutil.Error:
        return False


def in_the_way(
    rows: Mapping[str, object], ours: Iterable[str], host: str, model_name: str, digests: frozenset[str]
) -> str | None:
    """The id of another living program's installation, at work on this host, of the same model or with a file of it.

    Two pulls that share a transfer can bring the server down when one of them is left (Ollama 0.9.3, PR 17370).
    """
    key, server, mine = name_key(model_name), server_of(host), frozenset(ours)
    for installation_id, value in rows.items():
        row = None if installation_id in mine else read_row(value)
        if row is None or not row.is_at_work or server_of(row.request.host) != server:
            continue
        shares = name_key(row.request.model_name) == key or any(one.digest in digests for one in row.layers)
        if shares and program_lives(installation_id, row):
            return installation_id
    return None


def taken_by_others(rows: Mapping[str, object], ours: Iterable[str], host: str) -> int:
    """The bytes that other living programs' downloads will still bring to this host."""
    server, mine = server_of(host), frozenset(ours)
    taken = 0
    for installation_id, value in rows.items():
        row = None if installation_id in mine else read_row(value)
        if row is None or not row.is_at_work or server_of(row.request.host) != server:
            continue
        left = sum(max(0, one.size - one.downloaded) for one in row.layers if not one.is_done)
        if left and program_lives(installation_id, row):
            taken += left
    return taken


def reordered(positions: Mapping[str, int], order: list[str]) -> dict[str, int]:
    """The positions of those that get another one when they stand in this order; the others' stay as they are."""
    places = sorted(positions[key] for key in order)
    changed: dict[str, int] = {}
    last: int | None = None
    for key, place in zip(order, places, strict=True):
        at = place if last is None else max(place, last + 1)  # two that were added at once have the same
        last = at
        if positions[key] != at:
            changed[key] = at
    return changed


def moved(order: list[str], key: str, by: int) -> list[str]:
    """The order in which this one stands so many places later; negative is earlier."""
    here = order.index(key)
    there = max(0, min(len(order) - 1, here + by))
    rest = [*order[:here], *order[here + 1 :]]
    return [*rest[:there], key, *rest[there:]]
