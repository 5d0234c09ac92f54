"""The rig's display is a real X server on which real programs draw and type."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.rig.display import Xvfb
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.window

WINDOW = """
import sys, pygame
pygame.display.init()
window = pygame.Window("rig", (300, 200), position=(100, 100))
window.get_surface().fill((255, 0, 0))
window.flip()
print(pygame.display.get_driver(), flush=True)
while True:
    event = pygame.event.wait()
    if event.type == pygame.KEYDOWN:
        print(pygame.key.name(event.key), flush=True)
        break
"""


def test_a_real_window_shows_its_colour_and_gets_real_keys(xvfb: Xvfb) -> None:
    environment = os.environ | xvfb.environment | {"PYGAME_HIDE_SUPPORT_PROMPT": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", WINDOW], env=environment, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "x11\n"
        wait_until(lambda: bool((xvfb.screenshot()[200, 200] == (255, 0, 0)).all()), describe="a red pixel")
        # Without a window manager nothing gives the window the focus, so the pointer does.
        subprocess.run(["xdotool", "mousemove", "200", "200", "click", "1", "key", "a"], env=environment, check=True)
        assert program.stdout.readline() == "a\n"


def test_a_second_server_takes_another_display_and_its_own_size() -> None:
    with Xvfb(640, 480, dpi=192) as first, Xvfb(320, 200) as second:
        assert first.display != second.display
        assert first.screenshot().shape == (480, 640, 3)
        environment = os.environ | first.environment
        shown = subprocess.run(["xdpyinfo"], env=environment, capture_output=True, text=True, check=True).stdout
        assert "resolution:    191x191 dots per inch" in shown  # X counts in whole millimetres
        first.set_xft_dpi(144)
        resources = subprocess.run(
            ["xprop", "-root", "RESOURCE_MANAGER"], env=environment, capture_output=True, text=True, check=True
        )
        assert "Xft.dpi:\\t144" in resources.stdout
