"""A host whose configuration was changed, by whatever way: connecting to it anew."""

from __future__ import annotations

from enum import Enum, auto

import esper

from ecs_localai.components.events import (
    InstalledModelsChanged,
    LoadedModelsChanged,
    ModelActionFailed,
    ModelDeleteFailed,
    OllamaConnectionStatusChanged,
)
from ecs_localai.components.hosts import (
    ConnectionPool,
    HostHealthMonitor,
    OllamaAPIClient,
    OllamaConfiguration,
)
from ecs_localai.runtime import EventWriter, World
from ecs_localai.systems.host_entries import ListedHost
from ecs_localai.systems.model_work import done_word


class Followed(Enum):
    """What became of a host."""

    NOTHING = auto()
    """It is as it was."""
    TOLD = auto()
    """It is connected to anew, and whoever changed it has told so."""
    UNTOLD = auto()
    """It is connected to anew, and nobody has told so yet."""


def wanted_configuration(one: ListedHost) -> OllamaConfiguration:
    """What a program wants a host to be: its component where that was replaced, else what the manager holds."""
    config = esper.component_for_entity(one.entity, OllamaConfiguration)
    return one.manager.host_config if config is one.link.config else config


class HostFollowing:
    """Makes a host's components and its manager say the same."""

    __slots__ = ("_connections", "_failed", "_installed", "_loaded", "_work_failed", "_world")

    def __init__(
        self,
        world: World,
        connections: EventWriter[OllamaConnectionStatusChanged],
        installed: EventWriter[InstalledModelsChanged],
        loaded: EventWriter[LoadedModelsChanged],
        failed: EventWriter[ModelDeleteFailed],
        work_failed: EventWriter[ModelActionFailed],
    ) -> None:
        self._world = world
        self._connections = connections
        self._installed = installed
        self._loaded = loaded
        self._failed = failed
        self._work_failed = work_failed

    def follow(self, one: ListedHost) -> Followed:
        """Connect anew to a host whose configuration is another than the one that was seen last."""
        manager, link, entity = one.manager, one.link, one.entity
        config = esper.component_for_entity(entity, OllamaConfiguration)
        if link.config is None:
            self._begin_loaded(one, config)
            return Followed.NOTHING
        if config is link.config and manager.host_config is link.config:
            self._same_objects(one)
            return Followed.NOTHING
        former, wanted = link.config, wanted_configuration(one)
        if manager.health_monitor.is_healthy:
            reason = f"Now connecting to {wanted.base_url}."
            self._connections.write(OllamaConnectionStatusChanged(True, False, reason, former.base_url))
        if former.base_url != wanted.base_url:
            self._forget_models(one, former.base_url)
        self.end_model_work(one, former.base_url)
        one.models.synced, one.models.error = False, None
        manager.host_config = wanted
        manager.api_client = OllamaAPIClient.for_host(wanted, manager.api_client.retry_policy)
        manager.health_monitor = HostHealthMonitor()
        pool = esper.component_for_entity(entity, ConnectionPool)
        if pool is not manager.connection_pool:
            manager.connection_pool = pool
        link.config = wanted
        link.drop_work()
        link.healthy_since = None
        link.changes.clear()
        link.answers_in_a_row = 0
        link.interval = 0.0
        link.ask_at_once()
        link.sync_timer.stop()
        self._world.insert(entity, wanted, manager.api_client, manager.health_monitor)
        edited, link.edited = link.edited, None
        return Followed.TOLD if wanted is edited else Followed.UNTOLD

    def _begin_loaded(self, one: ListedHost, config: OllamaConfiguration) -> None:
        """A host that was loaded from a file: how it was doing then says nothing of how it is doing now."""
        manager = one.manager
        one.link.config = manager.host_config = config
        manager.health_monitor = HostHealthMonitor()
        one.models.synced, one.models.error = False, None
        one.models.loaded.clear()
        self._world.insert(one.entity, manager.health_monitor)
        self._same_objects(one)

    def _same_objects(self, one: ListedHost) -> None:
        """A program may have replaced one of the others: of the pool and the client's settings its component counts."""
        manager, entity = one.manager, one.entity
        pool = esper.component_for_entity(entity, ConnectionPool)
        if pool is not manager.connection_pool:
            manager.connection_pool = pool
        api = esper.component_for_entity(entity, OllamaAPIClient)
        if api is not manager.api_client:
            manager.api_client = api
        if esper.component_for_entity(entity, HostHealthMonitor) is not manager.health_monitor:
            self._world.insert(entity, manager.health_monitor)

    def _forget_models(self, one: ListedHost, former: str) -> None:
        models = one.models
        if models.installed:
            self._installed.write(InstalledModelsChanged([], sorted(models.installed), former))
        if models.loaded:
            self._loaded.write(LoadedModelsChanged([], sorted(models.loaded), former))
        models.installed.clear()
        models.loaded.clear()

    def end_model_work(self, one: ListedHost, base_url: str) -> None:
        """Tell that nobody knows how what was being done to a host's models has ended: it was changed or removed."""
        for name in one.link.deletions:
            text = f"{one.host.name} was changed or removed while {name} was being deleted there; look at it again."
            self._failed.write(ModelDeleteFailed(name, text, base_url))
        one.link.deletions.clear()
        for name, work in one.link.model_work.items():
            done = done_word(work.action)
            text = f"{one.host.name} was changed or removed while {name} was being {done} there; look at it again."
            self._work_failed.write(ModelActionFailed(work.action, name, text, base_url))
        one.link.model_work.clear()
