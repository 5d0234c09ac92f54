"""``ecs-localai screenshot``: the real panel as a picture, without a display."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.cli_parts import Cli
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer


def pixels(path: Path) -> tuple[tuple[int, int], set[tuple[int, int, int]], tuple[int, int, int]]:
    """A picture's size, the colours in it, and the colour of its lower left corner."""
    import pygame

    picture = pygame.image.load(str(path))
    width, height = picture.get_size()
    colours = {tuple(picture.get_at((x, y)))[:3] for x in range(0, width, 7) for y in range(0, height, 7)}
    corner = picture.get_at((0, height - 1))
    return (width, height), {(r, g, b) for r, g, b in colours}, (corner.r, corner.g, corner.b)


@pytest.mark.ollama
def test_draws_the_panel_in_both_themes(cli: Cli, ollama_server: OllamaServer, tmp_path: Path) -> None:
    host = ("--host", ollama_server.host_port)
    light, dark = tmp_path / "light.png", tmp_path / "dark.png"
    ended = cli.run("screenshot", "--out", str(light), "--theme", "light", *host)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"Saved {light} (900 by 1100 pixels).\n"
    arguments = ("--theme", "dark", "--scale", "2", "--size", "600x400", *host)
    ended = cli.run("screenshot", "--out", str(dark), *arguments)
    assert (ended.code, ended.err) == (0, "")
    size, colours, corner = pixels(light)
    assert size == (900, 1100)
    assert corner == (0xF5, 0xF5, 0xF7)
    assert len(colours) > 20
    size, colours, corner = pixels(dark)
    assert size == (1200, 800)
    assert corner == (0x1C, 0x1C, 0x1E)
    assert len(colours) > 20


def test_draws_a_panel_without_a_server_too(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "alone.png"
    ended = cli.run("screenshot", "-o", str(out), "--full-page", "--host", f"127.0.0.1:{closed_port()}")
    assert (ended.code, ended.err) == (0, "")
    assert pixels(out)[0][0] == 900


def test_what_cannot_be_saved_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    nowhere = tmp_path / "no" / "such.png"
    assert "make it first" in cli.run("screenshot", "--out", str(nowhere)).error
    folder = tmp_path / "folder.png"
    folder.mkdir()
    host = ("--host", f"127.0.0.1:{closed_port()}")
    assert str(folder) in cli.run("screenshot", "--out", str(folder), *host).error
