"""Text: measuring, shortening, wrapping, and drawing what the bundled font lacks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pygame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.assets import FontWeight, covered_characters, font_path
from ecs_localai.panel import metrics
from ecs_localai.panel.fallback_fonts import fallback_for
from ecs_localai.panel.font_coverage import coverage_of
from ecs_localai.panel.metrics import Metrics
from ecs_localai.panel.text import TextEngine

STYLES = [
    metrics.TITLE, metrics.NUMBER, metrics.ROW, metrics.HEADING, metrics.BUTTON, metrics.BODY, metrics.SECONDARY,
    metrics.SECONDARY_NUMBERS, metrics.CAPTION,
]  # fmt: skip
WORDS = st.lists(st.text("abcxyz模é:/-", min_size=1, max_size=18), max_size=12).map(" ".join)
BLACK = (0, 0, 0)


@pytest.fixture(scope="module")
def engine() -> TextEngine:
    return TextEngine(Metrics(1.0), 0.82)


def inked(surface: pygame.Surface) -> pygame.Rect:
    """The part of a surface that isn't transparent."""
    return surface.get_bounding_rect(min_alpha=24)


@given(text=WORDS, width=st.integers(30, 400), middle=st.booleans())
def test_what_is_fitted_fits(engine: TextEngine, text: str, width: int, middle: bool) -> None:
    shown = engine.fit(text, metrics.ROW, width, middle=middle)
    assert shown == text or "…" in shown
    assert engine.width(shown, metrics.ROW) <= width or shown == "…"


def test_of_a_name_with_a_path_the_path_is_shortened_first(engine: TextEngine) -> None:
    name = "localhost:5000/library/storyteller:24m"
    room = int(engine.width(name, metrics.ROW))
    for width in (room - 1, room * 3 // 4):
        assert engine.fit(name, metrics.ROW, width, middle=True).endswith("…/storyteller:24m")
    assert engine.fit(name, metrics.ROW, room // 2, middle=True).endswith("…:24m")


@given(text=WORDS, width=st.integers(40, 400), most=st.integers(0, 4))
def test_wrapped_lines_fit_and_say_everything_or_end_with_an_ellipsis(
    engine: TextEngine, text: str, width: int, most: int
) -> None:
    lines = engine.wrap(text, metrics.BODY, width, most)
    assert all(engine.width(line, metrics.BODY) <= width for line in lines)
    assert not most or len(lines) <= most
    if not lines[-1].endswith("…"):
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_what_fits_is_left_alone(engine: TextEngine) -> None:
    assert engine.fit("qwen3:8b", metrics.ROW, 500) == "qwen3:8b"


@pytest.mark.parametrize("style", STYLES, ids=lambda style: f"{style.weight.name}-{style.size}")
@pytest.mark.parametrize("scale", [1.0, 1.25, 2.0, 3.0])
def test_letters_stand_on_one_baseline_and_have_sharp_tops(style: metrics.TextStyle, scale: float) -> None:
    engine = TextEngine(Metrics(scale), 0.82)
    surface = engine.surface("xz", style, BLACK)
    rows = pygame.surfarray.array_alpha(surface).max(axis=0)
    bottom = engine.surface_ascent(style)
    top = int(np.argmax(rows > 128))
    # The letters' own first and last rows are strong, those beside them next to empty: no smeared edge.
    assert rows[top] > 140
    assert rows[bottom - 1] > 140
    assert rows[top - 1] < 90
    assert rows[bottom] < 90


@pytest.mark.parametrize("text", ["ÅÊŐẾ", "gjpqy", "Qwen3 · 28.1 GB (Ñ)"])
def test_no_letter_is_cut_off(engine: TextEngine, text: str) -> None:
    for style in STYLES:
        surface = engine.surface(text, style, BLACK)
        rect = inked(surface)
        assert rect.top > 0
        assert rect.bottom < surface.get_height()
        assert rect.right <= surface.get_width()


def test_numbers_of_the_tabular_cut_are_equally_wide(engine: TextEngine) -> None:
    widths = {engine.width(f"{digit}" * 6, metrics.SECONDARY_NUMBERS) for digit in range(10)}
    assert len(widths) == 1
    assert engine.width("111111", metrics.SECONDARY) < engine.width("000000", metrics.SECONDARY)


def test_kerning_is_used(engine: TextEngine) -> None:
    pair = engine.width("AV" * 20, metrics.ROW)
    apart = engine.width("A" * 20, metrics.ROW) + engine.width("V" * 20, metrics.ROW)
    assert pair < apart


def test_caret_places_grow_with_the_text(engine: TextEngine) -> None:
    places = engine.caret_places("llama 模型 3.2", metrics.FIELD)
    assert [index for index, _ in places] == list(range(13))
    assert [x for _, x in places] == sorted(x for _, x in places)


def test_a_picture_is_made_once(engine: TextEngine) -> None:
    assert engine.surface("once", metrics.ROW, BLACK) is engine.surface("once", metrics.ROW, BLACK)


def test_the_bundled_font_covers_latin_greek_cyrillic_and_arrows() -> None:
    covered = covered_characters(FontWeight.REGULAR)
    assert all(ord(letter) in covered for letter in "Aaßéőşžạ ΑαΩω Жжїѓ ←→↑↓ “”‘’…·•–—−×≈≤≥€£°")


def test_coverage_read_from_the_file_agrees_with_what_was_built() -> None:
    read = coverage_of(font_path(FontWeight.MEDIUM))
    covered = covered_characters(FontWeight.MEDIUM)
    assert all((point in read) == (point in covered) for point in range(0x20, 0x3000))


def test_a_file_that_is_no_font_covers_nothing(tmp_path: Path) -> None:
    for name, content in {"a.ttf": b"", "b.ttf": b"not a font at all", "c.ttc": b"ttcf" + b"\xff" * 40}.items():
        (tmp_path / name).write_bytes(content)
        assert ord("a") not in coverage_of(tmp_path / name)
    assert ord("a") not in coverage_of(tmp_path / "missing.ttf")


def test_what_no_font_has_is_drawn_as_a_box_not_left_out(engine: TextEngine) -> None:
    private = "\U000f1234"
    assert fallback_for(private, emoji=False) is None
    assert inked(engine.surface(private, metrics.ROW, BLACK)).width > 0


def test_letters_from_a_font_of_the_system_are_not_boxes(engine: TextEngine) -> None:
    for cluster, emoji in (("✓", False), ("😀", True), ("模", False), ("ع", False)):
        path = fallback_for(cluster, emoji=emoji)
        if path is None:
            continue  # this machine has no such font; the box is tested above
        drawn = pygame.image.tobytes(engine.surface(cluster, metrics.TITLE, BLACK), "RGBA")
        box = pygame.image.tobytes(engine.surface("\U000f1234", metrics.TITLE, BLACK), "RGBA")
        assert drawn != box


@pytest.mark.parametrize(("scale", "font_scale"), [(0.1, 1.0), (9.0, 1.0), (1.0, 0.5), (1.0, 3.0)])
def test_a_scale_that_cannot_be_read_is_refused(scale: float, font_scale: float) -> None:
    with pytest.raises(ValueError, match="must be from"):
        Metrics(scale, font_scale)
