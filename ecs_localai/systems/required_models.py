"""INSTALLATION_TRACKING: what entities require (`RequiresModel`), kept true beside it, and installed where it is to be.

An installation that was begun goes on when nobody requires its model any more: in games what requires one comes and
goes with each level. A person can stop it. What somebody stopped or deleted is not installed again by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import esper

from ecs_localai.components.events import (
    InstalledModelsChanged,
    ModelInstallationCompleted,
    RequiredModelLost,
    RequiredModelReady,
    UIUpdateEvent,
    UIUpdateKind,
)
from ecs_localai.components.installation import DownloadConfig, ModelInstallation, ModelInstallRequest
from ecs_localai.components.panel_intents import DismissRequested, InstallRequiredRequested
from ecs_localai.components.requirements import RequiredModel, RequirementPhase, RequiresModel
from ecs_localai.ollama.names import ModelName, name_key
from ecs_localai.runtime import App, Changes, EventReader, EventWriter, IoTaskPool, Query, Res, Time, World
from ecs_localai.systems.host_entries import ListedHost, no_such_host
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.installation_desk import is_local_registry, is_same_model
from ecs_localai.systems.model_sizes import ModelSizes
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.required_choice import (
    Circumstances,
    Need,
    Place,
    Standing,
    being_installed,
    ended,
    host_is_known,
    place_of,
    there_already,
    to_be_installed,
)

Key = tuple[object, ...]
_RELEVANT = frozenset({UIUpdateKind.HOST_CHANGED, UIUpdateKind.MODELS_CHANGED, UIUpdateKind.INSTALLATIONS_CHANGED})
"""After these a requirement may stand otherwise: whatever changes of these is told so."""


@dataclass(slots=True)
class Member:
    """An entity that requires a model."""

    requires: RequiresModel
    required: RequiredModel
    key: Key
    shown: RequiredModel | None = None
    """What was written into `required` last."""
    told: tuple[str, str] | None = None
    """The model and the base URL that were told as ready; None while nothing is."""


@dataclass(slots=True)
class Group:
    """All entities that require the same."""

    need: Need
    members: dict[int, Member] = field(default_factory=dict)
    outcome: RequiredModel | None = None
    installing: Place | None = None
    """What was being installed for it when it was looked at last."""
    is_asked: bool = False
    """Whether a person has asked for it, and that has not been dealt with."""


class RequirementBook:
    """Who requires what, and what was done about it. A resource."""

    def __init__(self, app: App, saved: SavedState) -> None:
        self.sizes = ModelSizes(app, saved)
        self.groups: dict[Key, Group] = {}
        self.members: dict[int, Member] = {}
        self.requests: dict[Place, tuple[int, ModelInstallRequest]] = {}
        """What was asked for and has not been answered, with its entities."""
        self.arrived: dict[Place, float] = {}
        """When installations ended whose models have not been seen on their hosts, in `Time.real_elapsed_seconds`."""
        self.left_alone: dict[Place, Standing] = {}
        self._touched = False
        self._lost = -1

    def touch(self, entity: int) -> None:
        """Our world has changed what an entity requires, or how that stands."""
        self._touched = True

    def has_changed(self, world: World) -> bool:
        """Whether entities may require something else than when `settle` was called."""
        structure = world.structure
        structure.look()
        if self._lost < 0:
            structure.watch((RequiresModel, RequiredModel), self.touch)
        return self._touched or structure.lost != self._lost

    def forget_work(self) -> None:
        """Nobody requires anything any more. What was begun goes on without us."""
        self.sizes.forget_looks()
        self.requests.clear()
        self.arrived.clear()

    def settle(self, world: World) -> None:
        """All has been looked at."""
        world.structure.look()
        self._lost, self._touched = world.structure.lost, False


def keep_required_models(
    world: World,
    entities: Query[RequiresModel],
    installations: Query[ModelInstallation],
    asked: EventReader[InstallRequiredRequested],
    updates: EventReader[UIUpdateEvent],
    models: EventReader[InstalledModelsChanged],
    completed: EventReader[ModelInstallationCompleted],
    hosts: Res[OllamaHosts],
    book: Res[RequirementBook],
    tasks: Res[IoTaskPool],
    time: Time,
    changes: Changes[RequiredModel],
    dismissals: EventWriter[DismissRequested],
    ready: EventWriter[RequiredModelReady],
    lost: EventWriter[RequiredModelLost],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Put a `RequiredModel` beside each `RequiresModel`, keep it true, tell what became of it, and install.

    While nobody requires anything, and while nothing changes, it does next to nothing.
    """
    _note_deletions(book, models.read())
    wishes, arrivals, news = asked.read(), completed.read(), updates.read()
    changed = book.has_changed(world) and _keep_members(world, book, entities)
    if book.members:
        book.arrived |= {(one.model.host, one.model.name.lower()): time.real_elapsed_seconds for one in arrivals}
        _note_wishes(book, wishes)
        is_due = book.sizes.is_due(time)
        is_news = tasks.arrived or is_due or bool(wishes) or any(update.kind in _RELEVANT for update in news)
        if changed or is_news or book.arrived:
            now = Circumstances(
                [installation for _, installation in installations],
                set(),
                book.left_alone,
                lambda name: book.sizes.of(name, time),
            )
            changed |= _look_at_all(world, book, hosts, now, dismissals)
            changed |= _tell(book, changes, ready, lost)
    elif changed:
        book.forget_work()
    if changed:
        ui.write(UIUpdateEvent(UIUpdateKind.REQUIREMENTS_CHANGED))
    book.settle(world)


