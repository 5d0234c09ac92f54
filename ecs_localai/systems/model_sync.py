"""Asking a host which models it has, what they can do, and which are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from ecs_localai.components.hosts import HostProtocol, OllamaHostManager
from ecs_localai.components.models import InstalledModel, LoadedModel, ModelCapabilities
from ecs_localai.ollama.errors import InvalidRequest, ModelNotFound, ServerFailure
from ecs_localai.ollama.wire import ShowReply, TagEntry, parse_timestamp
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.loaded_models import loaded_models
from ecs_localai.systems.spread_work import finish_in_background
from ecs_localai.systems.stepwise import Steps

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.providers.provider import ProvidedModel

DESCRIBED_AT_ONCE = 24
"""How many unknown models one synchronisation asks about, so that a long list is shown before all is known."""
_UNKNOWN_TIME = datetime.fromtimestamp(0, UTC)


class ModelsSnapshot(msgspec.Struct, frozen=True):
    """A host's models at one moment, as far as they are not those of the look before."""

    installed: dict[str, InstalledModel]
    """Those that are new, or not told of as before, by name, in the host's order."""
    names: list[str] | None
    """All names in the host's order; None: they are the same as before, in the same order."""
    sorted_names: list[str]
    """The same, sorted; empty where `names` is None."""
    entries: dict[str, TagEntry]
    """What the host told, by name: what the next look is compared with."""
    loaded: list[LoadedModel]
    capabilities: dict[str, ModelCapabilities]
    """Those asked for now, by digest."""
    complete: bool
    """Whether every installed model's capabilities are known."""


async def read_models(
    clients: HostClients,
    manager: OllamaHostManager,
    protocol: HostProtocol,
    known: Mapping[str, ModelCapabilities],
    before: Mapping[str, TagEntry],
) -> ModelsSnapshot:
    """Ask a host for its models, in the background, and find out there what is new.

    `known` are the capabilities that need not be asked for, by digest; `before` is what the host told the last time,
    empty where that is not what the world has.

    Raises:
        OllamaError: the host did not answer as one of its protocol does.
    """
    if protocol is HostProtocol.OLLAMA:
        return await _read_from_ollama(clients, manager, known, before)
    base_url = manager.api_client.base_url
    provider = await clients.provider(manager)
    installed = {model.name: provided_model(model, base_url) for model in await provider.models()}
    return ModelsSnapshot(installed, list(installed), sorted(installed), {}, [], {}, complete=True)


async def _read_from_ollama(
    clients: HostClients,
    manager: OllamaHostManager,
    known: Mapping[str, ModelCapabilities],
    before: Mapping[str, TagEntry],
) -> ModelsSnapshot:
    """Read ``/api/tags`` and ``/api/ps``, and ``/api/show`` for digests that are not known yet.

    Raises:
        OllamaError: the host did not answer as an Ollama does.
    """
    base_url = manager.api_client.base_url
    client = await clients.get(manager)
    import asyncio  # in the background: a first frame need not wait for it

    tags, running = await asyncio.gather(client.tags(retry=False), client.ps(retry=False))
    unknown = {entry.digest: entry.name for entry in tags if entry.digest not in known and not entry.is_remote}
    asked = dict(list(unknown.items())[:DESCRIBED_AT_ONCE])
    described = await _describe_all(client, asked)
    entries = {entry.name: entry for entry in tags}
    installed = await finish_in_background(_told_otherwise(entries, before, base_url))
    for model in installed.values():
        model.capabilities = described.get(model.digest) or known.get(model.digest) or model.capabilities
    names = list(entries)
    are_others = names != list(before)
    return ModelsSnapshot(
        installed=installed,
        names=names if are_others else None,
        sorted_names=sorted(names) if are_others else [],
        entries=entries,
        loaded=await loaded_models(client, tags, running),
        capabilities=described,
        complete=len(asked) == len(unknown),
    )


def _told_otherwise(
    entries: Mapping[str, TagEntry], before: Mapping[str, TagEntry], base_url: str
) -> Steps[dict[str, InstalledModel]]:
    """The models that the host tells of otherwise than before."""
    installed = {}
    for name, entry in entries.items():
        if before.get(name) != entry:
            installed[name] = installed_model(entry, base_url)
            yield
    return installed


async def _describe_all(client: OllamaClient, asked: dict[str, str]) -> dict[str, ModelCapabilities]:
    import asyncio  # as above

    at_once = asyncio.Semaphore(4)

    async def describe(name: str) -> ModelCapabilities:
        async with at_once:
            try:
                return capabilities_of(await client.show(name))
            except (ModelNotFound, InvalidRequest, ServerFailure):
                # A model that is listed but cannot be shown (its weights are gone from the disk) is still listed.
                return ModelCapabilities()

    found = await asyncio.gather(*(describe(name) for name in asked.values()))
    return dict(zip(asked, found, strict=True))


def capabilities_of(reply: ShowReply) -> ModelCapabilities:
    """``/api/show`` as capabilities. A server that names none (before 0.6.4) leaves them unknown."""
    names = list(reply.capabilities)
    languages = reply.model_info.get("general.languages")
    return ModelCapabilities(
        max_context_length=reply.context_length,
        supports_streaming="completion" in names if names else None,
        supports_function_calling="tools" in names if names else None,
        supports_vision="vision" in names if names else None,
        supported_languages=[str(one) for one in languages] if isinstance(languages, list) else [],
        model_architecture=reply.architecture,
        parameter_count=reply.parameter_count,
        capabilities=names,
    )


def installed_model(entry: TagEntry, base_url: str) -> InstalledModel:
    """A line of ``/api/tags`` as an installed model, its capabilities not yet known."""
    return InstalledModel(
        model_id=f"{base_url}/{entry.name}",
        name=entry.name,
        version=entry.name.rpartition(":")[2],
        size=entry.size,
        install_date=parse_timestamp(entry.modified_at) or _UNKNOWN_TIME,
        digest=entry.digest,
        quantization=entry.details.quantization_level.replace("unknown", ""),
        family=entry.details.family,
        parameter_size=entry.details.parameter_size,
        is_cloud=entry.is_remote,
        host=base_url,
    )


def provided_model(model: ProvidedModel, base_url: str) -> InstalledModel:
    """A model that a server of another protocol offers. Such a server tells little more than the name."""
    return InstalledModel(
        model_id=f"{base_url}/{model.name}",
        name=model.name,
        version="",
        size=model.size_bytes,
        install_date=model.created or _UNKNOWN_TIME,
        capabilities=ModelCapabilities(max_context_length=model.context_length, parameter_count=model.parameter_count),
        host=base_url,
    )
