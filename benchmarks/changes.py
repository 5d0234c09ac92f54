"""What change detection costs: looking for what changed, and saying that something did.

Looking is timed inside the system that looks, in frames in which another system has marked some entities, so a frame's
own price is left out. By hand one would keep a version in every component and compare all of them. Writing is the loop
of a system over 1,000 entities, with and without `Changes.mark`; a frame has emptied the marks before each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from time import perf_counter_ns, thread_time_ns

import esper

from benchmarks.measuring import by_turns, ratio
from benchmarks.results import Figure, ratio_figure
from ecs_localai import App, Changed, Changes, Query, Update
from ecs_localai.runtime import chain

TITLE = "Changed and Changes.mark, against comparing versions by hand and against plain writes"
CHANGED = 10
COUNTS = (100, 1_000, 10_000)
SAME = 1.5
"""How much dearer looking may be among 10,000 than among 100: as many are found, but further apart in memory."""
WRITE_GOAL = 1.6
WRITTEN = 1_000
LOOKS = 20
"""Looks in one measurement of a contestant."""


@dataclass(slots=True)
class Versioned:
    """A component as one makes it by hand to see what changed."""

    x: float = 0.0
    version: int = 0


class LookedFor:
    """An app with so many entities, of which so many change in every frame; it times the look of one system."""

    def __init__(self, app: App, count: int, changed: int) -> None:
        self._app = app
        self.world = app.world.name
        self._took = 0
        self._seen = 0
        entities = [app.world.spawn(Versioned()) for _ in range(count)]
        step = max(1, count // changed)
        self._chosen = cycle([entities[start::step][:changed] for start in range(step)])
        app.add_systems(Update, chain(self._change, self._look))
        app.update(0.0)

    def _change(self, changes: Changes[Versioned]) -> None:
        mark = changes.mark
        for entity in next(self._chosen):
            mark(entity)

    def _look(self, changed: Query[Versioned, Changed[Versioned]]) -> None:
        begun = perf_counter_ns()
        for _, one in changed:
            self._seen += one.version == 0
        self._took += perf_counter_ns() - begun

    def looks(self) -> float:
        """Microseconds of one look."""
        esper.switch_world(self.world)
        self._took = 0
        for _ in range(LOOKS):
            self._app.update(0.0)
        return self._took / LOOKS / 1e3


class ComparedByHand:
    """Plain esper, and a loop that compares every component's version with the one of its last look."""

    def __init__(self, count: int) -> None:
        self.world = f"{count} versions"
        self._version = 0
        self._seen = 0
        before = esper.current_world
        esper.switch_world(self.world)
        components = [Versioned() for _ in range(count)]
        for one in components:
            esper.create_entity(one)
        esper.switch_world(before)
        step = max(1, count // CHANGED)
        self._chosen = cycle([components[start::step][:CHANGED] for start in range(step)])

    def looks(self) -> float:
        """Microseconds of one look."""
        esper.switch_world(self.world)
        took = 0
        for _ in range(LOOKS):
            last = self._version
            self._version += 1
            for one in next(self._chosen):
                one.version = self._version
            begun = perf_counter_ns()
            for _, one in esper.get_component(Versioned):
                if one.version > last:
                    self._seen += one.x == 0
            took += perf_counter_ns() - begun
        return took / LOOKS / 1e3


def looking(rounds: int) -> list[Figure]:
    """Ten changed among ever more entities, and a hundred changed."""
    by_hand = [ComparedByHand(count) for count in COUNTS]
    with ExitStack() as worlds:

        def looked_for(count: int, changed: int) -> Callable[[], float]:
            return LookedFor(worlds.enter_context(App()), count, changed).looks

        contestants = {f"{count:,}": looked_for(count, CHANGED) for count in COUNTS}
        contestants["more"] = looked_for(max(COUNTS), 10 * CHANGED)
        contestants |= {f"{count:,} by hand": one.looks for count, one in zip(COUNTS, by_hand, strict=True)}
        found = by_turns(contestants, rounds)
        esper.switch_world("default")
    for one in by_hand:
        esper.delete_world(one.world)

    def against(what: str, of: str, to: str, goal: float | None = None) -> Figure:
        return ratio_figure(what, ratio(found[of], found[to]), found[of], found[to], "us", goal)

    return [
        against(f"look, {CHANGED} changed of 10,000, to {CHANGED} of 100", "10,000", "100", SAME),
        against(f"look, {CHANGED} changed of 1,000, to {CHANGED} of 100", "1,000", "100"),
        against(f"look, {10 * CHANGED} changed of 10,000, to {CHANGED}", "more", "10,000"),
        *(
            against(f"look, {CHANGED} changed of {count:,}, to versions by hand", f"{count:,}", f"{count:,} by hand")
            for count in COUNTS
        ),
    ]


def write(rows: Sequence[tuple[int, Versioned]], value: float) -> None:
    """Write without saying so."""
    for _, one in rows:
        one.x = value


def write_and_mark(rows: Sequence[tuple[int, Versioned]], value: float, mark: Callable[[int], None]) -> None:
    """Write, and mark what was written."""
    for entity, one in rows:
        one.x = value
        mark(entity)


def write_and_mark_all(rows: Query[Versioned], value: float, mark_all: Callable[[Query[Versioned]], None]) -> None:
    """Write everything, and mark everything at once."""
    for _, one in rows:
        one.x = value
    mark_all(rows)


def write_all(rows: Query[Versioned], value: float) -> None:
    """Write everything."""
    for _, one in rows:
        one.x = value


def add(rows: Sequence[tuple[int, Versioned]], value: float) -> None:
    """Read and write without saying so."""
    for _, one in rows:
        one.x += value


def add_and_mark(rows: Sequence[tuple[int, Versioned]], value: float, mark: Callable[[int], None]) -> None:
    """Read and write, and mark what was written."""
    for entity, one in rows:
        one.x += value
        mark(entity)


def writing(rounds: int) -> list[Figure]:
    """Loops with marks against loops without, in a world in which one system looks for what they mark."""
    kept: list[Changes[Versioned]] = []

    queries: list[Query[Versioned]] = []

    def take(changes: Changes[Versioned], query: Query[Versioned]) -> None:
        if not kept:
            kept.append(changes)
            queries.append(query)

    def look(changed: Query[Versioned, Changed[Versioned]]) -> None:
        for _ in changed:
            pass

    with App() as app:
        for _ in range(WRITTEN):
            app.world.spawn(Versioned())
        app.add_systems(Update, chain(take, look))
        app.update(0.0)
        rows = app.world.query(Versioned)
        mark, mark_all, query = kept[0].mark, kept[0].mark_all, queries[0]

        def timed(loop: Callable[[], None]) -> Callable[[], float]:
            def measure() -> float:
                app.update(0.0)
                begun = thread_time_ns()
                loop()
                return (thread_time_ns() - begun) / WRITTEN

            return measure

        with app.world.active():
            found = by_turns(
                {
                    "write": timed(lambda: write(rows, 1.0)),
                    "tracked write": timed(lambda: write_and_mark(rows, 1.0, mark)),
                    "write all": timed(lambda: write_all(query, 1.0)),
                    "tracked write all": timed(lambda: write_and_mark_all(query, 1.0, mark_all)),
                    "add": timed(lambda: add(rows, 1.0)),
                    "tracked add": timed(lambda: add_and_mark(rows, 1.0, mark)),
                },
                rounds,
            )

    def against(what: str, of: str, to: str, goal: float | None = None) -> Figure:
        return ratio_figure(what, ratio(found[of], found[to]), found[of], found[to], "ns", goal)

    return [
        against("write and Changes.mark, to a plain write", "tracked write", "write", WRITE_GOAL),
        against("write all and Changes.mark_all, to plain writes", "tracked write all", "write all", WRITE_GOAL),
        against("read, write and Changes.mark, to read and write", "tracked add", "add", WRITE_GOAL),
    ]


def measure(quick: bool) -> list[Figure]:
    """Looking, then writing."""
    return looking(60 if quick else 400) + writing(300 if quick else 3000)
