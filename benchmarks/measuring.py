"""Measuring by turns: what is compared runs alternately in one process or one run, so that a busy machine hits all.

A ratio is taken within each round, between neighbours in time; of all rounds the median counts.
"""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import esper

T = TypeVar("T")


class Ratio(NamedTuple):
    """How many times as dear one thing is as another: the median of the rounds' ratios, and their quartiles."""

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


def ratio(of: Sequence[float], to: Sequence[float]) -> Ratio:
    """The ratio of two contestants' figures, round by round."""
    ratios = [a / b for a, b in zip(of, to, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    return Ratio(statistics.median(ratios), low, high, len(ratios))


def nanoseconds_a_call(call: Callable[[], object], calls: int, world: str | None = None) -> Callable[[], float]:
    """A contestant: the time of one call in nanoseconds, from `calls` of them in a row without garbage collection.

    Few calls and many rounds are better than the reverse: what else the machine does then spoils rounds, not the
    median. With `world` that esper world is active meanwhile.
    """
    timer = timeit.Timer(call)

    def measure() -> float:
        if world is not None and esper.current_world != world:
            esper.switch_world(world)
        return timer.timeit(calls) / calls * 1e9

    return measure
