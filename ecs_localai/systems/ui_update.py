"""UI_UPDATE: turns the world into what the panel shows, one section at a time, only when it changed."""

from __future__ import annotations

from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.features import ExperimentalFeaturesManager, FeatureToggle, FeatureToggleGroup
from ecs_localai.components.hosts import OllamaHostManager
from ecs_localai.components.installation import ModelInstallation
from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.panel import LocalModelsPanel
from ecs_localai.components.panel_intents import NoticeDismissed
from ecs_localai.components.panel_view import NoticeView, PanelView
from ecs_localai.runtime import EventReader, Query, Res
from ecs_localai.systems.installation_progress import InstallationRun
from ecs_localai.systems.links import HostLink
from ecs_localai.systems.performance_monitoring import MeasurementHistory
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.view_features import toggle_groups
from ecs_localai.systems.view_host import host_view, summary_text
from ecs_localai.systems.view_installations import installation_rows
from ecs_localai.systems.view_measurements import gauges
from ecs_localai.systems.view_models import model_rows, models_empty_text

MOST_NOTICES = 4


def update_local_models_ui(
    updates: EventReader[UIUpdateEvent],
    dismissed: EventReader[NoticeDismissed],
    hosts: Query[OllamaHostManager, HostLink],
    installations: Query[ModelInstallation],
    runs: Query[ModelInstallation, InstallationRun],
    panels: Query[LocalModelsPanel],
    toggles: Query[FeatureToggle],
    groups: Query[FeatureToggleGroup],
    models: Res[LocalModelManager],
    features: Res[ExperimentalFeaturesManager],
    history: Res[MeasurementHistory],
    saved: Res[SavedState],
    view: Res[PanelView],
) -> None:
    """Build anew the sections of `PanelView` that `UIUpdateEvent` names; all of them the first time.

    `PanelView.revision` grows only where that made a difference.
    """
    news = updates.read()
    closed = dismissed.read()
    stale = {update.kind for update in news}
    if view.revision == 0:
        stale.update(UIUpdateKind)
    elif not stale and not closed:
        return
    texts = [update.text for update in news if update.text] + saved.take_problems()
    sections: dict[str, object] = {"notices": _notices(view, texts, closed)}
    synced = False
    for _, (manager, link) in hosts:
        synced = link.synced
        if UIUpdateKind.HOST_CHANGED in stale:
            sections["host"] = host_view(manager)
        if stale & {UIUpdateKind.MODELS_CHANGED, UIUpdateKind.HOST_CHANGED}:
            sections["models"] = model_rows(models, link.deletions)
            sections["models_empty_text"] = models_empty_text(manager, link)
        break
    if UIUpdateKind.INSTALLATIONS_CHANGED in stale:
        fractions = {installation.installation_id: run.fraction for _, (installation, run) in runs}
        sections["installations"] = installation_rows([row for _, row in installations], fractions)
        for _, panel in panels:
            sections["install_error"] = panel.install_error
    if UIUpdateKind.EXPERIMENTAL_FEATURE_CHANGED in stale:
        by_entity = dict(iter(toggles))
        sections["features"] = toggle_groups([group for _, group in groups], by_entity, features)
    if stale & {UIUpdateKind.MODELS_CHANGED, UIUpdateKind.HOST_CHANGED, UIUpdateKind.MEASUREMENTS_CHANGED}:
        sections["summary"] = summary_text(models, synced=synced)
    changed = view.revision == 0
    for name, section in sections.items():
        if getattr(view, name) != section:
            setattr(view, name, section)
            changed = True
    if UIUpdateKind.MEASUREMENTS_CHANGED in stale:
        view.gauges = gauges(models.resource_monitor, history)  # a new sample moves the sparkline in any case
        changed = True
    if changed:
        view.revision += 1


def _notices(view: PanelView, texts: list[str], closed: list[NoticeDismissed]) -> list[NoticeView]:
    """The notices with new sentences below the older ones; the same sentence is not shown twice."""
    gone = {notice.notice_id for notice in closed}
    notices = [notice for notice in view.notices if notice.notice_id not in gone]
    for text in texts:
        if all(notice.text != text for notice in notices):
            view.last_notice_id += 1
            notices.append(NoticeView(view.last_notice_id, text))
    return notices[-MOST_NOTICES:]
