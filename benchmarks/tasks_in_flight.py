"""A frame while background tasks are in flight and nothing has arrived, against a frame without any.

Every world is the product's, idle, with one more system: it watches components that hold a task, in the way the
documentation recommends (not at all, unless something arrived). The tasks wait for something that does not come.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from benchmarks.idle_frame import settled_world
from benchmarks.measuring import by_turns, difference, nanoseconds_a_call, ratio
from benchmarks.results import Figure, difference_figure, ratio_figure
from ecs_localai import App, Commands, IoTaskPool, Query, Res, Task, Update
from tests.rig.waiting import run_frames_until

TITLE = "a frame with tasks in flight and nothing arrived, against one with none"
GOAL = 1.05
"""No more than with none; a twentieth is what two equal worlds differ by on a noisy machine (see the control)."""
ADDED_GOAL_US = 0.2
"""Whatever their number."""


@dataclass(slots=True)
class Waiting:
    """A component that holds a task in flight."""

    task: Task[bool]


def watch(waiting: Query[Waiting], tasks: Res[IoTaskPool], commands: Commands) -> None:
    """Look for finished tasks, in frames in which something arrived."""
    if tasks.arrived:
        for entity, one in waiting:
            if one.task.is_finished():
                commands.despawn(entity)


async def wait_for_ever() -> bool:
    """A task that ends only when it is cancelled."""
    return await asyncio.Event().wait()


def with_tasks(app: App, count: int) -> None:
    """Give the world `count` entities that each hold a task, all of them under way."""
    app.add_systems(Update, watch)
    running = app.tasks.in_flight
    for _ in range(count):
        app.world.spawn(Waiting(app.tasks.spawn(wait_for_ever())))
    run_frames_until(app, lambda: app.tasks.in_flight >= running + count, describe="the tasks to run")
    app.update(0.0)
    while app.activity.happened:
        app.update(0.0)


def measure(quick: bool) -> list[Figure]:
    """Compare worlds with 0, 0 (the control), 64 and 1,024 tasks."""
    calls, rounds = (200, 200) if quick else (200, 2000)
    counts = {"none": 0, "control": 0, "64": 64, "1,024": 1024}
    with ExitStack() as worlds:
        contestants = {}
        for name, count in counts.items():
            app = worlds.enter_context(settled_world())
            with_tasks(app, count)
            contestants[name] = nanoseconds_a_call(partial(app.update, 0.0), calls, app.world.name)
        found = by_turns(contestants, rounds)
    none = found.pop("none")
    micros = {name: [one / 1e3 for one in times] for name, times in found.items()}
    none_us = [one / 1e3 for one in none]
    names = {"64": "64 tasks", "1,024": "1,024 tasks", "control": "control: another world with none"}
    figures = [
        ratio_figure(what, ratio(found[name], none), found[name], none, "ns", None if name == "control" else GOAL)
        for name, what in names.items()
    ]
    for name, what in names.items():
        added = difference(micros[name], none_us)
        goal = None if name == "control" else ADDED_GOAL_US
        figures.append(difference_figure(f"{what}, added", added, micros[name], none_us, "us", goal))
    return figures
