"""What a person chose is there at the next start, and in an app that runs when it was chosen elsewhere."""

from __future__ import annotations

from pathlib import Path

from ecs_localai import BrowserExtensionManager, ContextRetentionPolicy, ExperimentalFeaturesManager, FeatureFlagToggled, ToggleRequested
from ecs_localai.components.browser import ContentType, ContextExtractionConfig, ExtensionPrivacySettings
from ecs_localai.components.features import ExperimentalPhase, ExperimentalPreferences, RolloutConfiguration
from ecs_localai.components.panel import PanelSettings, ThemeChoice
from ecs_localai.store import Store
from ecs_localai.systems.preferences import Preferences
from tests.systems.systems_parts import Driven

PRIVACY = ExtensionPrivacySettings(
    auto_extract_context=True,
    content_type_whitelist=[ContentType.DOCUMENT],
    domain_whitelist=["example.org"],
    retention_policy=ContextRetentionPolicy.hours(3),
)
EXTRACTION = ContextExtractionConfig(enabled=True, include_metadata=False)
EXPERIMENTAL = ExperimentalPreferences(hidden_phases=[ExperimentalPhase.ALPHA])
ROLLOUT = RolloutConfiguration("seed of this machine", respect_percentages=False)
PANEL = PanelSettings(theme=ThemeChoice.DARK, scale=1.5)


def preferences_of(driven: Driven) -> Preferences:
    return driven.app.world.resource(Preferences)


def test_all_of_it_is_there_at_the_next_start(tmp_path: Path) -> None:
    with Driven.saved(tmp_path) as driven:
        preferences = preferences_of(driven)
        preferences.set_privacy(PRIVACY)
        preferences.set_extraction(EXTRACTION)
        preferences.set_experimental(EXPERIMENTAL)
        preferences.set_rollout(ROLLOUT)
        preferences.set_panel(PANEL)
    with Driven.saved(tmp_path) as driven:
        browser = driven.app.world.resource(BrowserExtensionManager)
        features = driven.app.world.resource(ExperimentalFeaturesManager)
        assert browser.privacy_settings == preferences_of(driven).privacy == PRIVACY
        assert browser.context_extraction == EXTRACTION
        assert features.user_preferences == EXPERIMENTAL
        assert features.rollout_config == ROLLOUT
        assert preferences_of(driven).panel == PANEL


def test_counts_of_what_was_switched_go_on(tmp_path: Path) -> None:
    for times in (1, 2):
        with Driven.saved(tmp_path) as driven:
            driven.write(ToggleRequested("custom_providers", times == 1))
            driven.until_event(FeatureFlagToggled)
            driven.update()
            assert driven.features.telemetry_collector.toggle_counts["custom_providers"] == times


def test_what_is_chosen_elsewhere_is_taken_over_but_for_the_looks(tmp_path: Path) -> None:
    with Driven.saved(tmp_path) as driven, Driven.saved(tmp_path) as other:
        preferences_of(other).set_privacy(PRIVACY)
        preferences_of(other).set_panel(PANEL)
        driven.until(lambda: preferences_of(driven).privacy == PRIVACY)
        assert preferences_of(driven).panel == PanelSettings()


def test_what_makes_no_sense_is_said_and_the_usual_is_used(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.set_setting("privacy", {"max_context_size": -1})
        store.set_setting("panel", ["no", "panel"])
        store.set_setting("rollout", {"seed": "kept"})
    with Driven.saved(tmp_path) as driven:
        assert preferences_of(driven).privacy == ExtensionPrivacySettings()
        assert preferences_of(driven).panel == PanelSettings()
        assert driven.features.rollout_config.seed == "kept"
        driven.until(lambda: len(driven.notices()) >= 1)


def test_without_a_data_folder_it_holds_for_this_run() -> None:
    with Driven() as driven:
        preferences_of(driven).set_privacy(PRIVACY)
        assert driven.app.world.resource(BrowserExtensionManager).privacy_settings == PRIVACY
