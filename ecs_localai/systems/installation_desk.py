"""The books of installation: what was asked for, what waits, what runs, what has ended."""

from __future__ import annotations

import ipaddress
import time as clock
from collections import Counter, deque
from datetime import timedelta
from functools import lru_cache
from typing import Final
from uuid import uuid4

import esper

from ecs_localai.components.events import (
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationStarted,
    UIUpdateEvent,
    UIUpdateKind,
)
from ecs_localai.components.hosts import ConnectionPool, OllamaAPIClient, OllamaHostManager
from ecs_localai.components.installation import (
    DownloadRequest,
    InstallationError,
    InstallationErrorKind,
    InstallationRecord,
    InstallationStatus,
    ModelInstallation,
    ModelInstallationManager,
    ModelInstallationTask,
    ModelInstallRequest,
)
from ecs_localai.components.models import InstalledModel, LocalModelManager
from ecs_localai.components.registry import RegistryEntry
from ecs_localai.components.time_values import utc_now
from ecs_localai.ollama.errors import InvalidModelName
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.runtime import App, World
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.installation_progress import InstallationRun
from ecs_localai.systems.installing import install_model_from_ollama
from ecs_localai.systems.persistence import SavedState

AT_ONCE = 2
"""How many models a host downloads at a time. Ollama itself would take any number at once."""
COMPLETED_SECONDS = 5.0
"""How long a completed installation stays before it is cleaned up."""
_OF_INSTALLATION: Final = (ModelInstallation, ModelInstallationTask, InstallationRun)


