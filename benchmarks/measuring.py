"""Measuring by turns: what is compared runs alternately in one process or one run, so that a busy machine hits all.

A ratio is taken within each round, between neighbours in time; of all rounds the median counts.
"""

from __future__ import annotations

import statistics
import time
import timeit
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import esper

T = TypeVar("T")


class Spread(NamedTuple):
    """A figure taken once in every round: the median of them, and their quartiles."""

    median: float
    low: float
    high: float
    rounds: int


def by_turns(contestants: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Call every contestant once a round and collect what they return.

    The order turns by one place each round (A B C, B C A, …), so that nobody always follows the same neighbour.
    """
    names = list(contestants)
    found: dict[str, list[T]] = {name: [] for name in names}
    for number in range(rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            found[name].append(contestants[name]())
    return found


def ratio(of: Sequence[float], to: Sequence[float]) -> Spread:
    """How many times as dear one contestant is as another, round by round."""
    return spread([a / b for a, b in zip(of, to, strict=True)])


def difference(of: Sequence[float], to: Sequence[float]) -> Spread:
    """How much dearer one contestant is than another, round by round."""
    return spread([a - b for a, b in zip(of, to, strict=True)])


def spread(found: Sequence[float]) -> Spread:
    """The median of the rounds, and their quartiles."""
    low, _, high = statistics.quantiles(found, n=4, method="inclusive") if len(found) > 1 else [*found] * 3
    return Spread(statistics.median(found), low, high, len(found))


def nanoseconds_a_call(
    call: Callable[[], object], calls: int, world: str | None = None, *, warm: bool = False
) -> Callable[[], float]:
    """A contestant: the time of one call in nanoseconds, from `calls` of them in a row without garbage collection.

    It is this thread's CPU time, so waiting for a processor that somebody else has is left out. Few calls and many
    rounds are better than the reverse: what else the machine does then spoils rounds, not the median. With `world` that
    esper world is active meanwhile. With `warm` there is one call more before, so that nobody has the advantage of
    finding in the processor's caches what its neighbour has just used.
    """
    timer = timeit.Timer(call, timer=time.thread_time)

    def measure() -> float:
        if world is not None and esper.current_world != world:
            esper.switch_world(world)
        if warm:
            call()
        return timer.timeit(calls) / calls * 1e9

    return measure
