"""The desk of installation: takes what is asked for, and gives those that wait their turn."""

from __future__ import annotations

import time as clock
from uuid import uuid4

from ecs_localai.components.hosts import OllamaHostManager
from ecs_localai.components.installation import (
    DownloadRequest,
    InstallationError,
    InstallationErrorKind,
    InstallationProgress,
    InstallationStatus,
    ModelInstallation,
    ModelInstallationManager,
    ModelInstallationTask,
    ModelInstallRequest,
    WaitReason,
)
from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.registry import RegistryEntry
from ecs_localai.components.time_values import utc_now
from ecs_localai.ollama.errors import InvalidModelName
from ecs_localai.ollama.names import name_key, parse_model_name
from ecs_localai.ollama.plain_http import is_local_registry
from ecs_localai.runtime import App
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.installation_adoption import Adoption
from ecs_localai.systems.installation_books import (
    InstallationBooks,
    drop_if_empty,
    fetched_before,
    known_fraction,
    still_asks,
)
from ecs_localai.systems.installation_ending import COMPLETED_SECONDS, InstallationEnding
from ecs_localai.systems.installation_hosts import InstallationHosts
from ecs_localai.systems.installation_order import Plan, plan_order
from ecs_localai.systems.installation_progress import InstallationRun
from ecs_localai.systems.installation_pulse import InstallationPulse
from ecs_localai.systems.installation_rests import InstallationRests
from ecs_localai.systems.installation_work import InstallationWork
from ecs_localai.systems.kept_queue import KeptInstallation, QueueNews
from ecs_localai.systems.layer_look import LayerLooks
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.preferences import Preferences

__all__ = [
    "COMPLETED_SECONDS",
    "InstallationDesk",
    "drop_if_empty",
    "is_local_registry",
    "is_same_model",
    "still_asks",
]

LONGEST_ALARM = 60.0
"""Seconds until the time is looked at again while something is scheduled: a computer that slept, or whose clock was
set, is not to miss the moment. The clock of the frames stands still while it sleeps."""
ELSEWHERE_SECONDS = 5.0
"""Seconds until it is tried again whether another program is still at work on the same: one that is killed leaves no
news. Tried only while something waits for that."""


