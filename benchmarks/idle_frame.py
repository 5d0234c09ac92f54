"""An idle frame of the headless world, against plain esper with as many empty processors.

The world is the product's: the plugin with its sets and systems, connected to nothing (a closed port). Its clock
stands still (``update(0.0)``), so nothing is due: what is left is what a frame costs in which nothing happens. The
machine's sampler goes on in the background, as it does for users.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Self

import esper

from benchmarks.measuring import by_turns, nanoseconds_a_call, ratio
from benchmarks.results import Figure, ratio_figure
from ecs_localai import App, LocalModelsPlugin, OllamaConfiguration, OllamaHostManager
from ecs_localai.runtime.schedule import FRAME_ORDER, ScheduleLabel
from ecs_localai.runtime.sets import ConfigItem, configs
from tests.rig.ports import free_port
from tests.rig.waiting import run_frames_until

TITLE = "an idle frame of the headless world, against esper.process() with empty processors"
GOAL = 2.0


class CountingApp(App):
    """An app that counts the systems that a frame has."""

    systems = 0

    def add_systems(self, schedule: ScheduleLabel, *systems: ConfigItem) -> Self:
        """As `App.add_systems`."""
        if schedule in FRAME_ORDER:
            self.systems += len(configs(*systems).nodes)
        return super().add_systems(schedule, *systems)


@contextmanager
def settled_world() -> Iterator[CountingApp]:
    """The product's world after its first look at a host that is not there, with nothing left to do."""
    app = CountingApp()
    with app:
        app.add_plugins(LocalModelsPlugin(OllamaConfiguration(host="127.0.0.1", port=free_port())))
        [(_, host)] = app.world.query(OllamaHostManager)
        run_frames_until(app, lambda: host.health_monitor.last_error, describe="the closed port to be noticed")
        app.update(0.0)
        while app.activity.happened:
            app.update(0.0)
        yield app


def empty_processors(count: int) -> str:
    """A new esper world with `count` processors that do nothing; returns its name."""
    name = f"{count} empty processors"
    before = esper.current_world
    esper.switch_world(name)
    for number in range(count):
        kind = type(f"Empty{number}", (esper.Processor,), {"process": lambda self: None})
        esper.add_processor(kind())
    esper.switch_world(before)
    return name


def measure(quick: bool) -> list[Figure]:
    """Compare frames with our world active, as the runner leaves it, and with another world active."""
    calls, rounds = (200, 200) if quick else (200, 2000)
    before = esper.current_world
    with settled_world() as app:
        with app.world.active():
            visible = len(esper._processors)  # esper has no public way to count a world's processors
        per_system, per_processor = empty_processors(app.systems), empty_processors(visible)
        frame = partial(app.update, 0.0)
        found = by_turns(
            {
                "ours": nanoseconds_a_call(frame, calls, app.world.name),
                "from another world": nanoseconds_a_call(frame, calls, per_system),
                "per system": nanoseconds_a_call(esper.process, calls, per_system),
                "per processor": nanoseconds_a_call(esper.process, calls, per_processor),
            },
            rounds,
        )
        esper.switch_world(before)
    for world in {per_system, per_processor}:
        esper.delete_world(world)
    ours, away, systems, processors = found.values()
    return [
        ratio_figure(f"against {app.systems}: one a system", ratio(ours, systems), ours, systems, "ns", GOAL),
        ratio_figure("the same, another world active", ratio(away, systems), away, systems, "ns", GOAL),
        ratio_figure(f"against {visible}: one a processor of ours", ratio(ours, processors), ours, processors, "ns"),
    ]
