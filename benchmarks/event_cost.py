"""An event written and read, against `esper.dispatch_event` to one handler.

Ours are whole frames of an app: one system writes the events, another reads them, and the price of the frame and of its
event buffers is shared out among them. Esper's are as many calls of `dispatch_event`; its handler is a function, which
it calls more cheaply than a method. The event object is made before. Nothing is done with an event that arrives; in the
second comparison a number of it is added up, on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import esper

from benchmarks.measuring import by_turns, nanoseconds_a_call, ratio
from benchmarks.results import Figure, ratio_figure
from ecs_localai import App, EventReader, EventWriter, Update
from ecs_localai.runtime import chain

TITLE = "an event written by one system and read by another, against esper.dispatch_event to one handler"
LEAST = 4.0
A_FRAME = (1_000, 100, 10)


@dataclass(frozen=True, slots=True)
class Hit:
    """What is told."""

    points: int


@dataclass(slots=True)
class Total:
    """What the points are added up in."""

    points: int = 0


def read_only(hits: EventReader[Hit]) -> None:
    """A system that reads all events."""
    for _ in hits.read():
        pass


def handle_only(_hit: Hit) -> None:
    """A handler that is told of each event."""


def adding() -> tuple[Callable[[EventReader[Hit]], None], Callable[[Hit], None]]:
    """A system and a handler that add up."""
    total = Total()

    def read_and_add(hits: EventReader[Hit]) -> None:
        for hit in hits.read():
            total.points += hit.points

    def handle_and_add(hit: Hit) -> None:
        total.points += hit.points

    return read_and_add, handle_and_add


def compare(
    count: int, rounds: int, read: Callable[[EventReader[Hit]], None], handle: Callable[[Hit], None], what: str
) -> Figure:
    """With so many events a frame."""
    event = Hit(1)

    def hit(hits: EventWriter[Hit]) -> None:
        write = hits.write
        for _ in range(count):
            write(event)

    def dispatch() -> None:
        tell = esper.dispatch_event
        for _ in range(count):
            tell("hit", event)

    with App() as app:
        app.add_systems(Update, chain(hit, read))
        app.update(0.0)
        plain = f"{count} events"
        esper.switch_world(plain)
        esper.set_handler("hit", handle)
        calls = max(1, 2_000 // count)
        found = by_turns(
            {
                "ours": nanoseconds_a_call(lambda: app.update(0.0), calls, app.world.name),
                "esper": nanoseconds_a_call(dispatch, calls, plain),
            },
            rounds,
        )
        esper.switch_world("default")
        esper.delete_world(plain)
    theirs, ours = ([one / count for one in found[name]] for name in ("esper", "ours"))
    goal = LEAST if count == max(A_FRAME) and handle is handle_only else None
    return ratio_figure(f"{count:,} a frame{what}: esper, to ours", ratio(theirs, ours), theirs, ours, "ns", least=goal)


def measure(quick: bool) -> list[Figure]:
    """Compare with many and with few events a frame."""
    rounds = 200 if quick else 2000
    told = [compare(count, rounds, read_only, handle_only, "") for count in A_FRAME]
    return [*told, compare(max(A_FRAME), rounds, *adding(), ", added up")]
