"""What is in an app, as plain data (Bevy: its remote protocol, ``bevy_remote``, answers such questions one by one).

Nothing here runs in a frame: a description is collected when somebody asks for one. `AppDescription` turns into JSON
with ``msgspec.json.encode`` and into text with ``str``.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import TYPE_CHECKING, Literal

import esper
import msgspec

from ecs_localai.runtime.describe_text import description_lines
from ecs_localai.runtime.failing import FailingStep, FailingSystems
from ecs_localai.runtime.schedule import Schedule, Update
from ecs_localai.runtime.schedule_order import ScheduleOrder
from ecs_localai.runtime.step import Step, system_behind
from ecs_localai.runtime.steps import ConditionalStep, FlushStep, Segment, SharedCondition
from ecs_localai.runtime.system import System
from ecs_localai.runtime.timing import TimedSegment

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App
    from ecs_localai.runtime.events import Events
    from ecs_localai.runtime.layout import FrameLayout
    from ecs_localai.runtime.schedules import Schedules

COMMANDS_APPLIED = "(commands are applied)"
"""The name of the step between two ordered systems of which the first queues commands."""


class SystemTimesDescription(msgspec.Struct, frozen=True):
    """How long a system took, since `App.set_timing` was turned on. None where it has not run since."""

    runs: int
    """How often it ran; passed over by its conditions is not run."""
    last_seconds: float | None
    mean_seconds: float | None
    longest_seconds: float | None


class RestDescription(msgspec.Struct, frozen=True):
    """A system, or one of its conditions, that failed so often in a row that it is left alone for a while."""

    name: str
    """What failed."""
    failures_in_a_row: int
    error: str
    """The last one, as ``type: message``."""
    seconds_left: float | None
    """Real time until it is tried again; None: until `App.resume_system`."""


class SystemDescription(msgspec.Struct, frozen=True):
    """One system, or the place where queued commands are applied between two."""

    name: str
    sets: list[str]
    """The sets that it was put into, without the visible one that it is listed under."""
    conditions: list[str]
    """What is asked before it runs, in this order."""
    times: SystemTimesDescription | None
    """None while timing is off."""
    rest: RestDescription | None = None
    """None where it does not rest."""


class StageDescription(msgspec.Struct, frozen=True):
    """Systems that run one after the other, in one esper processor."""

    set: str | None
    """The visible set that this is, or None."""
    processor: str
    """The class of the esper processor that runs it."""
    conditions: list[str]
    """What is asked once, before all of its systems."""
    systems: list[SystemDescription]
    rest: RestDescription | None = None
    """The rest of a condition that failed too often; None where there is none."""


class ScheduleDescription(msgspec.Struct, frozen=True):
    """One schedule and what it runs, in order."""

    name: str
    runs: Literal["startup", "frame", "transition"]
    """When: once in the first frame, in every frame, or when a state changes."""
    stages: list[StageDescription]


class ProcessorDescription(msgspec.Struct, frozen=True):
    """A processor in the app's esper world, ours or somebody else's."""

    name: str
    priority: int


class EventDescription(msgspec.Struct, frozen=True):
    """One type of event."""

    name: str
    written: int
    """Since the app began."""
    buffered: int
    """Still readable."""
    readers: int
    missed: int
    """By all present readers together: what was dropped before they came round to it."""


class ObserverDescription(msgspec.Struct, frozen=True):
    """One observer."""

    name: str
    watches: str
    """What it is called for: ``Add[Player]``, ``Explode``."""
    entity: int | None
    """The only entity that it watches; None: all."""


class DiagnosticDescription(msgspec.Struct, frozen=True):
    """What was measured under one path. None where there is no value."""

    path: str
    value: float | None
    """The last one."""
    average: float | None
    """The mean of those that are kept."""
    smoothed: float | None
    """The exponential moving average."""
    unit: str
    reason: str | None
    """Why the last value could not be measured, where somebody said so."""
    is_enabled: bool


class AppDescription(msgspec.Struct, frozen=True):
    """What `App.describe` returns. Bevy has no such summary; ``bevy_remote`` answers single questions."""

    world: str
    frame: int
    """How many frames have begun."""
    elapsed_seconds: float
    timing: bool
    """Whether systems are measured."""
    plugins: list[str]
    """In the order they were added."""
    schedules: list[ScheduleDescription]
    """In the order they run; those of state transitions last."""
    processors: list[ProcessorDescription]
    """In the order in which `esper.process` runs them."""
    entities: int
    components: dict[str, int]
    """How many entities have a component of this type, the most frequent first."""
    resources: list[str]
    events: list[EventDescription]
    tasks: list[str]
    """The names of the background tasks in flight."""
    timers: list[float | None]
    """Seconds until each timer is due, soonest first; 0 for one that is due, None for one that was stopped."""
    diagnostics: list[DiagnosticDescription] = []
    """In the order in which they were added."""
    observers: list[ObserverDescription] = []
    """Those of one thing together, in the order in which they are called."""

    def as_text(self) -> str:
        """An indented text for people; `str` gives the same."""
        return "\n".join(description_lines(self))

    def __str__(self) -> str:
        return self.as_text()


def describe_app(app: App, plugins: list[str], schedules: Schedules, layout: FrameLayout) -> AppDescription:
    """Look at an app, with its plugins' names and its compiled schedules."""
    with app.world.active():
        entities, components = _entities()
        processors = [ProcessorDescription(type(one).__name__, one.priority) for one in esper._processors]
    resources = app.world.resources.kinds
    events: list[Events[object]] = [app.events(kind) for kind in app.event_types]
    event_names = _names(app.event_types)
    now = app.time.real_elapsed_seconds
    due = sorted(app.wakeups.due_times())
    failing = app.failing
    return AppDescription(
        world=app.world.name,
        frame=app.time.frame,
        elapsed_seconds=app.time.elapsed_seconds,
        timing=app.timings is not None,
        plugins=plugins,
        schedules=[_schedule(schedule, schedules.order, layout, failing) for schedule in schedules],
        processors=processors,
        entities=entities,
        components=components,
        resources=sorted(_names(resources).values()),
        events=[
            EventDescription(
                name=event_names[one.kind],
                written=one.written,
                buffered=len(one.buffer),
                readers=len(one.readers),
                missed=sum(reader.dropped for reader in one.readers),
            )
            for one in events
        ],
        tasks=sorted(app.tasks.task_names),
        timers=[None if when == inf else max(0.0, when - now) for when in due],
        diagnostics=[
            DiagnosticDescription(
                path=str(one.path),
                value=one.value,
                average=one.average,
                smoothed=one.smoothed,
                unit=one.unit,
                reason=one.reason,
                is_enabled=one.is_enabled,
            )
            for one in app.diagnostics
        ],
        observers=[ObserverDescription(one.name, one.watches, one.entity) for one in app.world.observers],
    )


