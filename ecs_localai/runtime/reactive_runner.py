"""A runner that sleeps while there is nothing to do."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from ecs_localai.runtime.runner import NOT_READY_SECONDS

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App

LONGEST_WAIT: Final = 0.5 if sys.platform == "win32" else None
"""Seconds of one wait. On Windows Ctrl-C is seen only between waits."""


class ReactiveRunner:
    """Steps an app without a display, only when there is something to do.

    Each frame, also the last of `frames`, is followed by sleep. The next one begins when something has arrived from
    the task pool, a timer is due or an event waits to be read (Bevy: ``WinitSettings::desktop_app``). It is for apps
    whose systems all react, as those of the Local AI models do: one of their frames costs little, but being woken
    sixty times a second costs a hundred times as much. Systems and plain esper processors that want to move something
    in every frame need `ScheduleRunner`.

    Raises:
        ValueError: `frames` is below 0.
    """

    def __init__(self, frames: int | None = None) -> None:
        if frames is not None and frames < 0:
            raise ValueError(f"frames is {frames}: give 0 or more, or None for no end.")
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
        while self._frames is None or app.time.frame - begun < self._frames:
            before = app.time.frame
            arrived.clear()  # before the frame: what comes during it begins the next one
            app.update()
            wanted = app.should_exit()
            if wanted is not None:
                return wanted.code
            _sleep(arrived, NOT_READY_SECONDS if app.time.frame == before else app.idle_delay())
        return 0


def _sleep(arrived: threading.Event, seconds: float | None) -> None:
    """Sleep until something arrives, at most so long; None: without end."""
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            return
        if arrived.wait(left if LONGEST_WAIT is None else min(LONGEST_WAIT, left or LONGEST_WAIT)):
            return
