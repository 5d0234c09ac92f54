"""Behaviour only: one file a system set, and the plugin that wires them into an app."""

from ecs_localai.systems.host_list import HostListError, ListedHost, OllamaHosts
from ecs_localai.systems.known_models import KnownModels, KnownName
from ecs_localai.systems.messages import EVENTS, INTENTS
from ecs_localai.systems.model_difference import ModelGroup, difference_text, group_models
from ecs_localai.systems.paired_browsers import PairedBrowsers
from ecs_localai.systems.plugin import LocalModelsPlugin
from ecs_localai.systems.preferences import Preferences
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
    "HostListError",
    "InstallationTracking",
    "KnownModels",
    "KnownName",
    "ListedHost",
    "LocalModelsPlugin",
    "LocalModelsSystemSet",
    "ModelGroup",
    "ModelManagement",
    "OllamaHosts",
    "PairedBrowsers",
    "PerformanceMonitoring",
    "Preferences",
    "UIUpdate",
    "difference_text",
    "group_models",
]
