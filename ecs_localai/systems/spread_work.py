"""Work in steps that frames begin, and that the background goes on with where it is too much for one frame."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from ecs_localai.runtime import IoTaskPool, Task
from ecs_localai.systems.stepwise import Steps, step

T = TypeVar("T")

STEPS_A_FRAME: Final = 20
"""Half a millisecond."""
_STEPS_AT_ONCE: Final = 16
_PAUSE: Final = 0.001
"""Seconds. To pause for no time would let other coroutines run, but hardly ever another thread: it takes longer to wake
than the interpreter stays free (CPython 3.11, ``take_gil``)."""


class SpreadWork(Generic[T]):
    """One piece of work at a time, whose result is never None.

    What looks at the world is done by frames alone. It leaves steps that need nothing but what was seen: a frame does
    as many of them as it has room for, so that little work is done at once, and the background the others.
    """

    __slots__ = ("_looking", "_making", "_name", "_rest", "_tasks")

    def __init__(self, tasks: IoTaskPool, name: str) -> None:
        self._tasks = tasks
        self._name = name
        self._looking: Steps[Steps[T]] | None = None
        self._making: Steps[T] | None = None
        self._rest: Task[T] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether something was begun whose result has not been handed out."""
        return self._looking is not None or self._making is not None or self._rest is not None

    @property
    def is_in_background(self) -> bool:
        """Whether frames have done their part: the end will wake one."""
        return self._rest is not None

    def begin(self, looking: Steps[Steps[T]]) -> None:
        """Have `looking` done first, and then the steps that it results in."""
        self._looking = looking

    def begin_making(self, making: Steps[T]) -> None:
        """Have these steps done, which look at nothing that may change."""
        self._making = making

    def go_on(self) -> T | None:
        """Do as much as a frame has room for; the result, once, when there is one. Raises whatever the work raised."""
        rest = self._rest
        if rest is not None:
            if not rest.is_finished():
                return None
            self._rest = None
            return rest.check_ready()
        looking, making = self._looking, self._making
        self._looking = self._making = None  # what fails is not under way any more
        for _ in range(STEPS_A_FRAME):
            if looking is not None:
                making = step(looking)
                looking = looking if making is None else None
            elif making is None:
                return None
            elif (result := step(making)) is not None:
                return result
        self._looking = looking
        if looking is None and making is not None:
            self._rest = self._tasks.spawn(finish_in_background(making), self._name)
        return None


async def finish_in_background(steps: Steps[T]) -> T:
    """Do all steps, with pauses in which frames have the interpreter to themselves."""
    import asyncio  # in the background: a first frame need not wait for it

    while True:
        for _ in range(_STEPS_AT_ONCE):
            if (result := step(steps)) is not None:
                return result
        await asyncio.sleep(_PAUSE)