class InstallationDesk:
    """Begins and ends installations, and keeps the brief's data about them in step. A resource."""

    def __init__(self, app: App, saved: SavedState) -> None:
        self._app = app
        self._world = app.world
        self._saved = saved
        self._manager = app.init_resource(ModelInstallationManager)
        self._manager.installation_history.extend(saved.history())
        self._models = app.init_resource(LocalModelManager)
        self._clients = app.init_resource(HostClients)
        self._started = app.add_event(ModelInstallationStarted).writer()
        self._completed = app.add_event(ModelInstallationCompleted).writer()
        self._failed = app.add_event(ModelInstallationFailed).writer()
        self._cancelled = app.add_event(ModelInstallationCancelled).writer()
        self._ui = app.add_event(UIUpdateEvent).writer()
        self._clean_up = app.wakeups.timer(float("inf"))
        self._hosts: dict[str, tuple[OllamaAPIClient, ConnectionPool]] = {}
        self._completed_at: deque[tuple[float, str]] = deque()
        self._shown: dict[str, tuple[int, ModelInstallation]] = {}  # by installation id, each with its entity
        self._asked: dict[str, dict[int, ModelInstallRequest]] = {}  # by installation id, then by who asked

    # Beginning

    def refuse(self, entity: int, request: ModelInstallRequest, reason: str) -> None:
        """End what an entity's request asks for before it began: there is no such host."""
        installation = ModelInstallation(
            request.model_name,
            uuid4().hex[:12],
            host=request.host,
            request_entities=[entity],
            download_config=request.download_config,
        )
        self._asked[installation.installation_id] = {entity: request}
        self._open(installation)
        self.fail(installation, InstallationError(reason, InstallationErrorKind.HOST_UNREACHABLE))
        self._saved.queue.take_over(request)

    def take(self, entity: int, request: ModelInstallRequest, host: OllamaHostManager) -> None:
        """Begin what an entity's request asks for on this host, or let it share an installation under way there.

        It stays with this host, also if the panel turns to another one while it waits.
        """
        try:
            name = parse_model_name(request.model_name)
        except InvalidModelName as error:
            installation = self._new(request.model_name, request, entity, host)
            self._open(installation)
            self.fail(installation, InstallationError(error.message, InstallationErrorKind.INVALID_NAME))
            self._saved.queue.take_over(request)
            return
        for other in self._manager.active_installations.values():
            # Two pulls of one model at a time can crash the server (Ollama 0.9.3, PR 17370), so there is one.
            if self.entity_of(other) is None:
                continue  # it is about to be ended, and its askers with it
            if other.host == host.api_client.base_url and is_same_model(other.model_name, name.short):
                self._asked[other.installation_id][entity] = request
                if entity not in other.request_entities:
                    other.request_entities.append(entity)
                self._saved.queue.take_over(request)
                return
        installation = self._new(name.short, request, entity, host)
        self._open(installation)
        self._manager.active_installations[installation.installation_id] = installation
        self._models.installation_queue.append(installation)
        download = DownloadRequest(name.short, installation.installation_id, installation.host, request.download_config)
        self._manager.download_queue.append(download)
        self._saved.queue.add(download)
        self._saved.queue.take_over(request)

    def _new(self, name: str, request: ModelInstallRequest, entity: int, host: OllamaHostManager) -> ModelInstallation:
        api = host.api_client
        self._hosts[api.base_url] = (api, host.connection_pool)
        installation = ModelInstallation(
            name,
            uuid4().hex[:12],
            host=api.base_url,
            request_entities=[entity],
            download_config=request.download_config,
        )
        self._asked[installation.installation_id] = {entity: request}
        return installation

    def _open(self, installation: ModelInstallation) -> None:
        self._shown[installation.installation_id] = (self._world.spawn(installation), installation)
        self._changed()

    def start_waiting(self, hosts: OllamaHosts) -> None:
        """Give those that wait their turn, as far as the limit of their host allows.

        A host that has another log-in by now is spoken to with that.
        """
        queue = self._manager.download_queue
        if not queue:
            return
        for one in hosts.all():
            if one.base_url in self._hosts:
                self._hosts[one.base_url] = (one.manager.api_client, one.manager.connection_pool)
        active = self._manager.active_installations
        running = Counter(one.host for one in active.values() if one.status.is_running)
        for request in list(queue):
            installation = active.get(request.installation_id)
            if installation is not None and running[request.host] >= AT_ONCE:
                continue
            queue.remove(request)
            if installation is not None:
                self._models.installation_queue.remove(installation)
                self._start(installation, *self._hosts[request.host])
                running[request.host] += 1

    def _start(self, installation: ModelInstallation, api: OllamaAPIClient, pool: ConnectionPool) -> None:
        entity = self.entity_of(installation)
        if entity is None:
            return  # it is about to be ended
        tasks = self._app.tasks
        run = InstallationRun(tasks.channel(), clock.monotonic())
        name, report = parse_model_name(installation.model_name), run.channel.send

        async def install() -> InstalledModel:
            async with self._clients.in_use(api, pool):  # also when the host gets another log-in meanwhile
                return await install_model_from_ollama(
                    self._clients, api, pool, name, installation.download_config, report, self._remember
                )

        task = tasks.spawn(install(), f"install {installation.model_name}")
        installation.status = InstallationStatus.DOWNLOADING
        installation.started_at = utc_now()
        self._world.insert(entity, ModelInstallationTask(installation.model_name, task), run)
        self._changed()

    def _remember(self, entry: RegistryEntry) -> None:
        """Keep what a registry says of a model. In the background: one assignment, and a change that is posted."""
        self._models.model_registry.cache.entries[entry.model_name] = entry
        self._saved.set_registry_entry(entry)

    # Going on

    def entity_of(self, installation: ModelInstallation) -> int | None:
        """The entity of an installation that is shown; None once somebody has deleted it.

        Its number alone does not tell: after `esper.clear_database` esper gives the same numbers to others.
        """
        entity, _ = self._shown.get(installation.installation_id, (0, installation))
        there = esper.entity_exists(entity) and esper.try_component(entity, ModelInstallation) is installation
        return entity if there else None

    def lost(self) -> list[ModelInstallation]:
        """The installations whose entity somebody has deleted."""
        return [installation for _, installation in self._shown.values() if self.entity_of(installation) is None]

    def announce(self, installation: ModelInstallation, run: InstallationRun) -> None:
        """Tell, once, that it has begun, with its size if that is known by now."""
        if not run.announced:
            run.announced = True
            size = installation.progress.total_bytes or None
            self._started.write(ModelInstallationStarted(installation.model_name, installation.installation_id, size))

    # Ending

    def complete(self, installation: ModelInstallation, run: InstallationRun, model: InstalledModel) -> None:
        """The model is there."""
        took = timedelta(seconds=clock.monotonic() - run.begun)
        self.announce(installation, run)
        self._close(installation, InstallationStatus.COMPLETED, took)
        self._completed.write(ModelInstallationCompleted(installation.installation_id, model, took))
        self._completed_at.append((self._app.time.real_elapsed_seconds, installation.installation_id))
        if len(self._completed_at) == 1:
            self._clean_up.restart(self._app.time, COMPLETED_SECONDS)

    def fail(self, installation: ModelInstallation, error: InstallationError) -> None:
        """It ended without the model."""
        installation.error_message = error.message
        installation.error_kind = error.kind
        self._close(installation, InstallationStatus.failed(error.message), None)
        self._failed.write(
            ModelInstallationFailed(
                installation.installation_id, installation.model_name, error.message, error.kind, error.retryable
            )
        )

    def cancel(self, installation: ModelInstallation) -> None:
        """Somebody stopped it."""
        self._close(installation, InstallationStatus.CANCELLED, None)
        self._cancelled.write(
            ModelInstallationCancelled(installation.installation_id, installation.model_name, resumable=True)
        )

    def _close(self, installation: ModelInstallation, status: InstallationStatus, took: timedelta | None) -> None:
        installation.status = status
        installation.estimated_completion = None
        installation.finished_at = utc_now()
        self._manager.active_installations.pop(installation.installation_id, None)
        self._saved.queue.remove(installation.installation_id)
        if installation in self._models.installation_queue:
            self._models.installation_queue.remove(installation)
        entity = self.entity_of(installation)
        if entity is not None:
            self._world.remove(entity, ModelInstallationTask, InstallationRun)
        self._answer(installation)
        record = InstallationRecord(
            installation_id=installation.installation_id,
            model_name=installation.model_name,
            status=status,
            started_at=installation.started_at,
            finished_at=installation.finished_at,
            duration=took or max(timedelta(0), installation.finished_at - installation.started_at),
            bytes_downloaded=installation.progress.bytes_downloaded,
            total_bytes=installation.progress.total_bytes,
            host=installation.host,
        )
        self._manager.installation_history.append(record)
        self._saved.add_history(record)
        self._changed()

    def forget(self, installation_id: str) -> None:
        """Take an ended installation off the list. Its entity stays if a host has put something onto it."""
        if installation_id not in self._shown:
            return
        entity, installation = self._shown[installation_id]
        if self.entity_of(installation) is not None:
            self._world.remove(entity, *_OF_INSTALLATION)
            drop_if_empty(self._world, entity)
        elif esper.try_component(entity, ModelInstallation) is installation:
            # Esper has put its deletion off until its next `process`, which in a host's world may be long in coming:
            # until then queries would show it, and its task would go on.
            for kind in _OF_INSTALLATION:
                if esper.try_component(entity, kind) is not None:
                    esper.remove_component(entity, kind)
        del self._shown[installation_id]
        self._changed()

    def forget_completed(self) -> None:
        """Take the completed installations off the list that have been there long enough."""
        time = self._app.time
        if time.real_elapsed_seconds < self._clean_up.due:
            return
        self._clean_up.stop()
        completed = self._completed_at
        while completed and completed[0][0] + COMPLETED_SECONDS <= time.real_elapsed_seconds:
            self.forget(completed.popleft()[1])
        if completed:
            self._clean_up.restart(time, completed[0][0] + COMPLETED_SECONDS - time.real_elapsed_seconds)

    def _answer(self, installation: ModelInstallation) -> None:
        """Take the requests of an ended installation off the entities that asked, and no others."""
        for entity, request in self._asked.pop(installation.installation_id, {}).items():
            if esper.entity_exists(entity) and esper.try_component(entity, ModelInstallRequest) is request:
                self._world.remove(entity, ModelInstallRequest)
                drop_if_empty(self._world, entity)

    def _changed(self) -> None:
        self._ui.write(UIUpdateEvent(UIUpdateKind.INSTALLATIONS_CHANGED))


def still_asks(entity: int, installation: ModelInstallation) -> bool:
    """Whether the entity is there and its request is for this installation's model, not for another by now."""
    request = esper.try_component(entity, ModelInstallRequest) if esper.entity_exists(entity) else None
    return request is not None and is_same_model(request.model_name, installation.model_name)


def is_same_model(name: str, other: str) -> bool:
    """Whether two names mean the same model to Ollama."""
    return name == other or _name_key(name) == _name_key(other)


@lru_cache(maxsize=256)
def _name_key(name: str) -> str:
    """What names are compared by; a name that is none is only equal to itself."""
    try:
        return parse_model_name(name).key
    except InvalidModelName:
        return name


def drop_if_empty(world: World, entity: int) -> None:
    """Delete an entity that has nothing left: one that was nothing but a request has no further use."""
    if world.exists(entity) and not world.components(entity):
        world.despawn(entity)


def is_local_registry(registry: str) -> bool:
    """Whether a model name's registry is on the loopback interface, where plain HTTP is the custom."""
    host = registry.rpartition(":")[0] or registry
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
