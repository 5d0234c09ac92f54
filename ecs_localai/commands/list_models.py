"""``ecs-localai list``: the models on the server's disk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from ecs_localai.commands.asking import ask, ask_all
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json
from ecs_localai.components.models import InstalledModel, ModelCapabilities
from ecs_localai.components.wording import format_bytes, format_count, format_duration
from ecs_localai.ollama.errors import InvalidRequest, ModelNotFound, OllamaError, ServerFailure

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient

ASKED_AT_ONCE = 4
"""How many models' details are asked for at a time."""


class ModelLine(msgspec.Struct, frozen=True):
    """One model as ``list --json`` tells it. None, or empty: the server does not say."""

    name: str
    size: int | None
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
    """The base URL of its host."""
    host_name: str
    """What the host is called in the list."""


def list_models(target: Target, as_json: bool, all_hosts: bool = False) -> int:
    """Print the installed models, the newest first, as the server sorts them.

    With `all_hosts` those of every host of the list, one host after the other.

    Raises:
        CommandFailed, OllamaError: with a sentence; of many hosts, the models of those that answer are printed.
    """
    book = target.book()
    if not all_hosts:
        _print([(book.chosen.name, model) for model in ask(book.chosen, _read)], as_json, with_host=False)
        return 0
    hosts = book.ollamas
    answers = ask_all(hosts, _read)
    models, troubles = [], []
    for host, answer in zip(hosts, answers, strict=True):
        if isinstance(answer, OllamaError):
            troubles.append(f"{host.name}: {answer.message}")
        else:
            models += [(host.name, model) for model in answer]
    if models or not troubles:  # else nobody knows whether there are any
        _print(models, as_json, with_host=True)
    if troubles:
        raise CommandFailed(*troubles)
    return 0


def _print(models: Sequence[tuple[str, InstalledModel]], as_json: bool, *, with_host: bool) -> None:
    if as_json:
        for name, model in models:
            say_json(_line(model, name))
        return
    if not models:
        say("No models yet. Install one, for example: ecs-localai install llama3.2:1b")
        return
    from ecs_localai.commands.tables import draw, table

    heads = ("name", "size", "quantization", "parameters", "context", "capabilities", "modified")
    rows = ((*([name] if with_host else []), *_cells(model)) for name, model in models)
    draw(table(("host", *heads) if with_host else heads, rows, right=("size", "parameters", "context")))


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


def _line(model: InstalledModel, host_name: str) -> ModelLine:
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
        host_name=host_name,
    )


def _cells(model: InstalledModel) -> tuple[str, ...]:
    told = model.capabilities
    count = told.parameter_count
    return (
        model.name,
        "cloud" if model.is_cloud else "-" if model.size is None else format_bytes(model.size),
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
