"""Every example runs to its end, on real parts, and says what it promises."""

from __future__ import annotations

import ast
import hashlib
import itertools
import os
import re
import statistics
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
        [sys.executable, "-W", "error", EXAMPLES / name, *arguments],
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
def test_an_example_introduces_itself_in_a_paragraph(example: Path) -> None:
    introduction = ast.get_docstring(ast.parse(example.read_text()))
    assert introduction is not None
    headline, _, paragraph = introduction.partition("\n\n")
    assert headline.endswith(".")
    assert len(paragraph.split()) > 20


def test_examples_are_short() -> None:
    lengths = [len(example.read_text().splitlines()) for example in EXAMPLES.glob("*.py")]
    assert len(lengths) >= 10
    assert statistics.median(lengths) < 100
    assert max(lengths) < 130


def test_the_index_names_every_example_and_nothing_else() -> None:
    named = re.findall(r"^\| \[`(\w+\.py)`\]\((\w+\.py)\) \|", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    assert sorted(named) == sorted((example.name, example.name) for example in EXAMPLES.glob("*.py"))


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


def test_several_hosts_are_made_equal(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("tiny:latest")
    addresses = (fresh_ollama.host_port, "127.0.0.1:9")
    with OllamaServer() as third:
        assert run_example("headless_install.py", name, "--insecure", host=third.host_port).returncode == 0
        done = run_example("several_hosts.py", *addresses, third.host_port, "--install", "--insecure")
    assert done.returncode == 0, done.stderr
    assert f"{fresh_ollama.host_port}: no models" in done.stdout
    assert "127.0.0.1:9: Nothing listens" in done.stdout
    assert f"{fresh_ollama.host_port} lacks 1" in done.stdout
    assert fresh_ollama.model_names() == [name]


def test_a_plain_esper_game_carries_a_request_on_its_own_entity() -> None:
    done = run_example("guest_in_esper.py")
    assert done.returncode == 0, done.stderr
    assert "not a model name: Failed:" in done.stdout
    assert "the wizard walked to 10.0" in done.stdout
    assert "failures in the game's frames: 0; the game's world: my-game" in done.stdout


def test_a_pygame_program_shows_the_panel_on_a_part_of_its_window() -> None:
    done = run_example("guest_in_pygame.py", "30")
    assert done.returncode == 0, done.stderr


def test_a_game_plays_while_its_model_downloads_and_then_uses_it(
    fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("tiny:latest")
    done = run_example("game_needs_model.py", name, "4000", host=fresh_ollama.host_port)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    said, told = ([line for line in lines if line.startswith(word)] for word in ("She says:", "She tells:"))
    assert lines.index(said[0]) < lines.index(told[0])
    assert len(told) == 3
    assert lines[-1] == "The evening ends."
    assert fresh_ollama.model_names() == [name]


def test_a_game_whose_model_never_comes_is_played_all_the_same() -> None:
    done = run_example("game_needs_model.py", "tiny", "240")
    assert done.returncode == 0, done.stderr
    assert "She says: Good evening, traveller." in done.stdout
    assert done.stdout.endswith("The inn closes.\n")


def test_a_bridge_steps_our_world_in_the_games_frames() -> None:
    done = run_example("guest_by_bridge.py")
    assert done.returncode == 0, done.stderr
    assert "The sign says: no Ollama: Nothing listens at 127.0.0.1:9" in done.stdout
    assert "The game's world: cave, with 0 entities" in done.stdout
    found = re.search(r"Our world: \S+, with (\d+) of (\d+) entities", done.stdout)
    assert found is not None
    assert found[1] == found[2] != "0"


def test_a_bridge_finds_an_ollama_that_runs(ollama_server: OllamaServer) -> None:
    done = run_example("guest_by_bridge.py", host=ollama_server.host_port)
    assert done.returncode == 0, done.stderr
    assert "The sign says: Ollama is here" in done.stdout


@pytest.mark.parametrize(
    ("keys", "end"),
    [
        pytest.param("s" + "." * 38 + "^" * 22 + ".", "landed softly at 1.9 m/s", id="well flown"),
        pytest.param("s.", "crashed at 8.0 m/s", id="no fuel burnt"),
    ],
)
def test_a_game_is_flown_by_keys_and_ends_in_the_menu(keys: str, end: str) -> None:
    done = run_example("game_with_states.py", keys)
    assert done.returncode == 0, done.stderr
    assert end in done.stdout
    assert "the program ends in Screen.MENU" in done.stdout


def test_a_game_without_a_key_stays_in_the_menu() -> None:
    assert run_example("game_with_states.py", ".").stdout == "the program ends in Screen.MENU\n"


def test_the_games_own_tests_pass() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLES / "test_game_with_states.py"],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_a_shop_reacts_to_what_was_added_changed_and_removed() -> None:
    done = run_example("events_and_changes.py")
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "new on the shelf: 5 apples",
        "new on the shelf: 1 lava lamps",
        "only 2 apples left",
        "delivered, now 12 apples",
        "entity 2 is sold out",
    ]


def test_a_shop_describes_itself() -> None:
    done = run_example("events_and_changes.py", "--describe")
    assert done.returncode == 0, done.stderr
    assert done.stdout.index("      welcome") < done.stdout.index("      sell") < done.stdout.index("      farewell")
    assert re.search(r"Sold +2 written, \d buffered, 1 reader, 0 missed", done.stdout)


def test_a_minefield_reacts_at_once() -> None:
    done = run_example("observers.py")
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "..ooo...o..oo.......",
        "..o.o...o..oo.......  the mine at 3 is gone",
        "....o...o..oo.......  the mine at 2 is gone",
        "........o..oo.......  the mine at 4 is gone",
        "entity 5 is watched, and explodes",
        "........o...o.......  the mine at 11 is gone",
        "........o...........  the mine at 12 is gone",
    ]


