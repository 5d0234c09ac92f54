"""Every example runs to its end, on real parts, and says what it promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run_example(name: str, *arguments: str, host: str = "127.0.0.1:9") -> subprocess.CompletedProcess[str]:
    """One example as a program of its own, on the Ollama at `host` (port 9: nobody listens)."""
    return subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments],
        env={**os.environ, "OLLAMA_HOST": host, "SDL_VIDEODRIVER": "dummy"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_every_example_has_a_test() -> None:
    text = Path(__file__).read_text()
    for example in EXAMPLES.glob("*.py"):
        assert f'"{example.name}"' in text


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short_and_introduces_itself(example: Path) -> None:
    lines = example.read_text().splitlines()
    assert len(lines) < 100
    assert lines[0].startswith('"""')


def test_headless_install_installs_a_model(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("tiny:latest")
    done = run_example("headless_install.py", name, "--insecure", host=fresh_ollama.host_port)
    assert done.returncode == 0, done.stderr
    assert f"{name} is installed" in done.stdout
    assert fresh_ollama.model_names() == [name]


def test_headless_install_says_why_not(fresh_ollama: OllamaServer) -> None:
    done = run_example("headless_install.py", "not a name", host=fresh_ollama.host_port)
    assert done.returncode == 1
    assert "has a space in it" in done.stderr


def test_a_plain_esper_game_carries_a_request_on_its_own_entity() -> None:
    done = run_example("guest_in_esper.py")
    assert done.returncode == 0, done.stderr
    assert "not a model name: Failed:" in done.stdout
    assert "the wizard walked to 10.0" in done.stdout
    assert "failures in the game's frames: 0; the game's world: my-game" in done.stdout


def test_a_pygame_program_shows_the_panel_on_a_part_of_its_window() -> None:
    done = run_example("guest_in_pygame.py", "30")
    assert done.returncode == 0, done.stderr
