"""Runners: what calls `App.update` when nobody else does (Bevy: ``ScheduleRunnerPlugin``)."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App


class ScheduleRunner:
    """Steps an app without a display: a number of frames, or until it wants to exit.

    With `hz` it waits between frames, and an arrival from the task pool begins the next one early. Without, it
    steps as fast as it can.

    Raises:
        ValueError: `hz` is not above 0, or `frames` is below 0.
    """

    def __init__(self, hz: float | None = None, frames: int | None = None) -> None:
        if hz is not None and not hz > 0:
            raise ValueError(f"hz is {hz}: give a number of frames a second above 0, or None for no pacing.")
        if frames is not None and frames < 0:
            raise ValueError(f"frames is {frames}: give 0 or more, or None for no end.")
        self._period = 1.0 / hz if hz else 0.0
        self._frames = frames

    def __call__(self, app: App) -> int:
        """Run; returns the exit code that was asked for, 0 when the frames ran out."""
        arrived = threading.Event()
        app.tasks.set_wake(arrived.set)
        try:
            with app.world.active():  # so that no frame has to switch worlds
                return self._loop(app, arrived)
        finally:
            app.tasks.set_wake(None)

    def _loop(self, app: App, arrived: threading.Event) -> int:
        done = 0
        next_frame = time.monotonic()
        while self._frames is None or done < self._frames:
            app.update()
            done += 1
            wanted = app.should_exit()
            if wanted is not None:
                return wanted.code
            if self._period:
                next_frame = max(next_frame + self._period, time.monotonic())
                if arrived.wait(next_frame - time.monotonic()):
                    arrived.clear()
                    next_frame = time.monotonic()
        return 0
