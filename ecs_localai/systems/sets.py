"""The five sets of the Local AI models panel, and the processors that make them visible to plain esper."""

from __future__ import annotations

from enum import auto

from ecs_localai.runtime import SetProcessor, SystemSet


class LocalModelsSystemSet(SystemSet):
    """The sets, in the order in which a frame runs them."""

    HOST_CONNECTION = auto()
    MODEL_MANAGEMENT = auto()
    INSTALLATION_TRACKING = auto()
    PERFORMANCE_MONITORING = auto()
    UI_UPDATE = auto()


class HostConnection(SetProcessor):
    """Which hosts are there, and how they are doing."""

    system_set = LocalModelsSystemSet.HOST_CONNECTION


class ModelManagement(SetProcessor):
    """Which models a host has and has loaded; deleting them; experimental features."""

    system_set = LocalModelsSystemSet.MODEL_MANAGEMENT


class InstallationTracking(SetProcessor):
    """From a `ModelInstallRequest` to an installed model."""

    system_set = LocalModelsSystemSet.INSTALLATION_TRACKING


class PerformanceMonitoring(SetProcessor):
    """What running models costs this machine."""

    system_set = LocalModelsSystemSet.PERFORMANCE_MONITORING


class UIUpdate(SetProcessor):
    """What a person sees of all that."""

    system_set = LocalModelsSystemSet.UI_UPDATE
