"""The whole program in a real window: a file dropped on it as desktops do, an export, and forgetting everything."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from ecs_localai.components.panel import PanelSettings, ThemeChoice
from ecs_localai.store import Store
from ecs_localai.systems.settings_file import SettingsFile, read_settings_file, write_settings_file
from tests.panel.test_panel_program_remembers import DARK, LIGHT, Program
from tests.rig.display import Xvfb
from tests.rig.odd_servers import closed_port
from tests.rig.parts import ROOT, PartMissing
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.window

PRIMARY = (0x00, 0x64, 0xD2)
"""The fill of the button that does what is asked about."""


@pytest.fixture(scope="module")
def display() -> Iterator[Xvfb]:
    """A display of these tests' own."""
    try:
        server = Xvfb()
    except PartMissing as missing:
        pytest.skip(str(missing))
    with server:
        yield server


Start = Callable[[], Program]


@pytest.fixture
def start(display: Xvfb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Programs with one data folder, and a home of their own to export to."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.delenv("XDG_DOCUMENTS_DIR", raising=False)
    started: list[Program] = []

    def begin() -> Program:
        started.append(
            Program(display, tmp_path / "data", "--scale", "1", host=f"127.0.0.1:{closed_port()}")
        )  # fmt: skip
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait(20)


def drop(display: Xvfb, program: Program, file: Path) -> None:
    """Drop a file on the window, by the protocol that desktops use."""
    command = [sys.executable, "-m", "tests.rig.file_drop", program.window, str(file)]
    done = subprocess.run(
        command, env={**os.environ, **display.environment}, cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def kept(folder: Path) -> dict[str, object]:
    """The settings on the disk."""
    with closing(sqlite3.connect(folder / "ecs-localai.sqlite3")) as store:
        return dict(store.execute("SELECT key, value FROM settings").fetchall())


def test_a_dropped_settings_file_is_taken_over_once_it_was_agreed_to(
    start: Start, display: Xvfb, tmp_path: Path
) -> None:
    file = tmp_path / "mine ü.json"
    file.write_text(write_settings_file(SettingsFile(panel=PanelSettings(ThemeChoice.DARK))))
    program = start()
    program.xdotool("key", "End")
    program.rest()
    drop(display, program, file)
    wait_until(
        lambda: int(np.all(display.screenshot() == PRIMARY, axis=-1).sum()) > 500, 20, "the question to be asked"
    )
    program.rest()
    assert not program.shows(DARK)
    program.key("Tab")  # from the answer that changes nothing to the other one
    program.key("space")
    wait_until(lambda: program.shows(DARK), 20, "the theme of the file to be shown")
    program.keeps(theme="dark")
    program.end()
    again = start()
    assert again.shows(DARK)
    again.end()


def test_an_export_lies_in_the_home_folder_and_everything_can_be_forgotten(start: Start, tmp_path: Path) -> None:
    with Store.open(tmp_path / "data") as store:
        store.set_setting("panel", {"theme": "dark"})
        store.set_flag("custom_providers", True)
    program = start()
    assert program.shows(DARK)
    program.key("shift+Tab")  # the last button: to forget
    program.key("shift+Tab")
    program.key("space")
    files = wait_until(lambda: list((tmp_path / "home").glob("ecs-localai-settings-*.json")), 20, "the export")
    wait_until(lambda: files[0].read_bytes().endswith(b"}\n"), 20, "the whole file")
    exported = read_settings_file(files[0].read_bytes())
    assert exported.panel == PanelSettings(ThemeChoice.DARK)
    assert exported.features == {"custom_providers": True}
    program.rest()
    program.key("Tab")
    program.key("space")  # the question, on the answer that keeps all
    for _ in range(3):  # past the other two choices
        program.key("Tab")
    program.key("space")
    wait_until(lambda: "panel" not in kept(tmp_path / "data"), 20, "the settings to be gone")
    wait_until(lambda: not program.shows(DARK) or program.shows(LIGHT), 20, "the usual theme")
    program.end()
    for left in (tmp_path / "data").iterdir():
        assert b"custom_providers" not in left.read_bytes(), left
    again = start()
    assert again.shows(LIGHT)
    again.end()
