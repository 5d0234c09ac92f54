"""From what the background reports to what a person sees: a speed and a time left that do not jump, a bar that never
goes back."""

from __future__ import annotations

import math
from datetime import timedelta

from ecs_localai.components.installation import (
    InstallationPhase,
    InstallationProgress,
    InstallationStatus,
    LayerProgress,
)
from ecs_localai.runtime import Latest
from ecs_localai.systems.installation_report import InstallationReport

_SMOOTHING_SECONDS = 3.0
_SHORTEST_STEP = 0.2
_ETA_SMOOTHING_SECONDS = 15.0
"""The time left is told from a speed that is smoothed over so long: a slow second is no news."""
_ETA_AFTER_SECONDS = 1.0
"""Nobody can tell how long it takes from less than this."""
STILL_SECONDS = 3.0
"""Without a byte for so long, a download stands still: what was measured before says nothing of now."""
_FETCHING = frozenset({InstallationPhase.DOWNLOADING, InstallationPhase.EXTRACTING})


class SpeedMeter:
    """Bytes per second, smoothed over about so many seconds."""

    __slots__ = ("_begun", "_bytes", "_seconds", "_time", "speed")

    def __init__(self, seconds: float = _SMOOTHING_SECONDS) -> None:
        self._seconds = seconds
        self._begun: float | None = None
        self._time = 0.0
        self._bytes = 0
        self.speed = 0.0

    def update(self, now: float, transferred: int) -> float:
        """Take in how much has been transferred by `now` (seconds on a steady clock); returns the speed."""
        if self._begun is None or transferred < self._bytes:
            self._begun = now if self._begun is None else self._begun
            self._time, self._bytes = now, transferred
            return self.speed
        step = now - self._time
        if step < _SHORTEST_STEP:
            return self.speed
        fresh = (transferred - self._bytes) / step
        # At first the average of all there is, so that the first step does not count for as much as many.
        share = max(1.0 - math.exp(-step / self._seconds), step / max(step, now - self._begun))
        self.speed += share * (fresh - self.speed)
        self._time, self._bytes = now, transferred
        return self.speed

    def measured_for(self, now: float) -> float:
        """Seconds since the first update."""
        return 0.0 if self._begun is None else now - self._begun


class InstallationRun:
    """A running installation's channel and clocks: a component beside its `ModelInstallationTask`."""

    __slots__ = (
        "_eta_meter",
        "_meter",
        "_moved_at",
        "_report",
        "_seen",
        "announced",
        "begun",
        "channel",
        "fraction",
        "is_coming_back",
        "kept_phase",
        "layers",
        "missing",
        "saved_at",
    )

    def __init__(
        self,
        channel: Latest[InstallationReport],
        missing: Latest[frozenset[str]],
        begun: float,
        *,
        fraction: float | None = None,
        announced: bool = False,
    ) -> None:
        self.channel = channel
        self.missing = missing
        """Tells, once, the files that the host lacks."""
        self.begun = begun
        """When it had its turn, in seconds on `time.monotonic`."""
        self.fraction = fraction
        self.announced = announced
        """Whether `ModelInstallationStarted` was sent."""
        self.is_coming_back = False
        """Whether its work was cancelled so that it waits again, and not for good."""
        self.layers: tuple[LayerProgress, ...] | None = None
        """What was told of them last."""
        self.kept_phase: InstallationPhase | None = None
        """The phase that was kept last."""
        self.saved_at = begun
        """When its progress was kept last, as `begun`."""
        self._meter = SpeedMeter()
        self._eta_meter = SpeedMeter(_ETA_SMOOTHING_SECONDS)
        self._report: InstallationReport | None = None
        self._seen = (-1, -1)
        self._moved_at = begun

    def advance(
        self, before: InstallationProgress, report: InstallationReport, now: float
    ) -> tuple[InstallationProgress, InstallationStatus]:
        """The progress after this report. Neither bytes nor fraction ever go back, whatever the server does."""
        self._report = report
        seen = (_transferred(report), report.bytes_done)
        if seen != self._seen:
            if now - self._moved_at >= STILL_SECONDS:
                self._meter, self._eta_meter = SpeedMeter(), SpeedMeter(_ETA_SMOOTHING_SECONDS)
            self._seen, self._moved_at = seen, now
        return self._progress(before, report, now)

    def beat(self, before: InstallationProgress, now: float) -> InstallationProgress | None:
        """The progress where there is no newer report; None while that is no other one."""
        if self._report is None or self._report.phase not in _FETCHING:
            return None
        progress, _ = self._progress(before, self._report, now)
        return None if progress == before else progress

    def _progress(
        self, before: InstallationProgress, report: InstallationReport, now: float
    ) -> tuple[InstallationProgress, InstallationStatus]:
        status = InstallationStatus(report.phase)
        done = max(before.bytes_downloaded, report.bytes_done)
        total = max(before.total_bytes, report.total_bytes)
        if report.fraction is not None:
            self.fraction = max(self.fraction or 0.0, min(1.0, report.fraction))
        # What is there is what the report says; before the first file is reached it says nothing of that.
        there = report.bytes_done - report.rolled_back_bytes if report.fraction is not None else done
        back = max(0, done - there)
        still = now - self._moved_at
        if report.phase in _FETCHING and still >= STILL_SECONDS:
            lacks = report.phase is InstallationPhase.DOWNLOADING and (there < total or not total)
            stands = timedelta(seconds=int(still)) if lacks else None
            return InstallationProgress(done, total, 0.0, None, back, stands, report.retry), status
        speed = self._meter.update(now, _transferred(report))
        steady = self._eta_meter.update(now, _transferred(report))
        eta = None
        if report.phase in _FETCHING and steady > 0 and self._eta_meter.measured_for(now) >= _ETA_AFTER_SECONDS:
            eta = timedelta(seconds=max(0, total - there) / steady)
        return InstallationProgress(done, total, speed, eta, back, None, report.retry), status


def _transferred(report: InstallationReport) -> int:
    """The bytes that have come over the line by now."""
    if report.transferred_bytes is not None:
        return report.transferred_bytes
    return max(0, report.bytes_done - report.bytes_present)
