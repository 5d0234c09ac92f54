"""Deleting a model, and what that really frees: the files that no other model of the host has.

Ollama deletes a model's files with it, but for those that another model's manifest names (0.9.3, ``RemoveLayers`` in
``server/manifest.go``). It does not tell which these are, so the files are looked at before and after.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ecs_localai.components.deleting import HostStorage
from ecs_localai.components.registry import RegistryEntry

from .errors import OllamaError
from .local_models import blob_file, models_folder, read_manifests
from .names import name_key

if TYPE_CHECKING:
    from .client import OllamaClient
    from .wire import TagEntry

__all__ = ["Freed", "delete_at", "delete_model", "freed_by_each", "storage_of", "would_free"]

_UNKNOWN_FILES = "The host does not tell which files the model has, and this program has not installed it."
_UNSEEN_FILES = "The host did not tell which of the model's files are gone."


class Freed(Struct, frozen=True):
    """What a deletion has freed."""

    bytes: int | None
    """On the host's disk; None where that is not known."""
    reason: str = ""
    """Why it is not known, one sentence."""


async def delete_model(client: OllamaClient, name: str, known: Mapping[str, RegistryEntry]) -> Freed:
    """Delete a model, and find out what that freed. Its files are looked at before and after, never guessed.

    One that is loaded is unloaded first: it would stay in memory until it expires (0.9.3), and so would its file on the
    disk. `known` is what models consist of, by the digest that hosts list them by.

    Raises ModelNotFound, OllamaError: it was not deleted.
    """
    return await delete_at(client, await models_folder(client), name, known)


async def delete_at(client: OllamaClient, folder: Path | None, name: str, known: Mapping[str, RegistryEntry]) -> Freed:
    """Like `delete_model`; `folder` is where the host's files are to be seen, None where they are not."""
    entries = await client.tags()
    entry = next((one for one in entries if one.name.lower() == name.lower()), None)
    if entry is None:
        await client.delete(name)  # not listed, but it may be there all the same, damaged; else this says so
        return Freed(None, _UNKNOWN_FILES)
    sizes = await _sizes(entry, folder, known)
    before = set() if sizes is None else await _there(client, folder, sizes)
    await _unload(client, entry, entries)
    await client.delete(entry.name)
    if sizes is None:
        return Freed(None, _UNKNOWN_FILES)
    if before is None:
        return Freed(None, _UNSEEN_FILES)
    after = await _there(client, folder, sizes)
    if after is None:
        return Freed(None, _UNSEEN_FILES)
    return Freed(sum(sizes[digest] for digest in before - after))


async def storage_of(client: OllamaClient, known: Mapping[str, RegistryEntry]) -> HostStorage:
    """What the host's models take together, and what deleting each would free; without those of which it is not known.

    Raises OllamaError where the host does not answer.
    """
    entries = [entry for entry in await client.tags() if not entry.is_remote]
    digests = list(dict.fromkeys(entry.digest for entry in entries))
    layers = await _files_of_each(client, entries, known)
    freed = freed_by_each(layers)
    listed = {entry.name: key for entry in entries if (key := name_key(entry.name)) in layers}
    total = _once([layers[key] for key in listed.values()]) if len(listed) == len(entries) else None
    return HostStorage({name: freed[key] for name, key in listed.items()}, total, digests)


async def would_free(client: OllamaClient, names: Iterable[str], known: Mapping[str, RegistryEntry]) -> int | None:
    """What deleting those of these models that are there would free, in bytes; None where that is not known.

    A file that only they share counts once. `known` is as for `delete_model`.

    Raises OllamaError where the host does not answer.
    """
    entries = await client.tags()
    layers = await _files_of_each(client, [entry for entry in entries if not entry.is_remote], known)
    going = {name_key(name) for name in names} & {name_key(entry.name) for entry in entries}
    if not going <= layers.keys():
        return None
    stays = {digest for key, files in layers.items() if key not in going for digest in files}
    freed = {digest: size for key in going for digest, size in layers[key].items() if digest not in stays}
    return sum(freed.values())


async def _files_of_each(
    client: OllamaClient, entries: Sequence[TagEntry], known: Mapping[str, RegistryEntry]
) -> dict[str, Mapping[str, int]]:
    """The sizes of the models' files by digest, by `ModelName.key`; empty where those of one are not known."""
    folder = await models_folder(client)
    if folder is not None:
        manifests = await asyncio.to_thread(read_manifests, folder)
        return {key: manifest.expected_layers for key, manifest in manifests.items()}
    if any(entry.digest not in known for entry in entries):
        return {}  # what is not known may share any file
    return {name_key(entry.name): _layers(known[entry.digest]) for entry in entries}


def freed_by_each(models: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """What each of these models has for itself alone, in bytes; the models are files' sizes by digest."""
    users = Counter(digest for layers in models.values() for digest in layers)
    return {name: sum(size for digest, size in layers.items() if users[digest] == 1) for name, layers in models.items()}


def _once(models: Iterable[Mapping[str, int]]) -> int:
    """What files' sizes add up to, each file once."""
    return sum({digest: size for layers in models for digest, size in layers.items()}.values())


async def _sizes(entry: TagEntry, folder: Path | None, known: Mapping[str, RegistryEntry]) -> Mapping[str, int] | None:
    """The sizes of the model's files by digest; None where nobody knows them."""
    if folder is not None:
        manifest = (await asyncio.to_thread(read_manifests, folder)).get(name_key(entry.name))
        if manifest is not None and manifest.digest == entry.digest:
            return manifest.expected_layers
    return _layers(known[entry.digest]) if entry.digest in known else None


async def _there(client: OllamaClient, folder: Path | None, digests: Iterable[str]) -> set[str] | None:
    """Those of the files that are on the host's disk; None where it does not say."""
    if folder is not None:
        return await asyncio.to_thread(_on_disk, folder, list(digests))
    try:
        return {digest for digest in digests if await client.blob_exists(digest)}
    except OllamaError:
        return None


def _on_disk(folder: Path, digests: list[str]) -> set[str]:
    return {digest for digest in digests if blob_file(folder, digest).exists()}


async def _unload(client: OllamaClient, entry: TagEntry, entries: Iterable[TagEntry]) -> None:
    """Unload a model, unless it stays under another name: then its files stay, too."""
    if any(one.digest == entry.digest and one.name != entry.name for one in entries):
        return
    with suppress(OllamaError):  # it can be deleted all the same
        if any(one.name.lower() == entry.name.lower() for one in await client.ps()):
            await client.unload(entry.name)


def _layers(entry: RegistryEntry) -> dict[str, int]:
    return {layer.digest: layer.size for layer in entry.layers}
