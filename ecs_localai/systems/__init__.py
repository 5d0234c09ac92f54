"""Behaviour only: one file a system set, and the plugin that wires them into an app.

A name is imported when it is asked for: a program that has only the plugin waits for no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_localai.systems.host_list import HostListError as HostListError
    from ecs_localai.systems.host_list import ListedHost as ListedHost
    from ecs_localai.systems.host_list import OllamaHosts as OllamaHosts
    from ecs_localai.systems.known_models import KnownModels as KnownModels
    from ecs_localai.systems.known_models import KnownName as KnownName
    from ecs_localai.systems.messages import EVENTS as EVENTS
    from ecs_localai.systems.messages import INTENTS as INTENTS
    from ecs_localai.systems.model_difference import ModelGroup as ModelGroup
    from ecs_localai.systems.model_difference import difference_text as difference_text
    from ecs_localai.systems.model_difference import group_models as group_models
    from ecs_localai.systems.paired_browsers import PairedBrowsers as PairedBrowsers
    from ecs_localai.systems.plugin import LocalModelsPlugin as LocalModelsPlugin
    from ecs_localai.systems.preferences import Preferences as Preferences
    from ecs_localai.systems.sets import HostConnection as HostConnection
    from ecs_localai.systems.sets import InstallationTracking as InstallationTracking
    from ecs_localai.systems.sets import LocalModelsSystemSet as LocalModelsSystemSet
    from ecs_localai.systems.sets import ModelManagement as ModelManagement
    from ecs_localai.systems.sets import PerformanceMonitoring as PerformanceMonitoring
    from ecs_localai.systems.sets import UIUpdate as UIUpdate

else:
    from ecs_localai._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "host_list": (
                "HostListError",
                "ListedHost",
                "OllamaHosts",
            ),
            "known_models": (
                "KnownModels",
                "KnownName",
            ),
            "messages": (
                "EVENTS",
                "INTENTS",
            ),
            "model_difference": (
                "ModelGroup",
                "difference_text",
                "group_models",
            ),
            "paired_browsers": ("PairedBrowsers",),
            "plugin": ("LocalModelsPlugin",),
            "preferences": ("Preferences",),
            "sets": (
                "HostConnection",
                "InstallationTracking",
                "LocalModelsSystemSet",
                "ModelManagement",
                "PerformanceMonitoring",
                "UIUpdate",
            ),
        },
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
