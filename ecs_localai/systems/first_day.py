"""The running world, or a part of it, made as it is on a first day: what is to be forgotten is not only in a file."""

from __future__ import annotations

from ecs_localai.components.browser import (
    BrowserExtensionManager,
    ContextExtractionConfig,
    ExtensionConnectionStatus,
    ExtensionPrivacySettings,
)
from ecs_localai.components.downloads import DownloadSettings
from ecs_localai.components.events import FeatureFlagToggled, UIUpdateEvent, UIUpdateKind
from ecs_localai.components.features import (
    ExperimentalFeaturesManager,
    ExperimentalPreferences,
    FeatureTelemetry,
    FeatureToggle,
    RolloutConfiguration,
    default_feature_flags,
)
from ecs_localai.components.hosts import (
    ConnectionPool,
    HostOrigin,
    HostProtocol,
    OllamaAPIClient,
    OllamaConfiguration,
    RetryPolicy,
)
from ecs_localai.components.installation import ModelInstallation, ModelInstallationManager
from ecs_localai.components.models import LocalModelManager, ModelPerformanceMetrics
from ecs_localai.components.panel import LocalModelsPanel, PanelSettings
from ecs_localai.runtime import App, World
from ecs_localai.runtime.diagnostics import HISTORY_LENGTH
from ecs_localai.systems.host_list import ListedHost, OllamaHosts
from ecs_localai.systems.installation_desk import InstallationDesk
from ecs_localai.systems.performance_monitoring import MeasurementHistory, Sampling
from ecs_localai.systems.preferences import Preferences
from ecs_localai.systems.saved_hosts import name_for, server_of

_OF_ONE_RUN = frozenset({HostOrigin.ENVIRONMENT, HostOrigin.STARTED})


def reset_history(world: World) -> None:
    """No installation has ended, and no model was used. Those under way go on."""
    world.resource(ModelInstallationManager).installation_history.clear()
    desk = world.resource(InstallationDesk)
    for _, installation in world.query(ModelInstallation):
        if installation.status.is_finished:
            desk.forget(installation.installation_id)
    for one in world.resource(OllamaHosts).all():
        for model in one.models.installed.values():
            model.usage_count, model.last_used = 0, None
            model.performance_metrics = ModelPerformanceMetrics()


def reset_measurements(app: App) -> None:
    """Nothing has been measured yet. The next sample is the first."""
    world = app.world
    for diagnostic in world.resource(MeasurementHistory).diagnostics:
        for _ in range(HISTORY_LENGTH):
            diagnostic.add_measurement(None, app.time.real_elapsed_seconds, diagnostic.reason)
    sampling = world.get_resource(Sampling)
    if sampling is not None:
        sampling.past = []  # the thread that reads it may come later, and then fills the list that was there before
    for memory in world.resource(LocalModelManager).resource_monitor.memory_usage.values():
        memory.peak_bytes = None


def reset_choices(app: App) -> None:
    """Nothing was chosen: switches, look and privacy are as they come, and nothing is known of models."""
    world = app.world
    browser = world.resource(BrowserExtensionManager)
    browser.privacy_settings, browser.context_extraction = ExtensionPrivacySettings(), ContextExtractionConfig()
    if not browser.active_connections:
        browser.connection_status = ExtensionConnectionStatus(
            supported_browsers=browser.connection_status.supported_browsers,
            protocol_version=browser.connection_status.protocol_version,
        )
    preferences = world.resource(Preferences)
    preferences.panel, preferences.downloads = PanelSettings(), DownloadSettings()
    registry = world.resource(LocalModelManager).model_registry
    registry.cache.entries.clear()
    registry.cache.facts.clear()
    registry.manifests_by_digest.clear()
    registry.capabilities_by_digest.clear()
    for _, panel in world.query(LocalModelsPanel):
        panel.install_error = panel.host_error = None
    _reset_features(app)


def _reset_features(app: App) -> None:
    """The features of the specification as it has them; those that a program brought stay as they are."""
    features = app.world.resource(ExperimentalFeaturesManager)
    features.user_preferences = ExperimentalPreferences()
    features.rollout_config, features.telemetry_collector = RolloutConfiguration(), FeatureTelemetry()
    ui, toggled = app.events(UIUpdateEvent).writer(), app.events(FeatureFlagToggled).writer()
    for feature_id, usual in default_feature_flags().items():
        flag = features.feature_flags.get(feature_id)
        if flag is None or flag.enabled is usual.enabled:
            continue
        flag.enabled = usual.enabled
        toggled.write(FeatureFlagToggled(feature_id, not flag.enabled, flag.enabled, user_initiated=False))
        kind = UIUpdateKind.EXPERIMENTAL_FEATURE_CHANGED
        ui.write(UIUpdateEvent(kind, feature_id=feature_id, enabled=flag.enabled))
        for _, toggle in app.world.query(FeatureToggle):
            if toggle.feature_id == feature_id:
                toggle.current_state = flag.enabled


def reset_hosts(world: World) -> None:
    """The list has the host that a first start has, and no other that a person has added.

    What no person added stays: the host that was named for this run, the server that we have started, the hosts that
    a host program has spawned.
    """
    hosts = world.resource(OllamaHosts)
    first = _first_of_a_first_start(hosts)
    for one in hosts.all():
        if one.entity != first.entity and not _is_no_persons(one):
            hosts.remove(one.entity)
    if not first.link.is_guests:
        _make_as_new(world, hosts, first, _given(hosts))
    if not first.is_default:
        hosts.set_default(first.entity)
    hosts.put_in_order([first.host.name])


def _given(hosts: OllamaHosts) -> OllamaConfiguration | None:
    """What was named for this run."""
    _, given = hosts.begun
    return given


def _is_no_persons(one: ListedHost) -> bool:
    return one.link.is_guests or one.host.origin in _OF_ONE_RUN


def _first_of_a_first_start(hosts: OllamaHosts) -> ListedHost:
    """The host that would be the default one if nothing were kept; added where it is not in the list."""
    given, listed = _given(hosts), hosts.all()
    named = next((one for one in listed if one.host.origin is HostOrigin.ENVIRONMENT), None)
    if given is None and named is not None:
        return named
    config = OllamaConfiguration() if given is None else given
    server = server_of(config.base_url)
    for one in listed:
        if server_of(one.base_url) == server:
            return one
    entity = hosts.add(config, origin=HostOrigin.ADDED if given is None else HostOrigin.ENVIRONMENT)
    return next(one for one in hosts.all() if one.entity == entity)


def _make_as_new(world: World, hosts: OllamaHosts, one: ListedHost, given: OllamaConfiguration | None) -> None:
    """Take off a host what a person has set on it."""
    if given is None and one.host.origin is HostOrigin.ENVIRONMENT:
        return
    config = OllamaConfiguration() if given is None else given
    others = [other.host.name for other in hosts.all() if other.entity != one.entity]
    hosts.edit(one.entity, None if config == one.config else config, name_for(config, others))
    if one.host.protocol is not HostProtocol.OLLAMA:
        hosts.edit(one.entity, protocol=HostProtocol.OLLAMA)
    one.host.origin = HostOrigin.ADDED if given is None else HostOrigin.ENVIRONMENT
    manager = one.manager
    if manager.connection_pool != ConnectionPool():
        manager.connection_pool = ConnectionPool()
        world.insert(one.entity, manager.connection_pool)
    if manager.api_client.retry_policy != RetryPolicy():
        manager.api_client = OllamaAPIClient.for_host(config)
        world.insert(one.entity, manager.api_client)
