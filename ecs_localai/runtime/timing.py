"""How long each system takes, measured only while `App.set_timing` is on (Bevy: spans of the ``trace`` feature).

An app whose timing is off has plain segments and pays nothing. With timing on, a system costs one look at the
clock more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import length_hint
from time import perf_counter
from typing import TYPE_CHECKING, cast

import esper

from ecs_localai.runtime.step import PASSED_OVER, Step, system_behind
from ecs_localai.runtime.steps import FlushStep, InTurn, Segment, run_in_turn

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App
    from ecs_localai.runtime.frame_activity import Activity
    from ecs_localai.runtime.sets import SystemSet


class SystemTimes:
    """What was measured of one system, in seconds. A system that fails is measured; one passed over is not."""

    __slots__ = ("last", "longest", "runs", "total")

    def __init__(self) -> None:
        self.runs = 0.0
        """How often it ran: a float like the others, because CPython makes those sooner than whole numbers."""
        self.last = 0.0
        self.longest = 0.0
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one run."""
        self.runs += 1.0
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

    __slots__ = ("timed", "times")

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
        self.timed = list(zip(self.calls, self.times, strict=True))
        """The steps, as they are called and measured."""

    def _hold(self, position: int, call: Callable[[], object]) -> None:
        super()._hold(position, call)
        self.timed[position] = call, self.times[position]

    def run(self) -> None:
        """Run and measure every step of this segment alone."""
        _run_timed((self,))


def in_turn(timings: Timings | None) -> InTurn:
    """What runs the segments of an app with these timings, or with none."""
    return run_in_turn if timings is None else cast("InTurn", _run_timed)  # all of its segments are timed ones


def _run_timed(segments: Iterable[TimedSegment]) -> None:
    """As `run_in_turn`, and measure. Where one step ends the next one begins, with one look at the clock for both."""
    clock = perf_counter
    begun = clock()
    for running in segments:
        if running.is_gated:
            seen = running.reacts_to
            if seen is not None and not seen.happened:
                continue
            if running.gates and not running.gates_hold():
                continue
            begun = clock()
        if esper.current_world != running.world:
            running.app.return_to_world(running.where)
        timed = iter(running.timed)
        for call, times in timed:
            try:
                answer = call()
            except Exception as error:  # noqa: BLE001 - the isolation point: one system, not the frame
                times.add(clock() - begun)
                running.failed(length_hint(timed), error)
                begun = clock()
                continue
            ended = clock()
            if answer is not PASSED_OVER:
                # `times.add` written out: the call would cost more than all of it.
                times.last = seconds = ended - begun
                times.runs += 1.0
                times.total += seconds
                if seconds > times.longest:
                    times.longest = seconds
            begun = ended
        if running.waiting:
            running.app.apply_commands()
            begun = clock()