class InstallationDesk:
    """Begins, pauses and ends installations, and keeps the brief's data about them in step. A resource."""

    def __init__(self, app: App, saved: SavedState, *, resumes: bool = True) -> None:
        self._app = app
        self._saved = saved
        self._manager = app.init_resource(ModelInstallationManager)
        self._manager.installation_history.extend(saved.history())
        self._models = app.init_resource(LocalModelManager)
        self._preferences = app.world.get_resource(Preferences)
        clients = app.init_resource(HostClients)
        self.books = InstallationBooks(app.world, self._manager, self._models, saved.queue)
        self.ending = InstallationEnding(app, self.books, saved)
        cache = self._models.model_registry.cache
        self._looks = LayerLooks(app.tasks, clients, self.books, cache, self._remember, self._keep_total)
        self._work = InstallationWork(clients, saved.queue, self._remember)
        self._hosts = InstallationHosts(self.books)
        self.rests = InstallationRests(app, self.books, self.ending, self._hosts, saved)
        self.adoption = Adoption(app, saved.queue, wanted=resumes)
        self._alarm = app.wakeups.timer(float("inf"))
        self.pulse = InstallationPulse(app)

    def entity_of(self, installation: ModelInstallation) -> int | None:
        """The entity of an installation that is shown; None once somebody has deleted it."""
        return self.books.entity_of(installation)

    def forget(self, installation_id: str) -> None:
        """Take an ended installation off the list."""
        self.ending.forget(installation_id)

    # Beginning

    def refuse(self, entity: int, request: ModelInstallRequest, reason: str) -> None:
        """End what an entity's request asks for before it began: there is no such host."""
        installation = self._new(request.model_name, request, entity, request.host, None)
        self._refuse(installation, request, InstallationError(reason, InstallationErrorKind.HOST_UNREACHABLE))

    def take(self, entity: int, request: ModelInstallRequest, host: OllamaHostManager) -> None:
        """Begin what an entity's request asks for on this host, or let it share an installation under way there.

        It stays with this host, also if the panel turns to another one while it waits.
        """
        api = host.api_client
        self.books.hosts[api.base_url] = (api, host.connection_pool)
        try:
            name = parse_model_name(request.model_name).short
        except InvalidModelName as error:
            installation = self._new(request.model_name, request, entity, api.base_url, None)
            self._refuse(installation, request, InstallationError(error.message, InstallationErrorKind.INVALID_NAME))
            return
        other = self.books.same(name, api.base_url)
        if other is not None:
            # Two pulls of one model at a time can crash the server (Ollama 0.9.3, PR 17370), so there is one.
            self.books.asked[other.installation_id][entity] = request
            if entity not in other.request_entities:
                other.request_entities.append(entity)
            self._saved.queue.drop(request)
            return
        kept = self._saved.queue.go_on_with(request, api.base_url)
        installation = self._new(name, request, entity, api.base_url, kept)
        key = installation.installation_id
        self.books.open(installation, {entity: request})
        self._manager.active_installations[key] = installation
        if kept is None and request.recipe is None:
            installation.progress = InstallationProgress(total_bytes=self._size_of(name))
        requested_at = utc_now() if kept is None else kept.row.request.requested_at
        if kept is None:
            self._saved.queue.add(
                DownloadRequest(
                    name,
                    key,
                    api.base_url,
                    request.download_config,
                    requested_at,
                    request.not_before,
                    request.paused,
                    request.recipe,
                ),
                installation.progress.total_bytes,
            )
        else:
            self.books.patient.add(key)
            if kept.row.begun_at is not None:
                self.books.spent[key], installation.started_at = kept.row.seconds, kept.row.begun_at
        others = (one for one in self._manager.active_installations.values() if one is not installation)
        is_alone = not any(one.host == api.base_url for one in others)
        self.books.digests[key] = frozenset() if is_alone or request.recipe is not None else None
        self.books.wait(installation, requested_at)
        self.ending.changed()

    def _size_of(self, name: str) -> int:
        """The bytes that its registry said when it was asked last; 0 where it was not."""
        known = self._models.model_registry.cache.entries.get(name)
        return 0 if known is None else known.total_bytes

    def _new(
        self, name: str, request: ModelInstallRequest, entity: int, host: str, kept: KeptInstallation | None
    ) -> ModelInstallation:
        installation = ModelInstallation(
            name,
            uuid4().hex[:12] if kept is None else kept.installation_id,
            host=host,
            request_entities=[entity],
            download_config=request.download_config,
            not_before=request.not_before,
            recipe=request.recipe,
        )
        if request.paused:
            installation.status = InstallationStatus.PAUSED
            installation.waits_for = WaitReason.PAUSED
        if kept is not None:
            row = kept.row
            installation.progress = InstallationProgress(row.bytes_done, row.total_bytes)
            installation.layers = list(row.layers)
            installation.refetched_bytes = row.refetched_bytes
        return installation

    def _refuse(self, installation: ModelInstallation, request: ModelInstallRequest, error: InstallationError) -> None:
        self.books.open(installation, dict.fromkeys(installation.request_entities, request))
        self.ending.fail(installation, error)
        self._saved.queue.drop(request)

    def follow(self, news: QueueNews) -> None:
        """What other programs have changed in the queue: they pause, resume, move, schedule and cancel what is ours."""
        self.rests.follow(news)
        for key in news.gone:
            installation = self._manager.active_installations.get(key)
            if installation is not None:
                self.stop(installation)

    def stop(self, installation: ModelInstallation) -> None:
        """End it because somebody wants that; one that is at work ends when its work has."""
        found = self.books.run_of(installation)
        if found is not None and found[0].task is not None:
            found[1].is_coming_back = False
            found[0].task.cancel()
        else:
            self.ending.cancel(installation)

    # Turns

    def start_waiting(self, hosts: OllamaHosts) -> None:
        """Give those that wait their turn, as far as the order, the limit of their host and its health allow.

        A host that has another log-in by now is spoken to with that.
        """
        books = self.books
        looked = self._looks.take_in()
        if not books.waiting:
            if self._alarm.due != float("inf"):
                self._alarm.stop()
            return
        is_away = self._hosts.look(hosts)
        self._try_elsewhere_again()
        self._looks.begin()
        plan = plan_order(books.all_waiting(is_away), books.at_work(), at_once=self._at_once(), now=utc_now())
        for key in plan.starts:
            self._start(self._manager.active_installations[key])
        if self._tell_waits(plan) or plan.starts or looked:
            self.ending.changed()
        self._set_alarm(plan)

    def _at_once(self) -> int:
        if self._preferences is None:
            self._preferences = self._app.world.get_resource(Preferences)
        return 2 if self._preferences is None else self._preferences.downloads.at_once

    def _try_elsewhere_again(self) -> None:
        if self.books.elsewhere and self._app.time.real_elapsed_seconds >= self._alarm.due:
            self.books.try_elsewhere_again()

    def _tell_waits(self, plan: Plan) -> bool:
        """Say of each why it waits; whether that is news."""
        is_news = False
        for key, reason in plan.waits.items():
            installation = self._manager.active_installations[key]
            behind = plan.behind.get(key, "")
            if installation.waits_for is not reason or installation.waits_behind != behind:
                installation.waits_for, installation.waits_behind = reason, behind
                is_news = True
        return is_news

    def _set_alarm(self, plan: Plan) -> None:
        seconds = float("inf")
        if plan.next_moment is not None:
            seconds = min(LONGEST_ALARM, max(0.0, (plan.next_moment - utc_now()).total_seconds()))
        if self.books.elsewhere:
            now = self._app.time.real_elapsed_seconds
            left = self._alarm.due - now
            seconds = min(seconds, left if 0 < left <= ELSEWHERE_SECONDS else ELSEWHERE_SECONDS)
        if seconds != float("inf"):
            self._alarm.restart(self._app.time, seconds)
        elif self._alarm.due != float("inf"):
            self._alarm.stop()

    def _start(self, installation: ModelInstallation) -> None:
        books, key = self.books, installation.installation_id
        books.stop_waiting(key)
        entity = books.entity_of(installation)
        if entity is None:
            return  # it is about to be ended
        has_run = key in books.spent
        self.pulse.begin()
        if not installation.progress.bytes_downloaded:
            installation.progress = InstallationProgress()  # its registry is asked anew how much it is
        run = InstallationRun(
            self._app.tasks.channel(),
            self._app.tasks.channel(),
            clock.monotonic(),
            fraction=known_fraction(installation),
            announced=key in books.announced,
        )
        if not books.digests.get(key) and installation.recipe is None:
            books.digests[key] = None  # until its work has looked
        api, pool = books.hosts[installation.host]
        work = self._work.of(installation, api, pool, run, fetched_before(installation))
        task = self._app.tasks.spawn(work, f"install {installation.model_name}")
        installation.status = InstallationStatus.DOWNLOADING
        installation.waits_for = None
        if not has_run:
            installation.started_at = utc_now()
        books.world.insert(entity, ModelInstallationTask(installation.model_name, task, installation.progress), run)

    def _keep_total(self, installation_id: str, total_bytes: int) -> None:
        self._saved.queue.amend(installation_id, total_bytes=total_bytes)

    def _remember(self, entry: RegistryEntry) -> None:
        """Keep what a registry says of a model. In the background: one assignment, and a change that is posted."""
        self._models.model_registry.cache.entries[entry.model_name] = entry
        self._saved.set_registry_entry(entry)


def is_same_model(name: str, other: str) -> bool:
    """Whether two names mean the same model to Ollama."""
    return name == other or name_key(name) == name_key(other)
