"""Putting installations into the kept queue that are not to begin now: nobody needs to wait for them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from ecs_localai.commands.clock_times import when_text
from ecs_localai.commands.host_book import HostBook, find_host
from ecs_localai.commands.installation_job import config_for
from ecs_localai.commands.preflight_look import Looked
from ecs_localai.commands.queue_file import OpenQueue, entry_object, open_queue
from ecs_localai.commands.terminal import say, say_json, warn
from ecs_localai.components.codec import to_builtins
from ecs_localai.components.hosts import HostOrigin
from ecs_localai.components.installation import DownloadConfig, DownloadRequest, InstallationPhase
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.wording import format_list
from ecs_localai.ollama.names import name_key
from ecs_localai.store.moments import to_microseconds
from ecs_localai.store.tables import Table
from ecs_localai.systems.queue_book import QueueEntry
from ecs_localai.systems.queue_rows import QueuedInstallation

NOBODY_SINCE = datetime.fromtimestamp(0, UTC)
"""A row that its program took so long ago is seen to by nobody: no program that runs is so old."""
_WAITS = (InstallationPhase.QUEUED, InstallationPhase.PAUSED)


def put_off(
    book: HostBook,
    folder: Path,
    chosen: Sequence[Looked],
    config: DownloadConfig,
    not_before: datetime,
    *,
    as_json: bool,
) -> None:
    """Put models into the queue that are to be installed from then on, and say who will do that.

    One that is in the queue already gets the new time.

    Raises:
        CommandFailed: the queue cannot be kept.
    """
    with open_queue(folder) as queue:
        ids = [_put(queue, number, one, config, not_before) for number, one in enumerate(chosen, 1)]
        queue.flush()
    with open_queue(folder) as queue:
        entries = {entry.installation_id: entry for entry in queue.book.entries()}
    kept = [entries[installation_id] for installation_id in ids if installation_id in entries]
    for entry in kept:
        if as_json:
            say_json({"event": "Queued", **entry_object(entry, book)})
    if not as_json:
        _say(kept, not_before)
    _warn_of_unlisted(book, chosen)


def _put(queue: OpenQueue, number: int, looked: Looked, config: DownloadConfig, not_before: datetime) -> str:
    one = looked.wanted
    base_url = one.host.config.base_url
    for entry in queue.book.entries():
        if entry.host == base_url and name_key(entry.model_name) == name_key(one.name):
            if entry.paused:
                queue.book.resume([entry.installation_id])
            if entry.state in _WAITS:
                queue.book.schedule(entry.installation_id, not_before)
            return entry.installation_id
    now = utc_now()
    request = DownloadRequest(one.name, uuid4().hex[:12], base_url, config_for(one.name, config), now, not_before)
    size = looked.preflight.total_bytes or 0
    row = QueuedInstallation(request, os.getpid(), NOBODY_SINCE, not_before=not_before, total_bytes=size)
    behind = max((0, *queue.store.initial.queue_positions.values())) + number
    queue.store.put(Table.QUEUE, request.installation_id, to_builtins(row), max(behind, to_microseconds(now)))
    return request.installation_id


def _say(kept: Sequence[QueueEntry], not_before: datetime) -> None:
    names = format_list(list(dict.fromkeys(entry.model_name for entry in kept)))
    going_on = [entry for entry in kept if entry.state not in _WAITS]
    for entry in going_on:
        say(f"{entry.model_name} is being installed already.")
    if len(going_on) == len(kept):
        return
    say(
        f"In the queue: {names}, to begin {when_text(not_before, utc_now())}. The panel does that if it runs then; "
        "else: ecs-localai queue --run"
    )


def _warn_of_unlisted(book: HostBook, chosen: Sequence[Looked]) -> None:
    """The panel installs nothing on a host that it does not know."""
    for host in {one.wanted.host.config.base_url: one.wanted.host for one in chosen}.values():
        listed = find_host(book.hosts, host.config.base_url)
        if listed is None or listed.origin is HostOrigin.ENVIRONMENT:
            warn(
                f"{host.config.base_url} is not in the list of hosts, so the panel does not know it. To add it: "
                f"ecs-localai hosts add {host.config.base_url}"
            )
