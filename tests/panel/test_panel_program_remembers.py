"""The whole program in a real window, twice: what a person chose and where the window was is there the next time."""

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
import pygame
import pytest

from tests.panel.panel_driver import Driver
from tests.panel.panel_samples import connected_view
from tests.rig.display import Xvfb
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.parts import PartMissing
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.window

LIGHT, DARK = (0xF5, 0xF5, 0xF7), (0x1C, 0x1C, 0x1E)
USUAL = (900, 1000)


class Program:
    """`ecs-localai` in a window, and a person's hands: xdotool."""

    def __init__(self, display: Xvfb, data_dir: Path, *arguments: str, host: str) -> None:
        self._environment = {**os.environ, **display.environment}
        self._display = display
        self._file = data_dir / "ecs-localai.sqlite3"
        command = [sys.executable, "-m", "ecs_localai", "--host", host, "--data-dir", str(data_dir), *arguments]
        self.process = subprocess.Popen(command, env=self._environment)
        wait_until(lambda: self.shows(LIGHT) or self.shows(DARK), 30, "the panel to appear")
        self.window = wait_until(self._find, 30, "the window to be found")
        x, y, width, _ = self.place()
        self.xdotool("mousemove", str(x + width // 2), str(y + 20))  # without a window manager keys go there

    def _find(self) -> str:
        """The window's number; empty while there is none. xdotool fails where it finds none."""
        command = ["xdotool", "search", "--onlyvisible", "--pid", str(self.process.pid)]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=20, check=False
        )  # fmt: skip
        return done.stdout.strip()

    def xdotool(self, *arguments: str) -> str:
        """Real input."""
        done = subprocess.run(
            ["xdotool", *arguments], env=self._environment, capture_output=True, text=True, timeout=20, check=True
        )  # fmt: skip
        return done.stdout

    def shows(self, colour: tuple[int, int, int]) -> bool:
        """Whether the screen shows much of a colour."""
        return int(np.all(self._display.screenshot() == colour, axis=-1).sum()) > 50_000

    def place(self) -> tuple[int, int, int, int]:
        """Left, top, width and height of the window, as the X server says."""
        parts = dict(
            line.split("=") for line in self.xdotool("getwindowgeometry", "--shell", self.window).splitlines()
        )  # fmt: skip
        return int(parts["X"]), int(parts["Y"]), int(parts["WIDTH"]), int(parts["HEIGHT"])

    def key(self, key: str) -> None:
        """Press a key, and wait until the window shows that it was pressed."""
        before = self._display.screenshot()
        self.xdotool("key", key)
        wait_until(lambda: (self._display.screenshot() != before).any(), 10, f"{key} to show in the window", 0.05)

    def click(self, x: float, y: float) -> None:
        """Click on a place of the window."""
        self.xdotool("mousemove", "--window", self.window, str(round(x)), str(round(y)), "click", "1")

    def rest(self) -> None:
        """Wait until nothing moves in the window any more."""
        before = [self._display.screenshot()]

        def same() -> bool:
            before.append(self._display.screenshot())
            return bool((before[-1] == before.pop(0)).all())

        wait_until(same, 20, "the window to come to rest", 0.3)

    def put(self, x: int, y: int, width: int, height: int) -> None:
        """Drag the window somewhere, once it takes note of that: in its first moment the system places it."""
        number = iter(range(1, 1000))

        def taken() -> bool:
            self.xdotool("windowmove", "--sync", self.window, str(x + next(number)), str(y))
            return bool(self.kept().get("window"))

        wait_until(taken, 20, "the window's place to be kept", 1.0)
        self.xdotool("windowsize", "--sync", self.window, str(width), str(height))
        self.xdotool("windowmove", "--sync", self.window, str(x), str(y))

    def kept(self) -> dict[str, object]:
        """The panel's settings on the disk; empty while there are none."""
        with sqlite3.connect(self._file) as store:
            row = store.execute("SELECT value FROM settings WHERE key = 'panel'").fetchone()
        found = {} if row is None else json.loads(row[0])
        assert isinstance(found, dict)
        return found

    def keeps(self, **wanted: object) -> None:
        """Wait until these settings are on the disk."""
        wait_until(lambda: wanted.items() <= self.kept().items(), 20, lambda: f"{wanted}, but it is {self.kept()}")

    def end(self) -> None:
        """Close it, as a system that shuts down does, and expect that it ends well."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0


Start = Callable[..., Program]


@pytest.fixture(scope="module")
def display() -> Iterator[Xvfb]:
    """A display of these tests' own: keys go to the window under the pointer, whosever it is."""
    try:
        server = Xvfb()
    except PartMissing as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.fixture
def start(display: Xvfb, tmp_path: Path) -> Iterator[Start]:
    started: list[Program] = []

    def begin(*arguments: str, host: str = "") -> Program:
        address = host or f"127.0.0.1:{closed_port()}"
        started.append(Program(display, tmp_path, "--scale", "1", *arguments, host=address))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait(20)


def at_the_end(node_id: str) -> tuple[float, float]:
    """Where a control at the end of the page is in a window of the usual size that is scrolled there."""
    driver = Driver(connected_view(), USUAL, reduced_motion=True)
    driver.key(pygame.K_END)
    return driver.centre(node_id)


def test_a_theme_chosen_with_the_keyboard_is_there_the_next_time(start: Start) -> None:
    program = start()
    for _ in range(10):  # backwards from the last button of the data to the dark theme
        program.key("shift+Tab")
    program.key("space")
    wait_until(lambda: program.shows(DARK), 10, "the dark theme to be shown")
    program.keeps(theme="dark")
    program.end()
    again = start()
    assert again.shows(DARK)
    again.end()


def test_a_theme_and_a_scale_chosen_with_the_pointer_are_there_the_next_time(
    start: Start, ollama_server: OllamaServer
) -> None:
    program = start(host=ollama_server.base_url)

    def chosen(node_id: str, **wanted: object) -> bool:
        """The page may still grow when it is clicked on: what the host has comes bit by bit."""
        program.xdotool("key", "End")
        program.rest()
        program.click(*at_the_end(node_id))
        program.rest()
        return wanted.items() <= program.kept().items()

    wait_until(lambda: chosen("theme:dark", theme="dark"), 30, "the dark theme to be kept", 0.5)
    wait_until(lambda: program.shows(DARK), 10, "the dark theme to be shown")
    wait_until(lambda: chosen("scale:125", scale=1.25), 30, "the scale to be kept", 0.5)
    program.end()
    kept = program.kept()
    assert isinstance(kept["window"], dict)
    assert (kept["window"]["width"], kept["window"]["height"]) == (720, 800)  # as large as before, in larger pixels
    again = start("--scale", "2")  # the last one counts; it would be a window of 1440 by 1600 pixels
    assert again.shows(DARK)
    again.end()
    assert again.kept() == kept


def choose_the_order_by_size(program: Program, server: OllamaServer, asked: int) -> None:
    """Once the models are there, go to the choice with the keyboard and press it."""
    wait_until(lambda: server.log_text().count("/api/tags") > asked, 30, "the models to be asked for")
    program.rest()
    for _ in range(8):  # the host field, three buttons, the install field and its button, Name, Size
        program.key("Tab")
    program.key("space")


def test_an_order_of_models_is_there_the_next_time(start: Start, ollama_server: OllamaServer) -> None:
    for turned in (False, True):
        asked = ollama_server.log_text().count("/api/tags")
        program = start(host=ollama_server.base_url)
        choose_the_order_by_size(program, ollama_server, asked)
        program.keeps(model_sort="Size", sort_reversed=turned)
        program.end()


def test_the_window_opens_where_it_was_closed(start: Start) -> None:
    program = start()
    program.put(210, 130, 760, 640)
    place = {"width": 760, "height": 640, "x": 210, "y": 130, "maximized": False}
    program.keeps(window=place)
    program.end()
    again = start()
    assert again.place() == (210, 130, 760, 640)
    again.end()
    assert again.kept()["window"] == place


def test_a_window_moved_just_before_it_is_closed_is_remembered(start: Start) -> None:
    first = start()
    first.put(200, 100, 900, 990)
    first.xdotool("windowmove", "--sync", first.window, "260", "140")
    first.end()
    again = start()
    assert again.place()[:2] == (260, 140)


def keep(folder: Path, settings: dict[str, object]) -> None:
    """Put settings into the file of a program that does not run."""
    from ecs_localai.store.store import Store

    with_file = Store.open(folder)
    with_file.set_setting("panel", settings)
    assert with_file.close()


def test_a_window_of_a_screen_that_is_gone_opens_where_it_can_be_seen(
    start: Start, tmp_path: Path, display: Xvfb
) -> None:
    keep(tmp_path, {"window": {"width": 800, "height": 5000, "x": 4000, "y": 300}})
    program = start()
    x, y, width, height = program.place()
    assert x >= 0
    assert y >= 0
    assert x + width <= display.size[0]
    assert y + height <= display.size[1]
    program.end()
    window = program.kept()["window"]  # nobody moved it: when that screen is back, it is there again
    assert isinstance(window, dict)
    assert window["x"] == 4000


def test_options_for_one_run_change_nothing_that_is_kept(start: Start, tmp_path: Path) -> None:
    before: dict[str, object] = {
        "theme": "dark", "scale": 1.5, "window": None, "model_sort": "Size", "sort_reversed": True,
    }  # fmt: skip
    keep(tmp_path, before)
    program = start("--theme", "light")
    assert program.shows(LIGHT)
    program.key("Tab")
    program.end()
    assert program.kept() == before


def test_settings_that_make_no_sense_do_not_keep_the_window_from_opening(start: Start, tmp_path: Path) -> None:
    keep(tmp_path, {"theme": "purple", "scale": 900})
    program = start()
    assert program.shows(LIGHT)
    program.end()
