"""Which files a model consists of, and which of them its host lacks: looked at while it waits, and again at work."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING

import msgspec

from ecs_localai.components.hosts import ConnectionPool, OllamaAPIClient
from ecs_localai.components.installation import DownloadConfig, ModelInstallation
from ecs_localai.components.registry import ModelRegistryCache, RegistryEntry
from ecs_localai.components.time_values import utc_now
from ecs_localai.ollama.errors import OllamaError, PullFailed, PullFailure
from ecs_localai.ollama.names import ModelName, parse_model_name
from ecs_localai.runtime import IoTaskPool, Task, TaskCancelled
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.installation_books import InstallationBooks

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient

MANIFEST_TIMEOUT = 3.0
"""Seconds to wait for a manifest that can be done without: then only the sizes of reached layers are known."""
LOOKS_AT_ONCE = 4
"""So many of those that wait are looked at at a time."""
_ASKED_AT_ONCE = 8

Remember = Callable[[RegistryEntry], None]


class LayerFacts(msgspec.Struct, frozen=True):
    """A model's files."""

    sizes: dict[str, int]
    """Bytes by digest, in the order of the download; empty where the registry does not tell us."""
    missing: frozenset[str]
    """Those that the host lacks, or of which it could not be asked."""


async def layers_from_registry(name: ModelName, config: DownloadConfig, remember: Remember) -> Mapping[str, int]:
    """Sizes in bytes by digest, so that the whole is known from the start.

    Raises:
        PullFailed: the registry does not tell us.
    """
    from ecs_localai.ollama.registry import entry_of, fetch_manifest

    manifest = await fetch_manifest(name, insecure=config.insecure)
    remember(entry_of(name, manifest))
    return manifest.expected_layers


async def layers_if_told(
    name: ModelName, config: DownloadConfig, remember: Remember, *, patience: float | None = MANIFEST_TIMEOUT
) -> Mapping[str, int]:
    """As `layers_from_registry`; empty where the registry does not tell us, or not within `patience`.

    That is in seconds; None: it is waited for as `layers_from_registry` does.

    Raises:
        PullFailed: what answers is no registry.
    """
    try:
        import asyncio  # in the background: a first frame need not wait for it

        async with asyncio.timeout(patience):
            return await layers_from_registry(name, config, remember)
    except PullFailed as error:
        if error.kind is PullFailure.NOT_A_REGISTRY:
            raise
        return {}  # the host may reach what we cannot, and it knows how to log in: let it try
    except (OllamaError, TimeoutError):
        return {}


async def missing_layers(client: OllamaClient, layers: Mapping[str, int]) -> frozenset[str]:
    """Those of these files that a host lacks; one that is half there counts as lacking (Ollama 0.9.3)."""
    import asyncio  # as above

    async def lacks(digest: str) -> bool:
        try:
            return not await client.blob_exists(digest)
        except OllamaError:
            return True

    digests = list(layers)
    missing: set[str] = set()
    for at in range(0, len(digests), _ASKED_AT_ONCE):
        some = digests[at : at + _ASKED_AT_ONCE]
        answers = await asyncio.gather(*map(lacks, some))
        missing.update(digest for digest, is_missing in zip(some, answers, strict=True) if is_missing)
    return frozenset(missing)


class LayerLooks:
    """The looks at those that wait. For the frame thread."""

    def __init__(
        self,
        tasks: IoTaskPool,
        clients: HostClients,
        books: InstallationBooks,
        cache: ModelRegistryCache,
        remember: Remember,
        keep_total: Callable[[str, int], None],
    ) -> None:
        """`keep_total` is told the bytes of one that waits, by its installation's id, when they are found out."""
        self._tasks = tasks
        self._clients = clients
        self._books = books
        self._cache = cache
        self._remember = remember
        self._keep_total = keep_total
        self._under_way: dict[str, Task[LayerFacts]] = {}

    def take_in(self) -> bool:
        """Note what has been found out; whether anything has."""
        done = [key for key, task in self._under_way.items() if task.is_finished()]
        for key in done:
            task = self._under_way.pop(key)
            try:
                facts = task.check_ready()
            except TaskCancelled:  # the app ends
                continue
            installation = self._books.manager.active_installations.get(key)
            if facts is None or installation is None or key not in self._books.waiting:
                continue
            self._books.digests[key] = facts.missing
            total = sum(facts.sizes.values())
            if total and not installation.progress.bytes_downloaded:
                installation.progress = msgspec.structs.replace(installation.progress, total_bytes=total)
                self._keep_total(key, total)
        return bool(done)

    def begin(self) -> None:
        """Look at the next ones of which it is not known what they fetch."""
        books = self._books
        for key in books.order():
            if len(self._under_way) >= LOOKS_AT_ONCE:
                return
            installation = books.manager.active_installations.get(key)
            if installation is None or key in self._under_way or books.digests.get(key, frozenset()) is not None:
                continue
            api, pool = books.hosts[installation.host]
            work = self._look(api, pool, installation)
            self._under_way[key] = self._tasks.spawn(work, f"look what {installation.model_name} consists of")

    def _look(
        self, api: OllamaAPIClient, pool: ConnectionPool, installation: ModelInstallation
    ) -> Coroutine[object, object, LayerFacts]:
        name, config = parse_model_name(installation.model_name), installation.download_config
        entry = self._cache.fresh(name.short, utc_now())
        return _look(self._clients, api, pool, name, config, entry, self._remember)


async def _look(
    clients: HostClients,
    api: OllamaAPIClient,
    pool: ConnectionPool,
    name: ModelName,
    config: DownloadConfig,
    entry: RegistryEntry | None,
    remember: Remember,
) -> LayerFacts:
    try:
        if entry is not None:
            sizes = {layer.digest: layer.size for layer in entry.layers}
        else:
            sizes = dict(await layers_if_told(name, config, remember))
        if not sizes:
            return LayerFacts({}, frozenset())
        async with clients.in_use(api, pool):
            return LayerFacts(sizes, await missing_layers(await clients.get_for(api, pool), sizes))
    except OllamaError:  # its own work will meet the same, and say it
        return LayerFacts({}, frozenset())
