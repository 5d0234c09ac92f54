"""UI_UPDATE: turns the world into what the panel shows, one section at a time, only when it changed."""

from __future__ import annotations

from ecs_localai.components.deleting import HostStorage
from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.features import ExperimentalFeaturesManager, FeatureToggle, FeatureToggleGroup
from ecs_localai.components.found_hosts import HostSearch, LocalServer
from ecs_localai.components.installation import ModelInstallation, ModelInstallationManager
from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.panel import LocalModelsPanel
from ecs_localai.components.panel_intents import AddHostRequested, EditHostRequested, NoticeDismissed
from ecs_localai.components.panel_view import NoticeView, PanelView
from ecs_localai.runtime import EventReader, Local, Query, Res
from ecs_localai.systems.forgetting import Forgetting
from ecs_localai.systems.host_list import ListedHost, OllamaHosts
from ecs_localai.systems.installation_progress import InstallationRun
from ecs_localai.systems.performance_monitoring import MeasurementHistory
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.preferences import Preferences
from ecs_localai.systems.settings_transfer import SettingsTransfer
from ecs_localai.systems.view_change import take_over
from ecs_localai.systems.view_data import data_view
from ecs_localai.systems.view_features import toggle_groups
from ecs_localai.systems.view_history import history_key, history_rows
from ecs_localai.systems.view_host import host_view, summary_of_hosts, summary_text
from ecs_localai.systems.view_hosts import host_rows, hosts_summary, search_view
from ecs_localai.systems.view_installations import installation_rows, queue_view
from ecs_localai.systems.view_measurements import gauges
from ecs_localai.systems.view_model_list import ModelList, what_models_depend_on

MOST_NOTICES = 4


def update_local_models_ui(
    updates: EventReader[UIUpdateEvent],
    dismissed: EventReader[NoticeDismissed],
    additions: EventReader[AddHostRequested],
    edits: EventReader[EditHostRequested],
    installations: Query[ModelInstallation],
    runs: Query[ModelInstallation, InstallationRun],
    panels: Query[LocalModelsPanel],
    toggles: Query[FeatureToggle],
    groups: Query[FeatureToggleGroup],
    storages: Query[HostStorage],
    listed: Res[OllamaHosts],
    server: Res[LocalServer],
    search: Res[HostSearch],
    models: Res[LocalModelManager],
    features: Res[ExperimentalFeaturesManager],
    history: Res[MeasurementHistory],
    manager: Res[ModelInstallationManager],
    saved: Res[SavedState],
    preferences: Res[Preferences],
    transfer: Res[SettingsTransfer],
    forgetting: Res[Forgetting],
    making: Res[ModelList],
    view: Res[PanelView],
    seen: Local[tuple[object, ...]],
    remembered: Local[tuple[object, ...]],
) -> None:
    """Build anew the sections of `PanelView` that `UIUpdateEvent` names; all of them the first time.

    `PanelView.revision` grows only where that made a difference.
    """
    news = updates.read()
    closed = dismissed.read()
    answered = len(additions.read()) + len(edits.read())
    stale = {update.kind for update in news}
    settings = preferences.panel
    made = making.take()
    if view.revision == 0:
        stale.update(UIUpdateKind)
    elif not stale and not made and not closed and not answered and settings == view.settings:
        return
    texts = [update.text for update in news if update.text] + saved.take_problems()
    sections: dict[str, object] = {
        "notices": _notices(view, texts, closed, saved.take_settled()),
        "settings": settings,
    }
    sections["data"] = data_view(saved, transfer, forgetting)
    sections |= made
    hosts = listed.all()
    if UIUpdateKind.HOST_CHANGED in stale or answered:
        sections |= _host_sections(hosts, server, search, dict(iter(storages)))
        sections["host_answers"] = view.host_answers + answered
        for _, panel in panels:
            sections["host_error"] = panel.host_error
        now = what_models_depend_on(hosts)
        if now != seen.value:
            seen.value = now
            stale.add(UIUpdateKind.INSTALLATIONS_CHANGED)
    if UIUpdateKind.INSTALLATIONS_CHANGED in stale:
        sections |= _installations(installations, runs, hosts, manager, models, preferences.downloads.at_once)
        sections |= _history_sections(manager, hosts, remembered)
        for _, panel in panels:
            sections["install_error"] = panel.install_error
    if UIUpdateKind.EXPERIMENTAL_FEATURE_CHANGED in stale:
        by_entity = dict(iter(toggles))
        sections["features"] = toggle_groups([group for _, group in groups], by_entity, features)
    if "models" in made or stale & {UIUpdateKind.HOST_CHANGED, UIUpdateKind.MEASUREMENTS_CHANGED}:
        sections["summary"] = _summary(hosts, models, dict(iter(storages)))
    changed = take_over(view, sections) or view.revision == 0
    if UIUpdateKind.MEASUREMENTS_CHANGED in stale:
        view.gauges = gauges(models.resource_monitor, history)  # a new sample moves the sparkline in any case
        changed = True
    if changed:
        view.revision += 1


