"""What ``install`` and ``queue --run`` do while there is nothing to do: they sleep."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ecs_localai import App, InstallationPhase, LocalModelsPlugin, ModelInstallation, ModelInstallRequest
from ecs_localai.commands.install_display import LineDisplay
from ecs_localai.commands.installation_watch import InstallationWatch
from ecs_localai.commands.stop_signals import StopSignals
from ecs_localai.components.hosts import OllamaConfiguration
from ecs_localai.components.installation import WaitReason
from ecs_localai.components.time_values import utc_now
from tests.rig.odd_servers import closed_port

SECONDS = 3.0
FRAMES = 40
"""Fewer than 20 a second by far, and enough for the beginning, and for looking at the host and at the store."""


def test_what_begins_in_hours_is_waited_for_asleep(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = OllamaConfiguration(port=closed_port())
    with StopSignals() as stop, App() as app:
        app.add_plugins(LocalModelsPlugin(config, data_dir=tmp_path))
        app.world.spawn(ModelInstallRequest("tiny:latest", not_before=utc_now() + timedelta(hours=5)))
        shown = InstallationWatch(app, stop, LineDisplay(), {})
        end = app.wakeups.timer(SECONDS)
        shown.run_until(lambda: app.time.real_elapsed_seconds >= SECONDS)
        end.drop()
        ((_, installation),) = app.world.query(ModelInstallation)
        assert installation.status.kind is InstallationPhase.QUEUED
        assert installation.waits_for is WaitReason.SCHEDULED
        assert app.time.frame < FRAMES
    assert "begins " in capfd.readouterr().out
