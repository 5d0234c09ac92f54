"""What the panel says of the experimental features."""

from __future__ import annotations

from collections.abc import Mapping

from ecs_localai.components.features import ExperimentalFeaturesManager, FeatureToggle, FeatureToggleGroup
from ecs_localai.components.panel_view import ToggleGroupView, ToggleRow
from ecs_localai.systems.features import missing_prerequisites

_ICONS = {
    "auto_models": "sparkles",
    "chat_branching": "git-branch",
    "custom_providers": "plug",
    "mcp_http_servers": "server",
    "ai_extensions_ollama": "puzzle",
}
_PHASES = {"ReleaseCandidate": "Release candidate"}


def toggle_groups(
    groups: list[FeatureToggleGroup], toggles: Mapping[int, FeatureToggle], features: ExperimentalFeaturesManager
) -> list[ToggleGroupView]:
    """The groups with their toggles; one whose prerequisites are off says which."""
    views = []
    for group in groups:
        rows = [_row(toggles[entity], features) for entity in group.toggles if entity in toggles]
        views.append(ToggleGroupView(group.group_title, group.group_description, rows))
    return views


def _row(toggle: FeatureToggle, features: ExperimentalFeaturesManager) -> ToggleRow:
    flag = features.feature_flags[toggle.feature_id]
    missing = missing_prerequisites(flag, features)
    can_change = flag.enabled or not missing
    return ToggleRow(
        feature_id=flag.feature_id,
        title=toggle.display_name,
        description=flag.description if can_change else f"Switch on {' and '.join(missing)} first.",
        on=toggle.current_state,
        can_change=can_change,
        icon=_ICONS.get(flag.feature_id, "flask-conical"),
        phase=_PHASES.get(flag.experimental_phase.value, flag.experimental_phase.value),
        style=toggle.toggle_style,
    )
