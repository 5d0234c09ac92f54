"""What a registry says of a model, from what is remembered of it where that is fresh or the registry is not there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from ecs_localai.components.registry import ModelRegistryCache, RegistryEntry, RegistryLayer
from ecs_localai.components.time_values import utc_now
from ecs_localai.ollama.errors import PullFailed, PullFailure
from ecs_localai.ollama.names import ModelName
from ecs_localai.ollama.registry import Layer, Manifest, entry_of, manifest_from
from ecs_localai.ollama.registry_files import lacking_files
from ecs_localai.ollama.registry_http import RegistryCalls

_MAY_COME_BACK = frozenset({PullFailure.REGISTRY_UNREACHABLE, PullFailure.REGISTRY_ERROR})
"""After these, what is remembered of the registry still holds for all that is known."""
MODELS_AT_ONCE = 4
"""Registries are asked about so many models at a time."""
REQUEST_SECONDS = 8.0
CONNECT_SECONDS = 3.0
"""How long a registry has for each answer, and for the connection."""


class RegistryAnswer(msgspec.Struct, frozen=True):
    """What is known of a model from its registry."""

    entry: RegistryEntry | None
    """With its `facts`; None where nothing is known."""
    failure: PullFailed | None = None
    """Why the registry was of no help just now."""
    fetched_at: datetime | None = None
    """When it said so; None: just now."""
    is_old: bool = False
    """Whether `entry` is only what is remembered, for want of an answer."""
    lacking: tuple[RegistryLayer, ...] = ()
    """The files that the manifest names and the registry does not have, as far as it was asked."""


def remembered_answer(name: ModelName, cache: ModelRegistryCache) -> RegistryAnswer | None:
    """What the registry said a short while ago, without asking it; None where that is too old, or not all of it."""
    fresh = _fresh(name, cache)
    if fresh is None:
        return None
    known = _with_facts(fresh, cache)
    return RegistryAnswer(known, fetched_at=fresh.fetched_at) if known.facts is not None else None


async def ask_registry(
    name: ModelName,
    cache: ModelRegistryCache,
    *,
    insecure: bool,
    remember: Callable[[RegistryEntry], None] | None = None,
    anew: bool = False,
) -> RegistryAnswer:
    """Find out what a model consists of and what its files say. Called in the background.

    A manifest that is remembered and fresh is not asked for again, unless it is to be asked for `anew`; nor are files
    that have been read. What comes new goes into `cache`, and to `remember`. Raises nothing of a registry's.
    """
    fresh = None if anew else _fresh(name, cache)
    known = None if fresh is None else remembered_answer(name, cache)
    if known is not None:
        return known

    calls = RegistryCalls(name, insecure=insecure, connect_timeout=CONNECT_SECONDS, timeout_s=REQUEST_SECONDS)
    async with calls:
        if fresh is not None:
            entry = await _read_facts(calls, name, fresh, cache, remember)
            return RegistryAnswer(entry, fetched_at=fresh.fetched_at)
        try:
            manifest = await manifest_from(calls, name)
        except PullFailed as failure:
            last = cache.entries.get(name.short)
            if last is None or not last.layers or failure.kind not in _MAY_COME_BACK:
                return RegistryAnswer(None, failure)
            return RegistryAnswer(_with_facts(last, cache), failure, last.fetched_at, is_old=True)
        entry = _with_facts(entry_of(name, manifest), cache)
        if entry.facts is not None:
            _keep(entry, cache, remember)
            return RegistryAnswer(entry, lacking=await lacking_files(calls, entry.layers))
        import asyncio  # in the background: a first frame need not wait for it

        entry, lacking = await asyncio.gather(
            _read_facts(calls, name, entry, cache, remember), lacking_files(calls, entry.layers)
        )
        return RegistryAnswer(entry, lacking=lacking)


def _fresh(name: ModelName, cache: ModelRegistryCache) -> RegistryEntry | None:
    entry = cache.fresh(name.short, utc_now())
    return entry if entry is not None and entry.layers else None  # no manifest is without files


def _with_facts(entry: RegistryEntry, cache: ModelRegistryCache) -> RegistryEntry:
    """Who else keeps manifests does so without what their files say, but that is still true of the same manifest."""
    if entry.facts is not None:
        return entry
    facts = cache.facts.get(entry.digest)
    if facts is None:
        before = cache.entries.get(entry.model_name)
        facts = before.facts if before is not None and before.digest == entry.digest else None
    return entry if facts is None else msgspec.structs.replace(entry, facts=facts)


async def _read_facts(
    calls: RegistryCalls,
    name: ModelName,
    entry: RegistryEntry,
    cache: ModelRegistryCache,
    remember: Callable[[RegistryEntry], None] | None,
) -> RegistryEntry:
    """The entry with what its files say. Only what could be read completely is remembered."""
    from ecs_localai.ollama.registry_facts import facts_from

    facts = await facts_from(calls, name, manifest_of(entry))
    complete = msgspec.structs.replace(entry, facts=facts)
    _keep(entry if facts.missing else complete, cache, remember)
    return complete


def _keep(entry: RegistryEntry, cache: ModelRegistryCache, remember: Callable[[RegistryEntry], None] | None) -> None:
    cache.entries[entry.model_name] = entry
    if entry.facts is not None:
        cache.facts[entry.digest] = entry.facts
    if remember is not None:
        remember(entry)


def manifest_of(entry: RegistryEntry) -> Manifest:
    """A remembered manifest as the registry gave it."""
    files = [Layer(one.digest, one.size, one.media_type) for one in entry.layers]
    return Manifest(files[-1], tuple(files[:-1]), entry.digest)
