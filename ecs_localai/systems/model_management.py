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
from ecs_localai.components.hosts import OllamaHostManager
from ecs_localai.components.models import InstalledModel, LocalModelManager, ModelCapabilities
from ecs_localai.components.panel_intents import DeleteModelRequested, RefreshRequested
from ecs_localai.components.time_values import utc_now
from ecs_localai.ollama.errors import InvalidModelName, ModelNotFound, OllamaError
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.runtime import EventReader, EventWriter, IoTaskPool, Query, Res, Time
from ecs_localai.store.state import ModelUsage
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.links import HostLink, settle
from ecs_localai.systems.model_sync import ModelsSnapshot, names_of, read_models
from ecs_localai.systems.persistence import SavedState

SYNC_INTERVAL = 5.0
"""Seconds between two looks at the models. Not below 2: asking ``/api/ps`` faster could crash servers before
0.32.4 (Ollama issue 17376)."""


def manage_model_lifecycle(
    hosts: Query[OllamaHostManager, HostLink],
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
    wanted = bool(completed.read()) | bool(refreshes.read())
    for change in connections.read():
        wanted |= change.new_status
        if not change.new_status and models.loaded_models:
            loaded_changes.write(LoadedModelsChanged([], sorted(models.loaded_models)))
            models.loaded_models = {}
            ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
    for _, (manager, link) in hosts:
        if any(model.host != manager.api_client.base_url for model in models.installed_models.values()):
            nothing = ModelsSnapshot([], [], {}, complete=True)  # they are the former host's
            _take_in(nothing, models, saved, installed_changes, loaded_changes, ui)
        sync = link.sync
        if sync is not None and sync.is_finished():
            link.sync = None
            link.sync_timer.restart(time, SYNC_INTERVAL)
            snapshot = settle(sync)
            if isinstance(snapshot, OllamaError):
                if link.sync_error != snapshot.message:
                    link.sync_error = snapshot.message
                    ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
                link.probe_timer.restart(time, 0.0)  # ask at once whether it is still there
            elif snapshot is not None:
                used = _take_in(snapshot, models, saved, installed_changes, loaded_changes, ui)
                if link.synced:  # what was loaded before we looked was not loaded while we looked
                    _count_uses(used, models, saved)
                if not link.synced or link.sync_error is not None:
                    ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
                link.synced = True
                link.sync_error = None
                link.sync_wanted |= not snapshot.complete
        if wanted or time.real_elapsed_seconds >= link.sync_timer.due:
            link.sync_wanted = True
            link.sync_timer.stop()  # one that stays due would make every frame look at everything
        if link.sync_wanted and link.sync is None and manager.health_monitor.is_healthy:
            link.sync_wanted = False
            link.sync_timer.stop()
            known = frozenset(models.model_registry.capabilities_by_digest)
            work = read_models(clients, manager.api_client, known)
            link.sync = tasks.spawn(work, f"models of {manager.api_client.base_url}")


def _take_in(
    snapshot: ModelsSnapshot,
    models: LocalModelManager,
    saved: SavedState,
    installed_changes: EventWriter[InstalledModelsChanged],
    loaded_changes: EventWriter[LoadedModelsChanged],
    ui: EventWriter[UIUpdateEvent],
) -> list[str]:
    """Make the world agree with the snapshot; returns the names of the models that are newly loaded."""
    known = models.model_registry.capabilities_by_digest
    known.update(snapshot.capabilities)
    before = models.installed_models
    after = {model.name: model for model in snapshot.installed}
    for name, model in after.items():
        _remember(model, before.get(name), known.get(model.digest), saved)
    replaced = {name for name in after.keys() & before.keys() if after[name].digest != before[name].digest}
    added = sorted((after.keys() - before.keys()) | replaced)
    removed = sorted((before.keys() - after.keys()) | replaced)
    loaded_before = set(models.loaded_models)
    loaded_after = names_of(snapshot.loaded)
    newly_loaded = sorted(loaded_after - loaded_before)
    unloaded = sorted(loaded_before - loaded_after)
    loaded = {model.name: model for model in snapshot.loaded}
    changed = after != before or loaded != models.loaded_models
    models.installed_models = after
    models.loaded_models = loaded
    if added or removed:
        installed_changes.write(InstalledModelsChanged(added, removed))
    if newly_loaded or unloaded:
        loaded_changes.write(LoadedModelsChanged(newly_loaded, unloaded))
    if changed:
        ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
    return newly_loaded


def _remember(
    model: InstalledModel, before: InstalledModel | None, capabilities: ModelCapabilities | None, saved: SavedState
) -> None:
    """Carry over what a host does not tell."""
    if capabilities is not None:
        model.capabilities = capabilities
    if before is not None:
        model.usage_count = before.usage_count
        model.last_used = before.last_used
        if before.digest == model.digest:
            model.performance_metrics = before.performance_metrics
        return
    usage = saved.model_usage.get(model.name)
    if usage is not None:
        model.usage_count = usage.usage_count
        model.last_used = usage.last_used


def _count_uses(names: list[str], models: LocalModelManager, saved: SavedState) -> None:
    """A model that was loaded since we looked last is being used."""
    for name in names:
        model = models.installed_models.get(name)
        if model is not None:
            model.usage_count += 1
            model.last_used = utc_now()
            saved.set_model_usage(model.name, ModelUsage(model.usage_count, model.last_used))


def delete_models(
    requests: EventReader[DeleteModelRequested],
    hosts: Query[OllamaHostManager, HostLink],
    tasks: Res[IoTaskPool],
    clients: Res[HostClients],
    models: Res[LocalModelManager],
    deleted: EventWriter[ModelDeleted],
    failed: EventWriter[ModelDeleteFailed],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Remove the models that somebody asked to remove, and tell how it went."""
    wanted = requests.read()
    for _, (manager, link) in hosts:
        for request in wanted:
            try:
                name = parse_model_name(request.model_name).short
            except InvalidModelName as error:
                failed.write(ModelDeleteFailed(request.model_name, error.message))
                ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=error.message))
                continue
            if name not in link.deletions:
                link.deletions[name] = tasks.spawn(_delete(clients, manager, name), f"delete {name}")
                ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
        if not link.deletions or not tasks.arrived:
            continue
        for name in [name for name, task in link.deletions.items() if task.is_finished()]:
            result = settle(link.deletions.pop(name))
            if isinstance(result, ModelNotFound):
                text = f"There is no model {name} on {manager.host_config.base_url}, so nothing was deleted."
                failed.write(ModelDeleteFailed(name, text))
                ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=text))
            elif isinstance(result, OllamaError):
                failed.write(ModelDeleteFailed(name, result.message))
                ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=f"{name} was not deleted: {result.message}"))
            else:
                model = models.installed_models.get(name)
                deleted.write(ModelDeleted(name, model.size if model else None))
            ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
            link.sync_wanted = True


async def _delete(clients: HostClients, manager: OllamaHostManager, name: str) -> None:
    await clients.get(manager.api_client).delete(name)
