"""The plugins that measure frames, and that log what was measured."""

from __future__ import annotations

import logging
import math

import pytest

from ecs_localai.runtime import App
from ecs_localai.runtime.diagnostics import Diagnostic, DiagnosticsStore
from ecs_localai.runtime.frame_time_diagnostics import FPS, FRAME_COUNT, FRAME_TIME, FrameTimeDiagnosticsPlugin
from ecs_localai.runtime.log_diagnostics import LogDiagnosticsPlugin


def test_frames_are_measured_in_real_time_and_counted(app: App) -> None:
    app.add_plugins(FrameTimeDiagnosticsPlugin())
    app.time.pause()
    store = app.world.resource(DiagnosticsStore)
    app.update(0.0)
    assert store[FRAME_COUNT].value == 1.0
    assert store[FPS].value is None, "the first frame has no length"
    app.update(0.02)
    app.update(0.03)
    assert store["frame_time"].value == pytest.approx(30.0)
    assert store["frame_time"].average == pytest.approx(25.0)
    assert store["frame_time"].unit == "ms"
    assert store["fps"].value == pytest.approx(1 / 0.03)
    assert store["frame_count"].value == 3.0
    assert store["frame_count"].average == 3.0


def test_measured_frames_have_a_length(app: App) -> None:
    app.add_plugins(FrameTimeDiagnosticsPlugin())
    for _ in range(3):
        app.update()
    fps = app.world.resource(DiagnosticsStore)[FPS].value
    frame_time = app.world.resource(DiagnosticsStore)[FRAME_TIME].value
    assert fps is not None
    assert frame_time is not None
    assert fps * frame_time == pytest.approx(1000.0)


def test_history_and_smoothing_can_be_chosen(app: App) -> None:
    app.add_plugins(FrameTimeDiagnosticsPlugin(history_length=2, smoothing_seconds=10.0))
    for seconds in (1.0, 2.0, 4.0):
        app.update(seconds)
    frame_time = app.world.resource(DiagnosticsStore)[FRAME_TIME]
    assert frame_time.average == pytest.approx(3000.0)
    assert frame_time.smoothed == pytest.approx(1000.0 + 0.2 * 1000.0 + 0.4 * 2800.0)


def test_a_history_without_room_and_a_smoothing_without_sense_are_errors_at_once() -> None:
    with pytest.raises(ValueError, match="at least one value, not 0"):
        FrameTimeDiagnosticsPlugin(history_length=0)
    with pytest.raises(ValueError, match="smoothing_seconds is -1"):
        FrameTimeDiagnosticsPlugin(smoothing_seconds=-1.0)


def test_one_plugin_in_two_apps_measures_each_for_itself() -> None:
    plugin = FrameTimeDiagnosticsPlugin()
    with App() as one, App() as other:
        one.add_plugins(plugin)
        other.add_plugins(plugin)
        for _ in range(3):
            one.update(0.1)
        other.update(0.1)
        assert one.world.resource(DiagnosticsStore)[FRAME_COUNT].value == 3.0
        assert other.world.resource(DiagnosticsStore)[FRAME_COUNT].value == 1.0


def test_what_was_measured_is_logged_now_and_then(app: App, caplog: pytest.LogCaptureFixture) -> None:
    app.add_plugins(LogDiagnosticsPlugin(wait_seconds=2.0))
    store = app.diagnostics
    store.add(Diagnostic("bed/water", "mm"), Diagnostic("bed/off"), Diagnostic("bed/sun"))
    store["bed/off"].is_enabled = False
    with caplog.at_level(logging.INFO, "ecs_localai"):
        for frame in range(9):
            store.add_measurement("bed/water", float(frame))
            app.update(0.5)
    assert caplog.messages == [
        "bed/water: 3 mm (average 1.5 mm)",
        "bed/sun: not measured",
        "bed/water: 7 mm (average 3.5 mm)",
        "bed/sun: not measured",
    ]


def test_only_the_paths_that_were_asked_for_are_logged(app: App, caplog: pytest.LogCaptureFixture) -> None:
    app.add_plugins(FrameTimeDiagnosticsPlugin(), LogDiagnosticsPlugin(only=["fps"]))
    with caplog.at_level(logging.INFO, "ecs_localai"):
        app.update(1.0)
    assert caplog.messages == ["fps: 1 (average 1)"]


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan])
def test_logging_without_a_wait_is_an_error(seconds: float) -> None:
    with pytest.raises(ValueError, match="wait_seconds is"):
        LogDiagnosticsPlugin(seconds)
