"""HOST_CONNECTION: every host's entity has all that a host has, whoever spawned it, changed it or took it away."""

from __future__ import annotations

from collections.abc import Iterable

import esper

from ecs_localai.components.events import (
    InstalledModelsChanged,
    LoadedModelsChanged,
    ModelActionFailed,
    ModelDeleteFailed,
    OllamaConnectionStatusChanged,
)
from ecs_localai.components.hosts import (
    ConnectionPool,
    DefaultHost,
    HostHealthMonitor,
    OllamaAPIClient,
    OllamaConfiguration,
    OllamaHost,
    OllamaHostManager,
)
from ecs_localai.components.models import HostModels, LocalModelManager
from ecs_localai.runtime import EventWriter, IoTaskPool, Query, Res, World
from ecs_localai.systems.host_clients import HostClients, HostKey
from ecs_localai.systems.host_entries import ListedHost
from ecs_localai.systems.host_following import Followed, HostFollowing, wanted_configuration
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.host_refusals import Known, Refusal, why_taken
from ecs_localai.systems.installation_desk import drop_if_empty
from ecs_localai.systems.links import HostLink, HostLinks
from ecs_localai.systems.saved_hosts import name_for, server_of, unique_name

HOST_COMPONENTS = (
    OllamaHost,
    OllamaConfiguration,
    ConnectionPool,
    HostHealthMonitor,
    OllamaAPIClient,
    OllamaHostManager,
    HostModels,
    HostLink,
)
"""What every host's entity has."""


class KnownHosts:
    """The hosts as they were seen last, to notice what a host program has done to them. A resource."""

    __slots__ = ("by_entity", "default", "default_url", "keys", "lost", "touched", "twins")

    def __init__(self) -> None:
        self.by_entity: dict[int, tuple[ListedHost, str]] = {}
        """With their base URLs."""
        self.keys: frozenset[HostKey] = frozenset()
        """What the hosts' clients are made of."""
        self.default: int | None = None
        self.default_url = ""
        self.twins: frozenset[int] = frozenset()
        """The entities of hosts whose server another one has, too."""
        self.touched = True
        """Whether our world has changed a component of a host since."""
        self.lost = -1
        """`Structure.lost`: how often somebody else had changed the world."""

    def touch(self, entity: int) -> None:
        """Our world has changed a component of a host."""
        self.touched = True


def keep_hosts(
    world: World,
    managers: Query[OllamaHostManager],
    linked: Query[OllamaHostManager, HostLink],
    configs: Query[OllamaConfiguration],
    links_there: Query[HostLink],
    known: Res[KnownHosts],
    hosts: Res[OllamaHosts],
    links: Res[HostLinks],
    clients: Res[HostClients],
    tasks: Res[IoTaskPool],
    models: Res[LocalModelManager],
    connections: EventWriter[OllamaConnectionStatusChanged],
    installed: EventWriter[InstalledModelsChanged],
    loaded: EventWriter[LoadedModelsChanged],
    failed: EventWriter[ModelDeleteFailed],
    work_failed: EventWriter[ModelActionFailed],
) -> None:
    """Complete the hosts that a program spawned, follow what it changed, and notice which are gone.

    To spawn an `OllamaConfiguration` is to add a host, to replace it is to change one, to delete the entity is to
    remove it. When all are gone at once, as after `esper.clear_database`, that was no removal: they are made again.
    """
    structure = world.structure
    structure.look()
    if known.lost < 0:
        structure.watch((*HOST_COMPONENTS, DefaultHost), known.touch)
    if (
        not known.touched
        and structure.lost == known.lost
        and all(manager.host_config is link.config for _, (manager, link) in linked)
    ):
        return
    there = dict.fromkeys(entity for query in (managers, configs) for entity, _ in query if esper.entity_exists(entity))
    if not there:
        _make_again(known, hosts)
    else:
        _complete_all(world, there, hosts, links, known)
    for entity in [entity for entity, _ in links_there if not esper.has_component(entity, OllamaHostManager)]:
        _take_off(world, entity)
    listed = hosts.all()
    if _drop_loaded_twins(world, listed):
        listed = hosts.all()
    _name_apart(listed)
    _refuse_servers_of_others(world, listed, hosts)
    links.end_others([one.link for one in listed])
    _one_default(world, [one.entity for one in listed], known)
    following = HostFollowing(world, connections, installed, loaded, failed, work_failed)
    for one in listed:
        followed = following.follow(one)
        if followed is Followed.UNTOLD:
            before = known.by_entity.get(one.entity)
            hosts.tell_followed(one, before[1] if before else one.base_url)
        elif followed is Followed.TOLD:
            hosts.show()
    _tell_of_others(listed, known, hosts, following)
    _tell_of_twins(listed, known, hosts)
    _close_former(listed, known, clients, tasks)
    _take_default(listed, known, hosts, models)
    structure.look()
    known.lost, known.touched = structure.lost, False


