"""A description of an app as indented text for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ecs_localai.runtime.diagnostics import measurement_text
from ecs_localai.runtime.failures import times_in_a_row

if TYPE_CHECKING:
    from ecs_localai.runtime.describe import (
        AppDescription,
        RestDescription,
        ScheduleDescription,
        SystemDescription,
    )

_WHEN = {"startup": "once, in the first frame", "frame": "every frame", "transition": "when a state changes"}
_MOST_TIMERS = 3


def description_lines(app: AppDescription) -> Iterator[str]:
    """The lines; what is empty is said in one."""
    yield f"World {app.world}: frame {app.frame}, {app.elapsed_seconds:.2f} s, timing {'on' if app.timing else 'off'}"
    yield from _section("Plugins", app.plugins)
    yield "Schedules, in the order they run"
    for schedule in app.schedules:
        if schedule.stages:
            yield from _schedule(schedule)
    yield from _section("Processors of the esper world", [f"{one.name} ({one.priority})" for one in app.processors])
    counts = [f"{count:>6} {name}" for name, count in app.components.items()]
    yield from _section(f"Entities: {app.entities}, with components", counts)
    yield from _section("Resources", app.resources)
    width = max((len(event.name) for event in app.events), default=0)
    yield from _section(
        "Events",
        [
            f"{event.name:<{width}}  {event.written} written, {event.buffered} buffered, "
            f"{_many(event.readers, 'reader')}, {event.missed} missed"
            for event in app.events
        ],
    )
    yield from _section("Observers", [f"{one.watches}: {one.name}{_of(one.entity)}" for one in app.observers])
    width = max((len(one.path) for one in app.diagnostics), default=0)
    yield from _section(
        "Diagnostics",
        [
            f"{one.path:<{width}}  {measurement_text(one.value, one.average, one.unit, one.reason)}"
            f"{'' if one.is_enabled else ', not measured any more'}"
            for one in app.diagnostics
        ],
    )
    yield from _section("Background tasks in flight", app.tasks)
    yield f"Timers: {_timers(app.timers)}"


def _of(entity: int | None) -> str:
    return "" if entity is None else f" (of entity {entity} alone)"


def _section(title: str, lines: list[str]) -> Iterator[str]:
    yield f"{title}: none" if not lines else title
    for line in lines:
        yield f"  {line}"


def _schedule(schedule: ScheduleDescription) -> Iterator[str]:
    yield f"  {schedule.name} ({_WHEN[schedule.runs]})"
    for stage in schedule.stages:
        name = stage.set or "in no set with a processor of its own"
        shown = f"    {name} [{stage.processor}]{_conditions(stage.conditions)}"
        yield f"{shown}  {_rest(stage.rest)}".rstrip()
        width = max(len(_system(system)) for system in stage.systems) if stage.systems else 0
        for system in stage.systems:
            notes = [note for note in (_times(system), _rest(system.rest)) if note]
            yield f"      {_system(system):<{width}}  {'; '.join(notes)}".rstrip()


def _system(system: SystemDescription) -> str:
    sets = f" in {', '.join(system.sets)}" if system.sets else ""
    return f"{system.name}{sets}{_conditions(system.conditions)}"


def _conditions(names: list[str]) -> str:
    return f" if {' and '.join(names)}" if names else ""


def _times(system: SystemDescription) -> str:
    times = system.times
    if times is None:
        return ""
    if times.last_seconds is None or times.mean_seconds is None or times.longest_seconds is None:
        return "has not run since timing is on"
    return (
        f"last {_duration(times.last_seconds)}, mean {_duration(times.mean_seconds)}, "
        f"longest {_duration(times.longest_seconds)} of {_many(times.runs, 'run')}"
    )


def _rest(rest: RestDescription | None) -> str:
    if rest is None:
        return ""
    first_line, _, _ = rest.error.partition("\n")
    until = "until it is resumed" if rest.seconds_left is None else f"for {rest.seconds_left:.1f} s"
    return f"rests {until}, as {rest.name} failed {times_in_a_row(rest.failures_in_a_row)}: {first_line}"


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} µs"


def _timers(timers: list[float | None]) -> str:
    due = [seconds for seconds in timers if seconds is not None]
    parts = [f"{seconds:.2f} s" for seconds in due[:_MOST_TIMERS]]
    if len(due) > _MOST_TIMERS:
        parts.append(f"{len(due) - _MOST_TIMERS} later")
    stopped = len(timers) - len(due)
    if stopped:
        parts.append(f"{stopped} stopped")
    return f"due in {', '.join(parts)}" if due else ", ".join(parts) or "none"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
