"""Asking a host whether it is there."""

from __future__ import annotations

import time

import msgspec

from ecs_localai.components.hosts import OllamaAPIClient
from ecs_localai.systems.host_clients import HostClients


class ProbeResult(msgspec.Struct, frozen=True):
    """A host's answer."""

    version: str
    response_time_ms: float


async def probe_host(clients: HostClients, api: OllamaAPIClient) -> ProbeResult:
    """Ask ``/api/version``.

    Raises:
        OllamaError: the host is not there, or what is there is not an Ollama; with a sentence.
    """
    client = clients.get(api)
    begun = time.perf_counter()
    version = await client.version()
    return ProbeResult(version, (time.perf_counter() - begun) * 1000.0)
