"""Iterating entities with two components, read and write, while nothing is created or deleted.

Ours is the loop of a system over its ``Query[A, B]``, without the frame around it: a frame's price is another
benchmark's. Plain esper's is the same loop over `esper.get_components`, whose cache is warm.
"""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.measuring import by_turns, nanoseconds_a_call, ratio
from benchmarks.particles import COUNTS, EsperParticles, ListedParticles, Loops, OurParticles, leave
from benchmarks.peers import peers
from benchmarks.results import Figure, ratio_figure
from ecs_localai import App

TITLE = "iterating entities with two components, read and write, against esper, tcod-ecs, snecs and a list of objects"
GOAL = 1.1
MOST_ROWS = 20_000
"""Rows that one measurement of a contestant goes over, about: the fewer entities, the more calls."""


def measure(quick: bool) -> list[Figure]:
    """Compare at every size; the other peers are given as how many times as dear as ours they are."""
    return [figure for count in COUNTS for figure in compare(count, 60 if quick else 400)]


def compare(count: int, rounds: int) -> list[Figure]:
    """All contestants with this many entities.

    Half of the rounds are with esper's entities made before ours, half with ours before: whose objects lie better in
    memory is chance, and more than the difference that is looked for.
    """
    found = compare_once(count, rounds // 2, ours_first=True)
    for name, times in compare_once(count, rounds // 2, ours_first=False).items():
        found[name] += times
    micros = {name: [one / 1e3 for one in times] for name, times in found.items()}
    ours, plain = micros.pop("ours"), micros.pop("esper")

    def against(what: str, of: list[float], to: list[float], goal: float | None = None) -> Figure:
        return ratio_figure(f"{count:,}: {what}", ratio(of, to), of, to, "us", goal)

    return [
        against("Query[A, B] in a system, to esper", ours, plain, GOAL if count == max(COUNTS) else None),
        against("World.query(A, B), a new list, to esper", micros.pop("the world"), plain),
        *(against(f"{name}, to ours", times, ours) for name, times in micros.items()),
    ]


def compare_once(count: int, rounds: int, ours_first: bool) -> dict[str, list[float]]:
    """Nanoseconds of a loop, by contestant."""
    calls = MOST_ROWS // count
    with ExitStack() as worlds:
        app = worlds.enter_context(App())
        if ours_first:
            ours = OurParticles(app, count, Loops.WRITE_ONCE)
            plain = EsperParticles(count)
        else:
            plain = EsperParticles(count)
            ours = OurParticles(app, count, Loops.WRITE_ONCE)
        others = [plain, *peers(count), ListedParticles(count)]
        found = by_turns(
            {
                "ours": nanoseconds_a_call(ours.move, calls, ours.world, warm=True),
                **{one.name: nanoseconds_a_call(one.move, calls, one.world, warm=True) for one in others},
                "the world": nanoseconds_a_call(ours.ask_the_world, calls, ours.world, warm=True),
            },
            rounds,
        )
        leave(plain)
    return found
