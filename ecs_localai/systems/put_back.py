"""What the panel cannot do without in the world, made again when a host program has deleted it."""

from __future__ import annotations

from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.features import ExperimentalFeaturesManager, FeatureToggle, FeatureToggleGroup
from ecs_localai.components.panel import LocalModelsPanel
from ecs_localai.runtime import EventWriter, Query, Res, World
from ecs_localai.systems.features import spawn_toggles
from ecs_localai.systems.installation_desk import drop_if_empty


def put_back(
    world: World,
    panels: Query[LocalModelsPanel],
    groups: Query[FeatureToggleGroup],
    toggles: Query[FeatureToggle],
    features: Res[ExperimentalFeaturesManager],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Make the panel and the switches again where somebody has deleted them, or the whole world."""
    if not panels:
        world.spawn(LocalModelsPanel())
    there = {entity for entity, _ in toggles}
    if not groups or any(entity not in there for _, group in groups for entity in group.toggles):
        for entity in (*there, *(entity for entity, _ in groups)):
            world.remove(entity, FeatureToggle, FeatureToggleGroup)
            drop_if_empty(world, entity)
        spawn_toggles(world, features)
        for flag in features.feature_flags.values():
            kind = UIUpdateKind.EXPERIMENTAL_FEATURE_CHANGED
            ui.write(UIUpdateEvent(kind, feature_id=flag.feature_id, enabled=flag.enabled))
