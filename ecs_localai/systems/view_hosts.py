"""What the panel says of the list of hosts, and of looking for more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from ecs_localai.components.deleting import HostStorage
from ecs_localai.components.found_hosts import FoundBy, FoundHost, HostSearch, LocalServer, LocalServerState
from ecs_localai.components.hosts import HostOrigin, HostProtocol, OllamaConfiguration
from ecs_localai.components.models import HostModels
from ecs_localai.components.panel_view import FoundRow, HostRow, SearchView
from ecs_localai.components.wording import format_duration
from ecs_localai.ollama.address import HostAddress, parse_host
from ecs_localai.ollama.errors import InvalidHost
from ecs_localai.systems.size_on_disk import size_on_disk
from ecs_localai.systems.view_host import connection_advice, health_status

if TYPE_CHECKING:
    from ecs_localai.systems.host_list import ListedHost

_SHORTEST_UPTIME = 60.0
_FOUND_ICONS = {FoundBy.LOCAL: "monitor", FoundBy.CONTAINER: "container", FoundBy.LAN: "network"}
_FOUND_WORDS = {
    FoundBy.LOCAL: "on this computer",
    FoundBy.CONTAINER: "in a container",
    FoundBy.LAN: "in the local network",
}


def host_rows(
    hosts: Sequence[ListedHost], server: LocalServer, storages: Mapping[int, HostStorage] | None = None
) -> list[HostRow]:
    """A row for each host, in the order of the list. `storages` is what is known of their files, by their entities."""
    return [_row(one, server, (storages or {}).get(one.entity)) for one in hosts]


def hosts_summary(hosts: Sequence[ListedHost]) -> str:
    """``10 of 12 connected``; empty with one host."""
    if len(hosts) < 2:
        return ""
    connected = sum(one.health.is_healthy for one in hosts)
    return f"All {len(hosts)} connected" if connected == len(hosts) else f"{connected} of {len(hosts)} connected"


def _row(one: ListedHost, server: LocalServer, storage: HostStorage | None) -> HostRow:
    health, base_url = one.health, one.base_url
    text, tone = health_status(health)
    address = _address(base_url)
    reason, advice = "", list[str]()
    if health.last_health_check is not None and not health.is_healthy:
        reason = health.last_error or "It does not answer."
        # What is advised is about Ollama; other servers are started in other ways.
        if address is not None and one.host.protocol is HostProtocol.OLLAMA:
            advice = connection_advice(base_url, health.last_error_kind)[:-1]
    elif health.is_healthy and one.models.error is not None:
        reason = f"Its models cannot be listed. {one.models.error}"
    elif health.is_healthy and health.is_flapping:
        reason = "It comes and goes. Look into its log, or at the network on the way to it."
    return HostRow(
        name=one.host.name,
        base_url=base_url,
        facts=_facts(one, address, storage),
        status_text=text,
        tone=tone,
        is_default=one.is_default,
        reason=reason,
        advice=advice,
        icon=_icon(one, address),
        can_stop=server.state is LocalServerState.RUNNING and server.base_url == base_url,
        config=one.config,
        protocol=one.host.protocol,
    )


@lru_cache(maxsize=256)  # the list is looked at with every probe, and its addresses hardly ever change
def _address(base_url: str) -> HostAddress | None:
    try:
        return parse_host(base_url)
    except InvalidHost:
        return None  # a program's own configuration, which no person has typed


def _icon(one: ListedHost, address: HostAddress | None) -> str:
    if one.config.tls_enabled:
        return "lock"
    if one.host.origin is HostOrigin.STARTED or (address is not None and address.is_loopback):
        return "monitor"
    return "server"


def _facts(one: ListedHost, address: HostAddress | None, storage: HostStorage | None) -> str:
    """Where it is and, while it is connected, what it is and how it is doing."""
    health = one.health
    where = one.base_url if address is None else address.display
    if not health.is_healthy:
        return where
    parts = [] if where == one.host.name else [where]  # its name may be its address
    if health.answered_address and address is not None and address.host == "localhost":
        parts.append(f"answered at {health.answered_address}")
    if one.host.protocol is HostProtocol.OPENAI:
        parts.append("OpenAI’s API")
    elif one.config.api_version:
        parts.append(f"Ollama {one.config.api_version}")
    if health.response_time_ms is not None:
        parts.append(f"{max(1, round(health.response_time_ms))} ms")
    parts += _models_facts(one.models, storage)
    if health.uptime.total_seconds() >= _SHORTEST_UPTIME:
        parts.append(f"up {format_duration(health.uptime.total_seconds())}")
    return " · ".join(parts)


def _models_facts(models: HostModels, storage: HostStorage | None) -> list[str]:
    if not models.synced:
        return []
    count = len(models.installed)
    parts = [f"{count} model" if count == 1 else f"{count} models"]
    size = size_on_disk(models.installed.values(), storage).text
    return [*parts, size] if size else parts


def search_view(search: HostSearch, hosts: Sequence[ListedHost]) -> SearchView:
    """What was found and is not in the list yet."""
    known = {_told_apart(one.base_url, one.config) for one in hosts}
    rows = [_found_row(one) for one in search.found if _told_apart(one.base_url) not in known]
    place = "in the local network and on this computer" if search.lan else "on this computer"
    if search.is_running:
        text = f"Looking {place}…"
    elif rows:
        text = f"{len(rows)} found {place}" if len(rows) > 1 else f"One found {place}"
    else:
        text = f"No other Ollama was found {place}."
    return SearchView(search.is_running, search.lan, text, rows, list(search.problems))


def _told_apart(base_url: str, config: OllamaConfiguration | None = None) -> tuple[str, int, str]:
    """What two addresses of the same server have in common: this machine has several names for itself."""
    address = _address(base_url)
    if address is None:
        return (base_url, 0, "") if config is None else (config.host, config.port, config.base_path)
    return ("this machine" if address.is_loopback else address.host, address.port, address.base_path)


def _found_row(one: FoundHost) -> FoundRow:
    address = _address(one.base_url)
    shown = one.base_url if address is None else address.display
    words = [shown] if one.name else []
    words += [f"Ollama {one.version}"] if one.version else []
    return FoundRow(
        base_url=one.base_url,
        title=one.name or shown,
        detail=" · ".join([*words, _FOUND_WORDS[one.found_by]]),
        icon=_FOUND_ICONS[one.found_by],
        name=one.name,
    )
