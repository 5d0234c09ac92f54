"""Which files of a model its registry lacks although its manifest names them, asked for before anything is fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ecs_localai.components.registry import RegistryLayer

from .errors import PullFailed
from .names import ModelName
from .pull_failures import file_missing
from .registry_http import RegistryCalls

__all__ = ["FILES_ASKED", "files_missing", "lacking_files"]

FILES_ASKED = 64
"""A registry is asked about no more files of a model than these, the smallest: a model in one piece has some six, and
one in hundreds of pieces would have it answer as many questions."""
_AT_ONCE = 6
_PATIENCE = 4.0
"""Seconds for all of it: what a registry does not say by then is left to the download."""
_KINDS = {
    "model": "the weights",
    "projector": "the projector",
    "adapter": "the adapter",
    "template": "the template",
    "params": "the parameters",
    "system": "the system prompt",
    "license": "the licence",
    "messages": "the messages",
    "draft": "the draft model",
    "tensor": "a part of the weights",
    "image": "the configuration",
}
"""By the ends of media types; a configuration has Docker's ``application/vnd.docker.container.image.v1+json``."""


async def lacking_files(calls: RegistryCalls, layers: Sequence[RegistryLayer]) -> tuple[RegistryLayer, ...]:
    """Those of these files of which the registry says that it has none. Raises nothing of a registry's."""
    distinct = sorted({one.digest: one for one in layers}.values(), key=lambda one: one.size)[:FILES_ASKED]
    turns = asyncio.Semaphore(_AT_ONCE)
    lacking: list[RegistryLayer] = []

    async def ask(layer: RegistryLayer) -> None:
        async with turns:
            if await calls.lacks(layer.digest):
                lacking.append(layer)

    try:
        async with asyncio.timeout(_PATIENCE):
            await asyncio.gather(*map(ask, distinct))
    except TimeoutError:
        pass  # what was said until then holds
    order = [one.digest for one in layers]
    return tuple(sorted(lacking, key=lambda one: order.index(one.digest)))


def files_missing(name: ModelName, lacking: Sequence[RegistryLayer]) -> PullFailed:
    """The error for a model of which its registry lacks these files."""
    return file_missing(name.short, [_called(one) for one in lacking])


def _called(layer: RegistryLayer) -> str:
    """``the licence (0123456789ab)``."""
    end = layer.media_type.removesuffix(".v1+json").rpartition(".")[2]
    return f"{_KINDS.get(end, 'a file')} ({layer.digest.rpartition(':')[2][:12]})"
