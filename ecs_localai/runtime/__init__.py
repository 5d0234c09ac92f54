"""Bevy's ideas on esper: apps, plugins, schedules, systems, events, commands and background tasks.

Knows nothing of AI models, HTTP or pygame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App as App
    from ecs_localai.runtime.changes import Changes as Changes
    from ecs_localai.runtime.channels import Channel as Channel
    from ecs_localai.runtime.channels import ChannelClosed as ChannelClosed
    from ecs_localai.runtime.channels import Latest as Latest
    from ecs_localai.runtime.combinators import and_ as and_
    from ecs_localai.runtime.combinators import not_ as not_
    from ecs_localai.runtime.combinators import or_ as or_
    from ecs_localai.runtime.commands import Commands as Commands
    from ecs_localai.runtime.conditions import in_state as in_state
    from ecs_localai.runtime.conditions import on_event as on_event
    from ecs_localai.runtime.conditions import on_timer as on_timer
    from ecs_localai.runtime.conditions import run_once as run_once
    from ecs_localai.runtime.conditions import state_changed as state_changed
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
    from ecs_localai.runtime.diagnostics import Diagnostic as Diagnostic
    from ecs_localai.runtime.diagnostics import DiagnosticPath as DiagnosticPath
    from ecs_localai.runtime.diagnostics import DiagnosticsStore as DiagnosticsStore
    from ecs_localai.runtime.diagnostics import SampleRing as SampleRing
    from ecs_localai.runtime.diagnostics import UnknownDiagnosticError as UnknownDiagnosticError
    from ecs_localai.runtime.entity import Entity as Entity
    from ecs_localai.runtime.entity import EntityReference as EntityReference
    from ecs_localai.runtime.errors import MissingResourceError as MissingResourceError
    from ecs_localai.runtime.errors import NestedUpdateError as NestedUpdateError
    from ecs_localai.runtime.errors import PluginError as PluginError
    from ecs_localai.runtime.errors import RuntimeSetupError as RuntimeSetupError
    from ecs_localai.runtime.errors import ScheduleError as ScheduleError
    from ecs_localai.runtime.errors import SystemParamError as SystemParamError
    from ecs_localai.runtime.errors import WorldInUseError as WorldInUseError
    from ecs_localai.runtime.events import EventReader as EventReader
    from ecs_localai.runtime.events import Events as Events
    from ecs_localai.runtime.events import EventWriter as EventWriter
    from ecs_localai.runtime.failing import FailingSystems as FailingSystems
    from ecs_localai.runtime.failing import SystemRecovered as SystemRecovered
    from ecs_localai.runtime.failure_policy import FailurePolicy as FailurePolicy
    from ecs_localai.runtime.failures import ErrorHandler as ErrorHandler
    from ecs_localai.runtime.failures import SystemFailed as SystemFailed
    from ecs_localai.runtime.filters import Added as Added
    from ecs_localai.runtime.filters import Changed as Changed
    from ecs_localai.runtime.filters import With as With
    from ecs_localai.runtime.filters import Without as Without
    from ecs_localai.runtime.fixed import FixedTime as FixedTime
    from ecs_localai.runtime.frame_activity import Activity as Activity
    from ecs_localai.runtime.frame_activity import activity as activity
    from ecs_localai.runtime.frame_time_diagnostics import FrameTimeDiagnosticsPlugin as FrameTimeDiagnosticsPlugin
    from ecs_localai.runtime.local import Local as Local
    from ecs_localai.runtime.log_diagnostics import LogDiagnosticsPlugin as LogDiagnosticsPlugin
    from ecs_localai.runtime.observers import Add as Add
    from ecs_localai.runtime.observers import Insert as Insert
    from ecs_localai.runtime.observers import Observer as Observer
    from ecs_localai.runtime.observers import On as On
    from ecs_localai.runtime.observers import Remove as Remove
    from ecs_localai.runtime.plugin import LatePlugin as LatePlugin
    from ecs_localai.runtime.plugin import Plugin as Plugin
    from ecs_localai.runtime.plugin import PluginGroup as PluginGroup
    from ecs_localai.runtime.processors import AppProcessor as AppProcessor
    from ecs_localai.runtime.processors import SetProcessor as SetProcessor
    from ecs_localai.runtime.query import Query as Query
    from ecs_localai.runtime.reactive_runner import ReactiveRunner as ReactiveRunner
    from ecs_localai.runtime.removed import RemovedComponents as RemovedComponents
    from ecs_localai.runtime.resource_conditions import resource_changed as resource_changed
    from ecs_localai.runtime.resource_conditions import resource_exists as resource_exists
    from ecs_localai.runtime.resources import Res as Res
    from ecs_localai.runtime.runner import AppExit as AppExit
    from ecs_localai.runtime.runner import ScheduleRunner as ScheduleRunner
    from ecs_localai.runtime.saving.errors import LoadError as LoadError
    from ecs_localai.runtime.saving.errors import SavedWorldError as SavedWorldError
    from ecs_localai.runtime.saving.errors import SaveError as SaveError
    from ecs_localai.runtime.saving.errors import UnknownTypeError as UnknownTypeError
    from ecs_localai.runtime.saving.format import SavedContents as SavedContents
    from ecs_localai.runtime.saving.format import saved_contents as saved_contents
    from ecs_localai.runtime.saving.loading import LoadedWorld as LoadedWorld
    from ecs_localai.runtime.saving.loading import load_world as load_world
    from ecs_localai.runtime.saving.marks import NotSaved as NotSaved
    from ecs_localai.runtime.saving.writing import SavedWorld as SavedWorld
    from ecs_localai.runtime.saving.writing import Skipped as Skipped
    from ecs_localai.runtime.saving.writing import save_world as save_world
    from ecs_localai.runtime.schedule import First as First
    from ecs_localai.runtime.schedule import FixedUpdate as FixedUpdate
    from ecs_localai.runtime.schedule import Last as Last
    from ecs_localai.runtime.schedule import PostStartup as PostStartup
    from ecs_localai.runtime.schedule import PostUpdate as PostUpdate
    from ecs_localai.runtime.schedule import PreStartup as PreStartup
    from ecs_localai.runtime.schedule import PreUpdate as PreUpdate
    from ecs_localai.runtime.schedule import ScheduleLabel as ScheduleLabel
    from ecs_localai.runtime.schedule import Startup as Startup
    from ecs_localai.runtime.schedule import StateTransition as StateTransition
    from ecs_localai.runtime.schedule import Update as Update
    from ecs_localai.runtime.sets import SystemSet as SystemSet
    from ecs_localai.runtime.sets import after as after
    from ecs_localai.runtime.sets import before as before
    from ecs_localai.runtime.sets import chain as chain
    from ecs_localai.runtime.sets import in_set as in_set
    from ecs_localai.runtime.sets import run_if as run_if
    from ecs_localai.runtime.states import DespawnOnExit as DespawnOnExit
    from ecs_localai.runtime.states import NextState as NextState
    from ecs_localai.runtime.states import OnEnter as OnEnter
    from ecs_localai.runtime.states import OnExit as OnExit
    from ecs_localai.runtime.states import OnTransition as OnTransition
    from ecs_localai.runtime.states import State as State
    from ecs_localai.runtime.states import States as States
    from ecs_localai.runtime.states import StateTransitionEvent as StateTransitionEvent
    from ecs_localai.runtime.tasks import IoTaskPool as IoTaskPool
    from ecs_localai.runtime.tasks import Task as Task
    from ecs_localai.runtime.tasks import TaskCancelled as TaskCancelled
    from ecs_localai.runtime.time import Time as Time
    from ecs_localai.runtime.time import Timer as Timer
    from ecs_localai.runtime.time import Wakeups as Wakeups
    from ecs_localai.runtime.type_registry import TypeRegistry as TypeRegistry
    from ecs_localai.runtime.world import World as World
else:
    from ecs_localai._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "app": ("App",),
            "changes": ("Changes",),
            "channels": ("Channel", "ChannelClosed", "Latest"),
            "combinators": ("and_", "not_", "or_"),
            "commands": ("Commands",),
            "conditions": ("in_state", "on_event", "on_timer", "run_once", "state_changed"),
            "describe": (
                "AppDescription",
                "DiagnosticDescription",
                "EventDescription",
                "ObserverDescription",
                "ProcessorDescription",
                "RestDescription",
                "ScheduleDescription",
                "StageDescription",
                "SystemDescription",
                "SystemTimesDescription",
            ),
            "diagnostics": ("Diagnostic", "DiagnosticPath", "DiagnosticsStore", "SampleRing", "UnknownDiagnosticError"),
            "entity": ("Entity", "EntityReference"),
            "errors": (
                "MissingResourceError",
                "NestedUpdateError",
                "PluginError",
                "RuntimeSetupError",
                "ScheduleError",
                "SystemParamError",
                "WorldInUseError",
            ),
            "events": ("EventReader", "EventWriter", "Events"),
            "failing": ("FailingSystems", "SystemRecovered"),
            "failure_policy": ("FailurePolicy",),
            "failures": ("ErrorHandler", "SystemFailed"),
            "filters": ("Added", "Changed", "With", "Without"),
            "fixed": ("FixedTime",),
            "frame_activity": ("Activity", "activity"),
            "frame_time_diagnostics": ("FrameTimeDiagnosticsPlugin",),
            "local": ("Local",),
            "log_diagnostics": ("LogDiagnosticsPlugin",),
            "observers": ("Add", "Insert", "Observer", "On", "Remove"),
            "plugin": ("LatePlugin", "Plugin", "PluginGroup"),
            "processors": ("AppProcessor", "SetProcessor"),
            "query": ("Query",),
            "reactive_runner": ("ReactiveRunner",),
            "removed": ("RemovedComponents",),
            "resource_conditions": ("resource_changed", "resource_exists"),
            "resources": ("Res",),
            "runner": ("AppExit", "ScheduleRunner"),
            "saving.errors": ("LoadError", "SaveError", "SavedWorldError", "UnknownTypeError"),
            "saving.format": ("SavedContents", "saved_contents"),
            "saving.loading": ("LoadedWorld", "load_world"),
            "saving.marks": ("NotSaved",),
            "saving.writing": ("SavedWorld", "Skipped", "save_world"),
            "schedule": (
                "First",
                "FixedUpdate",
                "Last",
                "PostStartup",
                "PostUpdate",
                "PreStartup",
                "PreUpdate",
                "ScheduleLabel",
                "Startup",
                "StateTransition",
                "Update",
            ),
            "sets": ("SystemSet", "after", "before", "chain", "in_set", "run_if"),
            "states": (
                "DespawnOnExit",
                "NextState",
                "OnEnter",
                "OnExit",
                "OnTransition",
                "State",
                "StateTransitionEvent",
                "States",
            ),
            "tasks": ("IoTaskPool", "Task", "TaskCancelled"),
            "time": ("Time", "Timer", "Wakeups"),
            "type_registry": ("TypeRegistry",),
            "world": ("World",),
        },
    )

__all__ = [
    "Activity",
    "Add",
    "Added",
    "App",
    "AppDescription",
    "AppExit",
    "AppProcessor",
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
    "Entity",
    "EntityReference",
    "ErrorHandler",
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
    "LatePlugin",
    "Latest",
    "LoadError",
    "LoadedWorld",
    "Local",
    "LogDiagnosticsPlugin",
    "MissingResourceError",
    "NestedUpdateError",
    "NextState",
    "NotSaved",
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
    "SaveError",
    "SavedContents",
    "SavedWorld",
    "SavedWorldError",
    "ScheduleDescription",
    "ScheduleError",
    "ScheduleLabel",
    "ScheduleRunner",
    "SetProcessor",
    "Skipped",
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
    "TypeRegistry",
    "UnknownDiagnosticError",
    "UnknownTypeError",
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
    "load_world",
    "not_",
    "on_event",
    "on_timer",
    "or_",
    "resource_changed",
    "resource_exists",
    "run_if",
    "run_once",
    "save_world",
    "saved_contents",
    "state_changed",
]
