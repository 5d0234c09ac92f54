"""Bringing a list of hosts from a file together with the list that is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from ecs_localai.components.codec import to_builtins
from ecs_localai.components.hosts import HostOrigin
from ecs_localai.systems.saved_hosts import SavedHost, name_key, server_of


class MergedHost(NamedTuple):
    """A host of the new list."""

    host: SavedHost
    former: SavedHost | None
    """What it was; None: it is new."""

    @property
    def is_different(self) -> bool:
        """Whether anything that is kept is another thing now, but for which host is the default."""
        return self.former is None or _kept(self.host) != _kept(self.former)


class LeftHost(NamedTuple):
    """A host of the file that was not taken over, because another one is the same server."""

    host: SavedHost
    other: str
    """The name of that one."""


class MergedHosts(NamedTuple):
    """The outcome."""

    hosts: list[MergedHost]
    """The new list in its order."""
    removed: list[SavedHost]
    left: list[LeftHost]


def merge_hosts(current: Sequence[SavedHost], wanted: Sequence[SavedHost], *, replace: bool) -> MergedHosts:
    """The list with the hosts of a file in it: one of the same name takes the other's place, the rest come behind.

    A server has one host: one that is there under another name stays as it is. With `replace` the list is that of the
    file instead, and a host of the same server under another name is renamed; hosts of this run alone stay. A file
    without hosts changes nothing. No host of the list is ever both removed and in the new list.
    """
    if not wanted:
        return MergedHosts([MergedHost(host, host) for host in current], [], [])
    merged = _replaced(current, wanted) if replace else _together(current, wanted)
    place = _default_place(merged.hosts, wanted)
    hosts = [
        MergedHost(msgspec.structs.replace(one.host, is_default=number == place), one.former)
        for number, one in enumerate(merged.hosts)
    ]
    return MergedHosts(hosts, merged.removed, merged.left)


def _default_place(hosts: Sequence[MergedHost], wanted: Sequence[SavedHost]) -> int:
    """Which host of the new list is the default: that of the file, else the one that was, else the first."""
    default = next((name_key(host.name) for host in wanted if host.is_default), None)
    for number, one in enumerate(hosts):
        if name_key(one.host.name) == default:
            return number
    for number, one in enumerate(hosts):
        if one.former is not None and one.former.is_default:
            return number
    return 0


def _together(current: Sequence[SavedHost], wanted: Sequence[SavedHost]) -> MergedHosts:
    by_name = {name_key(host.name): host for host in wanted}
    there = {name_key(host.name) for host in current}
    hosts = []
    for former in current:
        host = by_name.pop(name_key(former.name), None)
        hosts.append(MergedHost(former if host is None else _over(former, host), former))
    left = []
    while (clash := _clash(hosts)) is not None:  # each time one of them goes back to what it was
        number, other = clash
        former = hosts[number].former or hosts[number].host
        left.append(LeftHost(hosts[number].host, other))
        hosts[number] = MergedHost(former, former)
    new, left_of_new = _new_ones(hosts, [host for host in wanted if name_key(host.name) not in there])
    return MergedHosts([*hosts, *new], [], [*left, *left_of_new])


def _replaced(current: Sequence[SavedHost], wanted: Sequence[SavedHost]) -> MergedHosts:
    unique, left = _new_ones([], wanted)
    free = list(current)
    formers = {one.host.name: _taken(free, name_key(one.host.name), _name_key_of) for one in unique}
    hosts = []
    for one in unique:
        former = formers[one.host.name] or _taken(free, _server_of(one.host), _server_of)
        hosts.append(one if former is None else MergedHost(_over(former, one.host), former))
    servers = _servers(hosts)
    passing = (HostOrigin.ENVIRONMENT, HostOrigin.STARTED)
    stays = [host.origin in passing and _server_of(host) not in servers for host in free]
    removed = [host for host, stay in zip(free, stays, strict=True) if not stay]
    return MergedHosts(
        [*hosts, *(MergedHost(host, host) for host, stay in zip(free, stays, strict=True) if stay)], removed, left
    )


def _taken(free: list[SavedHost], wanted: str, what: Callable[[SavedHost], str]) -> SavedHost | None:
    """The first host of the list of which this is so, which is no longer in it then."""
    for number, host in enumerate(free):
        if what(host) == wanted:
            return free.pop(number)
    return None


def _name_key_of(host: SavedHost) -> str:
    return name_key(host.name)


def _server_of(host: SavedHost) -> str:
    return server_of(host.config.base_url)


def _new_ones(hosts: Iterable[MergedHost], wanted: Iterable[SavedHost]) -> tuple[list[MergedHost], list[LeftHost]]:
    """Those whose server is not there yet, and the others."""
    servers, new, left = _servers(hosts), [], []
    for host in wanted:
        server = _server_of(host)
        if server in servers:
            left.append(LeftHost(host, servers[server]))
        else:
            servers[server] = host.name
            new.append(MergedHost(host, None))
    return new, left


def _servers(hosts: Iterable[MergedHost]) -> dict[str, str]:
    """The names of hosts by their servers."""
    return {_server_of(one.host): one.host.name for one in hosts}


def _clash(hosts: Sequence[MergedHost]) -> tuple[int, str] | None:
    """A host that was given the server of another one: its number, and that one's name."""
    for number, one in enumerate(hosts):
        if one.former is not None and one.host.config.base_url != one.former.config.base_url:
            server = _server_of(one.host)
            for other_number, other in enumerate(hosts):
                if other_number != number and _server_of(other.host) == server:
                    return number, other.host.name
    return None


def _over(former: SavedHost, host: SavedHost) -> SavedHost:
    """What a file says of a host, with what it cannot say: secrets in memory, and the version seen last."""
    config, before = host.config, former.config
    changes: dict[str, object] = {}
    if to_builtins(config.authentication) == to_builtins(before.authentication):
        changes["authentication"] = before.authentication
    if config.base_url == before.base_url:
        changes["api_version"] = before.api_version
    return msgspec.structs.replace(host, config=msgspec.structs.replace(config, **changes))


def _kept(host: SavedHost) -> object:
    return to_builtins(msgspec.structs.replace(host, is_default=False))
