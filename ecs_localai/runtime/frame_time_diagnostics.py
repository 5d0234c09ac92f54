"""How long frames take, as diagnostics (Bevy: ``FrameTimeDiagnosticsPlugin``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecs_localai.runtime.diagnostics import (
    HISTORY_LENGTH,
    SMOOTHING_SECONDS,
    Diagnostic,
    DiagnosticPath,
    DiagnosticsStore,
    SampleRing,
)
from ecs_localai.runtime.plugin import Plugin
from ecs_localai.runtime.resources import Res
from ecs_localai.runtime.schedule import First
from ecs_localai.runtime.time import Time

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App

FPS: Final = DiagnosticPath("fps")
"""Frames a second: one divided by the last frame's length."""
FRAME_TIME: Final = DiagnosticPath("frame_time")
"""Milliseconds from the beginning of one frame to that of the next."""
FRAME_COUNT: Final = DiagnosticPath("frame_count")
"""How many frames have begun."""


class FrameTimeDiagnosticsPlugin(Plugin):
    """Measures ``fps``, ``frame_time`` and ``frame_count`` in real time, in every frame.

    Of an app that sleeps between its frames, these tell how often it wakes. A frame of no length, such as the first,
    has no rate and is only counted, as in Bevy.

    Args:
        history_length: how many values of each are kept.
        smoothing_seconds: see `Diagnostic`.

    Raises:
        ValueError: `history_length` is below 1, or `smoothing_seconds` below 0 or not finite.
    """

    def __init__(self, history_length: int = HISTORY_LENGTH, smoothing_seconds: float = SMOOTHING_SECONDS) -> None:
        self._history_length = history_length
        self._smoothing_seconds = smoothing_seconds
        self._diagnostics()  # so that a mistake is found here

    def build(self, app: App) -> None:
        """Add the diagnostics and the system."""
        app.diagnostics.add(*self._diagnostics())
        app.add_systems(First, measure_frame)

    def _diagnostics(self) -> tuple[Diagnostic, ...]:
        smoothing = self._smoothing_seconds
        return (
            Diagnostic(FPS, "", SampleRing(self._history_length), smoothing_seconds=smoothing),
            Diagnostic(FRAME_TIME, "ms", SampleRing(self._history_length), smoothing_seconds=smoothing),
            Diagnostic(FRAME_COUNT, "", SampleRing(1), smoothing_seconds=0.0),
        )


def measure_frame(time: Time, diagnostics: Res[DiagnosticsStore]) -> None:
    """Take in the length of the frame before this one."""
    diagnostics.add_measurement(FRAME_COUNT, time.frame)
    seconds = time.real_delta_seconds
    if seconds > 0:
        diagnostics.add_measurement(FRAME_TIME, seconds * 1e3)
        diagnostics.add_measurement(FPS, 1.0 / seconds)
