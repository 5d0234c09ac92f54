"""Work that is done in steps, so that a long list does not hold up a frame."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Steps: TypeAlias = Generator[None, None, T]
"""Stops after each step, of some 30 µs at most; its value is the result."""
LIGHT = 16
"""So many things that take one or two microseconds each make a step."""


def step(steps: Steps[T]) -> T | None:
    """Do one step; the result where that was the last one, else None."""
    try:
        next(steps)
    except StopIteration as end:
        result: T = end.value
        return result
    return None


def finish(steps: Steps[T]) -> T:
    """Do all of it at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def every(items: Iterable[T], light: int = LIGHT) -> Iterator[tuple[bool, T]]:
    """The items, each with whether a step ends with it."""
    for number, item in enumerate(items, 1):
        yield number % light == 0, item
