"""MODEL_MANAGEMENT: keeps the list of models true, and counts their use."""

from __future__ import annotations

from ecs_localai.components.events import (
    InstalledModelsChanged,
    LoadedModelsChanged,
    ModelInstallationCompleted,
    OllamaConnectionStatusChanged,
    UIUpdateEvent,
    UIUpdateKind,
)
from ecs_localai.components.hosts import DefaultHost, OllamaHost, OllamaHostManager
from ecs_localai.components.models import HostModels, LocalModelManager
from ecs_localai.components.panel_intents import RefreshRequested
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.runtime import EventReader, EventWriter, IoTaskPool, Query, Res, Time
from ecs_localai.systems.host_clients import HostClients
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
    finished = completed.read()
    wanted = {one.model.host for one in finished}
    gone: set[str] = set()
    for change in connections.read():
        (wanted if change.new_status else gone).add(change.host)
    news = ModelNews(models.model_registry, saved, installed_changes, loaded_changes, ui)
    for one in finished:
        news.learn(one.model)
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
            elif snapshot is not None and link.asked_with and link.asked_with.keys() != there.installed.keys():
                link.sync_wanted = True  # somebody has changed the world's models meanwhile: look at all of them anew
            elif snapshot is not None:
                news.take_in(snapshot, there, base_url)
                link.listed = snapshot.entries
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
            known = models.model_registry.capabilities_by_digest
            before = link.listed if link.listed.keys() == there.installed.keys() else {}
            link.asked_with = before
            look = read_models(clients, manager, host.protocol, known, before)
            link.sync = tasks.spawn(look, f"models of {base_url}")
    if unexpected is not None:
        raise unexpected
