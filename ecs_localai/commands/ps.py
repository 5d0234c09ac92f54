"""``ecs-localai ps``: the models in the server's memory."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json
from ecs_localai.components.wording import format_bytes, format_duration

if TYPE_CHECKING:
    from ecs_localai.components.models import LoadedModel


def list_loaded(target: Target, as_json: bool) -> int:
    """Print the loaded models.

    Raises:
        CommandFailed, OllamaError: with a sentence.
    """
    from ecs_localai.systems.model_sync import loaded_model

    models = [loaded_model(entry) for entry in target.ask(lambda client: client.ps())]
    if as_json:
        for model in models:
            say_json(model)
        return 0
    if not models:
        say("No model is loaded.")
        return 0
    from ecs_localai.commands.tables import draw, table

    heads = ("name", "memory", "processor", "context", "unloads")
    draw(table(heads, map(_cells, models), right=("memory", "context")))
    return 0


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
