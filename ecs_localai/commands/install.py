"""``ecs-localai install``: models by way of the world, from the request to the verified model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ecs_localai.commands.asking import ask_all
from ecs_localai.commands.failure import CommandFailed, OutputClosed
from ecs_localai.commands.host_book import HostBook
from ecs_localai.commands.install_display import InstallDisplay, Where, display_for
from ecs_localai.commands.stop_signals import StopSignals, watch
from ecs_localai.commands.target import Target
from ecs_localai.components.events import (
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationProgress,
    ModelInstallationStarted,
)
from ecs_localai.components.hosts import HostOrigin
from ecs_localai.components.installation import (
    DownloadConfig,
    ModelInstallation,
    ModelInstallationManager,
    ModelInstallRequest,
)
from ecs_localai.components.panel_intents import CancelRequested
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.runtime import App, First, ScheduleRunner
from ecs_localai.systems import LocalModelsPlugin
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.saved_hosts import SavedHost

FRAMES_A_SECOND = 20.0
"""While nothing arrives; an arrival begins the next frame at once."""
_TOLD = (
    ModelInstallationStarted,
    ModelInstallationProgress,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationCancelled,
)

Wanted = tuple[str, SavedHost]
"""A model's name, and the host that is to have it."""


def install_models(
    target: Target,
    names: Sequence[str],
    insecure: bool,
    as_json: bool,
    on: Sequence[str] = (),
    everywhere: bool = False,
) -> int:
    """Install models on the hosts named by `on`, or all of the list, else on the chosen one; returns the exit code.

    Raises:
        CommandFailed: a model was not installed, a host does not answer, or somebody stopped it.
        OllamaError: the only host does not answer.
    """
    book = target.book()
    hosts = book.ollamas if everywhere else book.require_all(on) if on else [book.chosen]
    return install_wanted(
        book, target.folder(), [(name, host) for name in names for host in hosts], insecure=insecure, as_json=as_json
    )


def install_wanted(book: HostBook, folder: Path, wanted: Sequence[Wanted], *, insecure: bool, as_json: bool) -> int:
    """Install each model on its host and show how far all are, until all have ended; returns the exit code.

    A host that does not answer is told, and the others are not kept from theirs. Ctrl-C cancels what is under way and
    waits until the servers can be left without harm.

    Raises:
        CommandFailed: a model was not installed, a host does not answer, or somebody stopped it.
        OllamaError: the only host does not answer.
    """
    hosts = list({host.config.base_url: host for _, host in wanted}.values())
    # Says at once what is wrong with a host, instead of trying again.
    answers = ask_all(hosts, lambda client: client.version())
    away = {host.config.base_url: one for host, one in zip(hosts, answers, strict=True) if isinstance(one, OllamaError)}
    if len(hosts) == 1:
        for error in away.values():
            raise error
    troubles = [f"{host.name}: {away[host.config.base_url].message}" for host in hosts if host.config.base_url in away]
    possible = [(name, host) for name, host in wanted if host.config.base_url not in away]
    if not possible:
        raise CommandFailed(*troubles)
    labels = {host.config.base_url: host.name if len(hosts) > 1 else "" for host in hosts}
    with StopSignals() as stop, App() as app:
        app.add_plugins(LocalModelsPlugin(book.given, data_dir=folder, resume=False))
        _add_unlisted(app.world.resource(OllamaHosts), [host for _, host in possible])
        job = _Job(app, stop, display_for(as_json), possible, labels, DownloadConfig(insecure=insecure))
        app.add_systems(First, job.cancel_when_stopped)
        code = app.set_runner(job.run).run()  # when it returns, all connections are closed
    troubles += job.troubles()
    if troubles:
        raise CommandFailed(*troubles)
    return code


def _add_unlisted(listed: OllamaHosts, hosts: Sequence[SavedHost]) -> None:
    """The hosts that were named by their addresses, for this run only."""
    for host in hosts:
        if listed.find(host.config.base_url) is None:
            listed.add(host.config, origin=HostOrigin.ENVIRONMENT)


class _Job:
    """The installations that one command asked for."""

    def __init__(
        self,
        app: App,
        stop: StopSignals,
        display: InstallDisplay,
        wanted: Sequence[Wanted],
        labels: dict[str, str],
        config: DownloadConfig,
    ) -> None:
        self._app = app
        self._stop = stop
        self._display = display
        self._labels = labels
        self._insecure = config.insecure
        self._requests = [
            app.world.spawn(ModelInstallRequest(name, config, host.config.base_url)) for name, host in wanted
        ]
        self._readers = [app.events(kind).reader() for kind in _TOLD]
        self._manager = app.world.resource(ModelInstallationManager)
        self._hosts: dict[str, str] = {}  # base URLs by installation id
        self._cancelled: set[str] = set()
        self._failed: list[ModelInstallationFailed] = []
        self._stopped: list[str] = []
        self._unread = False

    def run(self, app: App) -> int:
        """The app's runner: frames until every request has been dealt with, each followed by what it brought."""
        watching = watch(app, self._stop)
        step = ScheduleRunner(hz=FRAMES_A_SECOND, frames=1)
        with self._display:
            while any(app.world.has(entity, ModelInstallRequest) for entity in self._requests):
                step(app)
                for _, installation in app.world.query(ModelInstallation):
                    self._hosts[installation.installation_id] = installation.host
                for reader in self._readers:
                    for event in reader.read():
                        self._note(event)
        watching.cancel()
        return 0

    def cancel_when_stopped(self) -> None:
        """A system: cancels every installation once somebody wants the command to end."""
        if self._stop.caught is None and not self._unread:
            return
        for installation_id in self._manager.active_installations.keys() - self._cancelled:
            self._cancelled.add(installation_id)
            self._app.events(CancelRequested).write(CancelRequested(installation_id))

    def troubles(self) -> list[str]:
        """Which models are not there, and why: a sentence each."""
        lines = [self._sentence(failure) for failure in self._failed]
        if self._stopped:
            lines.append(
                f"Stopped before {' and '.join(self._stopped)} was complete; "
                "run the same command again to continue from what has arrived."
            )
        return lines

    def _note(self, event: object) -> None:
        where = self._where(str(getattr(event, "installation_id", "")))
        if isinstance(event, ModelInstallationFailed):
            self._failed.append(event)
        elif isinstance(event, ModelInstallationCancelled):
            self._stopped.append(where.of(event.model_name))
        if not self._unread:
            try:
                self._display.show(event, where)
            except OutputClosed:
                self._unread = True  # whoever wanted the model would still be reading

    def _where(self, installation_id: str) -> Where:
        base_url = self._hosts.get(installation_id, "")
        return Where(base_url, self._labels.get(base_url, ""))

    def _sentence(self, failure: ModelInstallationFailed) -> str:
        sentence = failure.error_message
        if "insecure" in sentence and not self._insecure:
            sentence += " The option for that is --insecure."
        if len(self._requests) == 1:
            return sentence
        return f"{self._where(failure.installation_id).of(failure.model_name)}: {sentence}"
