"""INSTALLATION_TRACKING: from a `ModelInstallRequest` to an installed model, or a sentence why not."""

from __future__ import annotations

import time as clock

import esper

from ecs_localai.components.events import HostRemoved, ModelInstallationProgress, UIUpdateEvent, UIUpdateKind
from ecs_localai.components.installation import (
    InstallationError,
    InstallationErrorKind,
    ModelInstallation,
    ModelInstallationManager,
    ModelInstallationTask,
    ModelInstallRequest,
)
from ecs_localai.components.panel_intents import CancelRequested, DismissRequested
from ecs_localai.components.time_values import utc_now
from ecs_localai.runtime import Added, EventReader, EventWriter, IoTaskPool, Query, Res, TaskCancelled
from ecs_localai.systems.host_list import HostListError, OllamaHosts
from ecs_localai.systems.installation_desk import InstallationDesk, still_asks
from ecs_localai.systems.installation_progress import InstallationRun
from ecs_localai.systems.installation_report import InstallationReport
from ecs_localai.systems.installing import AtWorkElsewhere
from ecs_localai.systems.installing_room import WaitsForRoom

_PERHAPS_GONE = frozenset({InstallationErrorKind.HOST_UNREACHABLE, InstallationErrorKind.CUT})
"""After these the host is asked at once whether it is still there."""
KEEP_SECONDS = 5.0
"""The progress of an installation is kept so often at the most."""


def track_installation_progress(
    running: Query[ModelInstallation, ModelInstallationTask, InstallationRun],
    tasks: Res[IoTaskPool],
    desk: Res[InstallationDesk],
    progress_events: EventWriter[ModelInstallationProgress],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Take in the newest report of each running installation, and about once a second what a lack of reports means."""
    beats = desk.pulse.is_due
    if not (tasks.arrived or beats):
        return
    is_any_running = False
    for _, (installation, task, run) in running:
        is_any_running = True
        missing = run.missing.take()
        if missing is not None and installation.installation_id in desk.books.digests:
            desk.books.digests[installation.installation_id] = missing
        report = run.channel.take()
        if run.is_coming_back or not _advance(installation, run, report, beats):
            continue
        progress = task.progress_tracker = installation.progress
        installation.estimated_completion = utc_now() + progress.eta if progress.eta is not None else None
        desk.ending.announce(installation, run)
        phase = installation.status.kind
        if phase is not run.kept_phase or clock.monotonic() - run.saved_at >= KEEP_SECONDS:
            run.kept_phase = phase
            desk.rests.keep_progress(installation, run)
        progress_events.write(
            ModelInstallationProgress(
                installation.installation_id, progress, installation.model_name, installation.status, run.fraction
            )
        )
        ui.write(UIUpdateEvent(UIUpdateKind.INSTALLATIONS_CHANGED))
    if beats:
        desk.pulse.go_on(is_any_running)


def _advance(
    installation: ModelInstallation, run: InstallationRun, report: InstallationReport | None, beats: bool
) -> bool:
    """Note how far it is by its newest report, or by now; whether anything of that is new."""
    now = clock.monotonic()
    if report is None:
        progress = run.beat(installation.progress, now) if beats else None
        if progress is None:
            return False
        installation.progress = progress
        return True
    installation.progress, installation.status = run.advance(installation.progress, report, now)
    installation.refetched_bytes = max(installation.refetched_bytes, report.refetched_bytes)
    if report.layers is not None and report.layers is not run.layers:
        run.layers = report.layers
        installation.layers = list(report.layers)
    return True


def poll_installation_tasks(
    running: Query[ModelInstallation, ModelInstallationTask, InstallationRun],
    tasks: Res[IoTaskPool],
    hosts: Res[OllamaHosts],
    desk: Res[InstallationDesk],
) -> None:
    """End the installations whose work has ended, or have them wait again. Looks at none unless something arrived."""
    if not tasks.arrived:
        return
    unexpected: Exception | None = None
    for _, (installation, work, run) in list(running):
        task = work.task
        if task is None or not task.is_finished():
            continue
        desk.rests.look_again_after(installation)
        try:
            model = task.check_ready()
            if model is not None:
                desk.ending.complete(installation, run, model)
        except InstallationError as error:
            if error.kind is InstallationErrorKind.HOST_UNREACHABLE:
                desk.rests.lose_host(installation, run, error)
            else:
                desk.ending.fail(installation, error)
            if error.kind in _PERHAPS_GONE:
                for one in hosts.all():
                    if one.base_url == installation.host:
                        one.link.ask_at_once()
        except AtWorkElsewhere:
            desk.rests.find_elsewhere(installation, run)
        except WaitsForRoom as waits:
            desk.rests.lack_room(installation, run, is_elsewhere=waits.is_elsewhere)
            continue  # it held none, so that nothing has changed for the others
        except TaskCancelled:
            if run.is_coming_back:
                desk.rests.come_back(installation, run)
            else:
                desk.ending.cancel(installation)
        except Exception as error:  # noqa: BLE001 - raised again below, once the installation has been ended
            desk.ending.fail(installation, InstallationError(f"The installation broke off: {error}"))
            unexpected = error
        desk.books.try_room_again(installation.host)
    if unexpected is not None:
        raise unexpected


def spawn_model_installation(
    requests: Query[ModelInstallRequest, Added[ModelInstallRequest]],
    hosts: Res[OllamaHosts],
    desk: Res[InstallationDesk],
) -> None:
    """Begin the installations that are new, whoever spawned their requests, and those whose turn it is."""
    desk.adoption.take_in()
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
            desk.stop(installation)
            ui.write(UIUpdateEvent(UIUpdateKind.INSTALLATIONS_CHANGED))
    gone = {removal.host for removal in removals.read()}
    if gone:  # one that has been added again meanwhile is not
        gone -= {one.base_url for one in hosts.all()}
    for installation in list(manager.active_installations.values()) if gone else ():
        if installation.host in gone:
            desk.stop(installation)
    for dismissal in dismissals.read():
        if dismissal.installation_id not in manager.active_installations:
            desk.ending.forget(dismissal.installation_id)
    for installation in desk.books.lost():
        if installation.installation_id in manager.active_installations:
            desk.ending.cancel(installation)
        desk.ending.forget(installation.installation_id)
    for installation in list(manager.active_installations.values()):
        if installation.request_entities and not any(
            still_asks(entity, installation) for entity in installation.request_entities
        ):
            installation.request_entities.clear()
            desk.stop(installation)
        elif installation.status.is_running and desk.books.task_of(installation) is None:
            desk.ending.cancel(installation)


def clean_up_installations(desk: Res[InstallationDesk]) -> None:
    """Take completed installations off the list after a few seconds; the others stay until dismissed."""
    desk.ending.forget_completed()
