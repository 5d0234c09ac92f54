"""The panel in a real window on a real X server, with real clicks and keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import TypeAlias

import numpy as np
import psutil
import pygame
import pytest

from tests.rig.display import Xvfb
from tests.rig.parts import find_program
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.window

ROOT = Path(__file__).resolve().parents[2]
Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Line: TypeAlias = dict[str, Json]


class Child:
    """The program `window_child`, its lines, and a person's hands: xdotool."""

    def __init__(self, display: Xvfb) -> None:
        self._xdotool_program = str(find_program("xdotool", remedy="run `make test`, or: apt-get install xdotool"))
        self.display = display
        self.environment = {**os.environ, **display.environment, "PYGAME_HIDE_SUPPORT_PROMPT": "1"}
        command = [sys.executable, "-X", "dev", "-W", "error", "-m", "tests.panel.window_child"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        self._lines: Queue[Line | None] = Queue()  # None: there will be no more
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.start = self.next("handle")
            self.window = str(self.start["handle"])
            self.xdotool("windowfocus", "--sync", self.window)
        except BaseException:
            self.end()
            raise

    def _read(self) -> None:
        if self.process.stdout is not None:
            for line in self.process.stdout:
                self._lines.put(json.loads(line))
        self._lines.put(None)

    def next(self, key: str) -> Line:
        """The next line that has this key; those before it are dropped."""
        deadline = time.monotonic() + 20
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except Empty:
                raise AssertionError(f"no line with {key!r} came in time") from None
            if line is None:
                stderr = self.process.stderr.read() if self.process.stderr else ""
                raise AssertionError(f"the program ended before a line with {key!r} came. {stderr}")
            if key in line:
                return line

    def xdotool(self, *arguments: str) -> str:
        """Real input."""
        done = subprocess.run(
            [self._xdotool_program, *arguments], env=self.environment, capture_output=True, text=True, timeout=20,
            check=True,
        )  # fmt: skip
        return done.stdout

    def ask(self, command: str, key: str) -> Line:
        """Send a command, and take its answer."""
        if self.process.stdin is None:
            raise AssertionError("the program has no standard input")
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.next(key)

    def node(self, node_id: str) -> Line:
        """What the panel says about a node, once it has come to rest."""

        def still() -> Json:
            line = self.ask("scene", "scene")
            return None if line["moving"] else line["scene"]

        scene = wait_until(still, 20, "the panel to come to rest")
        assert isinstance(scene, dict)
        found = scene[node_id]
        assert isinstance(found, dict)
        return found

    def point_at(self, node_id: str) -> None:
        """Move the pointer to the middle of a node."""
        rect = self.node(node_id)["rect"]
        assert isinstance(rect, list)
        x, y, width, height = (int(str(part)) for part in rect)
        self.xdotool("mousemove", "--window", self.window, str(x + width // 2), str(y + height // 2))

    def click(self, node_id: str) -> None:
        """Click on a node."""
        self.point_at(node_id)
        self.xdotool("click", "1")

    def end(self) -> None:
        """Make sure that nothing of it is left."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)
        self._reader.join(20)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def start() -> Iterator[Callable[[Xvfb], Child]]:
    children: list[Child] = []

    def begin(display: Xvfb) -> Child:
        children.append(Child(display))
        return children[-1]

    yield begin
    for child in children:
        child.end()


@pytest.fixture
def child(start: Callable[[Xvfb], Child], xvfb: Xvfb) -> Child:
    return start(xvfb)


def test_a_click_on_a_toggle_switches_it(child: Child) -> None:
    child.point_at("installing")
    for _ in range(30):
        child.xdotool("click", "5")  # the wheel, down to the toggles
    wait_until(lambda: child.node("toggle:auto_models")["visible"], 10, "the toggles to be scrolled to")
    child.click("toggle:auto_models")
    assert child.next("intent") == {
        "intent": "ToggleRequested",
        "fields": {"feature_id": "auto_models", "on": False},
    }
    wait_until(lambda: child.node("toggle:auto_models")["value"] == "off", 10, "the toggle to be off")


def test_typing_a_name_and_enter_asks_what_installing_it_would_mean(child: Child) -> None:
    child.click("install")
    child.xdotool("type", "--delay", "10", "llama3.2:1b-")
    # No key of the display means é. xdotool lends it one for as long as the delay: the window has to look by then.
    child.xdotool("type", "--delay", "2000", "é")
    wait_until(
        lambda: child.node("install")["value"] == "llama3.2:1b-é", 10, lambda: f"the text in {child.node('install')}"
    )
    child.xdotool("key", "Return")
    asked: Json = {"text": "llama3.2:1b-é", "hosts": [], "context_length": None}
    assert child.next("intent") == {"intent": "PreflightRequested", "fields": asked}


def test_copying_and_pasting_goes_through_the_systems_clipboard(child: Child) -> None:
    child.click("install")
    child.xdotool("type", "--delay", "10", "qwen3:8b")
    child.xdotool("key", "ctrl+a", "ctrl+c", "End", "space", "ctrl+v")
    wait_until(lambda: child.node("install")["value"] == "qwen3:8b qwen3:8b", 10, "the pasted text to arrive")


def test_the_keyboard_alone_reaches_and_switches_a_toggle(child: Child) -> None:
    for _ in range(60):
        child.xdotool("key", "Tab")
        if child.node("toggle:custom_providers")["focused"]:
            break
    assert child.node("toggle:custom_providers")["visible"]
    child.xdotool("key", "space")
    assert child.next("intent")["fields"] == {"feature_id": "custom_providers", "on": True}


def test_keys_held_down_repeat(child: Child) -> None:
    child.click("install")
    child.xdotool("keydown", "a")
    try:
        wait_until(lambda: len(str(child.node("install")["value"])) >= 3, 10, "the key to repeat")
    finally:
        child.xdotool("keyup", "a")


def test_resizing_lays_the_page_out_anew(child: Child) -> None:
    child.xdotool("windowsize", "--sync", child.window, "520", "700")

    def size() -> Json:
        return child.ask("scene", "scene")["size"]

    wait_until(lambda: size() == [520, 700], 10, "the new size to be taken over")
    rect = child.node("host")["rect"]
    assert isinstance(rect, list)
    assert int(str(rect[0])) < 40  # below the title now, from the left margin on


def test_the_screen_shows_the_pixels_that_were_painted(child: Child, xvfb: Xvfb, tmp_path: Path) -> None:
    child.point_at("cancel:i1")
    child.xdotool("click", "5", "click", "5")  # what was moved by scrolling is there too
    child.node("installing")  # once at rest
    child.xdotool("mousemove", str(xvfb.size[0] - 1), str(xvfb.size[1] - 1))  # the screen shows the pointer too
    child.node("installing")
    picture = tmp_path / "snapshot.png"
    child.ask(f"snapshot {picture}", "saved")
    expected = np.transpose(pygame.surfarray.array3d(pygame.image.load(picture)), (1, 0, 2))
    geometry = dict(
        line.split("=") for line in child.xdotool("getwindowgeometry", "--shell", child.window).splitlines()
    )
    left, top = int(geometry["X"]), int(geometry["Y"])

    def same() -> bool:
        height, width = expected.shape[:2]
        return np.array_equal(xvfb.screenshot()[top : top + height, left : left + width], expected)

    wait_until(same, 10, "the screen to show what was painted")


def test_an_idle_window_runs_no_frames_and_uses_no_processor(child: Child) -> None:
    child.node("installing")
    process = psutil.Process(child.process.pid)
    wait_until(lambda: process.status() == psutil.STATUS_SLEEPING, 10, "the program to sleep")
    before = int(str(child.ask("scene", "scene")["frames"]))
    switched = process.num_ctx_switches().voluntary
    started = time.monotonic()
    wait_until(lambda: time.monotonic() - started > 2, 5)
    assert process.num_ctx_switches().voluntary - switched < 60  # pygame's own wait would wake 2000 times
    after = int(str(child.ask("scene", "scene")["frames"]))
    assert after - before <= 2  # the one that answered, and the one before it


def test_closing_the_window_ends_it_and_takes_down_what_it_set_up(child: Child) -> None:
    child.process.terminate()  # as a system does; SDL turns it into a wish to quit, like the window's own button
    assert child.next("closed") == {"closed": True, "display": False}
    assert child.process.wait(20) == 0
    assert child.process.stderr is not None
    assert child.process.stderr.read() == ""


def test_a_desktop_with_a_larger_scale_gets_a_larger_window(start: Callable[[Xvfb], Child]) -> None:
    with Xvfb(2400, 2000) as dense:
        dense.set_xft_dpi(192)
        child = start(dense)
        assert child.start["scale"] == 2.0
        assert child.start["size"] == [900, 800]
        child.click("install")
        child.xdotool("type", "x")
        wait_until(lambda: child.node("install")["value"] == "x", 10, "input to arrive where it was aimed")
        child.end()


def run(program: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A Python program of its own, with warnings as errors."""
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program], cwd=ROOT, env={**os.environ, **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_without_a_display_the_error_says_what_to_do_instead() -> None:
    done = run(
        "from ecs_localai.panel.window import NoDisplay, PanelWindow\n"
        "try:\n    PanelWindow()\nexcept NoDisplay as error:\n    print(error)\n"
        "import pygame; print(pygame.display.get_init())\n",
        {},
    )
    assert done.stderr == ""
    message, initialised = done.stdout.splitlines()
    assert "no display" in message
    assert "ecs-localai run --headless" in message
    assert initialised == "False"


def test_a_display_that_does_not_answer_is_the_same_error() -> None:
    done = run(
        "from ecs_localai.panel.window import NoDisplay, PanelWindow\n"
        "try:\n    PanelWindow()\nexcept NoDisplay as error:\n    print(error)\n",
        {"DISPLAY": ":4711", "SDL_VIDEODRIVER": "x11"},
    )
    assert "ecs-localai run --headless" in done.stdout


def test_a_programs_own_pygame_goes_on_after_the_window_is_closed(xvfb: Xvfb) -> None:
    done = run(
        "import os, pygame\n"
        "pygame.display.init(); pygame.font.init()\n"
        "own = pygame.Window('own', (200, 100)); own.get_surface().fill((1, 2, 3)); own.flip()\n"
        "before = dict(os.environ)\n"
        "from ecs_localai.panel.window import PanelWindow\n"
        "window = PanelWindow((600, 400), theme='dark')\n"
        "pygame.event.get()\n"
        "pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=1, mod=0, window=own))\n"
        "pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=2, mod=0, window=window._window))\n"
        "ours = [event.key for event in window.pump() if event.type == pygame.KEYDOWN]\n"
        "theirs = [event.key for event in pygame.event.get() if event.type == pygame.KEYDOWN]\n"
        "window.close(); window.close(); window.wake()\n"
        "own.flip(); own.get_surface().get_at((0, 0))\n"
        "changed = {k for k in before.keys() | os.environ.keys() if before.get(k) != os.environ.get(k)}\n"
        "print(ours, theirs, pygame.display.get_init(), pygame.font.get_init(), changed)\n",
        {**xvfb.environment, "PYGAME_HIDE_SUPPORT_PROMPT": "1"},
    )
    assert done.stderr == ""
    assert done.stdout.strip() == "[2] [1] True True set()"


def test_waiting_ends_at_its_time_or_when_woken_from_another_thread(xvfb: Xvfb) -> None:
    done = run(
        "import threading, time\n"
        "from ecs_localai.panel.window import PanelWindow\n"
        "with PanelWindow((600, 400), theme='light') as window:\n"
        "    for _ in range(20):\n"
        "        window.wait(0.2); window.pump()\n"
        "    print(window.wait(0.05))\n"
        "    waker = threading.Timer(0.2, window.wake); started = time.monotonic(); waker.start()\n"
        "    print(window.wait(30), time.monotonic() - started < 10)\n"
        "    waker.join(); window.wake(); window.wake()\n"
        "    print([event for event in window.pump() if event.type >= 0x8000 and 'wake' in str(event).lower()])\n",
        xvfb.environment,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["False", "True True", "[]"]
