"""Work on several hosts at a time that Ctrl-C stops at once, and that can be told how far it came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ecs_localai.commands.asking import client_for
from ecs_localai.commands.stop_signals import StopSignals
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.systems.saved_hosts import SavedHost

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient

LOOK_SECONDS = 0.1
"""So often it is looked whether somebody wants it to end."""


class Ended(NamedTuple):
    """How it ended."""

    failures: list[tuple[SavedHost, OllamaError]]
    """The hosts whose work failed."""
    stopped: bool
    """Whether somebody stopped it before all was done."""


def work_side_by_side(hosts: Sequence[SavedHost], work: Callable[[OllamaClient, SavedHost], Awaitable[None]]) -> Ended:
    """Do the work on all hosts at a time, each with a client of its own.

    Ctrl-C or SIGTERM cancels it and closes its connections; a second one raises KeyboardInterrupt.
    """
    with StopSignals() as stop:
        return asyncio.run(_work(hosts, work, stop))


async def _work(
    hosts: Sequence[SavedHost], work: Callable[[OllamaClient, SavedHost], Awaitable[None]], stop: StopSignals
) -> Ended:
    from ecs_localai.systems.host_clients import HostClients

    clients = HostClients()
    failures: list[tuple[SavedHost, OllamaError]] = []

    async def one(host: SavedHost) -> None:
        try:
            await work(await client_for(clients, host), host)
        except OllamaError as error:
            failures.append((host, error))

    everything = asyncio.gather(*map(one, hosts))
    try:
        while not everything.done() and stop.caught is None:
            await asyncio.wait({everything}, timeout=LOOK_SECONDS)
        stopped = not everything.done()
        if stopped:
            everything.cancel()
            with suppress(asyncio.CancelledError):
                await everything
        else:
            everything.result()
        return Ended(failures, stopped)
    finally:
        await clients.close()
