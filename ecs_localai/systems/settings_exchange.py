"""Settings out of a running app or a store into a file, and back."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ecs_localai.components.browser import (
    BrowserExtensionManager,
    ContextExtractionConfig,
    ExtensionPrivacySettings,
    RetentionKind,
)
from ecs_localai.components.codec import DecodeError, decode, to_builtins
from ecs_localai.components.downloads import DownloadSettings
from ecs_localai.components.events import FeatureFlagToggled
from ecs_localai.components.features import ExperimentalFeaturesManager, ExperimentalPreferences, RolloutConfiguration
from ecs_localai.components.hosts import HostOrigin, OllamaAPIClient
from ecs_localai.components.panel import PanelSettings
from ecs_localai.components.time_values import utc_now
from ecs_localai.runtime import App
from ecs_localai.systems.host_list import HostListError, ListedHost, OllamaHosts
from ecs_localai.systems.kept_hosts import KeptHosts
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.preferences import (
    DOWNLOADS,
    EXPERIMENTAL,
    EXTRACTION,
    PANEL,
    PRIVACY,
    ROLLOUT,
    Preferences,
)
from ecs_localai.systems.saved_hosts import read_saved_hosts
from ecs_localai.systems.settings_file import SettingsFile, without_left_out
from ecs_localai.systems.settings_hosts import MergedHost
from ecs_localai.systems.settings_plan import SettingsPlan, plan_import

if TYPE_CHECKING:
    from ecs_localai.store.state import StoredState
    from ecs_localai.store.store import Store

T = TypeVar("T")

_OF_ONE_RUN = (HostOrigin.ENVIRONMENT, HostOrigin.STARTED)


def stored_settings(state: StoredState) -> tuple[SettingsFile, list[str]]:
    """What a store says that a person has set, and a sentence for each thing in it that makes no sense."""
    hosts, problems = read_saved_hosts(state.hosts, state.settings)

    def read(key: str, kind: type[T]) -> T | None:
        row = state.settings.get(key)
        if row is None:
            return None
        try:
            return without_left_out(key, decode(msgspec.json.encode(row), kind))
        except DecodeError as error:
            problems.append(f"The saved setting {key!r} is unreadable, so the usual one is used. {error}")
            return None

    return SettingsFile(
        exported_at=utc_now(),
        hosts=hosts or None,
        features=dict(state.flags) or None,
        panel=read(PANEL, PanelSettings),
        privacy=read(PRIVACY, ExtensionPrivacySettings),
        context_extraction=read(EXTRACTION, ContextExtractionConfig),
        experimental_preferences=read(EXPERIMENTAL, ExperimentalPreferences),
        rollout=read(ROLLOUT, RolloutConfiguration),
        downloads=read(DOWNLOADS, DownloadSettings),
    ), problems


def keep_settings(store: Store, plan: SettingsPlan) -> None:
    """Have a store say what was planned, for what `stored_settings` of its state said. `Store.flush` tells the rest.

    A program that runs with the same store takes it over by itself.
    """
    if plan.hosts is not None:
        KeptHosts(store).keep([one.host for one in plan.hosts])
    for feature_id, on in plan.features.items():
        store.set_flag(feature_id, on)
    for key, value in plan.sections.items():
        store.set_setting(key, to_builtins(_with_seed(value, store.initial.settings)))
        if isinstance(value, ExtensionPrivacySettings):
            policy = value.retention_policy  # as `SavedState.apply_retention`
            store.retain_contexts(timedelta(0) if policy.kind is RetentionKind.SESSION_ONLY else policy.lifetime)


def settings_of(app: App) -> SettingsFile:
    """What is set in a running app with `LocalModelsPlugin`. For use on the frame thread."""
    features = app.world.resource(ExperimentalFeaturesManager)
    browser = app.world.resource(BrowserExtensionManager)
    hosts = [one.to_saved() for one in app.world.resource(OllamaHosts).all()]
    return SettingsFile(
        exported_at=utc_now(),
        hosts=[host for host in hosts if host.origin not in _OF_ONE_RUN] or None,
        features=dict(app.world.resource(SavedState).flags) or None,
        panel=app.world.resource(Preferences).panel,
        privacy=browser.privacy_settings,
        context_extraction=browser.context_extraction,
        experimental_preferences=without_left_out(EXPERIMENTAL, features.user_preferences),
        rollout=without_left_out(ROLLOUT, features.rollout_config),
        downloads=app.world.resource(Preferences).downloads,
    )


def apply_settings(app: App, settings: SettingsFile, *, replace_hosts: bool = False) -> SettingsPlan:
    """Take over a settings file in a running app, at once and for later starts; returns what changed.

    For use on the frame thread. The features' switches follow with the next frame. A window that is open keeps its
    look: `Preferences.panel` has the new one.
    """
    hosts = app.world.resource(OllamaHosts)
    features = app.world.resource(ExperimentalFeaturesManager)
    current = msgspec.structs.replace(settings_of(app), hosts=[one.to_saved() for one in hosts.all()])
    plan = plan_import(current, settings, replace_hosts=replace_hosts, flags=features.feature_flags)
    if plan.hosts is not None:
        plan.notes.extend(_apply_hosts(app, hosts, plan))
    _apply_features(app, features, plan.features)
    preferences = app.world.resource(Preferences)
    for value in plan.sections.values():
        if isinstance(value, PanelSettings):
            preferences.set_panel(value)
        elif isinstance(value, ExtensionPrivacySettings):
            preferences.set_privacy(value)
        elif isinstance(value, ContextExtractionConfig):
            preferences.set_extraction(value)
        elif isinstance(value, ExperimentalPreferences):
            overrides = features.user_preferences.overrides
            preferences.set_experimental(ExperimentalPreferences(overrides, list(value.hidden_phases)))
        elif isinstance(value, RolloutConfiguration):
            seed = features.rollout_config.seed
            preferences.set_rollout(RolloutConfiguration(seed, value.respect_percentages))
        elif isinstance(value, DownloadSettings):
            preferences.set_downloads(value)
    return plan


def _apply_features(app: App, features: ExperimentalFeaturesManager, switches: Mapping[str, bool]) -> None:
    """Switches are set in an order in which no feature is on without one that it needs."""
    saved = app.world.resource(SavedState)
    toggled = app.events(FeatureFlagToggled).writer()
    for feature_id, on in switches.items():
        flag = features.feature_flags.get(feature_id)
        if flag is not None and flag.enabled is not on:
            toggled.write(FeatureFlagToggled(feature_id, flag.enabled, on, user_initiated=True))
        else:
            saved.set_flag(feature_id, on)


def _apply_hosts(app: App, hosts: OllamaHosts, plan: SettingsPlan) -> list[str]:
    """Change host by host, as far as none stands in another's way; returns a sentence for each that stays."""
    listed = {one.host.name: one for one in hosts.all()}
    merged = plan.hosts or []
    tasks: list[tuple[ListedHost | None, MergedHost | None]] = [
        (None if one.former is None else listed[one.former.name], one) for one in merged if one.is_different
    ]
    tasks.extend((listed[host.name], None) for host in plan.removed_hosts)
    troubles: list[str] = []
    while tasks:
        left = []
        troubles.clear()
        for one, wanted in tasks:
            try:
                _change_host(app, hosts, one, wanted)
            except HostListError as error:
                left.append((one, wanted))
                troubles.append(str(error))
        if len(left) == len(tasks):
            # They stand in each other's way: two that change places. One of them leaves and comes again.
            movable = next((task for task in left if None not in task), None)
            if movable is None or movable[0] is None or len(hosts.all()) == 1:
                break
            hosts.remove(movable[0].entity)
            left = [*(task for task in left if task is not movable), (None, movable[1])]
        tasks = left
    _put_back(app, hosts, [wanted for one, wanted in tasks if one is None and wanted is not None])
    default = next((one.host.name for one in merged if one.host.is_default), "")
    chosen = hosts.named(default)
    if chosen is not None and not chosen.is_default:
        hosts.set_default(chosen.entity)
    hosts.put_in_order([one.host.name for one in merged])
    return troubles if tasks else []