def _installations(
    installations: Query[ModelInstallation],
    runs: Query[ModelInstallation, InstallationRun],
    hosts: list[ListedHost],
    manager: ModelInstallationManager,
    models: LocalModelManager,
    at_once: int,
) -> dict[str, object]:
    fractions = {installation.installation_id: run.fraction for _, (installation, run) in runs}
    names = {one.base_url: one.host.name for one in hosts} if len(hosts) > 1 else {}
    all_of_them = [installation for _, installation in installations]
    queue = [request.installation_id for request in manager.download_queue]
    registry = models.model_registry.cache.entries
    return {
        "installations": installation_rows(all_of_them, fractions, names, queue, registry),
        "queue": queue_view(all_of_them, at_once),
    }


def _history_sections(
    manager: ModelInstallationManager, hosts: list[ListedHost], remembered: Local[tuple[object, ...]]
) -> dict[str, object]:
    """Nothing while it is what it was: an installation's progress changes nothing of those that ended."""
    names = {one.base_url: one.host.name for one in hosts}
    records = manager.installation_history
    now = history_key(records, names)
    if now == remembered.value:
        return {}
    remembered.value = now
    return {"history": history_rows(records, names), "history_count": len(records)}


def _default(hosts: list[ListedHost]) -> ListedHost | None:
    return next((one for one in hosts if one.is_default), hosts[0] if hosts else None)


def _host_sections(
    hosts: list[ListedHost], server: LocalServer, search: HostSearch, storages: dict[int, HostStorage]
) -> dict[str, object]:
    sections: dict[str, object] = {
        "hosts": host_rows(hosts, server, storages),
        "hosts_summary": hosts_summary(hosts),
        "search": search_view(search, hosts),
    }
    default = _default(hosts)
    if default is not None:
        name = default.host.name if len(hosts) > 1 else ""
        sections["host"] = host_view(default.manager, name, server)
    return sections


def _summary(hosts: list[ListedHost], models: LocalModelManager, storages: dict[int, HostStorage]) -> str:
    if len(hosts) > 1:
        return summary_of_hosts(models, [one.models for one in hosts if one.models.synced])
    storage = storages.get(hosts[0].entity) if hosts else None
    return summary_text(models, storage, synced=bool(hosts) and hosts[0].models.synced)


def _notices(view: PanelView, texts: list[str], closed: list[NoticeDismissed], settled: set[str]) -> list[NoticeView]:
    """The notices with new sentences below the older ones; the same sentence is not shown twice.

    Those that were ``closed``, and those that are not true any more, are gone.
    """
    gone = {notice.notice_id for notice in closed}
    notices = [notice for notice in view.notices if notice.notice_id not in gone and notice.text not in settled]
    for text in texts:
        if all(notice.text != text for notice in notices):
            view.last_notice_id += 1
            notices.append(NoticeView(view.last_notice_id, text))
    return notices[-MOST_NOTICES:]
