"""``ecs-localai remove``: models from the server's disk."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from ecs_localai.commands.asking import ask, ask_all
from ecs_localai.commands.event_text import event_json, event_text
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.kept_knowledge import KeptKnowledge, kept_knowledge
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import is_terminal, printable, say, write_bytes
from ecs_localai.components.events import ModelDeleted
from ecs_localai.components.wording import format_bytes, format_list
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.names import name_key, parse_model_name
from ecs_localai.systems.saved_hosts import SavedHost

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.ollama.deleting import Freed
    from ecs_localai.ollama.wire import TagEntry


def remove_models(target: Target, models: Sequence[str], yes: bool, as_json: bool, on: Sequence[str] = ()) -> int:
    """Remove models, asking first where a person can answer; returns the exit code.

    From the hosts that `on` names, else from the chosen one.

    Raises:
        CommandFailed, OllamaError: with a sentence; models named before it are gone.
    """
    names = list(dict.fromkeys(parse_model_name(model) for model in models))
    book = target.book()
    hosts = book.require_all(on) if on else [book.chosen]
    several = len(hosts) > 1
    troubles: list[str] = []
    there: list[_There] = []
    for host, answer in zip(hosts, ask_all(hosts, lambda client: client.tags()), strict=True):
        if isinstance(answer, OllamaError):
            if not several:
                raise answer
            troubles.append(f"{host.name}: {answer.message}")
            continue
        entries = {name_key(entry.name): entry for entry in answer}
        for name in names:
            entry = entries.get(name.key)
            if entry is not None:
                there.append(_There(host, entry, host.name if several else ""))
            else:
                where = f"on {host.name}" if several else "here"
                troubles.append(f"There is no model {name.short} {where}; `ecs-localai list` shows what is installed.")
    if there and not yes and not as_json and is_terminal() and sys.stdin is not None and sys.stdin.isatty():
        with kept_knowledge(target.folder()) as known:
            question = _question(there, known)
        if not typer.confirm(printable(question)):
            raise CommandFailed("Nothing was removed.")
    with kept_knowledge(target.folder()) as known:
        for one in there:
            try:
                _remove(one, known, as_json)
            except OllamaError as error:
                troubles.append(f"{one.label}: {error.message}" if one.label else error.message)
    if troubles:
        raise CommandFailed(*troubles)
    return 0


@dataclass(frozen=True, slots=True)
class _There:
    """A model that is to go."""

    host: SavedHost
    entry: TagEntry
    label: str
    """The host's name where there are several; else empty."""


def _question(there: Sequence[_There], known: KeptKnowledge) -> str:
    """What is to go, and what that frees; where nobody knows that, what is to go takes so much."""
    on_each: dict[str, list[_There]] = {}
    for one in there:
        on_each.setdefault(one.host.config.base_url, []).append(one)
    names = {one.entry.name for one in there}

    async def freed_by(client: OllamaClient) -> int | None:
        from ecs_localai.ollama.deleting import would_free

        return await would_free(client, names, known.installed)

    answers = ask_all([going[0].host for going in on_each.values()], freed_by)
    parts = [
        _what_goes(going, None if isinstance(freed, OllamaError) else freed)
        for going, freed in zip(on_each.values(), answers, strict=True)
    ]
    return f"Remove {format_list(parts)}?"


def _what_goes(going: Sequence[_There], freed: int | None) -> str:
    """``small:1 and small:2 on gpu (frees 1.3 GB together)``."""
    where = f" on {going[0].label}" if going[0].label else ""
    if freed is None:
        return format_list([f"{one.entry.name}{where} ({format_bytes(one.entry.size)})" for one in going])
    its, together = ("its", "") if len(going) == 1 else ("their", " together")
    frees = f"{format_bytes(freed)}{together}" if freed else f"nothing, because other models share {its} files"
    return f"{format_list([one.entry.name for one in going])}{where} (frees {frees})"


def _remove(one: _There, known: KeptKnowledge, as_json: bool) -> None:
    async def delete(client: OllamaClient) -> Freed:
        from ecs_localai.ollama.deleting import delete_model

        return await delete_model(client, one.entry.name, known.installed)

    freed = ask(one.host, delete)
    removed = ModelDeleted(one.entry.name, freed.bytes, one.host.config.base_url, freed.reason)
    if as_json:
        write_bytes(event_json(removed) + b"\n")
    else:
        say(event_text(removed, one.label) or "")