def _make_again(known: KnownHosts, hosts: OllamaHosts) -> None:
    """All hosts are gone: make those that were there before."""
    former = [one for one, _ in known.by_entity.values()]
    known.by_entity.clear()
    if former:
        hosts.make_again(former)
        for one in former:
            same = hosts.find(one.base_url)
            if same is not None:
                same.link.take_over(one.link)
    else:
        hosts.begin_with(*hosts.begun)  # there has not even been a frame
    hosts.show()


def _complete_all(world: World, there: Iterable[int], hosts: OllamaHosts, links: HostLinks, known: KnownHosts) -> None:
    """Give the entities that look like hosts what they lack of one."""
    lacking = [entity for entity in there if not esper.has_components(entity, *HOST_COMPONENTS)]
    if not lacking:
        return
    named = {one.entity: one.host for one in hosts.all()}
    for entity in lacking:
        host = esper.try_component(entity, OllamaHost)
        if host is not None:
            named[entity] = host
    position = max((host.position for host in named.values()), default=-1)
    names = [host.name for host in named.values()]
    for entity in lacking:
        before = known.by_entity.get(entity)
        manager, config = _manager_for(entity)
        link = esper.try_component(entity, HostLink)
        if link is None:
            link = links.make()
            link.is_guests = before is None
            link.config = config or manager.host_config
        elif config is None:
            link.config = manager.host_config
        host = esper.try_component(entity, OllamaHost)
        if host is None:
            name = before[0].host.name if before is not None else name_for(manager.host_config)
            position += 1
            host = OllamaHost(unique_name(name, names), position)
            names.append(host.name)
        world.insert(
            entity,
            host,
            config or manager.host_config,
            manager.connection_pool,
            manager.health_monitor,
            manager.api_client,
            manager,
            esper.try_component(entity, HostModels) or HostModels(),
            link,
        )


def _manager_for(entity: int) -> tuple[OllamaHostManager, OllamaConfiguration | None]:
    """An entity's manager, made of what there is where it has none, and its configuration."""
    config = esper.try_component(entity, OllamaConfiguration)
    manager = esper.try_component(entity, OllamaHostManager)
    if manager is None:
        config = config or OllamaConfiguration()
        manager = OllamaHostManager(
            config,
            esper.try_component(entity, ConnectionPool) or ConnectionPool(),
            esper.try_component(entity, HostHealthMonitor) or HostHealthMonitor(),
            esper.try_component(entity, OllamaAPIClient) or OllamaAPIClient.for_host(config),
        )
    return manager, config


def _take_off(world: World, entity: int) -> None:
    """Take what is ours off an entity that is no host any more."""
    world.remove(entity, *HOST_COMPONENTS, DefaultHost)
    drop_if_empty(world, entity)


def _drop_loaded_twins(world: World, listed: list[ListedHost]) -> bool:
    """What is loaded from a file comes to what is there: a host that is in the list already does not come twice.

    Returns whether any has been taken off the list.
    """
    if all(one.link.config is not None for one in listed):
        return False
    dropped = False
    there = {server_of(one.base_url): one for one in listed if one.link.config is not None}
    for one in listed:
        if one.link.config is None:
            twin = there.setdefault(server_of(one.base_url), one)
            if twin is not one:
                if one.is_default:
                    world.insert(twin.entity, DefaultHost())
                _take_off(world, one.entity)
                dropped = True
    return dropped


def _name_apart(listed: list[ListedHost]) -> None:
    """A host is found by its name, so that no two have the same, also where a program has named them."""
    names: set[str] = set()
    for one in listed:
        folded = one.host.name.casefold()
        if not folded.strip() or folded in names:
            one.host.name = unique_name(one.host.name.strip() or name_for(one.config), names)
            folded = one.host.name.casefold()
        names.add(folded)


def _refuse_servers_of_others(world: World, listed: list[ListedHost], hosts: OllamaHosts) -> None:
    """A host to which a program gives the server of another one keeps its own: models and installations are told apart
    by their server, so that two hosts would have the same ones."""
    moving = [
        one
        for one in listed
        if one.link.config is not None
        and server_of(wanted_configuration(one).base_url) != server_of(one.link.config.base_url)
    ]
    while moving:
        refused = next(
            ((one, refusal) for one in reversed(moving) if (refusal := _refusal_beside(one, listed)) is not None), None
        )
        if refused is None:
            return
        one, refusal = refused
        moving.remove(one)
        former, manager = one.link.config, one.manager
        if former is not None:
            manager.host_config = former  # which may be where another one was to go: that one is looked at again
            manager.api_client = OllamaAPIClient.for_host(former, manager.api_client.retry_policy)
            world.insert(one.entity, former, manager.api_client)
            hosts.tell(f"{one.host.name} stays at {former.base_url}. {refusal.text}")


