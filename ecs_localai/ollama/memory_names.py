"""Which installed models each line of ``/api/ps`` stands for.

Names with the same weights share what is in memory, whatever their templates and settings, and the host lists it by one
of them alone; what was renamed, by the name that it was loaded by (Ollama 0.9.3: ``server/sched.go`` keeps runners by
the path of their weights).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .errors import InvalidRequest, ModelNotFound, ServerFailure

if TYPE_CHECKING:
    from .client import OllamaClient
    from .wire import ModelDetails, RunningEntry, TagEntry

__all__ = ["names_in_memory"]

_ASKED_AT_ONCE = 4


async def names_in_memory(
    client: OllamaClient, entries: Sequence[TagEntry], running: Sequence[RunningEntry]
) -> list[list[str]]:
    """For each of the `running` those of the installed models that it is the memory of, by name.

    First the one that it is listed by, then as in `entries`; none where it was deleted meanwhile. Only what may have
    the same weights is asked about, and once: what has the same digest has them, what is of another kind has not.

    Raises OllamaError where the host does not answer.
    """
    here = [entry for entry in entries if not entry.is_remote]
    asked: dict[str, TagEntry] = {}
    for kind in {_kind(one.details) for one in running}:
        alike = {entry.digest: entry for entry in here if _kind(entry.details) == kind}
        if len(alike) > 1:
            asked |= alike
    weights = await _weights_of(client, list(asked.values()))
    return [_names(one, here, weights) for one in running]


def _names(one: RunningEntry, here: Sequence[TagEntry], weights: dict[str, str]) -> list[str]:
    its = weights.get(one.digest)
    names = [entry.name for entry in here if entry.digest == one.digest or (its and weights.get(entry.digest) == its)]
    return sorted(names, key=lambda name: name != one.name)  # it keeps their order otherwise


def _kind(details: ModelDetails) -> tuple[str, str, str, str]:
    """What is equal where the weights are: it is written down as they are read."""
    return details.format, details.family, details.parameter_size, details.quantization_level


async def _weights_of(client: OllamaClient, entries: Sequence[TagEntry]) -> dict[str, str]:
    """The weights by the models' digests; empty where the host does not tell them."""
    import asyncio  # in the background: a first frame need not wait for it

    at_once = asyncio.Semaphore(_ASKED_AT_ONCE)

    async def ask(entry: TagEntry) -> str:
        async with at_once:
            try:
                return await client.weights(entry)
            except (ModelNotFound, InvalidRequest, ServerFailure):
                return ""  # it cannot be shown: its weights are gone from the disk, or it was deleted meanwhile

    told = await asyncio.gather(*map(ask, entries))
    return {entry.digest: weights for entry, weights in zip(entries, told, strict=True)}