def test_a_garden_goes_on_where_it_was_saved(tmp_path: Path) -> None:
    file = str(tmp_path / "garden.json")
    told = [run_example("save_and_load.py", file).stdout.splitlines() for _ in range(3)]
    assert told == [
        ["Diary(days=2, harvest={})"],
        ["went on with 5 entities", "Diary(days=4, harvest={'beans': 6.0, 'peas': 3.0})"],
        ["went on with 5 entities", "Diary(days=6, harvest={'beans': 12.0, 'peas': 6.0})"],
    ]


def test_a_garden_that_is_damaged_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "garden.json").write_text('{"format": ')
    done = run_example("save_and_load.py", str(tmp_path / "garden.json"))
    assert done.returncode == 1
    assert "The data is no sound JSON" in done.stderr


def test_files_are_hashed_in_the_background(tmp_path: Path) -> None:
    content = os.urandom(5_000_000)
    (tmp_path / "big").write_bytes(content)
    (tmp_path / "empty").write_bytes(b"")
    done = run_example("background_hashing.py", str(tmp_path / "big"), str(tmp_path / "empty"), str(tmp_path / "none"))
    assert done.returncode == 0, done.stderr
    assert f"{hashlib.sha256(content).hexdigest()}  {tmp_path / 'big'}" in done.stdout
    assert f"{hashlib.sha256(b'').hexdigest()}  {tmp_path / 'empty'}" in done.stdout
    assert "100%  big" in done.stdout
    assert "cannot be read: [Errno 2]" in done.stderr


def test_a_fixed_step_is_drawn_smoothly() -> None:
    done = run_example("fixed_step.py")
    assert done.returncode == 0, done.stderr
    shown = [(float(a), float(b)) for a, b in re.findall(r"stepped +([\d.]+)  smooth +([\d.]+)", done.stdout)]
    stepped, smooth = ([*column] for column in zip(*shown, strict=True))
    assert set(differences(stepped[3:-2])) == {0.0, 2.0}
    assert differences(smooth[3:-2]) == [pytest.approx(0.8)] * (len(smooth) - 6)
    assert shown[-2] == shown[-3]  # a minute's pause
    assert smooth[-1] == pytest.approx(smooth[-2] + 0.8)


def differences(values: list[float]) -> list[float]:
    return [round(later - earlier, 6) for earlier, later in itertools.pairwise(values)]


def test_a_plugin_of_ones_own_learns_before_the_first_frame(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("The quick brown fox jumps over the lazy dog.")
    done = run_example("plugin_of_your_own.py", str(tmp_path / "words"), "a quick dgo jumps")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["not known: a", "not known: dgo"]


def test_a_plugin_of_ones_own_says_what_it_cannot_read(tmp_path: Path) -> None:
    done = run_example("plugin_of_your_own.py", str(tmp_path / "none"), "a")
    assert done.returncode == 1
    assert "The words cannot be learnt: [Errno 2]" in done.stderr
