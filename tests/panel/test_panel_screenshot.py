"""Pictures of the panel, without a display."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pygame
import pytest

from ecs_localai.panel.screenshot import PictureError, render, save_png
from ecs_localai.panel.theme import DARK, LIGHT
from tests.panel.panel_samples import connected_view, unreachable_view


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_a_picture_has_the_size_and_the_theme_asked_for(theme: object, scale: float) -> None:
    chosen = LIGHT if theme is LIGHT else DARK
    picture = render(connected_view(), theme=chosen.name, scale=scale, size=(640, 480))
    assert picture.get_size() == (640 * scale, 480 * scale)
    assert picture.get_at((3, 3))[:3] == chosen.background


def test_a_full_page_ends_below_its_last_card() -> None:
    picture = render(connected_view(), size=(900, 200), full_page=True)
    assert picture.get_width() == 900
    assert picture.get_height() > 1200
    bottom = pygame.surfarray.array3d(picture.subsurface((0, picture.get_height() - 20, 900, 20)))
    assert (bottom == LIGHT.background).all()


def test_the_same_view_gives_the_same_pixels() -> None:
    first = render(unreachable_view(), scale=1.5, full_page=True)
    second = render(unreachable_view(), scale=1.5, full_page=True)
    assert pygame.image.tobytes(first, "RGB") == pygame.image.tobytes(second, "RGB")


def test_a_saved_picture_is_a_png_with_these_pixels(tmp_path: Path) -> None:
    picture = render(connected_view(), size=(480, 320))
    path = tmp_path / "panel.png"
    save_png(picture, path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert pygame.image.tobytes(pygame.image.load(path), "RGB") == pygame.image.tobytes(picture, "RGB")


def test_a_file_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="could not be saved"):
        save_png(render(connected_view(), size=(480, 320)), tmp_path / "missing" / "panel.png")


def test_a_picture_too_large_or_without_a_size_is_refused() -> None:
    with pytest.raises(PictureError, match="too large"):
        render(connected_view(), scale=6.0, size=(9000, 100))
    with pytest.raises(ValueError, match="above zero"):
        render(connected_view(), size=(0, 100))


def test_no_display_is_opened_and_nothing_is_printed() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.panel.panel_samples import connected_view\n"
        "from ecs_localai.panel.screenshot import render\n"
        "render(connected_view(), size=(480, 320))\n"
        "import pygame\n"
        "assert not pygame.display.get_init() and pygame.mixer.get_init() is None\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program, str(Path(__file__).parents[2])],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
