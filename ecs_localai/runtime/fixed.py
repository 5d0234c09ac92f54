"""Steps of fixed length, as many as time has passed for (Bevy: ``Time<Fixed>``, ``bevy_time/src/fixed.rs``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ecs_localai.runtime.steps import Segment
    from ecs_localai.runtime.time import Time

DEFAULT_HZ: Final = 64.0
"""As in Bevy: near 60 without beating against a display's 60, and a power of two, which floats hold exactly."""
_NANOSECONDS: Final = 1_000_000_000


def nanoseconds(seconds: float) -> int:
    """Whole nanoseconds, in which Bevy's ``Duration`` counts too: three tenths are exactly three times one tenth."""
    return round(seconds * _NANOSECONDS)


class FixedTime:
    """The clock of `FixedUpdate`, a resource of every app: ``Res[FixedTime]`` (Bevy: ``Res<Time<Fixed>>``).

    It follows virtual time in steps: paused it rests, at double speed it makes twice as many steps. While an app has
    no system in `FixedUpdate`, nothing is accumulated.
    """

    __slots__ = ("_elapsed", "_overstep", "_step")

    def __init__(self) -> None:
        self._step = nanoseconds(1.0 / DEFAULT_HZ)
        self._elapsed = 0
        self._overstep = 0

    @property
    def step_seconds(self) -> float:
        """The length of a step: `Time.delta_seconds` in `FixedUpdate`."""
        return self._step / _NANOSECONDS

    @property
    def elapsed_seconds(self) -> float:
        """The sum of all steps: `Time.elapsed_seconds` in `FixedUpdate`."""
        return self._elapsed / _NANOSECONDS

    @property
    def overstep_seconds(self) -> float:
        """Virtual time that has passed and is not yet a step."""
        return self._overstep / _NANOSECONDS

    @property
    def overstep_fraction(self) -> float:
        """`overstep_seconds` in steps, from 0 to below 1: how far to draw between the last step and the next."""
        return self._overstep / self._step

    def set_hz(self, hz: float) -> None:
        """Make `hz` steps a second from the next step on. What has been accumulated is kept.

        Raises:
            ValueError: `hz` is not a finite number above 0, or a step would be shorter than a nanosecond.
        """
        if not (isfinite(hz) and 0 < hz <= _NANOSECONDS):
            raise ValueError(f"hz is {hz}: give a number of steps a second above 0, such as 64.")
        self._step = nanoseconds(1.0 / hz)

    def accumulate(self, seconds: float) -> bool:
        """Add a frame's virtual time; returns whether a step is due."""
        self._overstep += nanoseconds(seconds)
        return self._overstep >= self._step

    def expend(self) -> bool:
        """Begin the next step, if one is due."""
        if self._overstep < self._step:
            return False
        self._overstep -= self._step
        self._elapsed += self._step
        return True


class FixedLoop:
    """The frame's step that runs `FixedUpdate`, no times or several (Bevy: ``RunFixedMainLoop``).

    Event buffers are swapped once a frame and not, as in Bevy, delayed until a fixed step has taken place: where
    frames are shorter than half a step, a reader in `FixedUpdate` may miss events, and counts them in `missed`.
    """

    def __init__(self, time: Time, clock: FixedTime, segments: Sequence[Segment]) -> None:
        self.name = "fixed steps"
        self.call: Callable[..., object] = self._run
        self.args: tuple[object, ...] = ()
        self._time = time
        self._clock = clock
        self._segments = tuple(segments)

    def _run(self) -> None:
        time, clock = self._time, self._clock
        if not clock.accumulate(time.delta_seconds):
            return
        virtual = time.delta_seconds, time.elapsed_seconds
        try:
            while clock.expend():
                time.extra_runs += 1
                time.delta_seconds, time.elapsed_seconds = clock.step_seconds, clock.elapsed_seconds
                for segment in self._segments:
                    segment.run()
        finally:
            time.delta_seconds, time.elapsed_seconds = virtual
