"""Bevy's ideas on esper: apps, plugins, schedules, systems, events, commands and background tasks.

Knows nothing of AI models, HTTP or pygame.
"""

from ecs_localai.runtime.activity import Activity, activity
from ecs_localai.runtime.app import App
from ecs_localai.runtime.commands import Commands
from ecs_localai.runtime.errors import (
    MissingResourceError,
    NestedUpdateError,
    PluginError,
    RuntimeSetupError,
    ScheduleError,
    SystemParamError,
    WorldInUseError,
)
from ecs_localai.runtime.events import EventReader, Events, EventWriter
from ecs_localai.runtime.failures import SystemFailed
from ecs_localai.runtime.local import Local
from ecs_localai.runtime.plugin import Plugin, PluginGroup
from ecs_localai.runtime.processors import SetProcessor
from ecs_localai.runtime.query import Added, Query, With, Without
from ecs_localai.runtime.reactive_runner import ReactiveRunner
from ecs_localai.runtime.resources import Res
from ecs_localai.runtime.runner import AppExit, ScheduleRunner
from ecs_localai.runtime.schedule import (
    First,
    Last,
    PostStartup,
    PostUpdate,
    PreStartup,
    PreUpdate,
    ScheduleLabel,
    Startup,
    Update,
)
from ecs_localai.runtime.sets import SystemSet, after, before, chain, in_set, run_if
from ecs_localai.runtime.tasks import IoTaskPool, Latest, Task, TaskCancelled
from ecs_localai.runtime.time import Time, Timer, Wakeups
from ecs_localai.runtime.world import World

__all__ = [
    "Activity",
    "Added",
    "App",
    "AppExit",
    "Commands",
    "EventReader",
    "EventWriter",
    "Events",
    "First",
    "IoTaskPool",
    "Last",
    "Latest",
    "Local",
    "MissingResourceError",
    "NestedUpdateError",
    "Plugin",
    "PluginError",
    "PluginGroup",
    "PostStartup",
    "PostUpdate",
    "PreStartup",
    "PreUpdate",
    "Query",
    "ReactiveRunner",
    "Res",
    "RuntimeSetupError",
    "ScheduleError",
    "ScheduleLabel",
    "ScheduleRunner",
    "SetProcessor",
    "Startup",
    "SystemFailed",
    "SystemParamError",
    "SystemSet",
    "Task",
    "TaskCancelled",
    "Time",
    "Timer",
    "Update",
    "Wakeups",
    "With",
    "Without",
    "World",
    "WorldInUseError",
    "activity",
    "after",
    "before",
    "chain",
    "in_set",
    "run_if",
]
