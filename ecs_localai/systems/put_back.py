"""What the panel cannot do without in the world, made again when a host program has deleted it."""

from __future__ import annotations

from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.features import ExperimentalFeaturesManager, FeatureToggle, FeatureToggleGroup
from ecs_localai.components.hosts import OllamaHostManager
from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.panel import LocalModelsPanel
from ecs_localai.runtime import EventWriter, Query, Res, Without, World
from ecs_localai.systems.features import spawn_toggles
from ecs_localai.systems.host_connection import spawn_host
from ecs_localai.systems.installation_desk import drop_if_empty
from ecs_localai.systems.links import HostLink, HostLinks


def put_back(
    world: World,
    hosts: Query[OllamaHostManager, HostLink],
    bare_hosts: Query[OllamaHostManager, Without[HostLink]],
    bare_links: Query[HostLink, Without[OllamaHostManager]],
    panels: Query[LocalModelsPanel],
    groups: Query[FeatureToggleGroup],
    toggles: Query[FeatureToggle],
    links: Res[HostLinks],
    models: Res[LocalModelManager],
    features: Res[ExperimentalFeaturesManager],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Make the host, the panel and the switches again where somebody has deleted them, or the whole world.

    What was under way for a deleted host is cancelled. Its successor has the same address and is connected anew.
    """
    links.end_others([link for _, (_, link) in hosts])
    for entity, _ in bare_links:
        world.remove(entity, HostLink)
        drop_if_empty(world, entity)
    if not hosts:
        for entity, _ in bare_hosts:
            world.insert(entity, links.make())
            break
        else:
            spawn_host(world, models.ollama_config, links)
        ui.write(UIUpdateEvent(UIUpdateKind.HOST_CHANGED))
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
