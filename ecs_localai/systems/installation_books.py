"""The books of installation: what is shown, who asked for it, what waits in which order, what is at work."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Iterator
from datetime import datetime

import esper

from ecs_localai.components.hosts import ConnectionPool, OllamaAPIClient
from ecs_localai.components.installation import (
    DownloadRequest,
    InstallationPhase,
    ModelInstallation,
    ModelInstallationManager,
    ModelInstallationTask,
    ModelInstallRequest,
)
from ecs_localai.components.models import InstalledModel, LocalModelManager
from ecs_localai.ollama.names import name_key
from ecs_localai.runtime import Task, World
from ecs_localai.systems.installation_order import Fetch, Waiting
from ecs_localai.systems.installation_progress import InstallationRun
from ecs_localai.systems.kept_queue import KeptQueue
from ecs_localai.systems.queue_rows import moved, reordered
from ecs_localai.systems.saved_hosts import server_of

OF_INSTALLATION = (ModelInstallation, ModelInstallationTask, InstallationRun)
"""The components of an installation's entity."""


class InstallationBooks:
    """What is asked for, waits and runs. The manager's and the models' queues show what waits, in its order."""

    def __init__(
        self, world: World, manager: ModelInstallationManager, models: LocalModelManager, queue: KeptQueue
    ) -> None:
        self.world = world
        self.manager = manager
        self.models = models
        self.queue = queue
        self.hosts: dict[str, tuple[OllamaAPIClient, ConnectionPool]] = {}
        """How to speak to each host, by base URL."""
        self.shown: dict[str, tuple[int, ModelInstallation]] = {}
        """By installation id, each with its entity."""
        self.asked: dict[str, dict[int, ModelInstallRequest]] = {}
        """By installation id, then by who asked."""
        self.waiting: dict[str, DownloadRequest] = {}
        """By installation id; in no order."""
        self.digests: dict[str, frozenset[str] | None] = {}
        """The files that the host lacks, by installation id; None while they are asked for."""
        self.elsewhere: set[str] = set()
        """Those that another program is at work on, or that lack the room which its downloads will take."""
        self.lacking_room: set[str] = set()
        """Those that fit on their host's disk, but not beside what is being downloaded there."""
        self.patient: set[str] = set()
        """Those that wait for their host even if it was never there in this run: they were begun in another one."""
        self.spent: dict[str, float] = {}
        """Seconds that went into it before it was stopped for a while, in this program or in others."""
        self.announced: set[str] = set()
        """Those of which this program has told that they begin."""
        self.losses: dict[str, tuple[int, int]] = {}
        """How often in a row its host was lost without a new byte in between, and how many there were then."""

    # Looking

    def entity_of(self, installation: ModelInstallation) -> int | None:
        """The entity of an installation that is shown; None once somebody has deleted it.

        Its number alone does not tell: after `esper.clear_database` esper gives the same numbers to others.
        """
        entity, _ = self.shown.get(installation.installation_id, (0, installation))
        there = esper.entity_exists(entity) and esper.try_component(entity, ModelInstallation) is installation
        return entity if there else None

    def task_of(self, installation: ModelInstallation) -> Task[InstalledModel] | None:
        """Its background work; None where it has none, or has lost what belongs to it."""
        run = self.run_of(installation)
        return None if run is None else run[0].task

    def run_of(self, installation: ModelInstallation) -> tuple[ModelInstallationTask, InstallationRun] | None:
        """What belongs to it while it is at work."""
        entity = self.entity_of(installation)
        found = None if entity is None else esper.try_components(entity, ModelInstallationTask, InstallationRun)
        return None if found is None else (found[0], found[1])

    def seconds_of(self, installation: ModelInstallation) -> float:
        """How long it has been at work, pauses left out."""
        found = self.run_of(installation)
        now = 0.0 if found is None else clock.monotonic() - found[1].begun
        return self.spent.get(installation.installation_id, 0.0) + now

    def lost(self) -> list[ModelInstallation]:
        """The installations whose entity somebody has deleted."""
        return [installation for _, installation in self.shown.values() if self.entity_of(installation) is None]

    def same(self, model_name: str, host: str) -> ModelInstallation | None:
        """The installation of this model on this host that has not ended."""
        key = name_key(model_name)
        for other in self.manager.active_installations.values():
            if self.entity_of(other) is None:
                continue  # it is about to be ended, and its askers with it
            if other.host == host and name_key(other.model_name) == key:
                return other
        return None

    def order(self) -> list[str]:
        """The ids of those that wait, the next one first."""
        return sorted(self.waiting, key=self.queue.position)

    def at_work(self) -> Iterator[Fetch]:
        """What runs, and what was stopped and has not ended yet."""
        for key, installation in self.manager.active_installations.items():
            if key not in self.waiting:
                yield self.fetch_of(installation)

    def fetch_of(self, installation: ModelInstallation) -> Fetch:
        """What it brings to its host."""
        names = {name_key(installation.model_name)}
        if installation.recipe is not None and installation.recipe.source:
            names.add(name_key(installation.recipe.source))
        digests = self.digests.get(installation.installation_id, frozenset())
        return Fetch(installation.installation_id, installation.host, frozenset(names), digests)

    def all_waiting(self, is_away: Callable[[ModelInstallation], bool | None]) -> list[Waiting]:
        """Those that wait, the next one first. `is_away` tells whether one has to wait for its host, if it is known."""
        active = self.manager.active_installations
        busy = {server_of(one.host) for one in self.at_work()} if self.lacking_room else frozenset[str]()
        return [
            Waiting(
                self.fetch_of(active[key]),
                active[key].status.kind is InstallationPhase.PAUSED,
                active[key].not_before,
                is_away(active[key]),
                key in self.elsewhere,
                key in self.lacking_room and (key in self.elsewhere or server_of(active[key].host) in busy),
            )
            for key in self.order()
            if key in active
        ]

    # Changing

    def open(self, installation: ModelInstallation, asked: dict[int, ModelInstallRequest]) -> None:
        """Show it."""
        self.asked[installation.installation_id] = asked
        self.shown[installation.installation_id] = (self.world.spawn(installation), installation)

    def wait(self, installation: ModelInstallation, requested_at: datetime) -> None:
        """Put it among those that wait, at its place."""
        self.waiting[installation.installation_id] = DownloadRequest(
            installation.model_name,
            installation.installation_id,
            installation.host,
            installation.download_config,
            requested_at,
            installation.not_before,
            installation.status.kind is InstallationPhase.PAUSED,
            installation.recipe,
        )
        self.tell_queues()

    def stop_waiting(self, installation_id: str) -> None:
        """It begins, or has ended."""
        self.lacking_room.discard(installation_id)
        if self.waiting.pop(installation_id, None) is not None:
            self.tell_queues()

    def tell_queues(self) -> None:
        """Have the manager and the models say what waits."""
        order, active = self.order(), self.manager.active_installations
        for queue, items in (
            (self.manager.download_queue, [self.waiting[key] for key in order]),
            (self.models.installation_queue, [active[key] for key in order if key in active]),
        ):
            queue.clear()
            queue.extend(items)  # type: ignore[arg-type]  # each queue gets its own kind; mypy joins the two

    def try_elsewhere_again(self) -> None:
        """Other programs may have ended what stands in the way."""
        self.lacking_room -= self.elsewhere
        self.elsewhere.clear()

    def try_room_again(self, host: str) -> None:
        """One that may have held room on this host is not at work any more."""
        if not self.lacking_room:
            return
        active, server = self.manager.active_installations, server_of(host)
        again = {key for key in self.lacking_room if key not in active or server_of(active[key].host) == server}
        self.lacking_room -= again
        self.elsewhere -= again

    def rest(self, installation: ModelInstallation) -> None:
        """What was at work waits again, at the place that it had."""
        entity = self.entity_of(installation)
        if entity is not None:
            self.world.remove(entity, ModelInstallationTask, InstallationRun)
        installation.estimated_completion = None
        self.wait(installation, self.queue.requested_at(installation.installation_id))

    def move(self, installation_id: str, by: int) -> bool:
        """Have one of those that wait stand so many places later; whether that changed anything."""
        order = self.order()
        if installation_id not in order:
            return False
        positions = {key: self.queue.position(key) for key in order}
        changed = reordered(positions, moved(order, installation_id, by))
        for key, position in changed.items():
            self.queue.amend(key, position=position)
        self.tell_queues()
        return bool(changed)

    def forget_facts(self, installation_id: str) -> None:
        """It has ended: what was known of its way is of no use any more."""
        for facts in (self.digests, self.spent, self.losses):
            facts.pop(installation_id, None)
        for marks in (self.elsewhere, self.lacking_room, self.patient, self.announced):
            marks.discard(installation_id)


def still_asks(entity: int, installation: ModelInstallation) -> bool:
    """Whether the entity is there and its request is for this installation's model, not for another by now."""
    request = esper.try_component(entity, ModelInstallRequest) if esper.entity_exists(entity) else None
    return request is not None and name_key(request.model_name) == name_key(installation.model_name)


def drop_if_empty(world: World, entity: int) -> None:
    """Delete an entity that has nothing left: one that was nothing but a request has no further use."""
    if world.exists(entity) and not world.components(entity):
        world.despawn(entity)


def fetched_before(installation: ModelInstallation) -> dict[str, int]:
    """How much of each file had been fetched when it was at work last."""
    return {layer.digest: layer.downloaded for layer in installation.layers if layer.downloaded}


def known_fraction(installation: ModelInstallation) -> float | None:
    """How far it has come by its bytes; None before the first."""
    progress = installation.progress
    return progress.fraction if progress.bytes_downloaded else None
