"""INSTALLATION_TRACKING: from a `ModelInstallRequest` to an installed model, or a sentence why not."""

from __future__ import annotations

import time as clock

import esper

from ecs_localai.components.events import HostRemoved, ModelInstallationProgress, UIUpdateEvent, UIUpdateKind
from ecs_localai.components.installation import (
    DownloadConfig,
    InstallationError,
    InstallationErrorKind,
    ModelInstallation,
    ModelInstallationManager,
    ModelInstallationTask,
    ModelInstallRequest,
)
from ecs_localai.components.models import InstalledModel
from ecs_localai.components.panel import LocalModelsPanel
from ecs_localai.components.panel_intents import CancelRequested, DismissRequested, InstallRequested, RetryRequested
from ecs_localai.components.time_values import utc_now
from ecs_localai.ollama.errors import InvalidModelName
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.runtime import (
    Added,
    Commands,
    EventReader,
    EventWriter,
    IoTaskPool,
    Query,
    Res,
    Task,
    TaskCancelled,
)
from ecs_localai.systems.host_list import HostListError, OllamaHosts
from ecs_localai.systems.installation_desk import InstallationDesk, is_local_registry, still_asks
from ecs_localai.systems.installation_progress import InstallationRun

_PERHAPS_GONE = frozenset({InstallationErrorKind.HOST_UNREACHABLE, InstallationErrorKind.CUT})
"""After these the host is asked at once whether it is still there."""


def request_installations(
    wanted: EventReader[InstallRequested],
    retries: EventReader[RetryRequested],
    installations: Query[ModelInstallation],
    panels: Query[LocalModelsPanel],
    desk: Res[InstallationDesk],
    commands: Commands,
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Turn what was typed into the install field, or tried again, into `ModelInstallRequest` entities.

    A name that is none is refused in the field itself. A registry on this machine is spoken to without TLS, as
    container tools do.
    """
    for request in wanted.read():
        error: str | None = None
        try:
            name = parse_model_name(request.text)
            config = DownloadConfig(insecure=is_local_registry(name.host))
            for host in request.hosts or [""]:
                commands.spawn(ModelInstallRequest(name.short, config, host))
        except InvalidModelName as refusal:
            error = refusal.message
        for _, panel in panels:
            panel.install_error = error
        ui.write(UIUpdateEvent(UIUpdateKind.INSTALLATIONS_CHANGED))
    for retry in retries.read():
        for _, installation in installations:
            if installation.installation_id == retry.installation_id and installation.status.is_finished:
                desk.forget(installation.installation_id)
                commands.spawn(
                    ModelInstallRequest(installation.model_name, installation.download_config, installation.host)
                )


def track_installation_progress(
    running: Query[ModelInstallation, ModelInstallationTask, InstallationRun],
    tasks: Res[IoTaskPool],
    desk: Res[InstallationDesk],
    progress_events: EventWriter[ModelInstallationProgress],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Take in the newest report of each running installation."""
    if not tasks.arrived:
        return
    for _, (installation, task, run) in running:
        report = run.channel.take()
        if report is None:
            continue
        progress, status = run.advance(installation.progress, report, clock.monotonic())
        installation.progress = progress
        installation.status = status
        installation.estimated_completion = utc_now() + progress.eta if progress.eta is not None else None
        task.progress_tracker = progress
        desk.announce(installation, run)
        progress_events.write(
            ModelInstallationProgress(
                installation.installation_id, progress, installation.model_name, status, run.fraction
            )
        )
        ui.write(UIUpdateEvent(UIUpdateKind.INSTALLATIONS_CHANGED))


def poll_installation_tasks(
    running: Query[ModelInstallation, ModelInstallationTask, InstallationRun],
    tasks: Res[IoTaskPool],
    hosts: Res[OllamaHosts],
    desk: Res[InstallationDesk],
) -> None:
    """End the installations whose work has ended. Looks at none of them unless something arrived."""
    if not tasks.arrived:
        return
    unexpected: Exception | None = None
    for _, (installation, work, run) in running:
        task = work.task
        if task is None or not task.is_finished():
            continue
        try:
            model = task.check_ready()
            if model is not None:
                desk.complete(installation, run, model)
        except InstallationError as error:
            desk.fail(installation, error)
            if error.kind in _PERHAPS_GONE:
                for one in hosts.all():
                    if one.base_url == installation.host:
                        one.link.ask_at_once()
        except TaskCancelled:
            desk.cancel(installation)
        except Exception as error:  # noqa: BLE001 - raised again below, once the installation has been ended
            desk.fail(installation, InstallationError(f"The installation broke off: {error}"))
            unexpected = error
    if unexpected is not None:
        raise unexpected


def spawn_model_installation(
    requests: Query[ModelInstallRequest, Added[ModelInstallRequest]],
    hosts: Res[OllamaHosts],
    desk: Res[InstallationDesk],
) -> None:
    """Begin the installations that are new, whoever spawned their requests, and those whose turn it is."""
    for entity, request in list(requests):
        if not esper.entity_exists(entity):
            continue  # esper shows those whose deletion it has put off
        try:
            desk.take(entity, request, hosts.require_ollama(request.host).manager)
        except HostListError as error:
            desk.refuse(entity, request, str(error))
    desk.start_waiting(hosts)


def stop_installations(
    cancels: EventReader[CancelRequested],
    dismissals: EventReader[DismissRequested],
    removals: EventReader[HostRemoved],
    manager: Res[ModelInstallationManager],
    hosts: Res[OllamaHosts],
    desk: Res[InstallationDesk],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Cancel what somebody wants stopped, what nobody wants any more, and what was for a host that was removed.

    Nobody does once its askers are gone, or its own entity is, or somebody has taken its work off that.
    """
    for cancel in cancels.read():
        installation = manager.active_installations.get(cancel.installation_id)
        if installation is not None:
            _stop(installation, desk)
            ui.write(UIUpdateEvent(UIUpdateKind.INSTALLATIONS_CHANGED))
    gone = {removal.host for removal in removals.read()}
    if gone:  # one that has been added again meanwhile is not
        gone -= {one.base_url for one in hosts.all()}
    for installation in list(manager.active_installations.values()) if gone else ():
        if installation.host in gone:
            _stop(installation, desk)
    for dismissal in dismissals.read():
        if dismissal.installation_id not in manager.active_installations:
            desk.forget(dismissal.installation_id)
    for installation in desk.lost():
        if installation.installation_id in manager.active_installations:
            desk.cancel(installation)
        desk.forget(installation.installation_id)
    for installation in list(manager.active_installations.values()):
        if installation.request_entities and not any(
            still_asks(entity, installation) for entity in installation.request_entities
        ):
            installation.request_entities.clear()
            _stop(installation, desk)
        elif installation.status.is_running and _task_of(installation, desk) is None:
            desk.cancel(installation)


def _task_of(installation: ModelInstallation, desk: InstallationDesk) -> Task[InstalledModel] | None:
    """Its background work; None where it has none, or has lost what belongs to it."""
    entity = desk.entity_of(installation)
    found = esper.try_components(entity, ModelInstallationTask, InstallationRun) if entity is not None else None
    return found[0].task if found is not None else None


def _stop(installation: ModelInstallation, desk: InstallationDesk) -> None:
    task = _task_of(installation, desk)
    if task is not None:
        task.cancel()
    else:
        desk.cancel(installation)


def clean_up_installations(desk: Res[InstallationDesk]) -> None:
    """Take completed installations off the list after a few seconds; the others stay until dismissed."""
    desk.forget_completed()
