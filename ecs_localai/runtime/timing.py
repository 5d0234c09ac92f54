"""How long each system takes, measured only while `App.set_timing` is on (Bevy: spans of the ``trace`` feature).

An app whose timing is off has plain segments and pays nothing. With timing on, a system costs one look at the
clock more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import length_hint
from time import perf_counter
from typing import TYPE_CHECKING

import esper

from ecs_localai.runtime.step import PASSED_OVER, Step, system_behind
from ecs_localai.runtime.steps import FlushStep, Segment

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App
    from ecs_localai.runtime.frame_activity import Activity
    from ecs_localai.runtime.sets import SystemSet


_SUMMED_UP = 256
"""After so many runs the times are summed up, so that they do not pile up."""


class SystemTimes:
    """What was measured of one system, in seconds. A system that fails is measured; one passed over is not."""

    __slots__ = ("_last", "_longest", "_runs", "_total", "add", "new")

    def __init__(self) -> None:
        self.new: list[float] = []
        """What has not been summed up yet."""
        self.add: Callable[[float], None] = self.new.append
        """``add(seconds)``: count one run. It is a list's own ``append``, as the frame has no time for more."""
        self._runs = 0
        self._last = 0.0
        self._longest = 0.0
        self._total = 0.0

    def sum_up(self) -> None:
        """Take in what is new."""
        new = self.new
        if new:
            self._runs += len(new)
            self._total += sum(new)
            self._longest = max(self._longest, max(new))
            self._last = new[-1]
            new.clear()

    @property
    def runs(self) -> int:
        """How often it ran."""
        self.sum_up()
        return self._runs

    @property
    def last(self) -> float:
        """The last run's time."""
        self.sum_up()
        return self._last

    @property
    def longest(self) -> float:
        """The longest run's."""
        self.sum_up()
        return self._longest

    @property
    def total(self) -> float:
        """That of all runs together."""
        self.sum_up()
        return self._total


class Timings:
    """The measurements of an app's systems; they go on when its schedules are compiled again."""

    def __init__(self) -> None:
        self._of: dict[object, SystemTimes] = {}

    def of(self, step: Step) -> SystemTimes:
        """What was measured of the system behind a step."""
        system = system_behind(step)
        if isinstance(system, FlushStep):
            return SystemTimes()  # made anew with every compilation
        return self._of.setdefault(system, SystemTimes())


class TimedSegment(Segment):
    """A segment that measures its steps, each with the conditions that are asked before it."""

    __slots__ = ("_add", "_runs", "times")

    def __init__(
        self,
        where: str,
        system_set: SystemSet | None,
        steps: Sequence[Step],
        gates: Sequence[Step],
        app: App,
        reacts_to: Activity | None,
        timings: Timings,
    ) -> None:
        super().__init__(where, system_set, steps, gates, app, reacts_to)
        self.times = tuple(timings.of(step) for step in self.steps)
        """Of the steps, in their order."""
        self._add = tuple(times.add for times in self.times)
        self._runs = 0

    def _run(self, *_args: object, **_kwargs: object) -> None:
        if self.gates and not self._gates_hold():
            return
        if esper.current_world != self._world:
            self._app.return_to_world(self.where)
        calls = iter(self._calls)
        clock = perf_counter
        begun = clock()
        for call, add in zip(calls, self._add, strict=False):  # they are as many; strict costs more
            try:
                answer = call()
            except Exception as error:  # noqa: BLE001 - the isolation point: one system, not the frame
                add(clock() - begun)
                self._failed(length_hint(calls), error)
                begun = clock()
                continue
            ended = clock()
            if answer is not PASSED_OVER:
                add(ended - begun)
            begun = ended
        self._runs += 1
        if self._runs == _SUMMED_UP:
            self._runs = 0
            for times in self.times:
                times.sum_up()
        if self._waiting:
            self._app.apply_commands()
