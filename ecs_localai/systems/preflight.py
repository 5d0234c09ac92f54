"""What installing a model on a host would mean, found out before any byte of it moves. No world is needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ecs_localai.components.preflight import Preflight
from ecs_localai.components.registry import ModelRegistryCache, RegistryEntry
from ecs_localai.ollama.errors import InvalidModelName, OllamaError, PullFailed
from ecs_localai.ollama.local_models import manifest_file
from ecs_localai.ollama.names import ModelName, name_key, parse_model_name
from ecs_localai.ollama.plain_http import is_by_plain_http
from ecs_localai.ollama.registry import parse_manifest
from ecs_localai.systems.machine_memory import FreeMemory, measure_free_memory
from ecs_localai.systems.memory_verdict import verdict_of
from ecs_localai.systems.models_room import Room, room_for_models, taken_already
from ecs_localai.systems.preflight_findings import (
    CLOUD_VERDICT,
    HostAnswer,
    described,
    missing_in_registry,
    problem_of,
    replaced_text,
    room_problem,
    runs_elsewhere,
    unread_problem,
)
from ecs_localai.systems.registry_answer import RegistryAnswer, ask_registry

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient

BLOBS_AT_ONCE = 6
"""So many files the host is asked about at a time."""
MOST_BLOBS = 4096
"""A host is not asked about more files than these: the largest models that come in parts have some hundred."""


class HostSide(msgspec.Struct, frozen=True):
    """What a host, and the machine that it runs on, say before a model is installed there."""

    answer: HostAnswer
    room: Room
    memory: FreeMemory | None = None
    """What is free where the host runs; None where that is another computer."""


async def preflight_of(
    client: OllamaClient,
    name: ModelName,
    context_length: int | None = None,
    memory: FreeMemory | None = None,
    *,
    cache: ModelRegistryCache | None = None,
    remember: Callable[[RegistryEntry], None] | None = None,
    insecure: bool | None = None,
    unloadable: int = 0,
    told: RegistryAnswer | None = None,
) -> Preflight:
    """Find out what installing a model on the client's host would mean. Called in the background.

    Args:
        client: speaks to the host.
        name: the model.
        context_length: the tokens that there is to be memory for; None: as many as the model itself asks for, else
            `DEFAULT_CONTEXT`.
        memory: what is free on this machine; None: it is measured. It counts only where the host runs here.
        cache: manifests that are remembered: fresh ones are not asked for again, older ones serve where the registry
            cannot be reached. Nothing that is remembered makes a model current (`Preflight.is_remembered`).
        remember: is given what the registry says, to keep it.
        insecure: whether the registry is asked by plain http; None: where it is on this machine.
        unloadable: the bytes of loaded models that the host would unload to make room.
        told: what the registry has said already; then it is not asked, and `cache` is of no use.

    Raises nothing: what cannot be found out is None, with its reason; why it cannot be installed is in `problem`.
    """
    import asyncio  # in the background: a first frame need not wait for it

    async def ask() -> RegistryAnswer:
        if told is not None:
            return told
        plain = is_by_plain_http(name) if insecure is None else insecure
        return await ask_registry(name, cache or ModelRegistryCache(), insecure=plain, remember=remember)

    answer, side = await asyncio.gather(ask(), ask_host(client, name, memory))
    return await preflight_from(client, name, answer, side, context_length, unloadable=unloadable)


async def preflight_from(
    client: OllamaClient,
    name: ModelName,
    told: RegistryAnswer,
    side: HostSide,
    context_length: int | None = None,
    *,
    unloadable: int = 0,
) -> Preflight:
    """What follows from what registry and host have said; the host is asked only for the model's files.

    The arguments are those of `preflight_of`. Raises nothing, as that does.
    """
    host, room = side.answer, side.room
    missing = None
    try:
        if told.entry is not None and host.error is None:
            missing = await _missing_files(client, told.entry)
    except OllamaError as error:
        host = HostAnswer(host.present, host.version, error)
    is_same = await _is_same(told.entry, host, room, missing)
    lacking = missing_in_registry(name, told, missing)
    problem = problem_of(name, told, host) or lacking
    unread = None if problem is not None or is_same else unread_problem(name, told, host)
    problem = problem or unread
    too_small = None if problem is not None else room_problem(await _bytes_to_write(missing, room), room)
    found = described(name, client.base_url, told, context_length, refused=bool(lacking or unread))
    is_confirmed = told.fetched_at is None
    cloud = runs_elsewhere(name, told.entry)
    return msgspec.structs.replace(
        found,
        download_bytes=None if missing is None else sum(missing.values()),
        disk_free=room.free,
        disk_reason=room.reason,
        verdict=CLOUD_VERDICT if cloud else verdict_of(found.need, side.memory, unloadable),
        replaces=replaced_text(host.present, told, is_same=is_same),
        is_current=is_same is True and is_confirmed,
        was_current=is_same is True and not is_confirmed,
        problem=problem or too_small,
        lacks_only_room=too_small is not None,
        lacks_only_look=unread is not None,
    )


# Asking


async def ask_host(client: OllamaClient, name: ModelName, memory: FreeMemory | None = None) -> HostSide:
    """Ask a host what it has, and look at its disk and its memory where it runs on this computer.

    `memory` is what is free on this machine; None: it is measured. Raises nothing.
    """
    import asyncio

    answer, room, free = await asyncio.gather(
        _answer_of(client, name), room_for_models(client), _free_memory(client, memory)
    )
    return HostSide(answer, room, free)


async def _answer_of(client: OllamaClient, name: ModelName) -> HostAnswer:
    import asyncio

    try:
        tags, version = await asyncio.gather(client.tags(), client.version())
    except OllamaError as error:
        return HostAnswer(error=error)
    return HostAnswer(next((entry for entry in tags if name_key(entry.name) == name.key), None), version)


async def _missing_files(client: OllamaClient, entry: RegistryEntry) -> dict[str, int] | None:
    """The sizes by digest of the files that the host does not have complete; None where they are too many to ask.

    One of which a part has arrived counts as a whole: Ollama tells nobody of that part.

    Raises:
        OllamaError: the host does not answer.
    """
    import asyncio

    sizes = {layer.digest: layer.size for layer in entry.layers}
    if len(sizes) > MOST_BLOBS:
        return None
    digests, missing = list(sizes), dict[str, int]()
    for at in range(0, len(digests), BLOBS_AT_ONCE):  # a host that goes away meanwhile is not asked for all the rest
        some = digests[at : at + BLOBS_AT_ONCE]
        there = await asyncio.gather(*map(client.blob_exists, some))
        missing |= {digest: sizes[digest] for digest, has in zip(some, there, strict=True) if not has}
    return missing


async def _bytes_to_write(missing: dict[str, int] | None, room: Room) -> int | None:
    """What the host's disk has to have room for: without what unfinished downloads have taken of it already."""
    if missing is None:
        return None
    taken = 0
    if missing and room.folder:
        import asyncio

        taken = await asyncio.to_thread(taken_already, Path(room.folder), missing)
    return sum(missing.values()) - taken


