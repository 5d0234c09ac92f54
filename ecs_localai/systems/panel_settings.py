"""UI_UPDATE: what a person chose in the panel is kept."""

from __future__ import annotations

from ecs_localai.components.panel_intents import PanelSettingsChanged
from ecs_localai.runtime import EventReader, Res
from ecs_localai.systems.preferences import Preferences


def keep_panel_settings(changes: EventReader[PanelSettingsChanged], preferences: Res[Preferences]) -> None:
    """Take over the last of the changes: each says all of it."""
    for change in changes.read()[-1:]:
        preferences.set_panel(change.settings)
