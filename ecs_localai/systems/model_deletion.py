"""MODEL_MANAGEMENT: removes models from their hosts, and knows before and after what that frees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_localai.components.deleting import HostStorage
from ecs_localai.components.events import (
    InstalledModelsChanged,
    ModelDeleted,
    ModelDeleteFailed,
    UIUpdateEvent,
    UIUpdateKind,
)
from ecs_localai.components.hosts import HostProtocol, OllamaHostManager
from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.panel_intents import DeleteModelRequested
from ecs_localai.ollama.errors import InvalidModelName, ModelNotFound, OllamaError
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.runtime import App, EventReader, EventWriter, IoTaskPool, Query, Res, Task
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.host_list import HostListError, OllamaHosts
from ecs_localai.systems.links import HostLink, settle

if TYPE_CHECKING:
    from ecs_localai.components.registry import RegistryEntry
    from ecs_localai.ollama.deleting import Freed


def delete_models(
    requests: EventReader[DeleteModelRequested],
    hosts: Query[OllamaHostManager, HostLink],
    listed: Res[OllamaHosts],
    tasks: Res[IoTaskPool],
    clients: Res[HostClients],
    models: Res[LocalModelManager],
    deleted: EventWriter[ModelDeleted],
    failed: EventWriter[ModelDeleteFailed],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Remove the models that somebody asked to remove, and tell how it went."""
    known = models.model_registry.manifests_by_digest
    for request in requests.read():
        try:
            name = parse_model_name(request.model_name).short
            one = listed.require_ollama(request.host)
        except (InvalidModelName, HostListError) as error:
            failed.write(ModelDeleteFailed(request.model_name, str(error)))
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=str(error)))
            continue
        if name not in one.link.deletions:
            one.link.deletions[name] = tasks.spawn(_delete(clients, one.manager, name, known), f"delete {name}")
            ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
    if not tasks.arrived:
        return
    for _, (manager, link) in hosts:
        base_url = manager.host_config.base_url
        for name in [name for name, task in link.deletions.items() if task.is_finished()]:
            result = settle(link.deletions.pop(name))
            if isinstance(result, ModelNotFound):
                text = f"There is no model {name} on {base_url}, so nothing was deleted."
                failed.write(ModelDeleteFailed(name, text, base_url))
                ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=text))
            elif result is None or isinstance(result, OllamaError):
                reason = f"The work was stopped before {base_url} had done it." if result is None else result.message
                link.ask_at_once()  # whether it is still there
                failed.write(ModelDeleteFailed(name, reason, base_url))
                ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=f"{name} was not deleted: {reason}"))
            else:
                deleted.write(ModelDeleted(name, result.bytes, base_url, result.reason))
            ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
            link.sync_wanted = True


async def _delete(
    clients: HostClients, manager: OllamaHostManager, name: str, known: dict[str, RegistryEntry]
) -> Freed:
    from ecs_localai.ollama.deleting import delete_model

    return await delete_model(await clients.get(manager), name, known)


class StorageLooks:
    """The looks at hosts' files that are under way. A resource."""

    def __init__(self, app: App) -> None:
        self._world = app.world
        self.looks: dict[int, tuple[str, Task[HostStorage]]] = {}
        """By the host's entity: its base URL, and the work."""
        self.wanted: set[str] = set()
        """The base URLs of hosts whose models have changed since the last look at them began."""

    def put(self, entity: int, storage: HostStorage) -> None:
        """Keep what was found out of a host."""
        self._world.insert(entity, storage)


def find_out_what_deleting_frees(
    changes: EventReader[InstalledModelsChanged],
    listed: Res[OllamaHosts],
    looks: Res[StorageLooks],
    tasks: Res[IoTaskPool],
    clients: Res[HostClients],
    models: Res[LocalModelManager],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Look in the background at the files of hosts whose models have changed, one look at a time for each host.

    A look that fails says nothing: what deleting frees is then not known until the models change again.
    """
    looks.wanted.update(change.host for change in changes.read())
    if looks.looks and tasks.arrived:
        hosts = {one.entity: one for one in listed.all()}
        for entity in [entity for entity, (_, work) in looks.looks.items() if work.is_finished()]:
            base_url, work = looks.looks.pop(entity)
            found = settle(work)
            if isinstance(found, HostStorage) and entity in hosts and hosts[entity].base_url == base_url:
                looks.put(entity, found)
                ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
                ui.write(UIUpdateEvent(UIUpdateKind.HOST_CHANGED))  # its size is in the list of hosts
    if not looks.wanted:
        return
    for one in listed.all():
        if one.base_url in looks.wanted and one.entity not in looks.looks:
            looks.wanted.discard(one.base_url)
            if one.host.protocol is HostProtocol.OLLAMA and one.health.is_healthy:
                known = models.model_registry.manifests_by_digest
                work = tasks.spawn(_look(clients, one.manager, known), f"files of {one.base_url}")
                looks.looks[one.entity] = one.base_url, work
    if len(looks.wanted) > len(looks.looks):
        looks.wanted &= {base_url for base_url, _ in looks.looks.values()}  # of the others there is no host any more


async def _look(clients: HostClients, manager: OllamaHostManager, known: dict[str, RegistryEntry]) -> HostStorage:
    from ecs_localai.ollama.deleting import storage_of

    return await storage_of(await clients.get(manager), known)