def _refusal_beside(one: ListedHost, listed: list[ListedHost]) -> Refusal | None:
    """Why a host cannot be what a program wants it to be, beside what the others are to be; None: it can."""
    others = [
        Known(other.host.name, wanted_configuration(other).base_url) for other in listed if other.entity != one.entity
    ]
    return why_taken(others, wanted_configuration(one).base_url, "")


def _tell_of_twins(listed: list[ListedHost], known: KnownHosts, hosts: OllamaHosts) -> None:
    """Tell which hosts a program has added for a server that another one has."""
    first: dict[str, ListedHost] = {}
    twins = {one.entity: one for one in listed if first.setdefault(server_of(one.base_url), one) is not one}
    for entity in twins.keys() - known.twins:
        one, other = twins[entity], first[server_of(twins[entity].base_url)]
        refusal = why_taken([Known(other.host.name, other.base_url)], one.base_url, "")
        if refusal is not None:
            hosts.tell(f"{refusal.text} {one.host.name} is a second host for it, added by a program; it is not saved.")
    known.twins = frozenset(twins)


def _one_default(world: World, entities: list[int], known: KnownHosts) -> None:
    """Exactly one host is the default: of several the newest choice, of none the first in the list."""
    marked = [entity for entity in entities if esper.has_component(entity, DefaultHost)]
    if len(marked) == 1 or not entities:
        return
    others = [entity for entity in marked if entity != known.default]
    chosen = others[-1] if others else entities[0]
    for entity in marked:
        if entity != chosen:
            world.remove(entity, DefaultHost)
    if chosen not in marked:
        world.insert(chosen, DefaultHost())


def _tell_of_others(listed: list[ListedHost], known: KnownHosts, hosts: OllamaHosts, following: HostFollowing) -> None:
    """Tell which hosts have come and gone since they were seen last.

    One that was deleted and has come back as another entity, as when a saved world is loaded, has done neither.
    """
    now = {one.entity: one for one in listed}
    urls = {one.base_url for one in listed}
    stayed, former = set[int](), set[str]()
    changed = False
    for entity, (one, base_url) in known.by_entity.items():
        same = now.get(entity)
        if same is not None and (same.link is one.link or same.manager is one.manager):
            stayed.add(entity)
            if same.link is not one.link:  # a program has taken it off
                same.link.take_over(one.link)
            continue
        changed = True
        former.add(base_url)
        hosts.told.discard(entity)
        if base_url not in urls:
            following.end_model_work(one, base_url)
            hosts.tell_removed(base_url, one.host.name)
        else:
            next(other for other in listed if other.base_url == base_url).link.take_over(one.link)
    for one in listed:
        if one.entity not in stayed and one.entity not in hosts.told:
            changed = True
            if one.base_url in former:
                hosts.told.add(one.entity)
            else:
                hosts.tell_added(one.entity, one.base_url, one.host.name)
    known.by_entity = {one.entity: (one, one.base_url) for one in listed}
    if changed:
        hosts.keep_changes()


def _close_former(listed: list[ListedHost], known: KnownHosts, clients: HostClients, tasks: IoTaskPool) -> None:
    """Close the connections that were made with settings that no host has any more."""
    keys = frozenset((one.manager.api_client, one.manager.connection_pool) for one in listed)
    for api, pool in known.keys - keys:
        work = clients.drop(api, pool, for_good=True)
        tasks.spawn(work, f"close the connections to {api.base_url}").detach()
    known.keys = keys


def _take_default(listed: list[ListedHost], known: KnownHosts, hosts: OllamaHosts, models: LocalModelManager) -> None:
    """Have `LocalModelManager` hold what is the default host's, and tell where that is another one by now."""
    default = next((one for one in listed if esper.has_component(one.entity, DefaultHost)), None)
    if default is None:
        return
    if models.installed_models is not default.models.installed or models.loaded_models is not default.models.loaded:
        models.installed_models, models.loaded_models = default.models.installed, default.models.loaded
        hosts.show()
    models.ollama_config = default.config
    is_other = known.default is not None and default.entity != known.default and default.base_url != known.default_url
    if is_other and hosts.told_default != default.entity:
        hosts.tell_default(default)
    known.default, known.default_url = default.entity, default.base_url
    hosts.told_default = default.entity
