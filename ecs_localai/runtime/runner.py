"""Runners: what calls `App.update` when nobody else does (Bevy: ``ScheduleRunnerPlugin``)."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App

NOT_READY_SECONDS: Final = 0.01
"""How long to wait before asking plugins again whether they are ready, unless something arrives earlier."""


@dataclass(frozen=True, slots=True)
class AppExit:
    """The event that ends a runner (Bevy: ``AppExit``)."""

    code: int = 0


class ScheduleRunner:
    """Steps an app without a display: a number of frames, or until it wants to exit (Bevy: ``ScheduleRunnerPlugin``).

    What comes before the plugins are ready is no frame and is not counted.

    With `hz` it waits after every frame, also the last of `frames`, so that it may be called again and again to step
    at that rate; an arrival from the task pool begins the next frame early. Without, it steps as fast as it can.

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
        begun = app.time.frame
        next_frame = time.monotonic()
        while self._frames is None or app.time.frame - begun < self._frames:
            before = app.time.frame
            app.update()
            wanted = app.should_exit()
            if wanted is not None:
                return wanted.code
            now = time.monotonic()
            if app.time.frame == before:  # a plugin is not ready, so there was no frame
                next_frame = now + NOT_READY_SECONDS
            elif self._period:
                next_frame = max(next_frame + self._period, now)
            else:
                continue
            if arrived.wait(next_frame - now):
                arrived.clear()
                next_frame = time.monotonic()
        return 0
