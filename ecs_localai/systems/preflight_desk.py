"""The looks at what installations would mean that are under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ecs_localai.components.preflight import Preflight
from ecs_localai.components.registry import ModelRegistryCache
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.names import ModelName
from ecs_localai.runtime import Channel, IoTaskPool, Task
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.host_entries import ListedHost
from ecs_localai.systems.machine_memory import FreeMemorySampler

if TYPE_CHECKING:
    from ecs_localai.components.hosts import ConnectionPool, OllamaAPIClient
    from ecs_localai.systems.persistence import SavedState


class _Target(msgspec.Struct, frozen=True):
    """A host that is looked at, as it was when the look began."""

    api: OllamaAPIClient
    pool: ConnectionPool
    base_url: str
    unloadable: int
    """The bytes of what is loaded. Ollama unloads also what is pinned, if last (``findRunnerToUnload`` in
    ``server/sched.go``).
    """


class PreflightDesk:
    """Looks in the background at what was asked for. A resource; a new look ends the one before."""

    def __init__(self, tasks: IoTaskPool, clients: HostClients, saved: SavedState) -> None:
        self._tasks = tasks
        self._clients = clients
        self._saved = saved
        self._memory = FreeMemorySampler()
        self.task: Task[None] | None = None
        self.channel: Channel[Preflight] | None = None
        self.order: list[tuple[str, str]] = []
        """Of each preflight that is asked for the model's name and the host's base URL."""
        tasks.on_close(self._close)

    def begin(
        self, names: list[ModelName], hosts: list[ListedHost], context_length: int | None, cache: ModelRegistryCache
    ) -> None:
        """Look at each model on each host.

        What a registry said a short while ago is told at once, and what it says now as soon as it has said it.
        """
        targets = [
            _Target(
                one.manager.api_client,
                one.manager.connection_pool,
                one.base_url,
                sum(model.size for model in one.models.loaded.values()),
            )
            for one in hosts
        ]
        self.order = [(name.short, target.base_url) for name in names for target in targets]
        most = 2 * len(self.order)  # of each what is remembered, and then what is so
        channel = self.channel = self._tasks.bounded(max(1, most))
        self.task = self._tasks.spawn(self._look(names, targets, context_length, cache, channel), "preflight")

    def end(self) -> None:
        """Nobody wants to know any more."""
        self.task = self.channel = None
        self.order = []

    async def _look(
        self,
        names: list[ModelName],
        targets: list[_Target],
        context_length: int | None,
        cache: ModelRegistryCache,
        channel: Channel[Preflight],
    ) -> None:
        import asyncio  # in the background: a first frame need not wait for it

        from ecs_localai.systems.background_imports import import_in_background

        import_in_background("aiohttp")
        from ecs_localai.ollama.plain_http import is_by_plain_http
        from ecs_localai.systems.preflight import ask_host, preflight_from
        from ecs_localai.systems.registry_answer import MODELS_AT_ONCE, RegistryAnswer, ask_registry, remembered_answer

        turns = asyncio.Semaphore(MODELS_AT_ONCE)
        memory = await asyncio.to_thread(self._memory.sample)

        async def on_host(
            name: ModelName, target: _Target, known: RegistryAnswer | None, asking: asyncio.Task[RegistryAnswer]
        ) -> None:
            def tell(found: Preflight) -> None:  # of the host by the address that it was asked for
                channel.try_send(msgspec.structs.replace(found, host=target.base_url))

            try:
                async with self._clients.in_use(target.api, target.pool):
                    client = await self._clients.get_for(target.api, target.pool)
                    side = await ask_host(client, name, memory)
                    free = target.unloadable
                    if known is not None and not asking.done():
                        tell(await preflight_from(client, name, known, side, context_length, unloadable=free))
                    tell(await preflight_from(client, name, await asking, side, context_length, unloadable=free))
            except OllamaError as error:
                tell(Preflight(name.short, target.base_url, problem=error.message))

        async def of_model(name: ModelName) -> None:
            async with turns:
                known = remembered_answer(name, cache)
                plain, remember = is_by_plain_http(name), self._saved.set_registry_entry
                asking = asyncio.ensure_future(ask_registry(name, cache, insecure=plain, remember=remember, anew=True))
                try:
                    await asyncio.gather(*(on_host(name, target, known, asking) for target in targets))
                finally:
                    asking.cancel()

        await asyncio.gather(*(of_model(name) for name in names))

    async def _close(self) -> None:
        self._memory.close()
