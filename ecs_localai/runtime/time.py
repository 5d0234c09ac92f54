"""The world's clock (Bevy: ``Time``, ``Time<Virtual>`` and ``Time<Real>``), and when a sleeping runner has to wake."""

from __future__ import annotations

from math import isfinite
from time import perf_counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import timedelta

MAX_DELTA_SECONDS: Final = 0.25
"""The longest measured frame, in virtual time (Bevy: ``DEFAULT_MAX_DELTA`` in ``bevy_time/src/virt.rs``)."""


class Time:
    """How long the last frame took and how long the app has been running, in seconds.

    `delta_seconds` and `elapsed_seconds` are *virtual*: they stand still while paused and follow the relative speed
    (Bevy: ``Time<Virtual>``); inside `FixedUpdate` they are the fixed clock's. `real_delta_seconds` and
    `real_elapsed_seconds` always go on (Bevy: ``Time<Real>``), and timers use them.

    Without an argument `App.update` measures real time; ``app.update(dt)`` is a manual clock (Bevy:
    ``TimeUpdateStrategy::ManualDuration``), which moves both. The first frame's delta is 0, as in Bevy. Unlike Bevy,
    whose longest delta cuts a manual step too, only measured time is cut: who says how long a frame is means it.
    """

    __slots__ = (
        "_last",
        "_relative_speed",
        "_speed",
        "delta_seconds",
        "elapsed_seconds",
        "extra_runs",
        "frame",
        "is_paused",
        "max_delta_seconds",
        "real_delta_seconds",
        "real_elapsed_seconds",
    )

    def __init__(self) -> None:
        self.delta_seconds = 0.0
        self.elapsed_seconds = 0.0
        self.real_delta_seconds = 0.0
        """How long the last frame really took, or was said to take."""
        self.real_elapsed_seconds = 0.0
        """The sum of all `real_delta_seconds`."""
        self.frame = 0
        """How many frames have begun; 1 during the first."""
        self.extra_runs = 0
        """How many schedules have begun a run that is not the one of each frame: fixed steps and transitions."""
        self.is_paused = False
        """Whether virtual time stands still from the next frame on: see `pause`."""
        self.max_delta_seconds = MAX_DELTA_SECONDS
        """How much of a measured frame counts in virtual time, so that a program that hung does not leap."""
        self._relative_speed = 1.0
        self._speed = 1.0  # 0 while paused
        self._last: float | None = None

    @property
    def delta(self) -> timedelta:
        """`delta_seconds` as a timedelta."""
        return _timedelta(self.delta_seconds)

    @property
    def elapsed(self) -> timedelta:
        """`elapsed_seconds` as a timedelta."""
        return _timedelta(self.elapsed_seconds)

    @property
    def run_number(self) -> int:
        """Another number in every run of every schedule, so that one run can be told from the next."""
        return self.frame + self.extra_runs

    @property
    def relative_speed(self) -> float:
        """How fast virtual time goes while it is not paused; 1 is real time's speed."""
        return self._relative_speed

    def pause(self) -> None:
        """Stop virtual time; this frame's delta stays what it is. Systems run on, with a delta of 0."""
        self.is_paused = True
        self._speed = 0.0

    def unpause(self) -> None:
        """Let virtual time go on, at the speed that it had."""
        self.is_paused = False
        self._speed = self._relative_speed

    def set_relative_speed(self, speed: float) -> None:
        """Let virtual time go `speed` times as fast as real time, from the next frame on.

        Raises:
            ValueError: `speed` is negative or not finite.
        """
        if not (isfinite(speed) and speed >= 0):
            raise ValueError(
                f"The relative speed is {speed}: give a finite number of 0 or more; 1 is real time's speed."
            )
        self._relative_speed = float(speed)
        if not self.is_paused:
            self._speed = self._relative_speed

    def set_max_delta(self, seconds: float) -> None:
        """Count at most so much of each measured frame in virtual time; infinity counts all of it.

        Raises:
            ValueError: `seconds` is not above 0.
        """
        if not seconds > 0:
            raise ValueError(f"The longest delta is {seconds} s: give a number above 0, or pause the time.")
        self.max_delta_seconds = float(seconds)

    def tick(self, dt: float | None) -> None:
        """Begin a frame: `dt` seconds after the last one, or as many as really went by."""
        self.frame += 1
        if dt is None:
            now = perf_counter()
            last = self._last
            self._last = now
            real = 0.0 if last is None else now - last
            dt = real if real <= self.max_delta_seconds else self.max_delta_seconds
        else:
            self._last = None  # real time starts afresh if the caller goes back to it
            real = dt
        self.real_delta_seconds = real
        self.real_elapsed_seconds += real
        if self._speed != 1.0:
            dt *= self._speed
        self.delta_seconds = dt
        self.elapsed_seconds += dt


