"""One look at a host: whether it answers, what it is, and how much is on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from ecs_localai.commands.asking import client_for
from ecs_localai.commands.host_advice import advice_for
from ecs_localai.components.authentication import OllamaAuth
from ecs_localai.components.hosts import HostOrigin, HostProtocol
from ecs_localai.components.tls import TlsSettings
from ecs_localai.ollama.errors import ErrorKind, NotSupported, OllamaError
from ecs_localai.systems.saved_hosts import SavedHost
from ecs_localai.systems.size_on_disk import OnDisk, sum_on_disk

if TYPE_CHECKING:
    from ecs_localai.commands.host_book import HostBook
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.ollama.wire import TagEntry
    from ecs_localai.systems.host_clients import HostClients

OPENAI_FLAG = "custom_providers"
"""The feature without which no host that is not an Ollama is used."""


class HostLine(msgspec.Struct, frozen=True, kw_only=True):
    """A host as ``hosts --json`` tells it. None: not known, or there is none."""

    name: str
    base_url: str
    is_default: bool
    origin: HostOrigin
    protocol: HostProtocol
    connected: bool
    program: str | None = None
    """For a host that speaks another protocol: what it says it is."""
    version: str | None = None
    response_time_ms: float | None = None
    """Of ``/api/version`` over a connection that is open already."""
    answered_address: str | None = None
    """The IP address that answered."""
    models: int | None = None
    loaded: int | None = None
    size_on_disk: int | None = None
    """Bytes; models that are the same under two names count once. None where they could not be listed."""
    size_is_exact: bool | None = None
    """Whether files that several models have count once; else they are counted with each of them."""
    error: str | None = None
    """Why it does not answer, or does not list its models; one sentence."""
    error_kind: str | None = None
    advice: list[str] = []
    authentication: OllamaAuth | None = None
    """Where its secret is kept; the secret itself is nowhere."""
    tls: TlsSettings | None = None
    connection_timeout: float
    """Seconds."""


def look_at_all(hosts: Sequence[SavedHost], book: HostBook) -> list[HostLine]:
    """Look at all hosts at once, each a single time; one that does not answer makes no other one wait."""
    return asyncio.run(_look_at_all(hosts, book))


async def _look_at_all(hosts: Sequence[SavedHost], book: HostBook) -> list[HostLine]:
    import aiohttp  # noqa: F401 - before the first answer, whose time would be mostly this otherwise

    from ecs_localai.systems.host_clients import HostClients

    clients = HostClients()
    try:
        return list(await asyncio.gather(*(_look(clients, host, book) for host in hosts)))
    finally:
        await clients.close()


async def _look(clients: HostClients, host: SavedHost, book: HostBook) -> HostLine:
    seen = HostLine(
        name=host.name,
        base_url=host.config.base_url,
        is_default=host.is_default,
        origin=host.origin,
        protocol=host.protocol,
        connected=False,
        authentication=host.config.authentication,
        tls=host.config.tls,
        connection_timeout=host.config.connection_timeout.total_seconds(),
    )
    try:
        if host.protocol is HostProtocol.OPENAI:
            return await _look_at_openai(host, seen, book.flags)
        client = await client_for(clients, host, once=True)
        version = await client.version(retry=False)
        seen = msgspec.structs.replace(seen, connected=True, version=version, answered_address=client.answered_address)
        begun = time.perf_counter()
        await client.version(retry=False)
        took = (time.perf_counter() - begun) * 1000.0
        seen = msgspec.structs.replace(seen, response_time_ms=round(took, 3))
        installed, loaded = await asyncio.gather(client.tags(retry=False), client.ps(retry=False))
        on_disk = await _on_disk(client, installed)
        return msgspec.structs.replace(
            seen,
            models=len(installed),
            loaded=len(loaded),
            size_on_disk=on_disk.bytes,
            size_is_exact=on_disk.is_exact,
        )
    except OllamaError as error:
        advice = advice_for(host, error, is_usual=book.is_usual(host))
        return msgspec.structs.replace(seen, error=error.message, error_kind=str(error.kind), advice=advice)


async def _look_at_openai(host: SavedHost, seen: HostLine, flags: Mapping[str, bool]) -> HostLine:
    if not flags.get(OPENAI_FLAG, False):
        raise NotSupported(f"{host.name} is no Ollama, and those are off; switch Custom providers on in the panel.")
    from ecs_localai.ollama.secrets import resolve_auth
    from ecs_localai.providers.openai_protocol import OpenAIProvider

    config, headers = host.config, None
    if config.authentication is not None:
        headers = await asyncio.to_thread(resolve_auth, config.authentication)
    async with OpenAIProvider(
        config.base_url,
        connect_timeout=config.connection_timeout.total_seconds(),
        headers=headers,
        tls=config.tls,
        pool=host.pool,
    ) as provider:
        identity = await provider.probe()
        begun = time.perf_counter()
        models = await provider.models()
        took = (time.perf_counter() - begun) * 1000.0
        return msgspec.structs.replace(
            seen,
            connected=True,
            program=identity.program,
            version=identity.version,
            answered_address=provider.answered_address,
            response_time_ms=round(took, 3),
            models=len(models),
        )


def status_text(line: HostLine) -> str:
    """The status in one or two words."""
    if line.connected:
        return "Connected" if line.error is None else "Trouble"
    return _STATUS.get(line.error_kind or "", "Not connected")


_STATUS: dict[str, str] = {
    ErrorKind.REFUSED: "Not running",
    ErrorKind.DNS: "Name not known",
    ErrorKind.TIMED_OUT: "No answer",
    ErrorKind.UNREACHABLE: "Unreachable",
    ErrorKind.TLS: "Not trusted",
    ErrorKind.NOT_OLLAMA: "Not an Ollama",
    ErrorKind.FORBIDDEN: "Forbidden",
    ErrorKind.UNAUTHORIZED: "Log-in needed",
    ErrorKind.BUSY: "Busy",
    ErrorKind.NOT_SUPPORTED: "Off",
}


async def _on_disk(client: OllamaClient, installed: Sequence[TagEntry]) -> OnDisk:
    sizes = {entry.digest or entry.name: entry.size for entry in installed if not entry.is_remote}
    storage = None
    if len(sizes) > 1:
        from ecs_localai.ollama.deleting import storage_of

        with suppress(OllamaError):
            storage = await storage_of(client, {})
    return sum_on_disk(sizes, storage)


def size_text(line: HostLine) -> str:
    """What its models take on its disk; empty for nothing, or where that is not known."""
    return "" if line.size_on_disk is None else OnDisk(line.size_on_disk, line.size_is_exact is True).text
