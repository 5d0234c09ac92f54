"""What installing models on hosts would mean, found out on all hosts at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ecs_localai.commands.asking import ask_all
from ecs_localai.commands.installation_job import Wanted
from ecs_localai.commands.kept_knowledge import KeptKnowledge, kept_knowledge
from ecs_localai.components.preflight import Preflight
from ecs_localai.components.registry import ModelRegistryCache
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.names import ModelName, parse_model_name
from ecs_localai.ollama.plain_http import is_by_plain_http
from ecs_localai.systems.machine_memory import FreeMemory, measure_free_memory
from ecs_localai.systems.preflight import preflight_of
from ecs_localai.systems.registry_answer import MODELS_AT_ONCE, RegistryAnswer, ask_registry

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found out of one model and one host."""

    wanted: Wanted
    preflight: Preflight


class _Registries:
    """Asks each registry once about each model, however many hosts are to have it, and about few models at a time."""

    def __init__(self, known: KeptKnowledge, *, insecure: bool) -> None:
        self._cache = ModelRegistryCache(entries=known.registry)
        self._learnt = known.learnt
        self._insecure = insecure
        self._turns = asyncio.Semaphore(MODELS_AT_ONCE)
        self._asked: dict[str, asyncio.Task[RegistryAnswer]] = {}

    async def told(self, name: ModelName) -> RegistryAnswer:
        """What its registry says of a model now, or what it said before where it cannot be asked."""
        task = self._asked.get(name.key)
        if task is None:
            task = self._asked[name.key] = asyncio.ensure_future(self._ask(name))
        return await asyncio.shield(task)

    async def _ask(self, name: ModelName) -> RegistryAnswer:
        plain = self._insecure or is_by_plain_http(name)
        async with self._turns:
            return await ask_registry(name, self._cache, insecure=plain, remember=self._learnt.append, anew=True)


@dataclass(frozen=True, slots=True)
class _Question:
    names: dict[str, list[ModelName]]
    """By the base URLs of the hosts."""
    context_length: int | None
    memory: FreeMemory
    registries: _Registries

    async def ask(self, client: OllamaClient) -> list[Preflight]:
        """The preflights of all models that one host is to have.

        Raises:
            OllamaError: it does not answer.
        """
        await client.version()
        unloadable = await _unloadable(client)
        turns = asyncio.Semaphore(MODELS_AT_ONCE)

        async def of(name: ModelName) -> Preflight:
            async with turns:
                told = await self.registries.told(name)
                return await preflight_of(
                    client, name, self.context_length, self.memory, told=told, unloadable=unloadable
                )

        return list(await asyncio.gather(*map(of, self.names[client.base_url])))


async def _unloadable(client: OllamaClient) -> int:
    """The bytes of what is loaded: Ollama makes room for what is asked for next. 0 where it does not say."""
    try:
        return sum(one.size for one in await client.ps())
    except OllamaError:
        return 0


def look_before(
    folder: Path, wanted: Sequence[Wanted], *, context_length: int | None, insecure: bool
) -> tuple[list[Looked], list[tuple[Wanted, OllamaError]]]:
    """Find out what installing all of it would mean; besides, those whose hosts do not answer.

    What registries have said is kept, where anything is kept at all, and used where they cannot be reached now. They
    are asked by plain http where that is allowed (`insecure`), or they are on this computer.
    """
    hosts = list({one.host.config.base_url: one.host for one in wanted}.values())
    names: dict[str, list[ModelName]] = {host.config.base_url: [] for host in hosts}
    for one in wanted:
        names[one.host.config.base_url].append(parse_model_name(one.name))
    with kept_knowledge(folder) as known:
        registries = _Registries(known, insecure=insecure)
        question = _Question(names, context_length, measure_free_memory(), registries)
        answers = dict(zip(names, ask_all(hosts, question.ask), strict=True))
    looked: list[Looked] = []
    away: list[tuple[Wanted, OllamaError]] = []
    for one in wanted:
        answer = answers[one.host.config.base_url]
        if isinstance(answer, OllamaError):
            away.append((one, answer))
            continue
        key = parse_model_name(one.name).key
        looked.append(Looked(one, next(found for found in answer if parse_model_name(found.model_name).key == key)))
    return looked, away
