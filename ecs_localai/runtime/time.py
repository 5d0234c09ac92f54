"""The world's clock (Bevy: ``Time``)."""

from __future__ import annotations

from datetime import timedelta
from time import perf_counter


class Time:
    """How long the last frame took and how long the app has been running, in seconds.

    Without an argument `App.update` measures real time; ``app.update(dt)`` is a manual clock (Bevy:
    ``TimeUpdateStrategy::ManualDuration``). The first frame's delta is 0, as in Bevy.
    """

    __slots__ = ("_last", "delta_seconds", "elapsed_seconds", "frame")

    def __init__(self) -> None:
        self.delta_seconds = 0.0
        self.elapsed_seconds = 0.0
        self.frame = 0
        """How many frames have begun; 1 during the first."""
        self._last: float | None = None

    @property
    def delta(self) -> timedelta:
        """`delta_seconds` as a timedelta."""
        return timedelta(seconds=self.delta_seconds)

    @property
    def elapsed(self) -> timedelta:
        """`elapsed_seconds` as a timedelta."""
        return timedelta(seconds=self.elapsed_seconds)

    def tick(self, dt: float | None) -> None:
        """Begin a frame: `dt` seconds after the last one, or as many as really went by."""
        if dt is None:
            now = perf_counter()
            last = self._last
            self._last = now
            dt = 0.0 if last is None else now - last
        else:
            self._last = None  # real time starts afresh if the caller goes back to it
        self.delta_seconds = dt
        self.elapsed_seconds += dt
        self.frame += 1


class Timer:
    """A moment on the world's clock at which a system wants to run again.

    Timers are made with `Wakeups.timer`, so that a runner that sleeps between frames knows when to wake.
    """

    __slots__ = ("_wakeups", "due")

    def __init__(self, wakeups: Wakeups, due: float) -> None:
        self._wakeups = wakeups
        self.due = due
        """In `Time.elapsed_seconds`; infinity when nothing is wanted. A passed one stays due until restarted."""

    def restart(self, time: Time, seconds: float) -> None:
        """Be due `seconds` from now."""
        self.due = time.elapsed_seconds + seconds
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
        """When the earliest timer is due, as far as is known, in `Time.elapsed_seconds`."""
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

    def request_frame(self) -> None:
        """Ask for one more frame, in which everything is looked at, without delay."""
        self._requested = True
        self.stale = True  # so that `due`, which looks at this one flag in most frames, looks at the request

    def due(self, time: Time) -> bool:
        """Whether a timer is due, or a frame was requested, at the beginning of this frame."""
        if self.stale:
            self._find_next()
            self._requested = False
        if time.elapsed_seconds < self.next_due:
            return False
        self.stale = True
        return True

    def delay(self, time: Time) -> float | None:
        """Seconds until the next frame is wanted (0 = now); None when nothing is due."""
        if self.stale:
            self._find_next()
            self.stale = self._requested  # a request is answered by `due`, not by asking when
        return None if self.next_due == float("inf") else max(0.0, self.next_due - time.elapsed_seconds)

    def _find_next(self) -> None:
        if self._requested:
            self.next_due = float("-inf")
        else:
            self.next_due = min((timer.due for timer in self._timers), default=float("inf"))
        self.stale = False
