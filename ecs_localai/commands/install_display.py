"""How far installations are: a moving bar on a terminal, a line now and then elsewhere, or JSON."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from ecs_localai.commands.event_text import event_json, event_text, percent_text, progress_detail
from ecs_localai.commands.terminal import is_terminal, printable, say, write_bytes
from ecs_localai.commands.waiting_words import waiting_text
from ecs_localai.components.events import (
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationPaused,
    ModelInstallationProgress,
    ModelInstallationResumed,
    ModelInstallationStarted,
)
from ecs_localai.components.installation import InstallationStatus, WaitReason

if TYPE_CHECKING:
    from rich.progress import TaskID

LINE_SECONDS = 2.0
"""Between two lines about the same installation where there is no terminal."""
_ENDED_OR_PAUSED = (
    ModelInstallationCompleted,
    ModelInstallationCancelled,
    ModelInstallationPaused,
    ModelInstallationResumed,
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An installation does not go on, for this reason; shown as if it were an event, though none of the world's."""

    installation_id: str
    model_name: str
    reason: WaitReason
    not_before: datetime | None = None

    def text(self) -> str:
        """``waiting for its turn``."""
        return waiting_text(self.reason, self.not_before)


@dataclass(frozen=True, slots=True)
class Where:
    """The host of an installation."""

    base_url: str
    label: str = ""
    """Its name, where there are several; else empty."""

    def of(self, model: str) -> str:
        """``tiny:latest on gpu``, or the model alone."""
        return f"{model} on {self.label}" if self.label else model


class InstallDisplay(Protocol):
    """Shows the events of installations; failures are told elsewhere. `show` may raise `OutputClosed`."""

    def __enter__(self) -> object:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the output as it should stay."""

    def show(self, event: object, where: Where) -> None:
        """Show one event."""


def display_for(as_json: bool) -> InstallDisplay:
    """The display that fits standard output."""
    if as_json:
        return JsonDisplay()
    return BarDisplay() if is_terminal() else LineDisplay()


class _Plain:
    def __enter__(self) -> object:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to put back."""


class JsonDisplay(_Plain):
    """Every event as a line of JSON."""

    def show(self, event: object, where: Where) -> None:
        """Print it."""
        write_bytes(event_json(event, where.base_url) + b"\n")


class LineDisplay(_Plain):
    """Lines of text: the beginning, each new stage, the end, and where it stands every two seconds."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[InstallationStatus, float]] = {}

    def show(self, event: object, where: Where) -> None:
        """Print it, unless a line about the same stage has just been printed."""
        if isinstance(event, Waiting):
            say(f"{where.of(event.model_name)}: {event.text()}.")
            return
        if isinstance(event, ModelInstallationProgress):
            status, told = self._last.get(event.installation_id, (None, 0.0))
            now = time.monotonic()
            is_still = event.progress.still_for is not None or event.progress.retry is not None
            nothing_yet = event.fraction is None and event.status == InstallationStatus.DOWNLOADING and not is_still
            if nothing_yet or (status == event.status and now - told < LINE_SECONDS):
                return
            self._last[event.installation_id] = event.status, now
        elif not isinstance(event, (ModelInstallationStarted, *_ENDED_OR_PAUSED)):
            return
        line = event_text(event, where.label)
        if line is not None:
            say(line)


class BarDisplay:
    """One bar an installation, which rich redraws in place from a thread of its own."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        from ecs_localai.commands.tables import console

        self._console = console()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            BarColumn(bar_width=32),
            TextColumn("{task.fields[percent]:>5}", markup=False, table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[detail]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=self._console,
        )
        self._rows: dict[str, TaskID] = {}

    def __enter__(self) -> object:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, event: object, where: Where) -> None:
        """Move the bar. What it shows never goes back: the events' fractions and bytes don't."""
        if isinstance(event, ModelInstallationStarted):
            self._row(event.installation_id, where.of(event.model_name))
        elif isinstance(event, Waiting):
            self._say_in_row(event.installation_id, where.of(event.model_name), event.text())
        elif isinstance(event, ModelInstallationPaused):
            self._say_in_row(event.installation_id, where.of(event.model_name), "Paused. To go on: ecs-localai resume")
        elif isinstance(event, ModelInstallationResumed):
            self._say_in_row(event.installation_id, where.of(event.model_name), "Going on")
        elif isinstance(event, ModelInstallationProgress):
            self._progress.update(
                self._row(event.installation_id, where.of(event.model_name)),
                total=None if event.fraction is None else 1.0,
                completed=event.fraction or 0.0,
                percent=percent_text(event.fraction),
                detail=progress_detail(event),
            )
        elif isinstance(event, ModelInstallationCompleted | ModelInstallationCancelled | ModelInstallationFailed):
            self._end_row(event.installation_id)
            if not isinstance(event, ModelInstallationFailed):  # these are told together, at the end
                self._progress.print(event_text(event, where.label) or "", markup=False, highlight=False)

    def _end_row(self, installation_id: str) -> None:
        row = self._rows.pop(installation_id, None)
        if row is not None:
            self._progress.remove_task(row)
            self._progress.refresh()  # or the bar that is gone would be drawn once more, below the line

    def _say_in_row(self, installation_id: str, name: str, detail: str) -> None:
        self._progress.update(self._row(installation_id, name), detail=f"{detail[0].upper()}{detail[1:]}")

    def _row(self, installation_id: str, name: str) -> TaskID:
        row = self._rows.get(installation_id)
        if row is None:
            row = self._progress.add_task(printable(name), total=None, percent="", detail="Starting")
            self._rows[installation_id] = row
        return row
