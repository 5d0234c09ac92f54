"""A world's installations, shown until they have ended: what ``install`` and ``queue --run`` have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ecs_localai.commands.failure import OutputClosed
from ecs_localai.commands.host_labels import about
from ecs_localai.commands.install_display import InstallDisplay, Waiting, Where
from ecs_localai.commands.stop_signals import StopSignals, watch
from ecs_localai.components.events import (
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationPaused,
    ModelInstallationProgress,
    ModelInstallationResumed,
    ModelInstallationStarted,
)
from ecs_localai.components.installation import InstallationPhase, ModelInstallation, WaitReason
from ecs_localai.runtime import App, ReactiveRunner

if TYPE_CHECKING:
    from datetime import datetime

WAIT_TOLD_SECONDS = 0.5
"""An installation that has waited so long is said to wait: most have their turn at once."""
_TOLD = (
    ModelInstallationStarted,
    ModelInstallationProgress,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationCancelled,
    ModelInstallationPaused,
    ModelInstallationResumed,
)
_UNTOLD = (None, WaitReason.PAUSED)
"""That one was paused is an event."""

Wait = tuple[WaitReason | None, "datetime | None"]


class InstallationWatch:
    """Runs frames and shows what they bring to installations; remembers which did not come to their models."""

    def __init__(self, app: App, stop: StopSignals, display: InstallDisplay, labels: Mapping[str, str]) -> None:
        """`labels` are the names of the hosts by base URL where there are several, to be shown."""
        self._app = app
        self._stop = stop
        self._display = display
        self._labels = labels
        self._readers = [app.events(kind).reader() for kind in _TOLD]
        self._hosts: dict[str, str] = {}  # base URLs by installation id
        self._waits: dict[str, tuple[Wait, float]] = {}  # by installation id, each with since when
        self._told_waits: dict[str, Wait] = {}
        self._wait_is_told = app.wakeups.timer(float("inf"))
        self.completed = 0
        """How many models have come."""
        self.failed: list[ModelInstallationFailed] = []
        self.cancelled: list[ModelInstallationCancelled] = []
        self.is_unread = False
        """Whether nobody reads standard output any more."""

    def run_until(self, done: Callable[[], bool]) -> None:
        """Run frames, each followed by what it brought, until this is so after one of them.

        While nothing is to be done it sleeps: what is to begin in the night is waited for, too.
        """
        watching = watch(self._app, self._stop)
        step = ReactiveRunner(frames=1)
        with self._display:
            while not done():
                step(self._app)
                self._look()
        watching.cancel()

    def name_of(self, installation_id: str, model: str) -> str:
        """``tiny:latest on gpu``, or the model alone where there is one host."""
        return self._where(installation_id).of(model)

    def about(self, installation_id: str, model: str, sentence: str) -> str:
        """A sentence about an installation, where there are several."""
        return about(model, self._where(installation_id).label, sentence)

    def _look(self) -> None:
        waiting: dict[str, ModelInstallation] = {}
        for _, installation in self._app.world.query(ModelInstallation):
            self._hosts[installation.installation_id] = installation.host
            if installation.status.kind in (InstallationPhase.QUEUED, InstallationPhase.PAUSED):
                waiting[installation.installation_id] = installation
        for reader in self._readers:
            for event in reader.read():
                self._note(event)
        self._tell_waits(waiting)

    def _note(self, event: object) -> None:
        match event:
            case ModelInstallationCompleted():
                self.completed += 1
            case ModelInstallationFailed():
                self.failed.append(event)
            case ModelInstallationCancelled():
                self.cancelled.append(event)
        installation_id = str(getattr(event, "installation_id", ""))
        self._told_waits.pop(installation_id, None)  # one that only looked whether it may go on has brought no event
        self._show(event, installation_id)

    def _tell_waits(self, waiting: Mapping[str, ModelInstallation]) -> None:
        """Tell why those wait that do not go on, once for each reason."""
        now = time.monotonic()
        for installation_id in self._waits.keys() - waiting.keys():
            del self._waits[installation_id]
        left = float("inf")
        for installation_id, installation in waiting.items():
            wait: Wait = installation.waits_for, installation.not_before
            former, since = self._waits.get(installation_id, (None, now))
            if wait != former:
                since = now
                self._waits[installation_id] = wait, since
            if wait[0] in _UNTOLD or self._told_waits.get(installation_id) == wait:
                continue
            if now - since < WAIT_TOLD_SECONDS:
                left = min(left, WAIT_TOLD_SECONDS - (now - since))
                continue
            self._told_waits[installation_id] = wait
            reason, not_before = wait
            if reason is not None:
                self._show(Waiting(installation_id, installation.model_name, reason, not_before), installation_id)
        self._wait_is_told.restart(self._app.time, left)

    def _show(self, event: object, installation_id: str) -> None:
        if self.is_unread:
            return
        try:
            self._display.show(event, self._where(installation_id))
        except OutputClosed:
            self.is_unread = True
            self._app.wakeups.request_frame()  # whoever runs this has to end

    def _where(self, installation_id: str) -> Where:
        base_url = self._hosts.get(installation_id, "")
        return Where(base_url, self._labels.get(base_url, ""))