def _entities() -> tuple[int, dict[str, int]]:
    """How many entities the active world has, and how many have each type of component.

    Esper has no public list of the types in use.
    """
    dead = esper._dead_entities
    counts = {kind: len(having - dead) for kind, having in esper._components.items()}
    names = _names(counts)
    ordered = sorted(counts, key=lambda kind: (-counts[kind], names[kind]))
    return len(esper._entities.keys() - dead), {names[kind]: counts[kind] for kind in ordered if counts[kind]}


def _names(kinds: Iterable[type]) -> dict[type, str]:
    """What to call each type: its name, with its module where another has the same name."""
    kinds = list(kinds)
    short = {kind: kind.__qualname__.rpartition("<locals>.")[2] for kind in kinds}
    taken: dict[str, int] = {}
    for name in short.values():
        taken[name] = taken.get(name, 0) + 1
    return {
        kind: name if taken[name] == 1 else f"{kind.__module__}.{kind.__qualname__}" for kind, name in short.items()
    }


def _schedule(
    schedule: Schedule, order: ScheduleOrder, layout: FrameLayout, failing: FailingSystems
) -> ScheduleDescription:
    label = schedule.label
    runs: Literal["startup", "frame", "transition"] = "frame" if label in order.frame else "transition"
    if runs != "frame" and label in order.startup:
        runs = "startup"
    processor = "FrameEnd" if label in order.after_update else "FrameStart"
    stages = []
    for segment in schedule.segments:
        if label == Update and segment.system_set is not None:
            processor = layout.processor_name(segment.system_set)  # and what follows it, up to the next visible set
        stages.append(_stage(schedule, segment, processor, failing))
    return ScheduleDescription(label.name, runs, stages)


def _stage(schedule: Schedule, segment: Segment, processor: str, failing: FailingSystems) -> StageDescription:
    shown = segment.system_set
    return StageDescription(
        set=None if shown is None else str(shown),
        processor=processor,
        conditions=segment.condition_names,
        systems=[_system(schedule, segment, position, failing) for position in range(len(segment.steps))],
        rest=_rest(segment.gates, failing),
    )


def _rest(steps: Iterable[Step], failing: FailingSystems) -> RestDescription | None:
    """The rest of the first of these that rests: what comes after it is not asked."""
    for step in steps:
        asked = step.step if isinstance(step, SharedCondition) else step
        record = failing.record_of(asked)
        if record is not None and record.is_resting:
            left = max(0.0, record.until - failing.time.real_elapsed_seconds)
            return RestDescription(step.name, record.failures_in_a_row, record.error, left if left < inf else None)
    return None


def _system(schedule: Schedule, segment: Segment, position: int, failing: FailingSystems) -> SystemDescription:
    step = segment.steps[position]
    inner = step.step if isinstance(step, FailingStep) else step
    times = None
    if isinstance(segment, TimedSegment):
        measured = segment.times[position]
        runs = int(measured.runs)
        times = SystemTimesDescription(
            runs=runs,
            last_seconds=measured.last if runs else None,
            mean_seconds=measured.total / runs if runs else None,
            longest_seconds=measured.longest if runs else None,
        )
    conditions = inner.conditions if isinstance(inner, ConditionalStep) else ()
    system = system_behind(inner)
    sets = schedule.sets_of(system) if isinstance(system, System) else []
    return SystemDescription(
        name=COMMANDS_APPLIED if isinstance(inner, FlushStep) else step.name,
        sets=[str(one) for one in sets if one is not segment.system_set],
        conditions=[condition.name for condition in conditions],
        times=times,
        rest=_rest((*conditions, step), failing),
    )
