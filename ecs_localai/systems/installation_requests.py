"""INSTALLATION_TRACKING: what a person asks for: installing, trying again, pausing, resuming, another order."""

from __future__ import annotations

from ecs_localai.components.downloads import MOST_AT_ONCE, DownloadSettings
from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.installation import (
    DownloadConfig,
    InstallationPhase,
    ModelInstallation,
    ModelInstallationManager,
    ModelInstallRequest,
)
from ecs_localai.components.panel import LocalModelsPanel
from ecs_localai.components.panel_intents import (
    DownloadLimitChanged,
    InstallRequested,
    MoveInstallationRequested,
    PauseRequested,
    ResumeRequested,
    RetryRequested,
    ScheduleRequested,
)
from ecs_localai.ollama.errors import InvalidModelName
from ecs_localai.ollama.names import parse_model_names
from ecs_localai.ollama.plain_http import is_by_plain_http
from ecs_localai.runtime import Commands, EventReader, EventWriter, Query, Res
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.installation_desk import InstallationDesk
from ecs_localai.systems.newer_wish import take_newer_wish
from ecs_localai.systems.preferences import Preferences


def request_installations(
    wanted: EventReader[InstallRequested],
    retries: EventReader[RetryRequested],
    installations: Query[ModelInstallation],
    panels: Query[LocalModelsPanel],
    desk: Res[InstallationDesk],
    listed: Res[OllamaHosts],
    commands: Commands,
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Turn what was typed into the install field, or tried again, into `ModelInstallRequest` entities.

    What waits already, paused or for its time, takes the new wish: a model is in a host's queue once.

    A name that is none is refused in the field itself, and with it all others that were typed. A registry on this
    machine is spoken to without TLS, as container tools do.
    """
    for request in wanted.read():
        error: str | None = None
        try:
            for name in parse_model_names(request.text):
                config = DownloadConfig(
                    insecure=is_by_plain_http(name),
                    ignores_room=request.ignores_room,
                    replaces_unread=request.replaces_unread,
                )
                for host in request.hosts or [""]:
                    if host in request.left_alone.get(name.short, ()):
                        continue
                    take_newer_wish(desk, listed, listed.find(host), name.short, request.not_before, ui)
                    commands.spawn(ModelInstallRequest(name.short, config, host, request.not_before))
        except InvalidModelName as refusal:
            error = refusal.message
        for _, panel in panels:
            panel.install_error = error
        ui.write(UIUpdateEvent(UIUpdateKind.INSTALLATIONS_CHANGED))
    for retry in retries.read():
        for _, installation in installations:
            if installation.installation_id == retry.installation_id and installation.status.is_finished:
                desk.ending.forget(installation.installation_id)
                commands.spawn(
                    ModelInstallRequest(
                        installation.model_name,
                        installation.download_config,
                        installation.host,
                        recipe=installation.recipe,
                    )
                )


def change_queue(
    pauses: EventReader[PauseRequested],
    resumes: EventReader[ResumeRequested],
    moves: EventReader[MoveInstallationRequested],
    schedules: EventReader[ScheduleRequested],
    limits: EventReader[DownloadLimitChanged],
    manager: Res[ModelInstallationManager],
    desk: Res[InstallationDesk],
    preferences: Res[Preferences],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Pause, resume, move and schedule installations, and change how many run at once. Ended ones are passed over."""
    active = manager.active_installations
    for pause in pauses.read():
        for installation in _chosen(active, pause.installation_id):
            desk.rests.pause(installation)
    for resume in resumes.read():
        for installation in _chosen(active, resume.installation_id):
            if resume.installation_id or installation.status.kind is InstallationPhase.PAUSED:
                desk.rests.resume(installation)
    for schedule in schedules.read():
        for installation in _chosen(active, schedule.installation_id) if schedule.installation_id else ():
            desk.rests.schedule(installation, schedule.not_before)
    for move in moves.read():
        desk.rests.move(move.installation_id, move.by)
    for limit in limits.read()[-1:]:
        preferences.set_downloads(DownloadSettings(max(1, min(MOST_AT_ONCE, limit.at_once))))
        ui.write(UIUpdateEvent(UIUpdateKind.INSTALLATIONS_CHANGED))


def _chosen(active: dict[str, ModelInstallation], installation_id: str) -> list[ModelInstallation]:
    """The installation of this id if it has not ended; all of them where none is named."""
    if not installation_id:
        return list(active.values())
    found = active.get(installation_id)
    return [] if found is None else [found]
