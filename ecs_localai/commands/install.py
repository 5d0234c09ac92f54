"""``ecs-localai install``: models by way of the world, from the request to the verified model."""

from __future__ import annotations

from collections.abc import Sequence

from ecs_localai.commands.failure import CommandFailed, OutputClosed
from ecs_localai.commands.install_display import InstallDisplay, display_for
from ecs_localai.commands.stop_signals import StopSignals, watch
from ecs_localai.commands.target import Target
from ecs_localai.components.events import (
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationProgress,
    ModelInstallationStarted,
)
from ecs_localai.components.installation import DownloadConfig, ModelInstallationManager, ModelInstallRequest
from ecs_localai.components.panel_intents import CancelRequested
from ecs_localai.runtime import App, First, ScheduleRunner
from ecs_localai.systems import LocalModelsPlugin

FRAMES_A_SECOND = 20.0
"""While nothing arrives; an arrival begins the next frame at once."""
_TOLD = (
    ModelInstallationStarted,
    ModelInstallationProgress,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationCancelled,
)


def install_models(target: Target, names: Sequence[str], insecure: bool, as_json: bool) -> int:
    """Install models and show how far they are, until all have ended; returns the exit code.

    Ctrl-C cancels what is under way and waits until the server can be left without harm.

    Raises:
        CommandFailed: a model was not installed, or somebody stopped it.
        OllamaError: no Ollama answers.
    """
    target = target.settled()
    config, folder = target.configuration(), target.folder()
    target.ask(lambda client: client.version())  # says at once what is wrong with the host, instead of trying again
    with StopSignals() as stop, App() as app:
        app.add_plugins(LocalModelsPlugin(config, data_dir=folder))
        job = _Job(app, stop, display_for(as_json), names, DownloadConfig(insecure=insecure))
        app.add_systems(First, job.cancel_when_stopped)
        code = app.set_runner(job.run).run()  # when it returns, all connections are closed
    job.raise_what_went_wrong()
    return code


class _Job:
    """The installations that one command asked for."""

    def __init__(
        self, app: App, stop: StopSignals, display: InstallDisplay, names: Sequence[str], config: DownloadConfig
    ) -> None:
        self._app = app
        self._stop = stop
        self._display = display
        self._insecure = config.insecure
        self._requests = [app.world.spawn(ModelInstallRequest(name, config)) for name in names]
        self._readers = [app.events(kind).reader() for kind in _TOLD]
        self._manager = app.world.resource(ModelInstallationManager)
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

    def raise_what_went_wrong(self) -> None:
        """Say which models are not there, and why.

        Raises:
            CommandFailed: at least one is not.
        """
        lines = [self._sentence(failure) for failure in self._failed]
        if self._stopped:
            lines.append(
                f"Stopped before {' and '.join(self._stopped)} was complete; "
                "run the same command again to continue from what has arrived."
            )
        if lines:
            raise CommandFailed(*lines)

    def _note(self, event: object) -> None:
        if isinstance(event, ModelInstallationFailed):
            self._failed.append(event)
        elif isinstance(event, ModelInstallationCancelled):
            self._stopped.append(event.model_name)
        if not self._unread:
            try:
                self._display.show(event)
            except OutputClosed:
                self._unread = True  # whoever wanted the model would still be reading

    def _sentence(self, failure: ModelInstallationFailed) -> str:
        sentence = failure.error_message
        if "insecure" in sentence and not self._insecure:
            sentence += " The option for that is --insecure."
        return sentence if len(self._requests) == 1 else f"{failure.model_name}: {sentence}"