def _timedelta(seconds: float) -> timedelta:
    from datetime import timedelta  # few ask for one

    return timedelta(seconds=seconds)


class Timer:
    """A moment in real time (a paused world's timers go on) at which a system wants to run again.

    Bevy's ``Timer`` counts down by being ticked, and wakes nobody; for that see the run condition `on_timer`.

    Timers are made with `Wakeups.timer`, so that a runner that sleeps between frames knows when to wake.
    """

    __slots__ = ("_wakeups", "due")

    def __init__(self, wakeups: Wakeups, due: float) -> None:
        self._wakeups = wakeups
        self.due = due
        """In `Time.real_elapsed_seconds`; infinity when nothing is wanted. A passed one stays due until restarted."""

    def restart(self, time: Time, seconds: float) -> None:
        """Be due `seconds` from now."""
        self.due = time.real_elapsed_seconds + seconds
        self._wakeups.stale = True

    def stop(self) -> None:
        """Not be due any more."""
        self.due = float("inf")
        self._wakeups.stale = True

    def drop(self) -> None:
        """Stop for good: the timer's owner is gone."""
        self._wakeups.forget(self)


class Wakeups:
    """When the next frame is wanted, for runners that sleep while nothing happens.

    Bevy's reactive loop (``bevy_winit/src/winit_config.rs``) wakes on input, a timeout, a redraw request or
    `WakeUp`; ours wakes on input, an arrival from the task pool, or the earliest of these timers.
    """

    __slots__ = ("_requested", "_timers", "next_due", "stale")

    def __init__(self) -> None:
        self._timers: list[Timer] = []
        self._requested = False
        self.next_due = float("inf")
        """When the earliest timer is due, as far as is known, in `Time.real_elapsed_seconds`."""
        self.stale = True
        """Whether a timer was changed since the earliest one was looked for."""

    def timer(self, due: float = 0.0) -> Timer:
        """A new timer, due at once unless told otherwise."""
        timer = Timer(self, due)
        self._timers.append(timer)
        self.stale = True
        return timer

    def forget(self, timer: Timer) -> None:
        """Take a timer out."""
        if timer in self._timers:
            self._timers.remove(timer)
        self.stale = True

    def due_times(self) -> list[float]:
        """When each timer is due, in `Time.real_elapsed_seconds`; infinity for those that were stopped."""
        return [timer.due for timer in self._timers]

    def request_frame(self) -> None:
        """Ask for one more frame, in which everything is looked at, without delay."""
        self._requested = True
        self.stale = True  # so that `due`, which looks at this one flag in most frames, looks at the request

    def due(self, time: Time) -> bool:
        """Whether a timer is due, or a frame was requested, at the beginning of this frame."""
        if self.stale:
            self._find_next()
            self._requested = False
        if time.real_elapsed_seconds < self.next_due:
            return False
        self.stale = True
        return True

    def delay(self, time: Time) -> float | None:
        """Seconds until the next frame is wanted (0 = now); None when nothing is due."""
        if self.stale:
            self._find_next()
            self.stale = self._requested  # a request is answered by `due`, not by asking when
        return None if self.next_due == float("inf") else max(0.0, self.next_due - time.real_elapsed_seconds)

    def _find_next(self) -> None:
        if self._requested:
            self.next_due = float("-inf")
        else:
            self.next_due = min((timer.due for timer in self._timers), default=float("inf"))
        self.stale = False
