"""What a server says is in the component after the next frame, not after one that happens to come later."""

from __future__ import annotations

import pytest

from ecs_localai import ModelInstallation
from ecs_localai.components.installation import InstallationPhase
from ecs_localai.systems.installation_progress import InstallationRun
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.waiting import wait_until
from tests.systems.systems_parts import Driven

pytestmark = pytest.mark.ollama
LOOKS = 10


def test_what_has_arrived_is_in_the_component_one_frame_later(fresh_ollama: OllamaServer, registry: Registry) -> None:
    registry.files.throttle(1e6)
    with Driven(fresh_ollama.port) as driven:
        driven.ask_for(registry.name_for("middle:latest"))
        driven.until(
            lambda: any(
                one.status.kind is InstallationPhase.DOWNLOADING and one.progress.bytes_downloaded
                for one in driven.installations
            )
        )
        [(_, (installation, run))] = driven.app.world.query(ModelInstallation, InstallationRun)
        for _ in range(LOOKS):
            driven.update()  # what had arrived by now is taken out
            wait_until(lambda: run.channel in list(driven.app.tasks.inbox), 30, "the server to say more")
            before = installation.progress
            driven.update()
            assert installation.progress != before
            if installation.status.kind is not InstallationPhase.DOWNLOADING:
                break
        registry.files.clear()  # the rest may come at once
