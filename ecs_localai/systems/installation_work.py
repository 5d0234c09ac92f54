"""The background work of one installation, whatever way the model comes to its host."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping

from ecs_localai.components.hosts import ConnectionPool, OllamaAPIClient
from ecs_localai.components.installation import DownloadConfig, LayerProgress, ModelInstallation
from ecs_localai.components.models import InstalledModel
from ecs_localai.components.recipe import ModelRecipe
from ecs_localai.ollama.errors import InvalidModelName
from ecs_localai.ollama.names import ModelName, parse_model_name
from ecs_localai.systems.creation_mark import CreationMark
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.installation_progress import InstallationRun
from ecs_localai.systems.installation_report import InstallationReport
from ecs_localai.systems.installing import (
    AtWorkElsewhere,
    PullHelp,
    install_model_from_ollama,
    installation_error,
)
from ecs_localai.systems.installing_room import RoomShares
from ecs_localai.systems.kept_queue import KeptQueue
from ecs_localai.systems.layer_look import Remember
from ecs_localai.systems.pull_ledger import PullLedger
from ecs_localai.systems.pull_locks import PullLocks
from ecs_localai.systems.queue_rows import ClaimAnswer
from ecs_localai.systems.saved_hosts import server_of


class InstallationWork:
    """Makes the coroutines that install models. No two of one app fetch the same at once."""

    def __init__(self, clients: HostClients, queue: KeptQueue, remember: Remember) -> None:
        self._clients = clients
        self._queue = queue
        self._remember = remember
        self._locks = PullLocks()
        self._shares = RoomShares()

    def of(
        self,
        installation: ModelInstallation,
        api: OllamaAPIClient,
        pool: ConnectionPool,
        run: InstallationRun,
        fetched: Mapping[str, int],
    ) -> Coroutine[object, object, InstalledModel]:
        """The work of an installation, which reports to the run's channel. `fetched` is what was fetched before."""
        key, name, recipe = installation.installation_id, parse_model_name(installation.model_name), installation.recipe
        report = run.channel.send
        if recipe is not None:
            ignores_room = installation.download_config.ignores_room
            return self._create(api, pool, name, recipe, report, key, ignores_room=ignores_room)

        def claim(layers: list[LayerProgress], digests: frozenset[str], spare: int | None) -> ClaimAnswer:
            return self._queue.claim(key, layers, digests, spare)

        ledger = PullLedger(
            report,
            dict(fetched),
            refetched=installation.refetched_bytes,
            furthest=installation.progress.bytes_downloaded,
        )
        help_ = PullHelp(self._clients, self._locks, self._shares, claim, self._remember, run.missing.send)
        return self._pull(api, pool, name, installation.download_config, ledger, help_)

    async def _pull(
        self,
        api: OllamaAPIClient,
        pool: ConnectionPool,
        name: ModelName,
        config: DownloadConfig,
        ledger: PullLedger,
        help_: PullHelp,
    ) -> InstalledModel:
        async with self._clients.in_use(api, pool):  # also when the host gets another log-in meanwhile
            return await install_model_from_ollama(api, pool, name, config, ledger, help_)

    async def _create(
        self,
        api: OllamaAPIClient,
        pool: ConnectionPool,
        name: ModelName,
        recipe: ModelRecipe,
        report: Callable[[InstallationReport], None],
        key: str,
        *,
        ignores_room: bool,
    ) -> InstalledModel:
        import asyncio  # in the background: a first frame need not wait for it

        from ecs_localai.systems.creating import create_model_on_ollama

        def keep_mark(mark: CreationMark) -> None:
            self._queue.keep_mark(key, mark)

        try:
            names = {name.key} | ({parse_model_name(recipe.source).key} if recipe.source else set())
        except InvalidModelName as error:
            raise installation_error(error) from error
        server = server_of(api.base_url)
        give_back = await self._locks.acquire([(server, one) for one in names])
        try:
            if await asyncio.to_thread(self._queue.claim, key, (), frozenset()) is not ClaimAnswer.GRANTED:
                raise AtWorkElsewhere
            async with self._clients.in_use(api, pool):
                mark = self._queue.mark_of(key)
                return await create_model_on_ollama(
                    self._clients, api, pool, name, recipe, report, mark, keep_mark, ignores_room=ignores_room
                )
        finally:
            give_back()
