"""Asking a host whether it is there."""

from __future__ import annotations

import time

import msgspec

from ecs_localai.components.hosts import HostProtocol, OllamaHostManager
from ecs_localai.ollama.errors import ErrorKind, OllamaError, Unauthorized
from ecs_localai.systems.host_clients import HostClients


class ProbeResult(msgspec.Struct, frozen=True):
    """A host's answer."""

    version: str
    """Empty where it does not say."""
    response_time_ms: float
    answered_address: str | None = None


async def probe_host(
    clients: HostClients, manager: OllamaHostManager, protocol: HostProtocol, *, others_allowed: bool
) -> ProbeResult:
    """Ask an Ollama for ``/api/version``, a server of another protocol for its models; once.

    Without `others_allowed` (the feature ``custom_providers``) only Ollamas are asked.

    Raises:
        OllamaError: the host is not there, or what is there speaks another protocol; with a sentence.
    """
    if protocol is not HostProtocol.OLLAMA and not others_allowed:
        raise OllamaError(
            "This host is no Ollama, and such hosts are not asked: switch on “Custom providers” among the features.",
            ErrorKind.NOT_SUPPORTED,
        )
    try:
        if protocol is HostProtocol.OLLAMA:
            client = await clients.get(manager)
            begun = time.perf_counter()
            version = await client.version(retry=False)
            took = (time.perf_counter() - begun) * 1000.0
            return ProbeResult(version, took, client.answered_address)
        provider = await clients.provider(manager)
        begun = time.perf_counter()
        identity = await provider.probe()
        took = (time.perf_counter() - begun) * 1000.0
        named = " ".join(part for part in (identity.program, identity.version) if part)
        return ProbeResult(named, took, provider.answered_address)
    except Unauthorized:
        if manager.api_client.authentication is not None:  # its secret may have been changed where it is kept
            await clients.drop(manager.api_client, manager.connection_pool)
        raise
