"""From what a pull reports to what a person sees: a speed that does not jump and a bar that never goes back."""

from __future__ import annotations

import math
from datetime import timedelta

from ecs_localai.components.installation import InstallationProgress, InstallationStatus
from ecs_localai.ollama.pull import PullPhase, PullProgress
from ecs_localai.runtime import Latest

_SMOOTHING_SECONDS = 3.0
_SHORTEST_STEP = 0.2
_STATUS = {
    PullPhase.MANIFEST: InstallationStatus.DOWNLOADING,
    PullPhase.DOWNLOADING: InstallationStatus.DOWNLOADING,
    PullPhase.VERIFYING: InstallationStatus.VERIFYING,
    PullPhase.WRITING: InstallationStatus.INSTALLING,
    PullPhase.DONE: InstallationStatus.INSTALLING,
}


class SpeedMeter:
    """Bytes per second, smoothed over about three seconds."""

    __slots__ = ("_bytes", "_time", "speed")

    def __init__(self) -> None:
        self._time: float | None = None
        self._bytes = 0
        self.speed = 0.0

    def update(self, now: float, transferred: int) -> float:
        """Take in how much has been transferred by `now` (seconds on a steady clock); returns the speed."""
        if self._time is None or transferred < self._bytes:
            self._time, self._bytes = now, transferred
            return self.speed
        step = now - self._time
        if step < _SHORTEST_STEP:
            return self.speed
        fresh = (transferred - self._bytes) / step
        share = 1.0 - math.exp(-step / _SMOOTHING_SECONDS)
        self.speed = fresh if self.speed == 0.0 else self.speed + share * (fresh - self.speed)
        self._time, self._bytes = now, transferred
        return self.speed


class InstallationRun:
    """A running installation's channel and clocks: a component beside its `ModelInstallationTask`."""

    __slots__ = ("announced", "begun", "channel", "fraction", "meter")

    def __init__(self, channel: Latest[PullProgress], begun: float) -> None:
        self.channel = channel
        self.begun = begun
        """When it had its turn, in seconds on `time.monotonic`."""
        self.meter = SpeedMeter()
        self.fraction: float | None = None
        self.announced = False
        """Whether `ModelInstallationStarted` was sent."""

    def advance(
        self, before: InstallationProgress, pull: PullProgress, now: float
    ) -> tuple[InstallationProgress, InstallationStatus]:
        """The progress after this report. Neither bytes nor fraction ever go back, whatever the server does."""
        transferred = max(0, pull.bytes_downloaded - pull.bytes_present)
        speed = self.meter.update(now, transferred)
        done = max(before.bytes_downloaded, pull.bytes_downloaded)
        total = max(before.total_bytes, pull.total_bytes)
        if pull.fraction is not None:
            self.fraction = max(self.fraction or 0.0, min(1.0, pull.fraction))
        left = total - done
        eta = timedelta(seconds=left / speed) if speed > 0 and pull.phase is PullPhase.DOWNLOADING else None
        return InstallationProgress(done, total, speed, eta), _STATUS[pull.phase]