def _put_back(app: App, hosts: OllamaHosts, refused: list[MergedHost]) -> None:
    """Have those that have left to make way, and cannot come as what they were to be, be what they were."""
    for former in [one.former for one in refused if one.former is not None]:
        with suppress(HostListError):  # somebody else has its server by now
            is_free = hosts.named(former.name) is None
            _change_host(
                app, hosts, None, MergedHost(former if is_free else msgspec.structs.replace(former, name=""), None)
            )
            back = hosts.find(former.config.base_url)
            if back is not None and former.is_default:
                hosts.set_default(back.entity)


def _change_host(app: App, hosts: OllamaHosts, one: ListedHost | None, wanted: MergedHost | None) -> None:
    """Add, change or remove a host.

    Raises:
        HostListError: it cannot be done now.
    """
    if wanted is None:
        if one is not None:
            hosts.remove(one.entity)
        return
    host = wanted.host
    if one is None:
        hosts.add(
            host.config,
            host.name,
            protocol=host.protocol,
            origin=host.origin,
            pool=host.pool,
            retry_policy=host.retry_policy,
        )
        return
    config = None if to_builtins(host.config) == to_builtins(one.config) else host.config
    hosts.edit(one.entity, config, host.name, protocol=host.protocol)
    manager = one.manager
    if host.pool != manager.connection_pool:
        manager.connection_pool = host.pool
        app.world.insert(one.entity, host.pool)
    if host.retry_policy != manager.api_client.retry_policy:
        manager.api_client = OllamaAPIClient.for_host(host.config, host.retry_policy)
        app.world.insert(one.entity, manager.api_client)
    hosts.keep_changes()


def _with_seed(value: object, settings: Mapping[str, object]) -> object:
    """The roll-out with the seed of this computer, which no file brings along."""
    if not isinstance(value, RolloutConfiguration):
        return value
    kept = settings.get(ROLLOUT)
    seed = kept.get("seed") if isinstance(kept, dict) else None
    return RolloutConfiguration(seed if isinstance(seed, str) else "", value.respect_percentages)
