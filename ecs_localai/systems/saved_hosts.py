"""The list of hosts as it is kept across starts: everything but the secrets."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import msgspec

from ecs_localai.components.codec import DecodeError, decode, to_builtins
from ecs_localai.components.hosts import (
    ConnectionPool,
    HostOrigin,
    HostProtocol,
    OllamaConfiguration,
    RetryPolicy,
)
from ecs_localai.ollama.address import HostAddress, parse_host
from ecs_localai.ollama.errors import InvalidHost

if TYPE_CHECKING:
    from ecs_localai.store.state import JsonValue

FORMER_SETTING = "host"
"""The setting that held the only host's address before there were several."""

MOST_SENTENCES = 2
"""About so many hosts of a file that are left out there is a sentence each; about more, one for all."""

OF_ONE_RUN = frozenset({HostOrigin.ENVIRONMENT, HostOrigin.STARTED})
"""Hosts that came to be so are not kept, unless somebody changes them."""


class SavedHost(msgspec.Struct, frozen=True):
    """One host of the list. What `config` holds of an authentication says where its secret is, never the secret."""

    name: str
    config: OllamaConfiguration
    protocol: HostProtocol = HostProtocol.OLLAMA
    origin: HostOrigin = HostOrigin.ADDED
    is_default: bool = False
    pool: ConnectionPool = ConnectionPool()
    retry_policy: RetryPolicy = RetryPolicy()


def configuration_of(address: HostAddress, settings: OllamaConfiguration | None = None) -> OllamaConfiguration:
    """An address that a person gave, as a configuration; all that is no address is taken from `settings`."""
    changes: dict[str, object] = {
        "host": address.host,
        "port": address.port,
        "tls_enabled": address.scheme == "https",
        "base_path": address.base_path,
    }
    return msgspec.structs.replace(OllamaConfiguration() if settings is None else settings, **changes)


@lru_cache(maxsize=1024)
def server_of(base_url: str) -> str:
    """What the addresses of one server have in common; see `HostAddress.same_host`."""
    try:
        address = parse_host(base_url)
    except InvalidHost:
        return base_url  # a program's own configuration, which no person has typed
    return dataclasses.replace(address, host=address.same_host).base_url


def tidy_name(name: str) -> str:
    """A name as it is kept: in one line, with single spaces."""
    return " ".join(name.split())


def name_key(name: str) -> str:
    """What the names of one host have in common, however it is written."""
    return tidy_name(name).casefold()


def name_for(config: OllamaConfiguration, taken: Iterable[str] = ()) -> str:
    """A name for a host that was given none: its address, and a number where that is taken."""
    return unique_name(made_name(config.base_url), taken)


def made_name(base_url: str) -> str:
    """What a host at this address is called that was given no name."""
    try:
        address = parse_host(base_url)
    except InvalidHost:
        return base_url  # as above
    name = "This computer" if address.is_loopback and address.port == 11434 and not address.base_path else ""
    return name or address.display.removeprefix("https://")


def unique_name(name: str, taken: Iterable[str]) -> str:
    """The name, with a number after it where another host is called so."""
    lowered = {other.casefold() for other in taken}
    number, result = 1, name
    while result.casefold() in lowered:
        number += 1
        result = f"{name} {number}"
    return result


def read_saved_hosts(rows: Mapping[str, object], settings: Mapping[str, object]) -> tuple[list[SavedHost], list[str]]:
    """The hosts that a store holds, in their order, and a sentence for each that makes no sense. Exactly one is the
    default.

    A store of before there were several hosts holds one address, in a setting: that is then the only host.
    """
    problems: list[str] = []
    hosts: list[SavedHost] = []
    former = settings.get(FORMER_SETTING)
    if not rows and isinstance(former, str) and former:
        try:
            config = configuration_of(parse_host(former))
        except (InvalidHost, ValueError) as error:
            problems.append(f"The saved host is no address, so it was left out. {error}")
        else:
            hosts.append(SavedHost(name_for(config), config, is_default=True))
    for _, read in _read_rows(rows):
        if isinstance(read, SavedHost):
            hosts.append(read)
        else:
            problems.append(read)
    return with_one_default(hosts), problems


def unreadable_texts(rows: Mapping[str, object], settings: Mapping[str, object]) -> list[str]:
    """The sentences of `read_saved_hosts`; one for all unreadable rows where they are many."""
    _, problems = read_saved_hosts(rows, settings)
    if len(problems) > MOST_SENTENCES:
        keys = ", ".join(unreadable_keys(rows))
        return [f"{keys} are saved, but unreadable, so they are left out. To see why: ecs-localai hosts"]
    return problems


def unreadable_keys(rows: Mapping[str, object]) -> list[str]:
    """The keys of the rows that make no sense."""
    return [key for key, read in _read_rows(rows) if isinstance(read, str)]


def keys_by_name(rows: Mapping[str, object]) -> dict[str, str]:
    """Under which key each host stands in these rows, by the name that `read_saved_hosts` gives it."""
    return {read.name: key for key, read in _read_rows(rows) if isinstance(read, SavedHost)}


def _read_rows(rows: Mapping[str, object]) -> Iterator[tuple[str, SavedHost | str]]:
    """Each row's key with the host, whose name no other one has, or with a sentence why it is none."""
    names: list[str] = []
    for key, row in rows.items():
        try:
            host = decode(msgspec.json.encode(row), SavedHost)
        except (DecodeError, ValueError, OverflowError, RecursionError) as error:  # it may be no JSON at all
            removal = f"ecs-localai hosts remove {shlex.quote(key)}"
            yield key, f"{key} is saved, but unreadable, so it is left out. {error} To remove it: {removal}"
            continue
        names.append(unique_name(host.name, names))
        yield key, msgspec.structs.replace(host, name=names[-1])


def with_one_default(hosts: list[SavedHost]) -> list[SavedHost]:
    """The same hosts, of which exactly one is the default: the first that was, else the first."""
    chosen = next((number for number, host in enumerate(hosts) if host.is_default), 0)
    return [msgspec.structs.replace(host, is_default=number == chosen) for number, host in enumerate(hosts)]


def to_rows(hosts: Iterable[SavedHost]) -> dict[str, JsonValue]:
    """The list as JSON data by name, in its order. Hosts that were named for one run only are not in it."""
    return {host.name: cast("JsonValue", to_builtins(host)) for host in hosts if host.origin not in OF_ONE_RUN}
