"""``ecs-localai list``: the models on the server's disk."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say_json
from ecs_localai.components.models import InstalledModel, ModelCapabilities
from ecs_localai.components.wording import format_bytes, format_count, format_duration
from ecs_localai.ollama.errors import InvalidRequest, ModelNotFound, ServerFailure

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient

ASKED_AT_ONCE = 4
"""How many models' details are asked for at a time."""


class ModelLine(msgspec.Struct, frozen=True):
    """One model as ``list --json`` tells it. None, or empty: the server does not say."""

    name: str
    size: int
    """Bytes on disk, files shared with other models counted in full."""
    digest: str
    quantization: str
    family: str
    parameters: str
    """As the server writes it, for example ``1.2B``."""
    parameter_count: int | None
    context_length: int | None
    """Tokens."""
    capabilities: list[str]
    modified_at: datetime
    is_cloud: bool
    host: str


def list_models(target: Target, as_json: bool) -> int:
    """Print the installed models, the newest first, as the server sorts them.

    Raises:
        CommandFailed, OllamaError: with a sentence.
    """
    models = target.ask(_read)
    if as_json:
        for model in models:
            say_json(_line(model))
        return 0
    if not models:
        from ecs_localai.commands.terminal import say

        say("No models yet. Install one, for example: ecs-localai install llama3.2:1b")
        return 0
    from ecs_localai.commands.tables import draw, table

    heads = ("name", "size", "quantization", "parameters", "context", "capabilities", "modified")
    draw(table(heads, map(_cells, models), right=("size", "parameters", "context")))
    return 0


async def _read(client: OllamaClient) -> list[InstalledModel]:
    from ecs_localai.systems.model_sync import capabilities_of, installed_model

    at_once = asyncio.Semaphore(ASKED_AT_ONCE)

    async def described(model: InstalledModel) -> InstalledModel:
        if not model.is_cloud:
            async with at_once:
                try:
                    model.capabilities = capabilities_of(await client.show(model.name))
                except (ModelNotFound, InvalidRequest, ServerFailure):
                    # Listed, but it cannot be shown: its weights are gone from the disk.
                    model.capabilities = ModelCapabilities()
        return model

    models = [installed_model(entry, client.base_url) for entry in await client.tags()]
    return list(await asyncio.gather(*map(described, models)))


def _line(model: InstalledModel) -> ModelLine:
    told = model.capabilities
    return ModelLine(
        name=model.name,
        size=model.size,
        digest=model.digest,
        quantization=model.quantization,
        family=model.family,
        parameters=model.parameter_size,
        parameter_count=told.parameter_count,
        context_length=told.max_context_length,
        capabilities=told.capabilities,
        modified_at=model.install_date,
        is_cloud=model.is_cloud,
        host=model.host,
    )


def _cells(model: InstalledModel) -> tuple[str, ...]:
    told = model.capabilities
    count = told.parameter_count
    return (
        model.name,
        "cloud" if model.is_cloud else format_bytes(model.size),
        model.quantization or "-",
        model.parameter_size or (format_count(count) if count else "-"),
        f"{told.max_context_length:,}" if told.max_context_length else "-",
        ", ".join(told.capabilities) or "-",
        ago(model.install_date),
    )


def ago(moment: datetime) -> str:
    """``3 h 5 min ago``; ``just now`` below a minute, also where the server's clock is ahead of ours."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    return f"{format_duration(seconds)} ago" if seconds >= 60 else "just now"
