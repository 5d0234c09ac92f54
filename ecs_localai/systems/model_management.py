"""MODEL_MANAGEMENT: keeps the list of models true, counts their use, and removes those that are to go."""

from __future__ import annotations

from ecs_localai.components.events import (
    InstalledModelsChanged,
    LoadedModelsChanged,
    ModelDeleted,
    ModelDeleteFailed,
    ModelInstallationCompleted,
    OllamaConnectionStatusChanged,
    UIUpdateEvent,
    UIUpdateKind,
)
from ecs_localai.components.hosts import DefaultHost, OllamaHost, OllamaHostManager
from ecs_localai.components.models import HostModels, LocalModelManager
from ecs_localai.components.panel_intents import DeleteModelRequested, RefreshRequested
from ecs_localai.ollama.errors import InvalidModelName, ModelNotFound, OllamaError
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.runtime import EventReader, EventWriter, IoTaskPool, Query, Res, Time
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.host_list import HostListError, OllamaHosts
from ecs_localai.systems.links import HostLink, settle
from ecs_localai.systems.model_news import ModelNews
from ecs_localai.systems.model_sync import ModelsSnapshot, read_models
from ecs_localai.systems.persistence import SavedState

SYNC_INTERVAL = 5.0
"""Seconds between two looks at the models. Not below 2: asking ``/api/ps`` faster could crash servers before
0.32.4 (Ollama issue 17376)."""
SYNC_INTERVAL_OF_OTHERS = 60.0
"""The same for a host that is not the default one. What is done through us is seen at once on any host."""


def manage_model_lifecycle(
    hosts: Query[OllamaHostManager, HostLink, HostModels, OllamaHost],
    defaults: Query[DefaultHost],
    time: Time,
    tasks: Res[IoTaskPool],
    clients: Res[HostClients],
    models: Res[LocalModelManager],
    saved: Res[SavedState],
    connections: EventReader[OllamaConnectionStatusChanged],
    completed: EventReader[ModelInstallationCompleted],
    refreshes: EventReader[RefreshRequested],
    installed_changes: EventWriter[InstalledModelsChanged],
    loaded_changes: EventWriter[LoadedModelsChanged],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Synchronise the models of each host that is there: when it appears, when something changed, and now and then."""
    everywhere = bool(refreshes.read())
    wanted = {one.model.host for one in completed.read()}
    gone: set[str] = set()
    for change in connections.read():
        (wanted if change.new_status else gone).add(change.host)
    news = ModelNews(models.model_registry, saved, installed_changes, loaded_changes, ui)
    default = next((entity for entity, _ in defaults), None)
    unexpected: Exception | None = None
    for entity, (manager, link, there, host) in hosts:
        if manager.host_config is not link.config:
            continue  # it has just been changed: the next frame connects anew
        base_url = manager.host_config.base_url
        if base_url in gone and not manager.health_monitor.is_healthy:
            there.synced = False
            link.drop_sync()  # what it had loaded a moment ago is no news any more
            news.forget_loaded(there, base_url)
        interval = SYNC_INTERVAL if entity == default else SYNC_INTERVAL_OF_OTHERS
        sync = link.sync
        if sync is not None and sync.is_finished():
            link.sync = None
            link.look_ended = time.real_elapsed_seconds
            link.restart_sync_timer(time, interval)
            snapshot: ModelsSnapshot | OllamaError | None = None
            try:
                snapshot = settle(sync)
            except Exception as error:  # noqa: BLE001 - raised again below, once the other hosts have had their turn
                unexpected = error
            if isinstance(snapshot, OllamaError):
                if there.error != snapshot.message:
                    there.error = snapshot.message
                    ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
                link.probe_timer.restart(time, 0.0)  # ask at once whether it is still there
            elif snapshot is not None:
                news.take_in(snapshot, there, base_url)
                link.sync_wanted |= not snapshot.complete
        if everywhere or base_url in wanted or time.real_elapsed_seconds >= link.sync_timer.due:
            link.sync_wanted = True
            link.sync_timer.stop()  # one that stays due would make every frame look at everything
        elif entity == default and link.sync_timer.due > time.real_elapsed_seconds + SYNC_INTERVAL:
            link.sync_timer.restart(time, SYNC_INTERVAL)  # it has become the default one
        if link.sync_wanted and link.sync is None and manager.health_monitor.is_healthy:
            link.sync_wanted = False
            link.sync_timer.stop()
            link.look_began = time.real_elapsed_seconds
            known = frozenset(models.model_registry.capabilities_by_digest)
            link.sync = tasks.spawn(read_models(clients, manager, host.protocol, known), f"models of {base_url}")
    if unexpected is not None:
        raise unexpected


def delete_models(
    requests: EventReader[DeleteModelRequested],
    hosts: Query[OllamaHostManager, HostLink, HostModels],
    listed: Res[OllamaHosts],
    tasks: Res[IoTaskPool],
    clients: Res[HostClients],
    deleted: EventWriter[ModelDeleted],
    failed: EventWriter[ModelDeleteFailed],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Remove the models that somebody asked to remove, and tell how it went."""
    for request in requests.read():
        try:
            name = parse_model_name(request.model_name).short
            one = listed.require_ollama(request.host)
        except (InvalidModelName, HostListError) as error:
            failed.write(ModelDeleteFailed(request.model_name, str(error)))
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=str(error)))
            continue
        if name not in one.link.deletions:
            one.link.deletions[name] = tasks.spawn(_delete(clients, one.manager, name), f"delete {name}")
            ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
    if not tasks.arrived:
        return
    for _, (manager, link, there) in hosts:
        base_url = manager.host_config.base_url
        for name in [name for name, task in link.deletions.items() if task.is_finished()]:
            result = settle(link.deletions.pop(name))
            if isinstance(result, ModelNotFound):
                text = f"There is no model {name} on {base_url}, so nothing was deleted."
                failed.write(ModelDeleteFailed(name, text, base_url))
                ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=text))
            elif isinstance(result, OllamaError):
                link.ask_at_once()  # whether it is still there
                failed.write(ModelDeleteFailed(name, result.message, base_url))
                ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=f"{name} was not deleted: {result.message}"))
            else:
                model = there.installed.get(name)
                deleted.write(ModelDeleted(name, model.size if model else None, base_url))
            ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
            link.sync_wanted = True


async def _delete(clients: HostClients, manager: OllamaHostManager, name: str) -> None:
    client = await clients.get(manager)
    await client.delete(name)
