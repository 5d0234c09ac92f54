"""``ecs-localai run --headless``: the world without a window, telling what happens in it."""

from __future__ import annotations

from collections.abc import Callable

from ecs_localai.commands.event_text import event_json, event_text
from ecs_localai.commands.line_writer import LineWriter
from ecs_localai.commands.remote_options import add_remote
from ecs_localai.commands.stop_signals import StopSignals, exit_when_stopped
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import printable
from ecs_localai.components.events import (
    ModelInstallationProgress,
    OllamaConnectionStatusChanged,
    UIUpdateEvent,
    UIUpdateKind,
)
from ecs_localai.components.hosts import OllamaHostManager
from ecs_localai.components.installation import InstallationPhase
from ecs_localai.components.panel_view import PanelView
from ecs_localai.runtime import App, Last, ScheduleRunner, SystemFailed, SystemRecovered
from ecs_localai.systems import EVENTS, LocalModelsPlugin

PROGRESS_SECONDS = 2.0
"""How often an installation's progress is told in words."""


def run_headless(target: Target, frames: int | None, hz: float, as_json: bool, remote_port: int | None = None) -> int:
    """Step the world until the frames run out or somebody stops it, and print its events; returns the exit code.

    With `remote_port` other programs on this machine can look into it there.

    Raises:
        CommandFailed: the host is no address.
    """
    config, folder = target.configuration(), target.folder()
    with StopSignals() as stop, LineWriter() as out, App() as app:
        app.add_plugins(LocalModelsPlugin(config, data_dir=folder))
        add_remote(app, remote_port)
        tell = _json_teller(app, out) if as_json else _words_teller(app, out)
        if not as_json:
            out.line(f"Watching Ollama at {config.base_url}. Ctrl-C ends it.")
        exit_when_stopped(app, stop)

        def tell_while_read() -> None:
            tell()
            if out.closed:
                app.exit()

        app.add_systems(Last, tell_while_read)

        def runner(app: App) -> int:
            code = ScheduleRunner(hz=hz, frames=frames)(app)
            tell()  # what failed in the last frame, after its last system
            return code

        return app.set_runner(runner).run()


def _json_teller(app: App, out: LineWriter) -> Callable[[], None]:
    readers = [app.events(kind).reader() for kind in (*EVENTS, SystemFailed, SystemRecovered)]

    def tell() -> None:
        for reader in readers:
            for event in reader.read():
                out.json_line(event_json(event))

    return tell


def _words_teller(app: App, out: LineWriter) -> Callable[[], None]:
    words = _Words(app)
    readers = [app.events(kind).reader() for kind in (*EVENTS, SystemFailed, SystemRecovered)]

    def tell() -> None:
        for reader in readers:
            for event in reader.read():
                if line := words.of(event):
                    out.line(line)
        for line in words.new_notices():
            out.line(line)

    return tell


class _Words:
    """Leaves out what would only repeat itself."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._view = app.world.resource(PanelView)
        self._progress_due: dict[str, float] = {}
        self._trouble: str | None = None
        self._notice = 0

    def of(self, event: object) -> str | None:
        """The line for an event, or None."""
        match event:
            case ModelInstallationProgress():
                return event_text(event) if self._is_due(event) else None
            case OllamaConnectionStatusChanged():
                self._trouble = event.error_message
            case UIUpdateEvent():
                return self._new_trouble() if event.kind is UIUpdateKind.HOST_CHANGED else None
        return event_text(event)

    def new_notices(self) -> list[str]:
        """What the panel would show as notices: among others, that nothing can be saved."""
        if self._view.last_notice_id == self._notice:
            return []
        new = [printable(notice.text) for notice in self._view.notices if notice.notice_id > self._notice]
        self._notice = self._view.last_notice_id
        return new

    def _is_due(self, event: ModelInstallationProgress) -> bool:
        now = self._app.time.real_elapsed_seconds
        is_download = event.status.kind is InstallationPhase.DOWNLOADING
        if is_download and now < self._progress_due.get(event.installation_id, 0.0):
            return False
        self._progress_due[event.installation_id] = now + PROGRESS_SECONDS
        return True

    def _new_trouble(self) -> str | None:
        """Why there is no connection: a host that was never there sends no event about its absence."""
        for _, manager in self._app.world.query(OllamaHostManager):
            before, self._trouble = self._trouble, manager.health_monitor.last_error
            if self._trouble is not None and self._trouble != before:
                return printable(self._trouble)
        return None
