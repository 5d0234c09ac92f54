"""A frame with one structural change (an entity is deleted in one, created in the next) and loops over all entities.

Any change makes esper forget all it has cached, and every query after it is built anew. So its price is one for every
distinct query, which is why there are three, of two components each. Ours is a whole frame of an app: a system makes
the change, by `Commands` or at once by `World`, and three more have the loops. Plain esper's, and the other peers', are
the same change and the same loops by plain calls, without any frame around.

The loops visit all rows. Where they also read and write, most of the time is theirs, whoever finds the rows: how much
could be gained at most is what esper takes with a change against what it takes without one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from benchmarks.measuring import by_turns, nanoseconds_a_call, ratio
from benchmarks.particles import COUNTS, By, EsperParticles, ListedParticles, Loops, OurParticles, Particles, leave
from benchmarks.peers import peers
from benchmarks.results import Figure, ratio_figure
from ecs_localai import App

TITLE = "a frame with one structural change and three loops after it, against the same in plain esper"
LEAST = {100: 10.0, 1_000: 20.0, 10_000: 20.0}
ENTITIES_A_MEASUREMENT = 2_000
"""About: the fewer there are, the more frames."""


def measure(quick: bool) -> list[Figure]:
    """Compare at every size, and the price of a change alone."""
    rounds = {100: 40, 1_000: 14, 10_000: 6} if quick else {100: 400, 1_000: 200, 10_000: 60}
    figures = []
    for count in COUNTS:
        figures += compare(count, rounds[count], Loops.VISIT_THRICE)
        figures += compare(count, rounds[count], Loops.WRITE_THRICE)
    return figures + changes_alone(100 if quick else 1000)


def loops_of(one: Particles, loops: Loops) -> Callable[[], None]:
    """A contestant's loops."""
    return one.visit_thrice if loops is Loops.VISIT_THRICE else one.write_thrice


def change_and_loop(one: Particles, loops: Loops) -> Callable[[], None]:
    """What a contestant without frames does in one."""
    run = loops_of(one, loops)

    def frame() -> None:
        one.change()
        run()

    return frame


def compare(count: int, rounds: int, loops: Loops) -> list[Figure]:
    """All contestants with this many entities."""
    calls = max(2, ENTITIES_A_MEASUREMENT // count)
    plain = EsperParticles(count)
    others = [*peers(count), ListedParticles(count)]
    with ExitStack() as worlds:
        queued = OurParticles(worlds.enter_context(App()), count, loops, By.COMMANDS)
        at_once = OurParticles(worlds.enter_context(App()), count, loops, By.WORLD)
        hosted = OurParticles(worlds.enter_context(App()), count, loops)
        frames = {
            "by Commands": (queued.frame, queued.world),
            "esper": (change_and_loop(plain, loops), plain.world),
            "by World": (at_once.frame, at_once.world),
            "esper unchanged": (loops_of(plain, loops), plain.world),
            "by a host": (hosted.host_frame, hosted.world),
            **{one.name: (change_and_loop(one, loops), one.world) for one in others},
        }
        found = by_turns(
            {name: nanoseconds_a_call(frame, calls, world, warm=True) for name, (frame, world) in frames.items()},
            rounds,
        )
        leave(plain)
    micros = {name: [one / 1e3 for one in times] for name, times in found.items()}
    words = f"{count:,} {'visited' if loops is Loops.VISIT_THRICE else 'written'}"
    least = LEAST[count] if loops is Loops.VISIT_THRICE else None

    def against(what: str, of: str, to: str, least: float | None = None) -> Figure:
        return ratio_figure(
            f"{words}: {what}", ratio(micros[of], micros[to]), micros[of], micros[to], "us", least=least
        )

    return [
        against("esper, to ours by Commands", "esper", "by Commands", least),
        against("esper, to ours by World", "esper", "by World", least),
        against("esper, to itself without a change", "esper", "esper unchanged"),
        against("ours where a host changes with plain esper, to esper", "by a host", "esper"),
        *(against(f"{one.name}, to ours by Commands", one.name, "by Commands") for one in others),
    ]


def changes_alone(rounds: int) -> list[Figure]:
    """One entity with three components deleted or created, among 1,000, with three queries in use."""
    calls, count = 200, 1_000
    plain = EsperParticles(count)
    with ExitStack() as worlds:
        ours = OurParticles(worlds.enter_context(App()), count, Loops.WRITE_THRICE)
        found = by_turns(
            {
                "esper": nanoseconds_a_call(plain.change, calls, plain.world),
                "World": nanoseconds_a_call(ours.change_by_world, calls, ours.world),
                "Commands": nanoseconds_a_call(ours.change_by_queue, calls, ours.world),
            },
            rounds,
        )
        leave(plain)
    theirs = found["esper"]
    return [
        ratio_figure(f"a change alone by {way}, to esper", ratio(found[way], theirs), found[way], theirs, "ns")
        for way in ("World", "Commands")
    ]
