"""``ecs-localai unload``: models out of the server's memory; they stay on its disk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from ecs_localai.commands.asking import ask_all
from ecs_localai.commands.event_text import event_json, event_text
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.load import hosts_for, memory_by_name
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import warn, write_bytes
from ecs_localai.commands.waiting_note import WaitingNote
from ecs_localai.components.events import ModelAction, ModelActionFailed, ModelUnloaded
from ecs_localai.components.wording import format_list
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.names import ModelName, parse_model_name
from ecs_localai.systems.saved_hosts import SavedHost

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.ollama.wire import TagEntry

LOOKS = 3
"""So often it is looked whether a model has left memory: that takes up to 5 s on a GPU (Ollama 0.9.3)."""
SECONDS_BETWEEN = 2.0
"""Asked for its memory faster than that, servers before 0.32.4 could crash (Ollama issue 17376)."""


class _How(Enum):
    UNLOADED = auto()
    NOT_LOADED = auto()
    IN_USE = auto()
    NOT_THERE = auto()
    FAILED = auto()


class _Outcome(NamedTuple):
    """How it went with one model."""

    name: str
    how: _How
    message: str = ""
    """Why it failed."""


def unload_models(
    target: Target, models: Sequence[str], as_json: bool, on: Sequence[str] = (), everywhere: bool = False
) -> int:
    """Take models out of memory on the hosts named by `on`, or all of the list, else on the chosen one.

    Returns the exit code. A model that is not loaded is said, and is no failure.

    Raises:
        CommandFailed: a model is not there, or could not be unloaded.
        OllamaError: a name is none, or the only host does not answer.
    """
    names = list({name.key: name for name in map(parse_model_name, models)}.values())
    hosts = hosts_for(target, on, everywhere)
    several = len(hosts) > 1
    troubles: list[str] = []
    with WaitingNote(as_json) as note, note.about(f"Unloading {format_list([name.short for name in names])}"):
        answers = ask_all(hosts, lambda client: _unload(client, names))
    for host, answer in zip(hosts, answers, strict=True):
        if isinstance(answer, OllamaError):
            if not several:
                raise answer
            troubles.append(f"{host.name}: {answer.message}")
            continue
        for outcome in answer:
            trouble = _tell(outcome, host, host.name if several else "", note, as_json)
            if trouble is not None:
                troubles.append(trouble)
    if troubles:
        raise CommandFailed(*troubles)
    return 0


async def _unload(client: OllamaClient, names: Sequence[ModelName]) -> list[_Outcome]:
    """Unload all on one host, and wait until they have left memory.

    Raises:
        OllamaError: the host does not say which models it has.
    """
    entries = await client.tags()
    installed = {parse_model_name(entry.name).key: entry for entry in entries}
    before = await memory_by_name(client, entries)
    outcomes: dict[str, _Outcome] = {}
    leaving: dict[str, TagEntry] = {}
    for name in names:
        entry = installed.get(name.key)
        if entry is None:
            outcomes[name.key] = _Outcome(name.short, _How.NOT_THERE)
            continue
        try:
            await client.unload(entry.name)
        except OllamaError as error:
            outcomes[name.key] = _Outcome(entry.name, _How.FAILED, error.message)
            continue
        if entry.name not in before:
            outcomes[name.key] = _Outcome(entry.name, _How.NOT_LOADED)
        else:
            leaving[name.key] = entry
    for _ in range(LOOKS):
        if not leaving:
            break
        await asyncio.sleep(SECONDS_BETWEEN)
        now = await memory_by_name(client, entries)
        for key in [key for key, entry in leaving.items() if entry.name not in now]:
            outcomes[key] = _Outcome(leaving.pop(key).name, _How.UNLOADED)
    outcomes |= {key: _Outcome(entry.name, _How.IN_USE) for key, entry in leaving.items()}
    return [outcomes[name.key] for name in names]


def _tell(outcome: _Outcome, host: SavedHost, label: str, note: WaitingNote, as_json: bool) -> str | None:
    """Print how it went; returns a sentence where it is not as it should be."""
    name, on = outcome.name, f" on {label}" if label else ""
    match outcome.how:
        case _How.UNLOADED:
            event = ModelUnloaded(name, host.config.base_url)
            if as_json:
                write_bytes(event_json(event) + b"\n")
            else:
                note.say(event_text(event, label) or "")
        case _How.NOT_LOADED:
            _remark(f"{name} is not loaded{on}.", note, as_json)
        case _How.IN_USE:
            _remark(f"{name} is still in use{on}: it leaves memory when it has answered.", note, as_json)
        case _How.NOT_THERE:
            return f"There is no model {name} {on.strip() or 'here'}; `ecs-localai list` shows what is installed."
        case _How.FAILED:
            failed = ModelActionFailed(ModelAction.UNLOAD, name, outcome.message, host.config.base_url)
            return event_text(failed, label)
    return None


def _remark(text: str, note: WaitingNote, as_json: bool) -> None:
    if as_json:
        warn(text)  # standard output is for events
    else:
        note.say(text)
