"""``ecs-localai find``: the models' names that are known, and where from; the tags of one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from ecs_localai.commands.asking import ask_all
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.kept_knowledge import KeptKnowledge, kept_knowledge
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json, warn
from ecs_localai.commands.waiting_note import WaitingNote
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.names import ModelName, parse_model_name
from ecs_localai.ollama.plain_http import is_by_plain_http
from ecs_localai.systems.known_models import KnownName, NameSources, known_names

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.ollama.tag_names import TagNames
    from ecs_localai.ollama.wire_account import ModelRecommendation


class TagsLine(msgspec.Struct, frozen=True):
    """What ``find --tags --json`` tells."""

    name: str
    tags: list[str]
    is_complete: bool
    """Whether the registry lists its tags; else there may be more."""
    problem: str


def find_models(target: Target, text: str, tags_of_model: str, as_json: bool) -> int:
    """Print the known names that contain `text`, or the tags of a model; returns the exit code.

    Raises:
        CommandFailed: nothing was found.
    """
    wanted = parse_model_name(tags_of_model) if tags_of_model else None
    with kept_knowledge(target.folder()) as kept, WaitingNote(as_json) as note, note.about("Looking for models"):
        names, silent = _gather(target, kept)
        tags = None if wanted is None else asyncio.run(_tags(wanted, [one.name for one in names]))
    for host in silent:
        warn(f"{host} does not answer, so its models are not among these.")
    if wanted is not None and tags is not None:
        return _print_tags(wanted, tags, as_json)
    found = [one for one in names if text.casefold() in one.name.casefold() or text.casefold() in one.note.casefold()]
    if not found and (text or not as_json):
        raise CommandFailed(
            f"No model with {text!r} in its name is known here; ollama.com/search has all of Ollama's."
            if text
            else "No model is known here yet; ollama.com/search has all of Ollama's."
        )
    if as_json:
        for one in found:
            say_json(one)
        return 0
    from ecs_localai.commands.tables import draw, table

    draw(table(("name", "known", "remark"), ((one.name, one.detail, one.note or "-") for one in found)))
    return 0


def _gather(target: Target, kept: KeptKnowledge) -> tuple[list[KnownName], list[str]]:
    """The names of all that is known, and the hosts that did not answer."""
    book = target.book()
    hosts = list(dict.fromkeys([book.chosen, *book.ollamas]))
    several = len(hosts) > 1
    installed: list[tuple[str, list[str]]] = []
    recommended: list[ModelRecommendation] = []
    silent = []
    for host, answer in zip(hosts, ask_all(hosts, _ask, once=True), strict=True):
        if isinstance(answer, OllamaError):
            silent.append(host.name)
            continue
        installed.append((host.name if several else "", answer[0]))
        recommended += answer[1]
    registry = {name: entry.total_bytes for name, entry in kept.registry.items()}
    return known_names(NameSources(installed, registry, kept.before, recommended)), silent


async def _ask(client: OllamaClient) -> tuple[list[str], list[ModelRecommendation]]:
    names = [entry.name for entry in await client.tags()]
    try:
        return names, await client.model_recommendations(retry=False)
    except OllamaError:
        return names, []  # older than 0.22.1, or it cannot reach ollama.com


async def _tags(name: ModelName, known: list[str]) -> TagNames:
    from ecs_localai.ollama.registry_look import RegistryLook
    from ecs_localai.ollama.tag_names import tags_of

    async with RegistryLook(is_by_plain_http) as look:
        return await tags_of(look, name, known)


def _print_tags(name: ModelName, found: TagNames, as_json: bool) -> int:
    model = name.short.rpartition(":")[0]
    if as_json:
        say_json(TagsLine(model, found.tags, found.is_listed, found.problem))
    if not found.tags:
        raise CommandFailed(found.problem or f"The registry has no {model} under any tag that is known here.")
    if as_json:
        return 0
    for tag in found.tags:
        say(f"{model}:{tag}")
    if found.problem:
        warn(found.problem)
    elif not found.is_listed:
        warn("The registry lists no tags: these are the known ones that it has, and there may be more.")
    return 0