async def _free_memory(client: OllamaClient, memory: FreeMemory | None) -> FreeMemory | None:
    """What is free where the host runs; None where that is another computer."""
    import asyncio

    from ecs_localai.ollama.this_machine import runs_here

    if not await runs_here(client.address):
        return None
    return memory if memory is not None else await asyncio.to_thread(measure_free_memory)


async def _is_same(
    entry: RegistryEntry | None, host: HostAnswer, room: Room, missing: dict[str, int] | None
) -> bool | None:
    """Whether the host has what the registry has, or had, under the name; None where that cannot be told.

    Ollama before 0.19 writes a manifest anew, and one that was made on the host differs by a line's end from the same
    in a registry, so that another digest proves nothing: then the files count that the manifest names, where it is ours
    to see. Where it is not, one file that the host does not have is proof enough that it is another model.
    """
    present = host.present
    if entry is None or present is None:
        return None if present is not None else False
    if present.digest == entry.digest:
        return True
    if room.folder:
        import asyncio

        same = await asyncio.to_thread(_names_same_files, Path(room.folder), present.name, entry)
        if same is not None:
            return same
    return False if missing else None


def _names_same_files(folder: Path, listed: str, entry: RegistryEntry) -> bool | None:
    """Whether the manifest on the disk names the same files; None where it cannot be read."""
    try:
        name = parse_model_name(listed)
        manifest = parse_manifest(manifest_file(folder, name).read_bytes(), name)
    except (InvalidModelName, PullFailed, OSError):
        return None
    return set(manifest.expected_layers) == {layer.digest for layer in entry.layers}
