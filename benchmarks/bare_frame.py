"""A frame of nothing but the runtime: five sets with twenty systems that do nothing, against plain esper.

Plain esper has as many processors that do nothing. The sets are visible ones, with a processor each, as the product's
are. Gated, they are declared with ``run_if(activity)``, as the product's are too, and nothing happens: the frame passes
them over. Ungated, every system is called. The clock stands still.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from enum import auto
from functools import partial

import esper

from benchmarks.idle_frame import empty_processors
from benchmarks.measuring import by_turns, difference, nanoseconds_a_call, ratio
from benchmarks.results import Figure, difference_figure, ratio_figure
from ecs_localai import App, SetProcessor, SystemSet, Update, activity, chain, in_set

TITLE = "a frame with five sets and twenty empty systems, against esper.process() with twenty empty processors"
GOAL = 1.0
TIMED_GOAL = 1.7
EVENTS_GOAL_US = 0.1
SYSTEMS_A_SET = 4
EVENT_TYPES = 20


class Stage(SystemSet):
    """Five sets."""

    ONE = auto()
    TWO = auto()
    THREE = auto()
    FOUR = auto()
    FIVE = auto()


class One(SetProcessor):
    """The first set in esper."""

    system_set = Stage.ONE


class Two(SetProcessor):
    """The second."""

    system_set = Stage.TWO


class Three(SetProcessor):
    """The third."""

    system_set = Stage.THREE


class Four(SetProcessor):
    """The fourth."""

    system_set = Stage.FOUR


class Five(SetProcessor):
    """The fifth."""

    system_set = Stage.FIVE


def empty_system() -> Callable[[], None]:
    """A new system that does nothing."""

    def nothing() -> None:
        pass

    return nothing


def bare_app(*, gated: bool, timed: bool = False, event_types: int = 0) -> App:
    """An app with the five sets and nothing else, after the frames in which it settles."""
    app = App()
    app.add_set_processors(One(), Two(), Three(), Four(), Five())
    sets = chain(*Stage)
    app.configure_sets(Update, sets.run_if(activity) if gated else sets)
    for one in Stage:
        app.add_systems(Update, in_set(one, *(empty_system() for _ in range(SYSTEMS_A_SET))))
    for number in range(event_types):
        app.add_event(type(f"Untouched{number}", (), {}))
    app.set_timing(timed)
    for _ in range(3):
        app.update(0.0)
    return app


def measure(quick: bool) -> list[Figure]:
    """Compare frames, gated and not, timed and not; and what event types cost that nobody touches."""
    calls, rounds = (200, 300) if quick else (200, 3000)
    before = esper.current_world
    plain = empty_processors(SYSTEMS_A_SET * len(Stage))
    with ExitStack() as worlds:
        apps = {
            "gated": bare_app(gated=True),
            "ungated": bare_app(gated=False),
            "gated, timed": bare_app(gated=True, timed=True),
            "ungated, timed": bare_app(gated=False, timed=True),
            "events": bare_app(gated=True, event_types=EVENT_TYPES),
            "control": bare_app(gated=True),
        }
        for app in apps.values():
            worlds.enter_context(app)
        found = by_turns(
            {
                "esper": nanoseconds_a_call(esper.process, calls, plain),
                **{
                    name: nanoseconds_a_call(partial(app.update, 0.0), calls, app.world.name)
                    for name, app in apps.items()
                },
            },
            rounds,
        )
        esper.switch_world(before)
    esper.delete_world(plain)
    theirs = found["esper"]
    goals = {"gated": GOAL, "ungated": GOAL, "gated, timed": TIMED_GOAL, "ungated, timed": TIMED_GOAL}
    micros = {name: [one / 1e3 for one in times] for name, times in found.items()}
    none = micros["gated"]
    return [
        *(
            ratio_figure(f"{name}, to esper", ratio(found[name], theirs), found[name], theirs, "ns", goal)
            for name, goal in goals.items()
        ),
        difference_figure(
            f"{EVENT_TYPES} untouched event types, added",
            difference(micros["events"], none),
            micros["events"],
            none,
            "us",
            EVENTS_GOAL_US,
        ),
        difference_figure(
            "control: another world with none",
            difference(micros["control"], none),
            micros["control"],
            none,
            "us",
        ),
    ]
