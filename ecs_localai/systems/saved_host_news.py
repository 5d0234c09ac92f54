"""The hosts that another process has added, changed and removed, in this world.

A host is its server, as installations and models are told apart by it: of the same server with another name it is the
same host, renamed. What is done here is in the file already and is not written again, or two programs that cannot agree
would answer each other for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ecs_localai.components.hosts import HostOrigin, OllamaAPIClient
from ecs_localai.runtime import World
from ecs_localai.systems.first_day import reset_hosts
from ecs_localai.systems.host_entries import HostListError, ListedHost, refuse_taken
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.host_of_this_run import is_same
from ecs_localai.systems.host_refusals import Known, apart
from ecs_localai.systems.saved_hosts import (
    OF_ONE_RUN,
    SavedHost,
    name_for,
    read_saved_hosts,
    server_of,
    tidy_name,
    unique_name,
    unreadable_texts,
)

if TYPE_CHECKING:
    from ecs_localai.store.state import StoredState


def follow_saved_hosts(before: StoredState, now: StoredState, world: World, hosts: OllamaHosts) -> None:
    """Each host that is different by itself: what a person does here at the same time to another one stays.

    What cannot be in the list together with the others is told, and stays in the file.
    """
    former, _ = read_saved_hosts(before.hosts, {})
    wanted, _ = read_saved_hosts(now.hosts, {})
    hosts.tell_of_file(unreadable_texts(before.hosts, {}), unreadable_texts(now.hosts, {}))
    if not wanted:
        if former and not now.hosts and not now.unreadable:  # somebody has had everything forgotten
            reset_hosts(world)
        return
    known = {host.name: host for host in apart(former)[0]}
    taken, left = apart(wanted)
    servers = {server_of(host.config.base_url) for host in wanted}
    changed = [host for host in taken if known.get(host.name) != host or host.name in hosts.left_out]
    with hosts.following():
        left |= _follow_all(changed, servers, world, hosts)
        gone = {server_of(host.config.base_url) for host in former} - servers
        for one in hosts.all() if not now.unreadable else ():  # a row that was spoiled was not removed
            if server_of(one.base_url) in gone:
                _remove(one, hosts)
        hosts.leave_out(left)
        hosts.put_in_order([host.name for host in wanted])


def _follow_all(changed: Iterable[SavedHost], servers: set[str], world: World, hosts: OllamaHosts) -> dict[str, str]:
    """Make the hosts of the list what these are, and add those that are not in it; returns why which ones cannot be."""
    left = {}
    found = [(host, _listed(host, servers, hosts)) for host in changed]
    names = {}
    for host, one in found:
        if one is not None and one.host.name != host.name:  # two may have changed names with each other
            names[one.entity], one.host.name = one.host.name, ""
    for host, one in found:
        try:
            entity = _add(host, hosts) if one is None else _become(one, host, world, hosts)
        except HostListError as error:  # the person here has given the name or the address to another host
            if one is None:
                left[host.name] = str(error)
            else:
                hosts.tell(f"{host.name} was changed elsewhere, but stays as it is here. {error}")
            continue
        if host.is_default:
            _make_default(entity, hosts)
    for _, one in found:
        if one is not None and not one.host.name:
            taken = [other.host.name for other in hosts.all()]
            one.host.name = unique_name(names[one.entity], taken)
    return left


def _listed(host: SavedHost, servers: set[str], hosts: OllamaHosts) -> ListedHost | None:
    """The host of the list that this is by now: that of its server, else that of its name with another address.

    One that is here for this run alone is no saved one.
    """
    server = server_of(host.config.base_url)
    same = next((one for one in hosts.all() if server_of(one.base_url) == server), None)
    if same is not None:
        return same
    named = hosts.named(host.name)
    if named is None or named.host.origin in OF_ONE_RUN or server_of(named.base_url) in servers:
        return None
    return named


def _add(host: SavedHost, hosts: OllamaHosts) -> int:
    return hosts.add(
        host.config,
        host.name,
        protocol=host.protocol,
        origin=host.origin,
        pool=host.pool,
        retry_policy=host.retry_policy,
    )


def _become(one: ListedHost, host: SavedHost, world: World, hosts: OllamaHosts) -> int:
    """Make a host what the file says that it is. What was given for this run stays.

    Raises:
        HostListError: the name or the address is another one's.
    """
    others, former = [other for other in hosts.all() if other.entity != one.entity], one.base_url
    name = tidy_name(host.name) or name_for(host.config, [other.host.name for other in others])
    refuse_taken(others, host.config.base_url, name, Known(name, host.config.base_url))
    one.host.name, one.host.origin = name, host.origin
    if one.manager.connection_pool != host.pool:
        one.manager.connection_pool = host.pool
        world.insert(one.entity, host.pool)
    if one.manager.api_client.retry_policy != host.retry_policy:
        one.manager.api_client = OllamaAPIClient.for_host(one.config, host.retry_policy)
        world.insert(one.entity, one.manager.api_client)
    config = hosts.this_run.configuration(one.entity, host.config)
    hosts.configure(one, None if is_same(config, one.config) else config, host.protocol)
    hosts.tell_followed(one, former)
    return one.entity


def _make_default(entity: int, hosts: OllamaHosts) -> None:
    """The host that was named for this run stays the default one in this run."""
    default = hosts.default
    hosts.default_to_save = entity
    if default is None or (default.entity != entity and not hosts.this_run.is_at(default.base_url)):
        hosts.set_default(entity)


def _remove(one: ListedHost, hosts: OllamaHosts) -> None:
    """The host that was named for this run stays in this run."""
    if hosts.this_run.is_at(one.base_url):
        one.host.origin = HostOrigin.ENVIRONMENT
    elif len(hosts.all()) > 1:
        hosts.remove(one.entity)