def _key_of(requires: RequiresModel) -> Key:
    return (
        name_key(requires.model_name),
        tuple(map(name_key, requires.fallback)),
        requires.max_gb,
        requires.install,
        requires.host,
    )


def _keep_members(world: World, book: RequirementBook, entities: Query[RequiresModel]) -> bool:
    """Have a member for each entity that requires something, and its `RequiredModel` there. Whether any is another."""
    former = book.members
    members: dict[int, Member] = {}
    for entity, requires in entities:
        if not esper.entity_exists(entity):
            continue  # esper shows those whose deletion it has put off
        required = esper.try_component(entity, RequiredModel)
        member = former.get(entity)
        if member is None or member.requires is not requires or member.required is not required:
            if required is None:
                required = RequiredModel()
                world.insert(entity, required)
            member = Member(requires, required, _key_of(requires))
        members[entity] = member
    for entity, member in former.items():
        if entity not in members and esper.entity_exists(entity):
            there = esper.try_component(entity, RequiredModel)
            if there is member.required and esper.try_component(entity, RequiresModel) is None:
                world.remove(entity, RequiredModel)
    if len(members) == len(former) and all(former.get(entity) is member for entity, member in members.items()):
        return False
    book.members = members
    groups: dict[Key, Group] = {}
    for entity, member in members.items():
        group = groups.get(member.key)
        if group is None:
            before = book.groups.get(member.key)
            group = groups[member.key] = Group(Need.of(member.requires) if before is None else before.need)
        group.members[entity] = member
    for key, group in groups.items():
        before = book.groups.get(key)
        if before is not None:
            group.outcome, group.is_asked = before.outcome, before.is_asked
            if any(before.members.get(entity) is member for entity, member in group.members.items()):
                group.installing = before.installing
    book.groups = groups
    return True


def _note_deletions(book: RequirementBook, changes: Iterable[InstalledModelsChanged]) -> None:
    """What was deleted is not installed again by itself."""
    for change in changes:
        for name in change.removed:
            if name not in change.added:
                reason = f"{name} was deleted, so it is not installed again by itself."
                book.left_alone[change.host, name.lower()] = Standing(RequirementPhase.WAITING, reason)


def _note_wishes(book: RequirementBook, requests: Iterable[InstallRequiredRequested]) -> None:
    for request in requests:
        for group in book.groups.values():
            if not request.entities or not group.members.keys().isdisjoint(request.entities):
                group.is_asked = True


def _note_installations(book: RequirementBook, now: Circumstances, hosts: OllamaHosts) -> None:
    """What is on its way, and what has ended without a model and is left alone until somebody asks for it."""
    for place, (entity, request) in list(book.requests.items()):
        if not esper.entity_exists(entity) or esper.try_component(entity, ModelInstallRequest) is not request:
            del book.requests[place]
    listed = {one.base_url: one for one in hosts.all()} if book.arrived else {}
    for place, moment in list(book.arrived.items()):
        host = listed.get(place[0])
        if host is None or not host.health.is_healthy or (host.link.sync is None and host.link.look_began >= moment):
            del book.arrived[place]  # looked for since, or nobody can tell
    now.on_their_way.update(book.requests, book.arrived)
    for installation in now.installations:
        standing = ended(installation)
        if standing is not None or not installation.status.is_finished:
            for group in book.groups.values():
                for name in group.need.names:
                    if is_same_model(name.short, installation.model_name):
                        place = installation.host, name.short.lower()
                        if standing is None:
                            book.left_alone.pop(place, None)
                        else:
                            book.left_alone[place] = standing


