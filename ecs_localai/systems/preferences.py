"""What a person chose, typed, and kept: how the panel looks, what a browser may tell, which features are offered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from ecs_localai.components.browser import BrowserExtensionManager, ContextExtractionConfig, ExtensionPrivacySettings
from ecs_localai.components.codec import DecodeError, decode, to_builtins
from ecs_localai.components.downloads import DownloadSettings
from ecs_localai.components.features import (
    ExperimentalFeaturesManager,
    ExperimentalPreferences,
    FeatureTelemetry,
    RolloutConfiguration,
)
from ecs_localai.components.panel import PanelSettings
from ecs_localai.systems.persistence import SavedState

T = TypeVar("T")

PANEL = "panel"
PRIVACY = "privacy"
EXTRACTION = "context_extraction"
EXPERIMENTAL = "experimental_preferences"
ROLLOUT = "rollout"
TELEMETRY = "feature_telemetry"
DOWNLOADS = "downloads"


class Preferences:
    """What a person chose. A resource; each `set_…` applies at once and costs the frame an append to a queue.

    The choices themselves lie where the specification has them: in `BrowserExtensionManager` and
    `ExperimentalFeaturesManager`. A program that changes them there hands them to `set_…` so that they are kept.
    """

    __slots__ = ("_browser", "_features", "_saved", "downloads", "panel")

    def __init__(
        self, saved: SavedState, features: ExperimentalFeaturesManager, browser: BrowserExtensionManager
    ) -> None:
        self._saved = saved
        self._features = features
        self._browser = browser
        self.panel = PanelSettings()
        """How the panel looks and where its window is."""
        self.downloads = DownloadSettings()
        """How downloads are to go."""
        self.follow({}, saved.settings)
        panel = self._read(saved.settings, PANEL, PanelSettings)
        if panel is not None:
            self.panel = panel

    def follow(self, before: Mapping[str, object], now: Mapping[str, object]) -> None:
        """Take over the settings that are different now, and the usual ones for those that are gone. What makes no
        sense stays as it was.

        Not the panel's: each window is where its person has put it.
        """
        browser, features = self._browser, self._features
        if (privacy := self._changed(before, now, PRIVACY, ExtensionPrivacySettings)) is not None:
            browser.privacy_settings = privacy
        if (extraction := self._changed(before, now, EXTRACTION, ContextExtractionConfig)) is not None:
            browser.context_extraction = extraction
        if (chosen := self._changed(before, now, EXPERIMENTAL, ExperimentalPreferences)) is not None:
            chosen.overrides = features.user_preferences.overrides  # they are kept as flags
            features.user_preferences = chosen
        if (rollout := self._changed(before, now, ROLLOUT, RolloutConfiguration)) is not None:
            features.rollout_config = rollout
        if (telemetry := self._changed(before, now, TELEMETRY, FeatureTelemetry)) is not None:
            features.telemetry_collector = telemetry
        if (downloads := self._changed(before, now, DOWNLOADS, DownloadSettings)) is not None:
            self.downloads = downloads

    def _changed(self, before: Mapping[str, object], now: Mapping[str, object], key: str, kind: type[T]) -> T | None:
        """What a setting says that is another one now; None for one that is the same, or makes no sense."""
        if before.get(key) == now.get(key):
            return None
        return self._read(now, key, kind) if key in now else kind()

    @property
    def privacy(self) -> ExtensionPrivacySettings:
        """What a browser may tell, and how long it is kept."""
        return self._browser.privacy_settings

    def set_panel(self, settings: PanelSettings) -> None:
        """Keep how the panel looks."""
        if settings != self.panel:
            self.panel = settings
            self._keep(PANEL, settings)

    def set_privacy(self, settings: ExtensionPrivacySettings) -> None:
        """What a browser may tell from now on. Text that may not be kept so long any more is deleted."""
        self._browser.privacy_settings = settings
        self._saved.apply_retention(settings.retention_policy)  # first: what was dropped must not outlive a crash
        self._keep(PRIVACY, settings)

    def set_extraction(self, config: ContextExtractionConfig) -> None:
        """How text is taken from pages."""
        self._browser.context_extraction = config
        self._keep(EXTRACTION, config)

    def set_experimental(self, preferences: ExperimentalPreferences) -> None:
        """Which features are shown. What is switched on is kept by the features themselves."""
        self._features.user_preferences = preferences
        self._keep(EXPERIMENTAL, preferences)

    def set_rollout(self, config: RolloutConfiguration) -> None:
        """How it is decided who is offered a feature."""
        self._features.rollout_config = config
        self._keep(ROLLOUT, config)

    def set_downloads(self, settings: DownloadSettings) -> None:
        """How downloads are to go from now on. Those that run go on."""
        if settings != self.downloads:
            self.downloads = settings
            self._keep(DOWNLOADS, settings)

    def keep_telemetry(self) -> None:
        """Keep the counts of what was switched."""
        self._keep(TELEMETRY, self._features.telemetry_collector)

    def _keep(self, key: str, value: object) -> None:
        self._saved.set_setting(key, to_builtins(value))

    def _read(self, settings: Mapping[str, object], key: str, kind: type[T]) -> T | None:
        row = settings.get(key)
        if row is None:
            return None
        try:
            return decode(msgspec.json.encode(row), kind)
        except DecodeError as error:
            self._saved.problems.append(f"The saved setting {key!r} is unreadable, so the usual one is used. {error}")
            return None
