"""The end of an app leaves nothing: no thread, no connection, no task, also in the middle of everything."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import esper
import pytest

from ecs_localai import (
    App,
    DeleteModelRequested,
    LocalModelsPlugin,
    ModelInstallationTask,
    ToggleRequested,
)
from tests.rig.leaks import assert_nothing_new, holdings
from tests.rig.odd_servers import Silent
from tests.rig.ollama_server import OllamaServer
from tests.rig.parts import ROOT
from tests.rig.registry import Registry
from tests.rig.waiting import wait_until
from tests.systems.systems_parts import Driven, config_for

CHILD = Path(__file__).with_name("shutdown_child.py")


def test_an_app_that_never_ran_leaves_nothing(ollama_server: OllamaServer) -> None:
    before = holdings()
    with App() as app:
        app.add_plugins(LocalModelsPlugin(config_for(ollama_server.port)))
    assert_nothing_new(before)


def test_a_connected_app_leaves_nothing(ollama_server: OllamaServer, tmp_path: Path) -> None:
    worlds = set(esper.list_worlds())
    before = holdings()
    with Driven(ollama_server.port, data_dir=tmp_path) as driven:
        driven.connect()
        driven.write(ToggleRequested("custom_providers", True))
        driven.update()
        assert holdings() != before
    assert_nothing_new(before)
    assert set(esper.list_worlds()) == worlds


def test_ending_in_the_middle_of_an_install_stops_it(
    ollama_server: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    name = registry.name_for("middle:latest")
    ollama_server.delete(name)
    registry.files.throttle(1e6)
    before = holdings()
    with Driven(ollama_server.port, data_dir=tmp_path) as driven:
        driven.ask_for(name)
        driven.until(lambda: driven.installation(name).progress.bytes_downloaded > 0)
        [(_, work)] = driven.app.world.query(ModelInstallationTask)
        begun = time.monotonic()
    assert time.monotonic() - begun < 10.0
    assert_nothing_new(before)
    assert work.task is not None
    assert work.task.is_finished()
    assert driven.app.tasks.in_flight == 0
    wait_until(lambda: registry.files.open_transfers == 0)
    assert name not in ollama_server.model_names()


@pytest.mark.parametrize("frames", [1, 3, 10])
def test_ending_just_after_everything_was_asked_for(
    frames: int, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    """Probes, looks at the models, deletions and a pull that cannot be left yet, all under way at the end."""
    registry.files.throttle(1e6)
    before = holdings()
    with Driven(fresh_ollama.port) as driven:
        driven.ask_for(registry.name_for("middle:latest"))
        driven.ask_for(registry.name_for("tiny:latest"))
        driven.write(DeleteModelRequested("no-such-model:latest"))
        for _ in range(frames):
            driven.update()
    assert_nothing_new(before)
    assert fresh_ollama.running
    assert "panic" not in fresh_ollama.log_text()


def test_ending_while_a_host_never_answers() -> None:
    before = holdings()
    with Silent() as silent:
        with Driven(silent.port) as driven:
            driven.write(DeleteModelRequested("tiny:latest"))
            driven.until(lambda: {"GET /api/version", "GET /api/tags"} <= set(silent.requests))
            begun = time.monotonic()
        assert time.monotonic() - begun < 5.0
    assert_nothing_new(before)


def test_a_guest_in_a_running_loop_can_be_ended_there(ollama_server: OllamaServer) -> None:
    """A host program may have an asyncio loop of its own: ours is another one, in another thread."""

    async def host_program() -> None:
        with Driven(ollama_server.port) as driven:
            while driven.view.host.status_text != "Connected":
                driven.update()
                await asyncio.sleep(0.002)

    before = holdings()
    asyncio.run(asyncio.wait_for(host_program(), 30))
    assert_nothing_new(before)


def test_one_app_after_another_in_the_same_process(ollama_server: OllamaServer) -> None:
    before = holdings()
    for _ in range(3):
        with Driven(ollama_server.port) as driven:
            driven.ask_for("not a name")
            driven.until(lambda: driven.view.host.status_text == "Connected")
    assert_nothing_new(before)


def test_pythons_development_mode_finds_nothing_left_open(ollama_server: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("middle:latest")
    ollama_server.delete(name)
    registry.files.throttle(1e6)
    child = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", str(CHILD), str(ollama_server.port), name],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (child.returncode, child.stdout, child.stderr) == (0, "", "")
