"""Compares installed models with their registries when somebody asks, and has them updated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ecs_localai.components.events import (
    HostAdded,
    HostChanged,
    HostRemoved,
    ModelInstallationCompleted,
    UIUpdateEvent,
    UIUpdateKind,
    UpdatesChecked,
)
from ecs_localai.components.hosts import HostProtocol, OllamaHostManager
from ecs_localai.components.installation import DownloadConfig, ModelInstallRequest
from ecs_localai.components.models import InstalledModel, LocalModelManager, ModelRegistry
from ecs_localai.components.panel_intents import CheckUpdatesRequested, UpdateModelsRequested
from ecs_localai.components.registry import RegistryEntry
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.updates import HostUpdates, ModelUpdate, UpdateState
from ecs_localai.ollama.errors import InvalidModelName, OllamaError
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.ollama.plain_http import is_by_plain_http
from ecs_localai.runtime import App, Commands, EventReader, EventWriter, IoTaskPool, Res, Task
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.host_entries import HostListError, ListedHost
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.installation_desk import InstallationDesk
from ecs_localai.systems.kept_updates import merged_updates
from ecs_localai.systems.links import settle
from ecs_localai.systems.model_life import listed_name
from ecs_localai.systems.newer_wish import take_newer_wish
from ecs_localai.systems.persistence import SavedState

if TYPE_CHECKING:
    from ecs_localai.ollama.registry_look import RegistryLook

UPDATABLE = (UpdateState.OUTDATED, UpdateState.POSSIBLY)


class UpdateDesk:
    """The comparisons that are under way, and what they remember. A resource."""

    def __init__(self, app: App, saved: SavedState) -> None:
        self._world = app.world
        self._registry: ModelRegistry = app.world.resource(LocalModelManager).model_registry
        self._saved = saved
        self.checks: dict[int, tuple[str, Task[list[ModelUpdate]]]] = {}
        """By the host's entity: its base URL, and the work."""

    def begin(self, hosts: list[ListedHost], tasks: IoTaskPool, clients: HostClients) -> None:
        """Compare the models of these hosts. What they ask of the same registry is asked once."""
        from ecs_localai.ollama.registry_look import RegistryLook

        look = RegistryLook(is_by_plain_http)
        for one in hosts:
            if one.entity not in self.checks:
                work = tasks.spawn(self._check(clients, one.manager, look), f"updates of {one.base_url}")
                self.checks[one.entity] = one.base_url, work
                self.of(one.entity).is_checking = True

    def of(self, entity: int) -> HostUpdates:
        """What is known of a host; nothing at first."""
        updates = self._world.get(entity, HostUpdates)
        if updates is None:
            updates = HostUpdates()
            self._world.insert(entity, updates)
        return updates

    def recall(self, entity: int, base_url: str) -> None:
        """Put onto a host what is kept of an earlier look at it."""
        kept = self._saved.host_updates(base_url)
        if kept is not None:
            self._world.insert(entity, kept)
        elif self._world.get(entity, HostUpdates) is not None:
            self._world.insert(entity, HostUpdates())

    def forget(self, base_url: str) -> None:
        """Keep nothing of a host that is not in the list any more."""
        self._saved.set_host_updates(base_url, None)

    async def keep(self, base_url: str, updates: HostUpdates) -> None:
        """Keep what is known by now. In the background: encoding it takes too long for a frame."""
        self._saved.set_host_updates(base_url, updates)

    async def _check(self, clients: HostClients, manager: OllamaHostManager, look: RegistryLook) -> list[ModelUpdate]:
        found = await self._compare(clients, manager, look)
        base_url = manager.host_config.base_url
        await self.keep(base_url, merged_updates(self._saved.host_updates(base_url), found, utc_now()))
        return found

    async def _compare(self, clients: HostClients, manager: OllamaHostManager, look: RegistryLook) -> list[ModelUpdate]:
        from ecs_localai.ollama.local_models import models_folder
        from ecs_localai.ollama.updates import check_updates

        async with clients.in_use(manager.api_client, manager.connection_pool):
            client = await clients.get(manager)
            return await check_updates(
                client,
                look,
                await models_folder(client),
                installed_from=self._registry.manifests_by_digest,
                remember=self._remember,
                recognise=self.recognise,
            )

    def _remember(self, entry: RegistryEntry) -> None:
        """Keep what a registry says of a model. In the background: one assignment, and a change that is posted."""
        self._registry.cache.entries[entry.model_name] = entry
        self._saved.set_registry_entry(entry)

    def recognise(self, entry: RegistryEntry) -> None:
        """Keep what the model that a host lists by the entry's digest consists of. May be called in the background."""
        if entry.digest not in self._registry.manifests_by_digest:
            self._registry.manifests_by_digest[entry.digest] = entry
            self._saved.set_installed_manifest(entry)

    def learn(self, model: InstalledModel) -> None:
        """A model was installed: it consists of what its registry has just said, if that adds up to its size."""
        entry = self._last_told(parse_model_name(model.name).short)
        if entry is not None and sum(layer.size for layer in entry.layers) == model.size:
            self.recognise(msgspec.structs.replace(entry, digest=model.digest, facts=None))

    def _last_told(self, name: str) -> RegistryEntry | None:
        """What a registry said last of a model of this name, however it was spelled when it was asked for.

        Ollama keeps the spelling that a name was first given on it (0.9.3), so that a host may list another one.
        """
        wanted = name.lower()
        entries = list(self._registry.cache.entries.values())  # the background puts new ones in
        same = (entry for entry in entries if entry.model_name.lower() == wanted)
        return max(same, key=lambda entry: entry.fetched_at, default=None)


