"""HOST_CONNECTION: probes each host, and notices when one comes or goes."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from ecs_localai.components.events import (
    FeatureFlagToggled,
    OllamaConnectionStatusChanged,
    UIUpdateEvent,
    UIUpdateKind,
)
from ecs_localai.components.features import ExperimentalFeaturesManager
from ecs_localai.components.hosts import DefaultHost, HostProtocol, OllamaConfiguration, OllamaHost, OllamaHostManager
from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.panel_intents import RefreshRequested
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.runtime import EventReader, EventWriter, IoTaskPool, Local, Query, Res, Time, World
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.host_health import FAILING_INTERVAL, take_in_probe
from ecs_localai.systems.host_probe import ProbeResult, probe_host
from ecs_localai.systems.links import HostLink, settle

CUSTOM_PROVIDERS = "custom_providers"
"""The feature that allows hosts which are no Ollama."""
FIGURES_SECONDS = 10.0
"""A new response time alone, of a host that is not the default one, is shown with others, so often at the most."""


@dataclass(slots=True)
class _Figures:
    """Response times and uptimes of hosts of which there is nothing else that is new."""

    are_new: bool = False
    shown_at: float = 0.0
    """In `Time.real_elapsed_seconds`."""


def monitor_ollama_connection(
    world: World,
    hosts: Query[OllamaHostManager, HostLink, OllamaHost],
    defaults: Query[DefaultHost],
    refreshes: EventReader[RefreshRequested],
    toggles: EventReader[FeatureFlagToggled],
    features: Res[ExperimentalFeaturesManager],
    time: Time,
    tasks: Res[IoTaskPool],
    clients: Res[HostClients],
    models: Res[LocalModelManager],
    changes: EventWriter[OllamaConnectionStatusChanged],
    ui: EventWriter[UIUpdateEvent],
    told: Local[_Figures],
) -> None:
    """Probe the hosts that are due, and take in the answers that have arrived."""
    wanted = bool(refreshes.read())
    flag = features.feature_flags.get(CUSTOM_PROVIDERS)
    others_allowed = flag is not None and flag.enabled
    toggled = any(toggle.feature_id == CUSTOM_PROVIDERS for toggle in toggles.read())
    now = time.real_elapsed_seconds
    default = next((entity for entity, _ in defaults), None)
    versions: list[tuple[int, OllamaHostManager, HostLink, str]] = []
    unexpected: Exception | None = None
    is_news, figures = False, told.value
    for entity, (manager, link, host) in hosts:
        if manager.host_config is not link.config:
            continue  # it has just been changed: the next frame connects anew
        probe = link.probe
        if probe is not None and probe.is_finished():
            link.probe = None
            link.probe_timer.restart(time, FAILING_INTERVAL)  # whatever comes of it, the host is asked again
            outcome: ProbeResult | OllamaError | None = None
            try:
                outcome = settle(probe)
            except Exception as error:  # noqa: BLE001 - raised again below, once the other hosts have had their turn
                unexpected = error
            if outcome is not None:
                health = manager.health_monitor
                was_healthy, former_error = health.is_healthy, health.last_error
                was_flapping, was_asked = health.is_flapping, health.last_health_check is not None
                wait = take_in_probe(health, link, outcome, now, is_default=entity == default)
                link.probe_timer.restart(time, wait)
                # Another reason is news too, and so is the first: that it was not there from the start.
                if health.is_healthy != was_healthy or health.last_error != former_error:
                    changes.write(_status_change(manager, was_healthy))
                if not isinstance(outcome, OllamaError) and manager.host_config.api_version != outcome.version:
                    versions.append((entity, manager, link, outcome.version))
                same = (was_healthy, former_error, was_flapping) == (
                    health.is_healthy,
                    health.last_error,
                    health.is_flapping,
                )
                is_news |= not same or not was_asked or entity == default
                figures.are_new = True
        due = wanted or (toggled and host.protocol is not HostProtocol.OLLAMA) or now >= link.probe_timer.due
        if link.probe is None and due:
            link.probe_timer.stop()
            work = probe_host(clients, manager, host.protocol, others_allowed=others_allowed)
            link.probe = tasks.spawn(work, f"probe {manager.api_client.base_url}")
    if is_news or versions or (figures.are_new and now >= figures.shown_at + FIGURES_SECONDS):
        figures.are_new, figures.shown_at = False, now
        ui.write(UIUpdateEvent(UIUpdateKind.HOST_CHANGED))
    for entity, manager, link, version in versions:
        if world.get(entity, OllamaConfiguration) is not link.config:
            continue  # a program has just replaced it
        # In all three places at once, so that nobody seems to have changed the host.
        link.config = manager.host_config = msgspec.structs.replace(manager.host_config, api_version=version)
        world.insert(entity, manager.host_config)
        if entity == default:
            models.ollama_config = manager.host_config
    if unexpected is not None:
        raise unexpected


def _status_change(manager: OllamaHostManager, was_healthy: bool) -> OllamaConnectionStatusChanged:
    health = manager.health_monitor
    return OllamaConnectionStatusChanged(
        was_healthy, health.is_healthy, health.last_error, manager.host_config.base_url
    )
