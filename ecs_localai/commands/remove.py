"""``ecs-localai remove``: models from the server's disk."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from ecs_localai.commands.event_text import event_json, event_text
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import is_terminal, printable, say, write_bytes
from ecs_localai.components.events import ModelDeleted
from ecs_localai.components.wording import format_bytes
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.names import parse_model_name

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.ollama.wire import TagEntry


def remove_models(target: Target, models: Sequence[str], yes: bool, as_json: bool) -> int:
    """Remove models, asking first where a person can answer; returns the exit code.

    Raises:
        CommandFailed, OllamaError: with a sentence; models named before it are gone.
    """
    names = [parse_model_name(model) for model in models]
    target = target.settled()
    entries = {parse_model_name(entry.name).key: entry for entry in target.ask(lambda client: client.tags())}
    if not yes and not as_json and is_terminal() and sys.stdin is not None and sys.stdin.isatty():
        _confirm([entries[name.key] for name in names if name.key in entries])
    troubles = []
    for name in dict.fromkeys(names):
        entry = entries.get(name.key)
        if entry is None:
            troubles.append(f"There is no model {name.short} here; `ecs-localai list` shows what is installed.")
            continue
        try:
            _remove(target, entry, as_json)
        except OllamaError as error:
            troubles.append(error.message)
    if troubles:
        raise CommandFailed(*troubles)
    return 0


def _confirm(entries: Sequence[TagEntry]) -> None:
    """Ask about what is there.

    Raises:
        CommandFailed: the answer was no.
    """
    if not entries:
        return
    listed = ", ".join(f"{entry.name} ({format_bytes(entry.size)})" for entry in entries)
    if not typer.confirm(f"Remove {printable(listed)}?"):
        raise CommandFailed("Nothing was removed.")


def _remove(target: Target, entry: TagEntry, as_json: bool) -> None:
    async def delete(client: OllamaClient) -> None:
        await client.delete(entry.name)

    target.ask(delete)
    removed = ModelDeleted(entry.name, entry.size)
    if as_json:
        write_bytes(event_json(removed) + b"\n")
    else:
        say(event_text(removed) or "")