def recall_updates(
    added: EventReader[HostAdded],
    changed: EventReader[HostChanged],
    removed: EventReader[HostRemoved],
    listed: Res[OllamaHosts],
    desk: Res[UpdateDesk],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Recall of each host that comes into the list, or has another address, what was found out when it was last asked
    for."""
    for removal in removed.read():
        if listed.find(removal.host) is None:
            desk.forget(removal.host)
    moved = [change.host for change in changed.read() if change.former_host not in ("", change.host)]
    for base_url in [*(addition.host for addition in added.read()), *moved]:
        one = listed.find(base_url)
        if one is not None:
            desk.recall(one.entity, base_url)
            ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))


def check_model_updates(
    requests: EventReader[CheckUpdatesRequested],
    listed: Res[OllamaHosts],
    desk: Res[UpdateDesk],
    tasks: Res[IoTaskPool],
    clients: Res[HostClients],
    checked: EventWriter[UpdatesChecked],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Begin in the background to compare what somebody asked to compare, and take in what was found out.

    Of all hosts those are compared that are there; one that is named is asked in any case.
    """
    for request in requests.read():
        try:
            hosts = [listed.require_ollama(request.host)] if request.host else _able(listed)
        except HostListError as error:
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=str(error)))
            continue
        if not hosts:
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text="No host is connected; look for updates when one is."))
        desk.begin(hosts, tasks, clients)
        ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
    if not tasks.arrived:
        return
    hosts_by_entity = {one.entity: one for one in listed.all()} if desk.checks else {}
    for entity in [entity for entity, (_, work) in desk.checks.items() if work.is_finished()]:
        base_url, work = desk.checks.pop(entity)
        found = settle(work)
        one = hosts_by_entity.get(entity)
        if one is None:
            continue  # it was removed meanwhile
        if one.base_url != base_url:  # it is another host now
            desk.of(entity).is_checking = False
            ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
            continue
        _take_in(one, desk.of(entity), found, checked, ui)
        ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))


def _able(listed: OllamaHosts) -> list[ListedHost]:
    return [one for one in listed.all() if one.host.protocol is HostProtocol.OLLAMA and one.health.is_healthy]


