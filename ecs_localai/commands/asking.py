"""Asking hosts something: one, or many at once, each with its own log-in, certificates, pool and retry policy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from ecs_localai.components.hosts import HostOrigin, HostProtocol, OllamaAPIClient, RetryPolicy
from ecs_localai.ollama.errors import NotSupported, OllamaError
from ecs_localai.systems.saved_hosts import SavedHost

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.systems.host_clients import HostClients

T = TypeVar("T")
_ONCE = RetryPolicy(max_attempts=1)
"""For a host that is not in the list: who gave its address on the command line is there to try again."""


def ask(host: SavedHost, question: Callable[[OllamaClient], Awaitable[T]]) -> T:
    """Ask a host something with a client of its own, and wait for the answer.

    Raises:
        OllamaError: with a sentence.
    """
    (answer,) = ask_all([host], question)
    if isinstance(answer, OllamaError):
        raise answer
    return answer


def ask_all(
    hosts: Sequence[SavedHost], question: Callable[[OllamaClient], Awaitable[T]], *, once: bool = False
) -> list[T | OllamaError]:
    """Ask all hosts at once, so that none waits for another; the answers are in the hosts' order.

    An answer that cannot be had is the failure. With `once` nothing is tried again.
    """
    return asyncio.run(_gather(hosts, question, once))


async def _gather(
    hosts: Sequence[SavedHost], question: Callable[[OllamaClient], Awaitable[T]], once: bool
) -> list[T | OllamaError]:
    from ecs_localai.systems.host_clients import HostClients

    clients = HostClients()

    async def one(host: SavedHost) -> T | OllamaError:
        try:
            return await question(await client_for(clients, host, once=once))
        except OllamaError as error:
            return error

    try:
        return list(await asyncio.gather(*map(one, hosts)))
    finally:
        await clients.close()


async def client_for(clients: HostClients, host: SavedHost, *, once: bool = False) -> OllamaClient:
    """The client for a host, as the world would make it; its secret is read in a thread.

    Raises:
        OllamaError: the host speaks another protocol, or its secret or a certificate cannot be had.
    """
    if host.protocol is not HostProtocol.OLLAMA:
        raise NotSupported(f"{host.name} speaks OpenAI's protocol, which has no such call; use an Ollama for it.")
    retry = _ONCE if once or host.origin is HostOrigin.ENVIRONMENT else host.retry_policy
    return await clients.get_for(OllamaAPIClient.for_host(host.config, retry), host.pool)
