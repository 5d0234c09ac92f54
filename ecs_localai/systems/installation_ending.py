"""How an installation ends: what is told, remembered and taken off the world."""

from __future__ import annotations

from collections import deque
from datetime import timedelta

import esper

from ecs_localai.components.events import (
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationStarted,
    UIUpdateEvent,
    UIUpdateKind,
)
from ecs_localai.components.installation import (
    InstallationError,
    InstallationRecord,
    InstallationStatus,
    ModelInstallation,
    ModelInstallationTask,
    ModelInstallRequest,
)
from ecs_localai.components.models import InstalledModel
from ecs_localai.components.time_values import utc_now
from ecs_localai.runtime import App
from ecs_localai.systems.installation_books import OF_INSTALLATION, InstallationBooks, drop_if_empty
from ecs_localai.systems.installation_progress import InstallationRun
from ecs_localai.systems.persistence import SavedState

COMPLETED_SECONDS = 5.0
"""How long a completed installation stays before it is cleaned up."""


class InstallationEnding:
    """Ends installations, and takes ended ones off the list."""

    def __init__(self, app: App, books: InstallationBooks, saved: SavedState) -> None:
        self._app = app
        self._books = books
        self._saved = saved
        self._started = app.add_event(ModelInstallationStarted).writer()
        self._completed = app.add_event(ModelInstallationCompleted).writer()
        self._failed = app.add_event(ModelInstallationFailed).writer()
        self._cancelled = app.add_event(ModelInstallationCancelled).writer()
        self._ui = app.add_event(UIUpdateEvent).writer()
        self._clean_up = app.wakeups.timer(float("inf"))
        self._completed_at: deque[tuple[float, str]] = deque()

    def announce(self, installation: ModelInstallation, run: InstallationRun) -> None:
        """Tell, once, that it has begun, with its size if that is known by now."""
        if not run.announced:
            run.announced = True
            self._books.announced.add(installation.installation_id)
            size = installation.progress.total_bytes or None
            self._started.write(ModelInstallationStarted(installation.model_name, installation.installation_id, size))

    def complete(self, installation: ModelInstallation, run: InstallationRun, model: InstalledModel) -> None:
        """The model is there."""
        took = timedelta(seconds=self._books.seconds_of(installation))
        self.announce(installation, run)
        self._close(installation, InstallationStatus.COMPLETED, took)
        self._completed.write(
            ModelInstallationCompleted(installation.installation_id, model, took, installation.refetched_bytes)
        )
        self._completed_at.append((self._app.time.real_elapsed_seconds, installation.installation_id))
        if len(self._completed_at) == 1:
            self._clean_up.restart(self._app.time, COMPLETED_SECONDS)

    def fail(self, installation: ModelInstallation, error: InstallationError) -> None:
        """It ended without the model."""
        installation.error_message = error.message
        installation.error_kind = error.kind
        self._close(installation, InstallationStatus.failed(error.message), None)
        self._failed.write(
            ModelInstallationFailed(
                installation.installation_id, installation.model_name, error.message, error.kind, error.retryable
            )
        )

    def cancel(self, installation: ModelInstallation) -> None:
        """Somebody stopped it."""
        self._close(installation, InstallationStatus.CANCELLED, None)
        self._cancelled.write(
            ModelInstallationCancelled(installation.installation_id, installation.model_name, resumable=True)
        )

    def _close(self, installation: ModelInstallation, status: InstallationStatus, took: timedelta | None) -> None:
        books, key = self._books, installation.installation_id
        seconds = books.seconds_of(installation)
        installation.status = status
        installation.estimated_completion = None
        installation.waits_for = None
        installation.finished_at = utc_now()
        books.manager.active_installations.pop(key, None)
        books.stop_waiting(key)
        books.forget_facts(key)
        books.try_room_again(installation.host)
        entity = books.entity_of(installation)
        if entity is not None:
            books.world.remove(entity, ModelInstallationTask, InstallationRun)
        self._answer(installation)
        record = InstallationRecord(
            installation_id=key,
            model_name=installation.model_name,
            status=status,
            started_at=installation.started_at,
            finished_at=installation.finished_at,
            duration=took or timedelta(seconds=seconds),
            bytes_downloaded=installation.progress.bytes_downloaded,
            total_bytes=installation.progress.total_bytes,
            host=installation.host,
            refetched_bytes=installation.refetched_bytes,
            files=[] if installation.recipe is None else list(installation.recipe.files),
            source="" if installation.recipe is None else installation.recipe.source,
        )
        books.manager.installation_history.append(record)
        self._saved.add_history(record)
        self._saved.queue.remove(key)  # afterwards: who is killed in between has lost nothing
        self.changed()

    def _answer(self, installation: ModelInstallation) -> None:
        """Take the requests of an ended installation off the entities that asked, and no others."""
        books = self._books
        for entity, request in books.asked.pop(installation.installation_id, {}).items():
            if esper.entity_exists(entity) and esper.try_component(entity, ModelInstallRequest) is request:
                books.world.remove(entity, ModelInstallRequest)
                drop_if_empty(books.world, entity)

    def forget(self, installation_id: str) -> None:
        """Take an ended installation off the list. Its entity stays if a host has put something onto it."""
        books = self._books
        if installation_id not in books.shown:
            return
        entity, installation = books.shown[installation_id]
        if books.entity_of(installation) is not None:
            books.world.remove(entity, *OF_INSTALLATION)
            drop_if_empty(books.world, entity)
        elif esper.try_component(entity, ModelInstallation) is installation:
            # Esper has put its deletion off until its next `process`, which in a host's world may be long in coming:
            # until then queries would show it, and its task would go on.
            for kind in OF_INSTALLATION:
                if esper.try_component(entity, kind) is not None:
                    esper.remove_component(entity, kind)
        del books.shown[installation_id]
        self.changed()

    def forget_completed(self) -> None:
        """Take the completed installations off the list that have been there long enough."""
        time = self._app.time
        if time.real_elapsed_seconds < self._clean_up.due:
            return
        self._clean_up.stop()
        completed = self._completed_at
        while completed and completed[0][0] + COMPLETED_SECONDS <= time.real_elapsed_seconds:
            self.forget(completed.popleft()[1])
        if completed:
            self._clean_up.restart(time, completed[0][0] + COMPLETED_SECONDS - time.real_elapsed_seconds)

    def changed(self) -> None:
        """What is shown of installations is out of date."""
        self._ui.write(UIUpdateEvent(UIUpdateKind.INSTALLATIONS_CHANGED))
