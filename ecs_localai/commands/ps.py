"""``ecs-localai ps``: the models in the server's memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from ecs_localai.commands.asking import ask, ask_all
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json
from ecs_localai.components.models import LoadedModel
from ecs_localai.components.wording import format_bytes, format_duration
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.systems.saved_hosts import SavedHost

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient


class LoadedLine(LoadedModel, frozen=True):
    """A model in memory as ``ps --json`` tells it."""

    host: str = ""
    """The base URL of its host."""
    host_name: str = ""
    """What the host is called in the list."""


def list_loaded(target: Target, as_json: bool, all_hosts: bool = False) -> int:
    """Print the loaded models, with `all_hosts` those of every host of the list.

    Raises:
        CommandFailed, OllamaError: with a sentence; of many hosts, the models of those that answer are printed.
    """
    book = target.book()
    if not all_hosts:
        _print([(book.chosen, model) for model in ask(book.chosen, _read)], as_json, with_host=False)
        return 0
    models: list[tuple[SavedHost, LoadedModel]] = []
    troubles = []
    for host, answer in zip(book.ollamas, ask_all(book.ollamas, _read), strict=True):
        if isinstance(answer, OllamaError):
            troubles.append(f"{host.name}: {answer.message}")
        else:
            models += [(host, model) for model in answer]
    if models or not troubles:  # else nobody knows whether there are any
        _print(models, as_json, with_host=True)
    if troubles:
        raise CommandFailed(*troubles)
    return 0


async def _read(client: OllamaClient) -> list[LoadedModel]:
    from ecs_localai.systems.loaded_models import loaded_models

    return await loaded_models(client, await client.tags(), await client.ps())


def _print(models: Sequence[tuple[SavedHost, LoadedModel]], as_json: bool, *, with_host: bool) -> None:
    if as_json:
        for host, model in models:
            say_json(LoadedLine(**msgspec.structs.asdict(model), host=host.config.base_url, host_name=host.name))
        return
    if not models:
        say("No model is loaded.")
        return
    from ecs_localai.commands.tables import draw, table

    heads = ("name", "memory", "processor", "context", "unloads")
    rows = ((*([host.name] if with_host else []), *_cells(model)) for host, model in models)
    draw(table(("host", *heads) if with_host else heads, rows, right=("memory", "context")))


def _cells(model: LoadedModel) -> tuple[str, ...]:
    return (
        model.name,
        format_bytes(model.size),
        _processor(model),
        f"{model.context_length:,}" if model.context_length else "-",
        _unloads(model),
    )


def _processor(model: LoadedModel) -> str:
    """``CPU``, ``GPU``, or how a model is split: ``40 % CPU, 60 % GPU``."""
    if model.size <= 0:
        return "-"
    share = round(100 * model.size_vram / model.size)
    if share <= 0:
        return "CPU"
    return "GPU" if share >= 100 else f"{100 - share} % CPU, {share} % GPU"


def _unloads(model: LoadedModel) -> str:
    """When it will leave memory."""
    if model.pinned:
        return "never"
    if model.expires_at is None:
        return "-"
    # While it answers, the time may lie in the past (Ollama 0.9.3).
    left = (model.expires_at - datetime.now(UTC)).total_seconds()
    return f"in {format_duration(left)}" if left > 0 else "in use"
