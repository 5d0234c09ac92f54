"""``ecs-localai run --headless``: the world without a window, telling what happens in it."""

from __future__ import annotations

from collections.abc import Callable

from ecs_localai.commands.event_text import event_json, event_text
from ecs_localai.commands.line_writer import LineWriter
from ecs_localai.commands.remote_options import add_remote
from ecs_localai.commands.stop_signals import StopSignals, exit_when_stopped
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import printable
from ecs_localai.components.events import HostAdded, ModelInstallationProgress
from ecs_localai.components.installation import InstallationPhase, ModelInstallation
from ecs_localai.components.panel_view import PanelView
from ecs_localai.runtime import App, Last, ScheduleRunner, SystemFailed, SystemRecovered
from ecs_localai.systems import EVENTS, LocalModelsPlugin
from ecs_localai.systems.host_list import OllamaHosts

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
            out.line(f"Watching Ollama at {_addresses(app)}. Ctrl-C ends it.")
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


def _addresses(app: App) -> str:
    return ", ".join(one.base_url for one in app.world.resource(OllamaHosts).all())


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
        self._hosts = app.world.resource(OllamaHosts)
        self._there = {one.base_url for one in self._hosts.all()}  # from the start: no news
        self._progress_due: dict[str, float] = {}
        self._places: dict[str, str] = {}  # base URLs of hosts by installation id
        self._notice = 0

    def of(self, event: object) -> str | None:
        """The line for an event, or None."""
        if isinstance(event, ModelInstallationProgress) and not self._is_due(event):
            return None
        if isinstance(event, HostAdded) and event.host in self._there:
            return None
        return event_text(event, self._on(event))

    def new_notices(self) -> list[str]:
        """What the panel would show as notices: among others, that nothing can be saved."""
        if self._view.last_notice_id == self._notice:
            return []
        new = [printable(notice.text) for notice in self._view.notices if notice.notice_id > self._notice]
        self._notice = self._view.last_notice_id
        return new

    def _on(self, event: object) -> str:
        """The name of the host where it happened, where there are several."""
        hosts = self._hosts.all()
        if len(hosts) < 2:
            return ""
        base_url = getattr(event, "host", "")
        installation_id = getattr(event, "installation_id", "")
        if installation_id:
            if installation_id not in self._places:
                for _, installation in self._app.world.query(ModelInstallation):
                    self._places[installation.installation_id] = installation.host
            base_url = self._places.get(installation_id, "")
        return next((one.host.name for one in hosts if one.base_url == base_url), "")

    def _is_due(self, event: ModelInstallationProgress) -> bool:
        now = self._app.time.real_elapsed_seconds
        is_download = event.status.kind is InstallationPhase.DOWNLOADING
        if is_download and now < self._progress_due.get(event.installation_id, 0.0):
            return False
        self._progress_due[event.installation_id] = now + PROGRESS_SECONDS
        return True