def _take_in(
    one: ListedHost,
    updates: HostUpdates,
    found: list[ModelUpdate] | OllamaError | None,
    checked: EventWriter[UpdatesChecked],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    updates.is_checking = False
    if not isinstance(found, list):
        if found is not None:
            text = f"The models of {one.host.name} could not be compared with their registries: {found.message}"
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=text))
        return
    updates.by_name = {update.model_name: update for update in found}
    updates.checked_at = utc_now()
    checked.write(UpdatesChecked(one.base_url, found))


def forget_stale_updates(
    completed: EventReader[ModelInstallationCompleted],
    listed: Res[OllamaHosts],
    desk: Res[UpdateDesk],
    tasks: Res[IoTaskPool],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """What was just installed is what its registry has: also where the host lists it by the same digest as before.

    In the frame in which it is there: a program that installs one model may end with that.
    """
    for one in completed.read():
        desk.learn(one.model)
        host = listed.find(one.model.host)
        updates = None if host is None else desk.of(host.entity)
        before = None if updates is None else updates.by_name.get(one.model.name)
        if updates is None or before is None or before.state not in UPDATABLE:
            continue
        current = ModelUpdate(one.model.name, UpdateState.CURRENT, one.model.digest, utc_now())
        updates.by_name[one.model.name] = current
        known = HostUpdates(dict(updates.by_name), checked_at=updates.checked_at)
        tasks.spawn(desk.keep(one.model.host, known), f"keep what is known of {one.model.host}").detach()
        ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))


def update_models(
    requests: EventReader[UpdateModelsRequested],
    listed: Res[OllamaHosts],
    desk: Res[UpdateDesk],
    queue: Res[InstallationDesk],
    commands: Commands,
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Have models installed anew from their registries; without names those that are known to be outdated.

    One that was made on its host, or may have been, is not replaced by what its registry has under its name.

    Before anything is replaced the manifest is read: from what is no registry nothing is pulled, because Ollama 0.9.3
    takes ``200 {}`` for a model without files and deletes the one that is there.
    """
    for request in requests.read():
        try:
            if request.model_names:
                one = listed.require_ollama(request.host)
                names = [listed_name(one.models, parse_model_name(name)) for name in request.model_names]
                wanted = [(name, one) for name in names if not _refuses(name, one, desk, ui)]
            else:
                hosts = [listed.require_ollama(request.host)] if request.host else _able(listed)
                wanted = [(name, one) for one in hosts for name in outdated_names(one.models.installed, desk, one)]
            for name, one in wanted:
                config = DownloadConfig(insecure=is_by_plain_http(parse_model_name(name)))
                take_newer_wish(queue, listed, one, name, None, ui)
                commands.spawn(ModelInstallRequest(name, config, one.base_url))
        except (HostListError, InvalidModelName) as error:
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=str(error)))
            continue
        if not wanted and not request.model_names:
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text="No model is known to be outdated; look for updates."))


def _refuses(name: str, one: ListedHost, desk: UpdateDesk, ui: EventWriter[UIUpdateEvent]) -> bool:
    """Whether a model is left alone because it is not, or may not be, its registry's; that is said."""
    update = desk.of(one.entity).by_name.get(name)
    if update is None or not holds(update, one.models.installed.get(name)):
        return False
    if update.state is not UpdateState.LOCAL and not update.may_be_another:
        return False
    text = f"{name} was not updated: {update.reason} If that is wanted, install it by its name."
    ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=text))
    return True


def outdated_names(installed: dict[str, InstalledModel], desk: UpdateDesk, one: ListedHost) -> list[str]:
    """The models of a host that surely have a newer version, in the order of their names."""
    return sorted(
        name
        for name, update in desk.of(one.entity).by_name.items()
        if update.state is UpdateState.OUTDATED and holds(update, installed.get(name))
    )


def holds(update: ModelUpdate | None, model: InstalledModel | None) -> bool:
    """Whether what was found out is about the model that is installed now."""
    return update is not None and model is not None and update.digest == model.digest
