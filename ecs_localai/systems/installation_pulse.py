"""A beat a second while something is installed, so that what stands still is seen to."""

from __future__ import annotations

from ecs_localai.runtime import App

BEAT_SECONDS = 1.0


class InstallationPulse:
    """A timer that only runs while something is installed: a world in which nothing is can sleep."""

    def __init__(self, app: App) -> None:
        self._time = app.time
        self._timer = app.wakeups.timer(float("inf"))

    @property
    def is_due(self) -> bool:
        """Whether this frame is for looking at all that run."""
        return self._time.real_elapsed_seconds >= self._timer.due

    def begin(self) -> None:
        """Something runs now."""
        if self._timer.due == float("inf"):
            self._timer.restart(self._time, BEAT_SECONDS)

    def go_on(self, wanted: bool) -> None:
        """Beat once more, or stop."""
        if wanted:
            self._timer.restart(self._time, BEAT_SECONDS)
        else:
            self._timer.stop()
