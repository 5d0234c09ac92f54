"""The product's plugin as a late one: what a program asked for before it has come is done."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import esper
import pytest

from ecs_localai import (
    App,
    HostConnection,
    InstallRequested,
    LatePlugin,
    LocalModelsPlugin,
    ModelInstallationCompleted,
    ModelInstallRequest,
    OllamaHosts,
    SystemFailed,
)
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.waiting import run_frames_until, wait_until
from tests.systems.systems_parts import INSECURE, PATIENCE


@pytest.fixture
def tiny(ollama_server: OllamaServer, registry: Registry) -> Iterator[str]:
    """The full name of a model whose files the shared server has under another name: installed in milliseconds."""
    name = registry.name_for("tiny:latest")
    yield name
    ollama_server.delete(name)


def test_entity_and_event_from_before_it_has_come_are_answered(ollama_server: OllamaServer, tiny: str) -> None:
    with App() as app:
        app.add_plugins(LatePlugin(LocalModelsPlugin(f"127.0.0.1:{ollama_server.port}")))
        completed = app.events(ModelInstallationCompleted).reader()
        failed = app.events(SystemFailed).reader()
        app.world.spawn(ModelInstallRequest(tiny, INSECURE))
        app.update()
        app.send_event(InstallRequested("no such model!"))  # no name: told at once, in a notice
        assert app.world.get_resource(OllamaHosts) is None
        done: list[ModelInstallationCompleted] = []

        def is_done() -> bool:
            done.extend(completed.read())
            return bool(done)

        run_frames_until(app, is_done, timeout=PATIENCE)
        assert [event.model.name for event in done] == [tiny]
        assert app.events(InstallRequested).written == 1
        assert all(reader.missed == 0 for reader in app.events(InstallRequested).readers)
        assert failed.read() == []


def test_it_comes_into_a_hosts_world(ollama_server: OllamaServer, tiny: str) -> None:
    before = esper.current_world
    esper.switch_world("a game that began at once")
    try:
        with App(world=esper.current_world) as app:
            app.add_plugins(LatePlugin(LocalModelsPlugin(f"127.0.0.1:{ollama_server.port}")))
            esper.create_entity(ModelInstallRequest(tiny, INSECURE))
            completed = app.events(ModelInstallationCompleted).reader()

            def is_done() -> bool:
                esper.process()
                return bool(completed.read())

            wait_until(is_done, timeout=PATIENCE)
            assert isinstance(esper.get_processor(HostConnection), HostConnection)
    finally:
        name = esper.current_world
        esper.switch_world(before)
        esper.delete_world(name)


def test_what_was_saved_is_there_when_it_comes(tmp_path: Path) -> None:
    with App() as app:
        app.add_plugins(LocalModelsPlugin("127.0.0.1:9", data_dir=tmp_path))
        app.world.resource(OllamaHosts).add("10.0.0.7:11434", "attic")
    with App() as app:
        app.add_plugins(LatePlugin(LocalModelsPlugin(data_dir=tmp_path)))
        run_frames_until(app, lambda: app.is_plugin_added(LocalModelsPlugin), timeout=PATIENCE)
        assert app.world.resource(OllamaHosts).named("attic") is not None


def test_program_that_ends_before_it_has_come_leaves_nothing_open(tmp_path: Path) -> None:
    threads = set(threading.enumerate())
    for frames in range(4):
        with App() as app:
            app.add_plugins(LatePlugin(LocalModelsPlugin("127.0.0.1:9", data_dir=tmp_path)))
            for _ in range(frames):
                app.update()
    wait_until(lambda: set(threading.enumerate()) <= threads, timeout=PATIENCE)


def test_first_frame_waits_for_none_of_its_imports() -> None:
    program = (
        "import sys, time\n"
        "from ecs_localai import App, LatePlugin, LocalModelsPlugin\n"
        "with App() as app:\n"
        "    app.add_plugins(LatePlugin(LocalModelsPlugin('127.0.0.1:9')))\n"
        "    app.update()\n"
        "    print(sorted({'msgspec', 'asyncio', 'sqlite3', 'ecs_localai.systems.wiring'} & set(sys.modules)))\n"
        "    while not app.is_plugin_added(LocalModelsPlugin):\n"
        "        time.sleep(0.002)\n"
        "        app.update()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
