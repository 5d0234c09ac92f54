"""HOST_CONNECTION: probes each host, notices when one comes or goes, and follows the host field."""

from __future__ import annotations

import os
import random
from datetime import timedelta

import msgspec

from ecs_localai.components.events import OllamaConnectionStatusChanged, UIUpdateEvent, UIUpdateKind
from ecs_localai.components.hosts import HostHealthMonitor, OllamaAPIClient, OllamaConfiguration, OllamaHostManager
from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.panel_intents import HostEdited, RefreshRequested
from ecs_localai.components.time_values import utc_now
from ecs_localai.ollama.address import HostAddress, parse_host
from ecs_localai.ollama.errors import InvalidHost, OllamaError
from ecs_localai.runtime import EventReader, EventWriter, IoTaskPool, Query, Res, Time, World
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.host_probe import ProbeResult, probe_host
from ecs_localai.systems.links import HostLink, HostLinks, settle
from ecs_localai.systems.persistence import SavedState

HEALTHY_INTERVAL = 10.0
"""Seconds between two probes of a host that answers. Its models are asked for more often, and when that fails the next
probe is due at once: so it is noticed as early as with more probes that somebody has ended a server."""
FAILING_INTERVALS = (0.5, 1.0, 2.0)
"""Seconds to the next probe after the first, second and every later failure in a row, give or take a tenth."""


def configuration_of(address: HostAddress) -> OllamaConfiguration:
    """An address that a person gave, as a configuration."""
    return OllamaConfiguration(
        host=address.host,
        port=address.port,
        tls_enabled=address.scheme == "https",
        base_path=address.base_path,
    )


def configuration_from_environment() -> OllamaConfiguration:
    """The host that ``OLLAMA_HOST`` names, as Ollama's own client reads it; else the local default.

    Raises:
        InvalidHost: ``OLLAMA_HOST`` is not an address.
    """
    return configuration_of(parse_host(os.environ.get("OLLAMA_HOST", "")))


def spawn_host(world: World, config: OllamaConfiguration, links: HostLinks) -> int:
    """Make the entity of a host."""
    return world.spawn(OllamaHostManager(host_config=config), links.make())


def follow_host_field(
    edits: EventReader[HostEdited],
    hosts: Query[OllamaHostManager, HostLink],
    models: Res[LocalModelManager],
    saved: Res[SavedState],
    changes: EventWriter[OllamaConnectionStatusChanged],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Connect to the host that was typed into the host field."""
    for edit in edits.read():
        try:
            config = configuration_of(parse_host(edit.text))
        except (InvalidHost, ValueError) as error:
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=str(error)))
            ui.write(UIUpdateEvent(UIUpdateKind.HOST_CHANGED))
            continue
        for _, (manager, link) in hosts:
            if config.base_url == manager.host_config.base_url:
                link.probe_timer.due = 0.0
                continue
            if manager.health_monitor.is_healthy:
                reason = f"Now connecting to {config.base_url}."
                changes.write(OllamaConnectionStatusChanged(True, False, reason, manager.host_config.base_url))
            _change_host(manager, link, config)
            models.ollama_config = config
            saved.set_setting("host", config.base_url)
        ui.write(UIUpdateEvent(UIUpdateKind.HOST_CHANGED))


def _change_host(manager: OllamaHostManager, link: HostLink, config: OllamaConfiguration) -> None:
    manager.host_config = config
    manager.api_client = OllamaAPIClient.for_host(config)
    manager.health_monitor = HostHealthMonitor()
    link.drop_work()
    link.healthy_since = None
    link.probe_timer.due = 0.0
    link.sync_timer.stop()


def monitor_ollama_connection(
    hosts: Query[OllamaHostManager, HostLink],
    refreshes: EventReader[RefreshRequested],
    time: Time,
    tasks: Res[IoTaskPool],
    clients: Res[HostClients],
    models: Res[LocalModelManager],
    changes: EventWriter[OllamaConnectionStatusChanged],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Probe the hosts that are due, and take in the answers that have arrived."""
    now = bool(refreshes.read())
    for _, (manager, link) in hosts:
        probe = link.probe
        if probe is not None and probe.is_finished():
            link.probe = None
            result = settle(probe)
            if result is not None:
                health = manager.health_monitor
                was_healthy, former_error = health.is_healthy, health.last_error
                _take_in(manager, link, result, time)
                # Another reason is news too, and so is the first: that it was not there from the start.
                if health.is_healthy != was_healthy or health.last_error != former_error:
                    changes.write(_status_change(manager, was_healthy))
                if models.ollama_config.base_url == manager.host_config.base_url:
                    models.ollama_config = manager.host_config
                ui.write(UIUpdateEvent(UIUpdateKind.HOST_CHANGED))
        if link.probe is None and (now or time.real_elapsed_seconds >= link.probe_timer.due):
            link.probe_timer.stop()
            api = manager.api_client
            link.probe = tasks.spawn(probe_host(clients, api), f"probe {api.base_url}")


def _status_change(manager: OllamaHostManager, was_healthy: bool) -> OllamaConnectionStatusChanged:
    health = manager.health_monitor
    return OllamaConnectionStatusChanged(
        was_healthy, health.is_healthy, health.last_error, manager.host_config.base_url
    )


def _take_in(manager: OllamaHostManager, link: HostLink, result: ProbeResult | OllamaError, time: Time) -> None:
    health = manager.health_monitor
    health.last_health_check = utc_now()
    if isinstance(result, OllamaError):
        health.is_healthy = False
        health.last_error = result.message
        health.last_error_kind = str(result.kind)
        health.error_count += 1
        health.consecutive_failures += 1
        health.uptime = timedelta(0)
        link.healthy_since = None
        wait = FAILING_INTERVALS[min(health.consecutive_failures, len(FAILING_INTERVALS)) - 1]
        link.probe_timer.restart(time, wait * random.uniform(0.9, 1.1))
        return
    if link.healthy_since is None:
        link.healthy_since = time.real_elapsed_seconds
    health.is_healthy = True
    health.last_error = health.last_error_kind = None
    health.consecutive_failures = 0
    health.response_time_ms = result.response_time_ms
    health.uptime = timedelta(seconds=time.real_elapsed_seconds - link.healthy_since)
    if manager.host_config.api_version != result.version:
        manager.host_config = msgspec.structs.replace(manager.host_config, api_version=result.version)
    link.probe_timer.restart(time, HEALTHY_INTERVAL)
