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


class SystemTimes:
    """What was measured of one system, in seconds. A system that fails is measured; one passed over is not."""

    __slots__ = ("last", "longest", "runs", "total")

    def __init__(self) -> None:
        self.runs = 0
        self.last = 0.0
        self.longest = 0.0
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one run."""
        self.runs += 1
        self.last = seconds
        self.total += seconds
        if seconds > self.longest:
            self.longest = seconds


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

    __slots__ = ("_pairs", "times")

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
        self._pairs = list(zip(self._calls, self.times, strict=True))

    def _hold(self, position: int, call: Callable[[], object]) -> None:
        super()._hold(position, call)
        self._pairs[position] = call, self.times[position]

    def _run(self, _dt: object = None, *_args: object, **_kwargs: object) -> None:
        if esper.current_world != self._world:
            self._app.return_to_world(self.where)
        if self.gates and not self._gates_hold():
            return
        pairs = iter(self._pairs)
        clock = perf_counter
        begun = clock()
        for call, times in pairs:
            try:
                answer = call()
            except Exception as error:  # noqa: BLE001 - the isolation point: one system, not the frame
                times.add(clock() - begun)
                self._failed(length_hint(pairs), error)
                begun = clock()
                continue
            ended = clock()
            if answer is not PASSED_OVER:
                # `times.add` written out: the call would cost more than all of it.
                times.last = seconds = ended - begun
                times.runs += 1
                times.total += seconds
                if seconds > times.longest:
                    times.longest = seconds
            begun = ended
        if self._waiting:
            self._app.apply_commands()
