"""One host of the list, as it is looked at and as it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from ecs_localai.components.hosts import HostHealthMonitor, OllamaConfiguration, OllamaHost, OllamaHostManager
from ecs_localai.components.models import HostModels
from ecs_localai.ollama.address import parse_host
from ecs_localai.ollama.errors import InvalidHost
from ecs_localai.systems.host_refusals import Known, why_refused
from ecs_localai.systems.links import HostLink
from ecs_localai.systems.saved_hosts import SavedHost, name_key, server_of


class HostListError(ValueError):
    """The list of hosts cannot be changed in this way. The message is a sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class ListedHost:
    """A host of the list: its entity and what is on it."""

    entity: int
    host: OllamaHost
    manager: OllamaHostManager
    models: HostModels
    link: HostLink
    is_default: bool

    @property
    def config(self) -> OllamaConfiguration:
        """Where it is and how to connect to it."""
        return self.manager.host_config

    @property
    def health(self) -> HostHealthMonitor:
        """How it is doing."""
        return self.manager.health_monitor

    @property
    def base_url(self) -> str:
        """What tells it from the others."""
        return self.manager.host_config.base_url

    def to_saved(self) -> SavedHost:
        """As it is kept across starts."""
        return SavedHost(
            name=self.host.name,
            config=self.config,
            protocol=self.host.protocol,
            origin=self.host.origin,
            is_default=self.is_default,
            pool=self.manager.connection_pool,
            retry_policy=self.manager.api_client.retry_policy,
        )


def find_among(hosts: Sequence[ListedHost], wanted: str) -> ListedHost | None:
    """The host of this base URL, name or address as people type it."""
    for one in hosts:
        if one.base_url == wanted:  # before any name, which may look like another host's address
            return one
    for one in hosts:
        if name_key(one.host.name) == name_key(wanted):
            return one
    try:
        address = parse_host(wanted).base_url
    except InvalidHost:
        return None
    server = server_of(address)
    alike = [one for one in hosts if server_of(one.base_url) == server]
    return next((one for one in alike if one.base_url == address), alike[0] if alike else None)


def no_such_host(text: str, names: list[str]) -> str:
    """The sentence for a name that is none of these."""
    there = f"There are: {', '.join(names)}." if names else "There is none yet."
    return f"There is no host called {text!r}. {there}"


def refuse_taken(others: Iterable[ListedHost], base_url: str, name: str, former: Known | None = None) -> None:
    """Refuse an address or a name that cannot be beside these hosts of the list; see `why_refused`.

    Raises:
        HostListError: it is taken.
    """
    refusal = why_refused([Known(one.host.name, one.base_url) for one in others], base_url, name, former)
    if refusal is not None:
        raise HostListError(refusal.text)


def given_over_saved(given: OllamaConfiguration, saved: OllamaConfiguration) -> OllamaConfiguration:
    """The configuration for a host that is in the list and was given for this run, too: what was given counts.

    An address alone, as ``OLLAMA_HOST`` names it, leaves everything as it was saved.
    """
    usual = OllamaConfiguration()
    changes: dict[str, object] = {}
    for field in ("authentication", "tls", "connection_timeout"):
        value = getattr(given, field)
        if value != getattr(usual, field):
            changes[field] = value
    return msgspec.structs.replace(saved, **changes) if changes else saved
