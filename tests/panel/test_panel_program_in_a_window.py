"""The whole program in a real window: what a person does there happens on the real server and is remembered."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ecs_localai.panel.theme import LIGHT
from tests.rig.display import Xvfb
from tests.rig.ollama_server import OllamaServer
from tests.rig.parts import PartMissing
from tests.rig.ports import free_port
from tests.rig.registry import Registry
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.window


class Program:
    """`ecs-localai` in a window, and a person's hands: xdotool."""

    def __init__(self, display: Xvfb, host: str, data_dir: Path) -> None:
        self._environment = {**os.environ, **display.environment}
        command = [sys.executable, "-m", "ecs_localai", "--host", host, "--data-dir", str(data_dir)]
        self.process = subprocess.Popen(command, env=self._environment, stderr=subprocess.PIPE, text=True)
        self.data_dir = data_dir
        self._display = display

    def open(self) -> None:
        """Wait for the window and give it the keyboard."""
        wait_until(lambda: self._display.screenshot().any(), 30, "the window to appear")
        # Without a window manager X gives the keyboard to the window under the pointer.
        height, width, _ = self._display.screenshot().shape
        self._xdotool("mousemove", str(width // 2), str(height // 2))

    def _xdotool(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env=self._environment, timeout=20, check=True)

    def key(self, key: str) -> None:
        """Press a key, and wait until the window shows that it was pressed."""
        before = self._display.screenshot()
        self._xdotool("key", key)
        wait_until(lambda: (self._display.screenshot() != before).any(), 10, f"{key} to show in the window", 0.05)

    def to_the_install_field(self) -> None:
        """Go from nowhere to the install field: past the host field and the three buttons of the only host."""
        for _ in range(5):
            self.key("Tab")

    def type(self, text: str) -> None:
        """Type text."""
        self._xdotool("type", "--delay", "15", text)

    def install(self, name: str) -> None:
        """Type a name into the install field, which has the focus, and agree to what installing it would mean."""
        before = self._lowest_filled()
        self.type(name)
        self.key("Return")
        wait_until(lambda: self._lowest_filled() > before + 60, 60, "the button of the card to be ready")
        self.key("Return")

    def _lowest_filled(self) -> int:
        """Where the lowest pixel is that has the colour of the button that stands out; 0 where there is none."""
        rows = np.nonzero((self._display.screenshot()[:, :, :3] == LIGHT.primary).all(axis=2))[0]
        return int(rows.max()) if len(rows) else 0

    def flag(self, feature_id: str) -> bool | None:
        """A feature's state as it is on the disk; None when it was never switched."""
        with sqlite3.connect(self.data_dir / "ecs-localai.sqlite3") as store:
            row = store.execute("SELECT value FROM flags WHERE key = ?", (feature_id,)).fetchone()
        return None if row is None else bool(json.loads(row[0]))

    def end(self) -> int:
        """Ask the program to end, as a system that shuts down does."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@pytest.fixture(scope="module")
def xvfb() -> Iterator[Xvfb]:
    """A display of these tests' own: keys go to the window under the pointer, whosever it is."""
    try:
        server = Xvfb()
    except PartMissing as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.fixture
def program(xvfb: Xvfb, tmp_path: Path) -> Iterator[Callable[[str], Program]]:
    started: list[Program] = []

    def start(host: str) -> Program:
        one = Program(xvfb, host, tmp_path / "data")
        started.append(one)
        one.open()
        return one

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait(20)
        if one.process.stderr is not None:
            one.process.stderr.close()


def test_a_model_is_installed_by_typing_its_name(
    program: Callable[[str], Program], fresh_ollama: OllamaServer, registry: Registry
) -> None:
    window = program(fresh_ollama.base_url)
    name = registry.name_for("tiny:latest")
    window.to_the_install_field()
    window.install(name)
    wait_until(lambda: fresh_ollama.model_names() == [name], 60, "the model to be installed")
    assert window.end() == 0


def test_the_panel_waits_for_an_ollama_and_connects_by_itself(
    program: Callable[[str], Program], registry: Registry
) -> None:
    port = free_port()
    window = program(f"127.0.0.1:{port}")
    with OllamaServer(port=port) as server:
        name = registry.name_for("tiny:latest")

        def type_once_connected() -> bool:
            return "/api/tags" in server.log_text()

        wait_until(type_once_connected, 30, "the panel to find the server and list its models")
        window.to_the_install_field()
        window.install(name)
        wait_until(lambda: server.model_names() == [name], 60, "the model to be installed")
        assert window.end() == 0


def test_a_toggle_switched_by_keyboard_is_remembered(
    program: Callable[[str], Program], fresh_ollama: OllamaServer
) -> None:
    window = program(fresh_ollama.base_url)
    wait_until(lambda: "/api/tags" in fresh_ollama.log_text(), 30, "the panel to be connected")
    window.to_the_install_field()
    for _ in range(2):  # its button, the first toggle
        window.key("Tab")
    window.key("space")
    wait_until(lambda: window.flag("auto_models") is False, 20, "the first toggle to be switched off on the disk")
    assert window.end() == 0


def test_closing_says_nothing_on_standard_error(program: Callable[[str], Program], fresh_ollama: OllamaServer) -> None:
    window = program(fresh_ollama.base_url)
    wait_until(lambda: "/api/tags" in fresh_ollama.log_text(), 30, "the panel to be connected")
    assert window.end() == 0
    assert window.process.stderr is not None
    assert window.process.stderr.read() == ""