def _look_at_all(
    world: World,
    book: RequirementBook,
    hosts: OllamaHosts,
    now: Circumstances,
    dismissals: EventWriter[DismissRequested],
) -> bool:
    """Find out how each requirement stands, and begin what is to be installed. Whether any stands otherwise."""
    _note_installations(book, now, hosts)
    differs = False
    for group in book.groups.values():
        outcome, wanted = _look_at(group, hosts, book, now)
        one = hosts.find(group.need.requires.host) if wanted is not None else None
        if one is not None and wanted is not None:
            _install(world, book, one, wanted, now, dismissals)
        if outcome != group.outcome:
            group.outcome = outcome
            differs = True
    return differs


def _look_at(
    group: Group, hosts: OllamaHosts, book: RequirementBook, now: Circumstances
) -> tuple[RequiredModel, ModelName | None]:
    """How a requirement stands, and what is to be installed for it."""
    need = group.need
    was_installing, group.installing = group.installing, None
    if not need.names:
        group.is_asked = False
        return RequiredModel(RequirementPhase.FAILED, reason=" ".join(need.refusals)), None
    one = hosts.find(need.requires.host)
    if one is None:
        reason = no_such_host(need.requires.host, [other.host.name for other in hosts.all()])
        return RequiredModel(RequirementPhase.WAITING, reason=reason), None
    unknown = host_is_known(one)
    if unknown is not None:
        return unknown, None
    there = there_already(need, one)
    if there is not None:
        group.is_asked = False
        for place in [place_of(one, name) for name in need.names]:
            book.arrived.pop(place, None)
        book.left_alone.pop((one.base_url, there.model_name.lower()), None)
        return there, None
    coming = being_installed(need, one, now)
    if coming is not None:
        group.is_asked = False
        group.installing = one.base_url, coming.model_name.lower()
        return coming, None
    if was_installing is not None and was_installing not in book.left_alone:
        reason = "Its installation was taken away, so it is not begun again by itself."
        book.left_alone[was_installing] = Standing(RequirementPhase.WAITING, reason)
    outcome, wanted = to_be_installed(need, one, now, is_asked=group.is_asked)
    if wanted is not None or outcome.phase is RequirementPhase.FAILED:
        group.is_asked = False
    return outcome, wanted


def _install(
    world: World,
    book: RequirementBook,
    one: ListedHost,
    name: ModelName,
    now: Circumstances,
    dismissals: EventWriter[DismissRequested],
) -> None:
    """Ask for a model by a request on an entity of its own, and take what failed before off the list."""
    place = place_of(one, name)
    book.left_alone.pop(place, None)
    for installation in now.installations:
        if installation.host == one.base_url and is_same_model(installation.model_name, name.short):
            dismissals.write(DismissRequested(installation.installation_id))
    config = DownloadConfig(insecure=is_local_registry(name.host))
    request = ModelInstallRequest(name.short, config, one.base_url)
    book.requests[place] = world.spawn(request), request
    now.on_their_way.add(place)


def _tell(
    book: RequirementBook,
    changes: Changes[RequiredModel],
    ready: EventWriter[RequiredModelReady],
    lost: EventWriter[RequiredModelLost],
) -> bool:
    """Write into each entity's `RequiredModel` how it stands, and tell what is ready or lost. Whether any differed."""
    differed = False
    for group in book.groups.values():
        outcome = group.outcome
        if outcome is None:
            continue
        now = (outcome.model_name, outcome.host) if outcome.is_ready else None
        for entity, member in group.members.items():
            if member.shown is outcome:
                continue
            member.shown = outcome
            differed |= changes.set_if_neq(entity, outcome)
            if now is not None and member.told != now:
                ready.write(RequiredModelReady(entity, *now))
            elif now is None and member.told is not None:
                lost.write(RequiredModelLost(entity, *member.told, outcome.reason))
            member.told = now
    return differed
