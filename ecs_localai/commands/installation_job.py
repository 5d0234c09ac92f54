"""The installations that one command asked for, from the requests to the verified models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from ecs_localai.commands.host_book import HostBook
from ecs_localai.commands.host_labels import named
from ecs_localai.commands.install_display import display_for
from ecs_localai.commands.installation_watch import InstallationWatch
from ecs_localai.commands.stop_signals import StopSignals
from ecs_localai.commands.terminal import say
from ecs_localai.components.events import ModelInstallationFailed
from ecs_localai.components.hosts import HostOrigin
from ecs_localai.components.installation import DownloadConfig, ModelInstallationManager, ModelInstallRequest
from ecs_localai.components.panel_intents import CancelRequested
from ecs_localai.components.recipe import ModelRecipe
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.wording import format_list
from ecs_localai.ollama.errors import InvalidModelName
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.ollama.plain_http import is_by_plain_http
from ecs_localai.runtime import App, First
from ecs_localai.systems import LocalModelsPlugin
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.newer_wish import newer_wish_text
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.queue_rows import QueuedInstallation
from ecs_localai.systems.saved_hosts import SavedHost


class Wanted(NamedTuple):
    """A model's name, and the host that is to have it."""

    name: str
    host: SavedHost


def install_all(
    book: HostBook,
    folder: Path,
    wanted: Sequence[Wanted],
    labels: Mapping[str, str],
    config: DownloadConfig,
    *,
    as_json: bool,
    several: bool,
    recipe: ModelRecipe | None = None,
) -> list[str]:
    """Install each model on its host and show how far all are, until all have ended; returns what went wrong.

    With a `recipe` they are not downloaded but made as it says. `labels` are the names of the hosts by base URL where
    there are several; `several` is whether a sentence has to say which model it is about. A registry on this computer
    is spoken to by plain http whatever `config` says. Ctrl-C cancels what is under way and waits until the servers can
    be left without harm.
    """
    with StopSignals() as stop, App() as app:
        app.add_plugins(LocalModelsPlugin(book.given, data_dir=folder, resume=False))
        add_unlisted(app.world.resource(OllamaHosts), [one.host for one in wanted])
        shown = InstallationWatch(app, stop, display_for(as_json), labels)
        job = _Job(app, stop, shown, wanted, config, several=several, recipe=recipe, says=None if as_json else labels)
        app.add_systems(First, job.cancel_when_stopped)
        app.set_runner(job.run).run()  # when it returns, all connections are closed
    return job.troubles()


def add_unlisted(listed: OllamaHosts, hosts: Sequence[SavedHost]) -> None:
    """The hosts that were named by their addresses, for this run only."""
    for host in hosts:
        if listed.find(host.config.base_url) is None:
            listed.add(host.config, origin=HostOrigin.ENVIRONMENT)


class _Job:
    def __init__(
        self,
        app: App,
        stop: StopSignals,
        shown: InstallationWatch,
        wanted: Sequence[Wanted],
        config: DownloadConfig,
        *,
        several: bool,
        recipe: ModelRecipe | None,
        says: Mapping[str, str] | None,
    ) -> None:
        """`says`: what hosts are called by base URL; None where nothing is to be said but events."""
        self._app = app
        self._says = says
        self._stop = stop
        self._shown = shown
        self._insecure = config.insecure
        self._several = several
        self._requests = [app.world.spawn(self._request(one, config_for(one.name, config), recipe)) for one in wanted]
        self._manager = app.world.resource(ModelInstallationManager)
        self._cancelled: set[str] = set()

    def _request(self, one: Wanted, config: DownloadConfig, recipe: ModelRecipe | None) -> ModelInstallRequest:
        """What is in the queue already for tonight, say, goes on now: nobody wants it twice."""
        base_url = one.host.config.base_url
        queue = self._app.world.resource(SavedState).queue
        for row in queue.waiting_of(base_url, one.name, recipe).values() if self._says is not None else ():
            self._say_newer_wish(one, row)
        waiting = queue.begin_now(base_url, one.name, config, recipe)
        return waiting or ModelInstallRequest(one.name, config, base_url, recipe=recipe)

    def _say_newer_wish(self, one: Wanted, row: QueuedInstallation) -> None:
        label = "" if self._says is None else self._says[one.host.config.base_url]
        told = newer_wish_text(
            named(row.request.model_name, label),
            is_paused=row.paused,
            former=row.not_before,
            not_before=None,
            now=utc_now(),
        )
        if told:
            say(told)

    def run(self, app: App) -> int:
        """The app's runner: frames until every request has been dealt with."""
        self._shown.run_until(lambda: not any(app.world.has(entity, ModelInstallRequest) for entity in self._requests))
        return 0

    def cancel_when_stopped(self) -> None:
        """A system: cancels every installation once somebody wants the command to end.

        Whoever wanted the models would still be reading.
        """
        if self._stop.caught is None and not self._shown.is_unread:
            return
        asked = set(self._requests)
        for installation_id, installation in self._manager.active_installations.items():
            if installation_id not in self._cancelled and asked.intersection(installation.request_entities):
                self._cancelled.add(installation_id)
                self._app.events(CancelRequested).write(CancelRequested(installation_id))

    def troubles(self) -> list[str]:
        """Which models are not there, and why: a sentence each."""
        lines = [self._sentence(failure) for failure in self._shown.failed]
        stopped = [self._shown.name_of(one.installation_id, one.model_name) for one in self._shown.cancelled]
        if stopped:
            lines.append(
                f"Stopped before {format_list(stopped)} was complete; "
                "run the same command again to continue from what has arrived."
            )
        return lines

    def _sentence(self, failure: ModelInstallationFailed) -> str:
        sentence = with_option(failure.error_message, self._insecure)
        if not self._several:
            return sentence
        return self._shown.about(failure.installation_id, failure.model_name, sentence)


def config_for(name: str, config: DownloadConfig) -> DownloadConfig:
    """How this model is downloaded: from a registry on this computer by plain http, as everywhere else in here."""
    try:
        plain = config.insecure or is_by_plain_http(parse_model_name(name))
    except InvalidModelName:  # the installation itself says so
        return config
    return msgspec.structs.replace(config, insecure=plain)


def with_option(sentence: str, insecure: bool) -> str:
    """The sentence, with the option where it speaks of what that allows."""
    return f"{sentence} The option for that is --insecure." if "insecure" in sentence and not insecure else sentence
