"""The experimental features' switches: spawned at the start, checked and applied when somebody toggles one."""

from __future__ import annotations

from collections.abc import Iterable

from ecs_localai.components.events import FeatureFlagToggled, UIUpdateEvent, UIUpdateKind
from ecs_localai.components.features import (
    ExperimentalFeaturesManager,
    FeatureFlag,
    FeatureToggle,
    FeatureToggleGroup,
    default_feature_flags,
)
from ecs_localai.components.panel_intents import ToggleRequested
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.wording import format_list
from ecs_localai.runtime import EventReader, EventWriter, Query, Res, World
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.preferences import Preferences


def spawn_feature_toggles(world: World, features: Res[ExperimentalFeaturesManager], saved: Res[SavedState]) -> None:
    """Restore the flags that were switched by hand, and make a toggle for every feature, in one group."""
    for feature_id, enabled in saved.flags.items():
        flag = features.feature_flags.get(feature_id)
        if flag is not None:
            flag.enabled = enabled
            features.user_preferences.overrides[feature_id] = enabled
    switch_off_what_cannot_be_on(features)
    spawn_toggles(world, features)


def switch_off_what_cannot_be_on(features: ExperimentalFeaturesManager) -> None:
    """A feature whose prerequisites are off is not on, whatever was saved of it: by another version, or just before a
    program was killed."""
    changed = True
    while changed:
        changed = False
        for flag in features.feature_flags.values():
            if flag.enabled and missing_prerequisites(flag, features):
                flag.enabled, changed = False, True


def spawn_toggles(world: World, features: ExperimentalFeaturesManager) -> None:
    """Make a toggle for every feature, in one group."""
    toggles = [
        world.spawn(FeatureToggle(flag.feature_id, flag.name, flag.enabled)) for flag in features.feature_flags.values()
    ]
    world.spawn(
        FeatureToggleGroup(
            toggles,
            "Experimental features",
            "Early work: each may change or go away. What you switch stays on this computer.",
        )
    )


def missing_prerequisites(flag: FeatureFlag, features: ExperimentalFeaturesManager) -> list[str]:
    """The names of the features that have to be on before this one can be."""
    names = []
    for feature_id in flag.prerequisites:
        other = features.feature_flags.get(feature_id)
        if other is None or not other.enabled:
            names.append(other.name if other is not None else feature_id)
    return names


def in_order_of_need(flags: Iterable[FeatureFlag]) -> list[FeatureFlag]:
    """The same features, each behind those that it needs."""
    waiting, ordered = {flag.feature_id: flag for flag in flags}, list[FeatureFlag]()
    while waiting:
        ready = [flag for flag in waiting.values() if waiting.keys().isdisjoint(flag.prerequisites)]
        for flag in ready or list(waiting.values()):  # or they need each other, and none can be switched on
            ordered.append(waiting.pop(flag.feature_id))
    return ordered


def request_feature_toggles(
    requests: EventReader[ToggleRequested],
    features: Res[ExperimentalFeaturesManager],
    toggled: EventWriter[FeatureFlagToggled],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Turn a person's wish into `FeatureFlagToggled`, or say why it cannot be had."""
    for request in requests.read():
        flag = features.feature_flags.get(request.feature_id)
        if flag is None:
            known = format_list(list(features.feature_flags))
            text = f"There is no feature {request.feature_id}; there are {known}."
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=text))
        elif request.on and (missing := missing_prerequisites(flag, features)):
            _refuse(flag, missing, ui)
        elif flag.enabled != request.on:
            toggled.write(FeatureFlagToggled(flag.feature_id, flag.enabled, request.on, user_initiated=True))


def handle_experimental_feature_toggles(
    events: EventReader[FeatureFlagToggled],
    features: Res[ExperimentalFeaturesManager],
    toggles: Query[FeatureToggle],
    saved: Res[SavedState],
    preferences: Res[Preferences],
    toggled: EventWriter[FeatureFlagToggled],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Apply each `FeatureFlagToggled`: the flag, its toggle, what is remembered.

    A feature whose prerequisites are off is not switched on. One that is switched off takes those that need it
    with it, by further events that are not `user_initiated`.
    """
    for event in events.read():
        flag = features.feature_flags.get(event.feature_id)
        if flag is None or flag.enabled == event.new_state:
            continue
        missing = missing_prerequisites(flag, features) if event.new_state else []
        if missing:
            _refuse(flag, missing, ui)
            continue
        flag.enabled = event.new_state
        _remember(flag, event, features, saved, preferences)
        for _, toggle in toggles:
            if toggle.feature_id == flag.feature_id:
                toggle.current_state = flag.enabled
        _show(flag, ui)
        if not flag.enabled:
            for other in features.feature_flags.values():
                if other.enabled and flag.feature_id in other.prerequisites:
                    toggled.write(FeatureFlagToggled(other.feature_id, True, False, user_initiated=False))


def _refuse(flag: FeatureFlag, missing: list[str], ui: EventWriter[UIUpdateEvent]) -> None:
    """Say why a feature is not switched on; its toggle, which may have moved under the pointer, goes back."""
    text = f"{flag.name} needs {' and '.join(missing)}: switch that on first."
    ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=text))
    _show(flag, ui)


def _show(flag: FeatureFlag, ui: EventWriter[UIUpdateEvent]) -> None:
    kind = UIUpdateKind.EXPERIMENTAL_FEATURE_CHANGED
    ui.write(UIUpdateEvent(kind, feature_id=flag.feature_id, enabled=flag.enabled))


def _remember(
    flag: FeatureFlag,
    event: FeatureFlagToggled,
    features: ExperimentalFeaturesManager,
    saved: SavedState,
    preferences: Preferences,
) -> None:
    usual = default_feature_flags().get(flag.feature_id)
    is_followed = saved.flags.get(flag.feature_id, usual and usual.enabled) is flag.enabled
    if event.user_initiated or is_followed:
        features.user_preferences.overrides[flag.feature_id] = flag.enabled
    if is_followed:
        return  # it was switched, kept and counted in another process
    saved.set_flag(flag.feature_id, flag.enabled)
    telemetry = features.telemetry_collector
    if telemetry.enabled:
        telemetry.toggle_counts[flag.feature_id] = telemetry.toggle_counts.get(flag.feature_id, 0) + 1
        telemetry.last_toggled[flag.feature_id] = utc_now()
        preferences.keep_telemetry()
