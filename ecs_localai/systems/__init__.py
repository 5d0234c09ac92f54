"""Behaviour only: one file a system set, and the plugin that wires them into an app."""

from ecs_localai.systems.plugin import EVENTS, INTENTS, LocalModelsPlugin
from ecs_localai.systems.sets import (
    HostConnection,
    InstallationTracking,
    LocalModelsSystemSet,
    ModelManagement,
    PerformanceMonitoring,
    UIUpdate,
)

__all__ = [
    "EVENTS",
    "INTENTS",
    "HostConnection",
    "InstallationTracking",
    "LocalModelsPlugin",
    "LocalModelsSystemSet",
    "ModelManagement",
    "PerformanceMonitoring",
    "UIUpdate",
]
