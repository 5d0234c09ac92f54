"""What ``make run ARGS=...`` passes on without an Ollama of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecs_localai import __version__

START = Path(__file__).resolve().parents[2] / "scripts" / "start.py"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--help"], "Usage:"),
        (["--version"], __version__),
        (["run", "--help"], "--headless"),
        (["ps", "--help"], "-"),
    ],
)
def test_what_opens_no_window_starts_no_ollama(arguments: list[str], said: str, tmp_path: Path) -> None:
    hidden = ("OLLAMA_HOST", "OLLAMA_BIN")
    env = {name: value for name, value in os.environ.items() if name not in hidden} | {"PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(START), *arguments], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")  # starting or looking for one would be told there
    assert said in done.stdout
