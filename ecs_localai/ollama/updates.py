"""Whether installed models are the newest of their names, found out without pulling.

Ollama lists a model by the sha256 of its own manifest file (``/api/tags``, 0.9.3). Before 0.19 that file is written
anew by the host, and one that was made on the host ends in a line end: so another digest alone proves nothing there,
and what the manifests list is compared instead.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ecs_localai.components.registry import RegistryEntry
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.updates import ModelUpdate, UpdateState

from .errors import InvalidModelName, ModelNotFound, OllamaError, PullFailed, PullFailure
from .features import parse_version
from .local_models import is_made_here, read_manifests
from .names import ModelName, parse_model_name
from .registry import Manifest, entry_of
from .wire import ModelDetails

if TYPE_CHECKING:
    from .client import OllamaClient
    from .registry_look import RegistryLook, ToldDigest
    from .wire import TagEntry

__all__ = ["check_updates"]

AT_ONCE = 8
"""Models of one host that are compared at a time; their registries have limits of their own."""
KEEPS_MANIFESTS = (0, 19, 0)
"""Since this version of Ollama a manifest is kept as the registry gave it (PR 15104)."""
_MAY_BE_FORMAT = (
    "All files of the registry's version are there already, so it may only be written differently; updating it is free."
)
_MAY_BE_ANOTHER = (
    "The host has no file of the registry's version, so it may be another model of that name, made there; updating "
    "would replace it."
)
_MADE_OF = (
    "It was made of {parent}, perhaps on its host: then what the registry has under its name is another model, which "
    "would replace it."
)
_MADE_HERE = "It was made on this host: what the registry has under its name is another model, which would replace it."
_MADE_HERE_UNASKED = "It was made on this host, so what a registry may have under its name is another model."
_MISSING_HERE = "The files of the registry's version could not be asked for on the host ({reason})"

_BLOB = re.compile(r"[/\\]blobs[/\\]sha256-")
"""In the path of a file that a model was made of."""

Remember = Callable[[RegistryEntry], None]


async def check_updates(
    client: OllamaClient,
    look: RegistryLook,
    folder: Path | None,
    *,
    names: Collection[str] = (),
    installed_from: Mapping[str, RegistryEntry] | None = None,
    remember: Remember = lambda entry: None,
    recognise: Remember = lambda entry: None,
) -> list[ModelUpdate]:
    """Compare a host's models with what their registries have; those that run in the cloud are left out.

    Args:
        folder: the host's files where they are to be read (`models_folder`); None for a host that is elsewhere.
        names: only these, by their keys (`ModelName.key`); all if there are none.
        installed_from: what is known to be installed, by the digest that the host lists.
        remember: is given every manifest that was read.
        recognise: is given the manifests of what is installed, by the digest that the host lists as `digest`.

    Raises OllamaError where the host does not answer. A registry that does not makes the state UNKNOWN.
    """
    entries = [entry for entry in await client.tags() if not entry.is_remote]
    if names:
        entries = [entry for entry in entries if (name := _name(entry)) is not None and name.key in names]
    if not entries:
        return []
    check = _Check(client, look, folder, installed_from or {}, remember, recognise)
    await check.begin()
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(entry: TagEntry) -> ModelUpdate:
        async with slots:
            return await check.compare(entry)

    async with look:
        return list(await asyncio.gather(*map(one, entries)))


class _Check:
    """Comparing the models of one host."""

    def __init__(
        self,
        client: OllamaClient,
        look: RegistryLook,
        folder: Path | None,
        installed_from: Mapping[str, RegistryEntry],
        remember: Remember,
        recognise: Remember,
    ) -> None:
        self._client = client
        self._look = look
        self._folder = folder
        self._local: dict[str, Manifest] = {}
        self._keeps_manifests = False
        self._installed_from = installed_from
        self._remember = remember
        self._recognise = recognise

    async def begin(self) -> None:
        """Ask for what concerns all of the host's models."""
        if self._folder is not None:
            self._local = await asyncio.to_thread(read_manifests, self._folder)
        version = parse_version(await self._client.version())
        self._keeps_manifests = version is not None and version >= KEEPS_MANIFESTS

    async def compare(self, entry: TagEntry) -> ModelUpdate:
        """Find out about one model."""
        name = _name(entry)
        if name is None:
            return _update(entry, UpdateState.LOCAL, "No registry can have a model of this name.")
        told: ToldDigest | None = None
        with suppress(PullFailed):  # the registry itself is asked below, and says why it cannot be
            told = await self._look.told(name)
        try:
            if told is not None and told.digest == entry.digest:
                return _update(entry, UpdateState.CURRENT, told=told)
            manifest = await self._look.manifest(name)
        except PullFailed as error:
            if error.kind is PullFailure.NOT_FOUND:
                return _update(entry, UpdateState.LOCAL, "The registry has no model of this name and tag.")
            if await self._is_made_here(name):
                return _update(entry, UpdateState.LOCAL, _MADE_HERE_UNASKED)
            return _update(entry, UpdateState.UNKNOWN, error.message)
        self._remember(entry_of(name, manifest))
        try:
            state, reason = await self._state(entry, name, manifest)
        except OllamaError as error:
            state, reason = UpdateState.UNKNOWN, _MISSING_HERE.format(reason=error.message.rstrip(".")) + "."
        if state is UpdateState.CURRENT:
            self._recognise(msgspec.structs.replace(entry_of(name, manifest), digest=entry.digest))
        return _update(entry, state, reason, told)

    async def _state(self, entry: TagEntry, name: ModelName, manifest: Manifest) -> tuple[UpdateState, str]:
        if manifest.digest == entry.digest:
            return UpdateState.CURRENT, ""
        wanted = set(manifest.expected_layers)
        has = self._layers_of(entry, name)
        if has == wanted:
            return UpdateState.CURRENT, ""
        if await self._is_made_here(name):
            return UpdateState.LOCAL, _MADE_HERE
        if has is not None:
            return UpdateState.OUTDATED, ""
        there = [await self._client.blob_exists(digest) for digest in wanted]
        if not any(there):
            return UpdateState.POSSIBLY, _MAY_BE_ANOTHER
        parent = await self._parent(entry)
        if parent and parent not in {layer.made_of for layer in manifest.layers}:
            return UpdateState.POSSIBLY, _MADE_OF.format(parent=parent)
        if self._keeps_manifests or not all(there):
            return UpdateState.OUTDATED, ""
        return UpdateState.POSSIBLY, _MAY_BE_FORMAT

    async def _is_made_here(self, name: ModelName) -> bool:
        return self._folder is not None and await asyncio.to_thread(is_made_here, self._folder, name)

    async def _parent(self, entry: TagEntry) -> str:
        """The model that this one was made of, where its host says so; empty for one that was made of a file.

        What was pulled has it, too, if its manifest in the registry does (0.9.3, ``layer.From``).
        """
        try:
            details = (await self._client.show(entry.name)).details
        except ModelNotFound:
            return ""  # it was deleted meanwhile, or its weights are gone
        parent = details.parent_model if isinstance(details, ModelDetails) else ""
        return "" if _BLOB.search(parent) else parent

    def _layers_of(self, entry: TagEntry, name: ModelName) -> set[str] | None:
        """What is installed, where that is known."""
        manifest = self._local.get(name.key)
        if manifest is not None and manifest.digest == entry.digest:
            return set(manifest.expected_layers)
        known = self._installed_from.get(entry.digest)
        return None if known is None else {layer.digest for layer in known.layers}


def _name(entry: TagEntry) -> ModelName | None:
    try:
        return parse_model_name(entry.name)
    except InvalidModelName:
        return None


def _update(entry: TagEntry, state: UpdateState, reason: str = "", told: ToldDigest | None = None) -> ModelUpdate:
    pushed_at = None if told is None else told.pushed_at
    may_be_another = state is UpdateState.POSSIBLY and reason != _MAY_BE_FORMAT
    return ModelUpdate(entry.name, state, entry.digest, utc_now(), reason, pushed_at, may_be_another)
