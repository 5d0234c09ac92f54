"""Bevy's ideas on esper: apps, plugins, schedules, systems, events, commands and background tasks.

Knows nothing of AI models, HTTP or pygame.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ecs_localai.runtime.activity import Activity, activity
from ecs_localai.runtime.app import App
from ecs_localai.runtime.changes import Changes
from ecs_localai.runtime.channels import Channel, ChannelClosed, Latest
from ecs_localai.runtime.combinators import and_, not_, or_
from ecs_localai.runtime.commands import Commands
from ecs_localai.runtime.conditions import in_state, on_event, on_timer, run_once, state_changed
from ecs_localai.runtime.diagnostics import (
    Diagnostic,
    DiagnosticPath,
    DiagnosticsStore,
    SampleRing,
    UnknownDiagnosticError,
)
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
from ecs_localai.runtime.failing import FailingSystems, SystemRecovered
from ecs_localai.runtime.failure_policy import FailurePolicy
from ecs_localai.runtime.failures import SystemFailed
from ecs_localai.runtime.filters import Added, Changed, With, Without
from ecs_localai.runtime.fixed import FixedTime
from ecs_localai.runtime.local import Local
from ecs_localai.runtime.observers import Add, Insert, Observer, On, Remove
from ecs_localai.runtime.plugin import Plugin, PluginGroup
from ecs_localai.runtime.processors import SetProcessor
from ecs_localai.runtime.query import Query
from ecs_localai.runtime.removed import RemovedComponents
from ecs_localai.runtime.resource_conditions import resource_changed, resource_exists
from ecs_localai.runtime.resources import Res
from ecs_localai.runtime.runner import AppExit, ScheduleRunner
from ecs_localai.runtime.schedule import (
    First,
    FixedUpdate,
    Last,
    PostStartup,
    PostUpdate,
    PreStartup,
    PreUpdate,
    ScheduleLabel,
    Startup,
    StateTransition,
    Update,
)
from ecs_localai.runtime.sets import SystemSet, after, before, chain, in_set, run_if
from ecs_localai.runtime.states import (
    DespawnOnExit,
    NextState,
    OnEnter,
    OnExit,
    OnTransition,
    State,
    States,
    StateTransitionEvent,
)
from ecs_localai.runtime.tasks import IoTaskPool, Task, TaskCancelled
from ecs_localai.runtime.time import Time, Timer, Wakeups
from ecs_localai.runtime.world import World

if TYPE_CHECKING:
    from ecs_localai.runtime.describe import AppDescription as AppDescription
    from ecs_localai.runtime.describe import DiagnosticDescription as DiagnosticDescription
    from ecs_localai.runtime.describe import EventDescription as EventDescription
    from ecs_localai.runtime.describe import ObserverDescription as ObserverDescription
    from ecs_localai.runtime.describe import ProcessorDescription as ProcessorDescription
    from ecs_localai.runtime.describe import RestDescription as RestDescription
    from ecs_localai.runtime.describe import ScheduleDescription as ScheduleDescription
    from ecs_localai.runtime.describe import StageDescription as StageDescription
    from ecs_localai.runtime.describe import SystemDescription as SystemDescription
    from ecs_localai.runtime.describe import SystemTimesDescription as SystemTimesDescription
    from ecs_localai.runtime.frame_time_diagnostics import FrameTimeDiagnosticsPlugin as FrameTimeDiagnosticsPlugin
    from ecs_localai.runtime.log_diagnostics import LogDiagnosticsPlugin as LogDiagnosticsPlugin
    from ecs_localai.runtime.reactive_runner import ReactiveRunner as ReactiveRunner

else:
    # What few programs need, or not in their first frame. For a type checker a module with __getattr__ has every name.
    _LATER = {
        "AppDescription": "describe",
        "DiagnosticDescription": "describe",
        "EventDescription": "describe",
        "ObserverDescription": "describe",
        "ProcessorDescription": "describe",
        "RestDescription": "describe",
        "ScheduleDescription": "describe",
        "StageDescription": "describe",
        "SystemDescription": "describe",
        "SystemTimesDescription": "describe",
        "FrameTimeDiagnosticsPlugin": "frame_time_diagnostics",
        "LogDiagnosticsPlugin": "log_diagnostics",
        "ReactiveRunner": "reactive_runner",
    }

    def __getattr__(name: str) -> object:
        home = _LATER.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{__name__}.{home}"), name)
        globals()[name] = value
        return value


__all__ = [
    "Activity",
    "Add",
    "Added",
    "App",
    "AppDescription",
    "AppExit",
    "Changed",
    "Changes",
    "Channel",
    "ChannelClosed",
    "Commands",
    "DespawnOnExit",
    "Diagnostic",
    "DiagnosticDescription",
    "DiagnosticPath",
    "DiagnosticsStore",
    "EventDescription",
    "EventReader",
    "EventWriter",
    "Events",
    "FailingSystems",
    "FailurePolicy",
    "First",
    "FixedTime",
    "FixedUpdate",
    "FrameTimeDiagnosticsPlugin",
    "Insert",
    "IoTaskPool",
    "Last",
    "Latest",
    "Local",
    "LogDiagnosticsPlugin",
    "MissingResourceError",
    "NestedUpdateError",
    "NextState",
    "Observer",
    "ObserverDescription",
    "On",
    "OnEnter",
    "OnExit",
    "OnTransition",
    "Plugin",
    "PluginError",
    "PluginGroup",
    "PostStartup",
    "PostUpdate",
    "PreStartup",
    "PreUpdate",
    "ProcessorDescription",
    "Query",
    "ReactiveRunner",
    "Remove",
    "RemovedComponents",
    "Res",
    "RestDescription",
    "RuntimeSetupError",
    "SampleRing",
    "ScheduleDescription",
    "ScheduleError",
    "ScheduleLabel",
    "ScheduleRunner",
    "SetProcessor",
    "StageDescription",
    "Startup",
    "State",
    "StateTransition",
    "StateTransitionEvent",
    "States",
    "SystemDescription",
    "SystemFailed",
    "SystemParamError",
    "SystemRecovered",
    "SystemSet",
    "SystemTimesDescription",
    "Task",
    "TaskCancelled",
    "Time",
    "Timer",
    "UnknownDiagnosticError",
    "Update",
    "Wakeups",
    "With",
    "Without",
    "World",
    "WorldInUseError",
    "activity",
    "after",
    "and_",
    "before",
    "chain",
    "in_set",
    "in_state",
    "not_",
    "on_event",
    "on_timer",
    "or_",
    "resource_changed",
    "resource_exists",
    "run_if",
    "run_once",
    "state_changed",
]
