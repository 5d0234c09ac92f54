"""The fonts and icons: where they are, what is in them, and building them."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pygame
import pytest

from ecs_localai import assets
from ecs_localai.assets import AssetsMissing, FontWeight

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """The script that makes the fonts: its functions by their names."""
    return runpy.run_path(str(ROOT / "scripts" / "build_assets.py"), run_name="build_assets")


@pytest.mark.parametrize("weight", FontWeight)
def test_every_cut_can_be_opened(weight: FontWeight) -> None:
    pygame.font.init()
    font = pygame.font.Font(str(assets.font_path(weight)), 20)
    assert font.size("Local AI models")[0] > 50
    assert len(assets.covered_characters(weight)) > 200


def test_the_icons_that_the_panel_uses_are_there() -> None:
    names = assets.icon_code_points()
    used = {
        "server", "download", "check", "triangle-alert", "pause", "clock", "circle-alert", "circle-check", "info",
        "x", "box", "boxes", "unplug", "shield-check", "sparkles", "git-branch", "plug", "network", "puzzle",
    }  # fmt: skip
    assert used <= names.keys()
    assert assets.icon_font_path().is_file()


def test_both_licences_are_there() -> None:
    texts = [path.read_text(encoding="utf-8") for path in assets.licence_paths()]
    assert any("SIL OPEN FONT LICENSE" in text for text in texts)
    assert any("ISC License" in text for text in texts)


def test_missing_fonts_are_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    missing = AssetsMissing(tmp_path / "Inter-Regular.ttf")
    assert "make assets" in str(missing)
    assert "Inter-Regular.ttf" in str(missing)


def test_building_again_does_nothing(script: dict[str, Any]) -> None:
    before = {path: path.stat().st_mtime_ns for path in (ROOT / "ecs_localai" / "assets" / "fonts").iterdir()}
    assert script["build"]() is False
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_damaged_missing_and_outdated_files_are_noticed(script: dict[str, Any], tmp_path: Path) -> None:
    built = ROOT / "ecs_localai" / "assets"
    for kind in ("fonts", "licenses"):
        (tmp_path / kind).mkdir()
        for path in (built / kind).iterdir():
            (tmp_path / kind / path.name).write_bytes(path.read_bytes())
    key = json.loads((built / "fonts" / "manifest.json").read_text())["source_key"]

    def current(key: str) -> bool:
        return bool(script["_is_current"](tmp_path / "fonts", tmp_path / "licenses", key))

    assert current(key)
    assert not current("of other sources")
    font = tmp_path / "fonts" / "Inter-Regular.ttf"
    whole = font.read_bytes()
    font.write_bytes(whole[:-1])
    assert not current(key)
    font.write_bytes(whole)
    (tmp_path / "licenses" / "Inter-OFL.txt").unlink()
    assert not current(key)


def test_a_missing_source_package_is_an_error_that_says_what_to_install(script: dict[str, Any]) -> None:
    with pytest.raises(script["MissingPackage"], match="pip install"):
        script["_package_folder"]("no_such_package_at_all", "no-such-package-at-all")
