"""The models in a host's memory, by whichever of their names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ecs_localai.components.models import LoadedModel
from ecs_localai.ollama.memory_names import names_in_memory
from ecs_localai.ollama.wire import RunningEntry, TagEntry, parse_timestamp

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient

_PINNED_YEARS = 100


async def loaded_models(
    client: OllamaClient, entries: Sequence[TagEntry], running: Sequence[RunningEntry]
) -> list[LoadedModel]:
    """What is `running`, each called by a name that it is installed by, where there is one.

    Raises:
        OllamaError: the host did not answer.
    """
    names = await names_in_memory(client, entries, running)
    return [loaded_model(entry, known_by) for entry, known_by in zip(running, names, strict=True)]


def by_every_name(loaded: Collection[LoadedModel]) -> dict[str, LoadedModel]:
    """What is in memory by the names of all models that it is the memory of."""
    found = {name: model for model in loaded for name in model.shared_by}
    return found | {model.name: model for model in loaded}


def loaded_model(entry: RunningEntry, names: Sequence[str] = ()) -> LoadedModel:
    """A line of ``/api/ps`` as a loaded model; `names` are the installed ones that it stands for.

    A pinned one "expires" some 292 years from now (Ollama 0.9.3).
    """
    expires = parse_timestamp(entry.expires_at)
    pinned = expires is not None and expires.year > datetime.now(UTC).year + _PINNED_YEARS
    return LoadedModel(
        name=names[0] if names else entry.name,
        digest=entry.digest,
        size=entry.size,
        size_vram=entry.size_vram,
        context_length=entry.context_length or None,
        expires_at=None if pinned else expires,
        pinned=pinned,
        shared_by=tuple(names[1:]),
    )
