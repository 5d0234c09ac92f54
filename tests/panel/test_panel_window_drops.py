"""Files dropped on a real window as desktops do it: models, several at once, and what is neither model nor settings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.panel.test_panel_program_remembers import Program
from tests.panel.test_panel_window import Child
from tests.rig.display import Xvfb
from tests.rig.model_files import write_gguf
from tests.rig.ollama_server import OllamaServer
from tests.rig.parts import ROOT, PartMissing
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.window


@pytest.fixture(scope="module")
def display() -> Iterator[Xvfb]:
    """A display of these tests' own."""
    try:
        server = Xvfb()
    except PartMissing as missing:
        pytest.skip(str(missing))
    with server:
        yield server


def drop(display: Xvfb, window: str, *files: Path) -> None:
    """Drop files on a window."""
    command = [sys.executable, "-m", "tests.rig.file_drop", window, *map(str, files)]
    done = subprocess.run(
        command, env={**os.environ, **display.environment}, cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_all_files_of_one_drop_arrive_together(display: Xvfb, tmp_path: Path) -> None:
    child = Child(display)
    try:
        files = [tmp_path / f"modell ü-0000{number}-of-00002.gguf" for number in (1, 2)]
        drop(display, child.window, *files)
        line = child.next("intent")
        assert (line["intent"], line["fields"]) == (
            "ImportModelRequested",
            {"paths": [str(file) for file in files], "model_name": "", "host": ""},
        )
        drop(display, child.window, tmp_path / "Modelfile")
        line = child.next("intent")
        assert line["intent"] == "ImportModelRequested"
        drop(display, child.window, tmp_path / "notes.txt", tmp_path / "more.txt")
        line = child.next("intent")
        assert (line["intent"], line["fields"]) == (
            "FilesDropped",
            {"paths": [str(tmp_path / "notes.txt"), str(tmp_path / "more.txt")], "hosts": []},
        )
    finally:
        child.end()


def test_a_model_dropped_on_the_program_is_installed(display: Xvfb, fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "Dropped-Model.gguf", 400_000, seed=9)
    program = Program(display, tmp_path / "data", "--scale", "1", host=fresh_ollama.host_port)
    try:
        program.rest()
        drop(display, program.window, file)
        wait_until(fresh_ollama.model_names, 60, "the model to be installed")
        (name,) = fresh_ollama.model_names()
        assert "dropped" in name.lower()
        program.end()
    finally:
        if program.process.poll() is None:
            program.process.kill()
        program.process.wait(20)
