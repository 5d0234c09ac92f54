"""Shapes, switches, sparklines and icons: exact edges, the required colours, gaps where nothing was measured."""

from __future__ import annotations

import numpy as np
import pygame
import pytest
from numpy.typing import NDArray

from ecs_localai.assets import icon_code_points
from ecs_localai.components.panel_intents import ToggleRequested
from ecs_localai.panel.draft import Draft
from ecs_localai.panel.icons import FALLBACK, Icons
from ecs_localai.panel.ink import Ink
from ecs_localai.panel.masks import Shapes, rounded_coverage
from ecs_localai.panel.metrics import Metrics
from ecs_localai.panel.state import OUTSIDE
from ecs_localai.panel.theme import LIGHT
from ecs_localai.panel.widgets.sparkline import sparkline
from ecs_localai.panel.widgets.toggle import STEPS, toggle

ACTION = ToggleRequested("t", True)
BLUE, GREY = (0, 122, 255), (142, 142, 147)


def drawn(draft: Draft, size: tuple[int, int]) -> pygame.Surface:
    """What was drafted, on the card's colour."""
    surface = pygame.Surface(size, 0, 32)
    surface.fill(LIGHT.card)
    for mark in draft.marks:
        mark.draw(surface, draft.ink, 0, 0)
    return surface


@pytest.fixture
def draft() -> Draft:
    return Draft(Ink(LIGHT, Metrics(1.0)), "test", OUTSIDE)


@pytest.mark.parametrize("size", [(40, 20), (21, 21), (7, 30), (200, 6)])
@pytest.mark.parametrize("radius", [0, 3, 10, 50])
def test_a_rounded_rectangles_coverage_is_symmetric_and_has_the_right_area(
    size: tuple[int, int], radius: float
) -> None:
    covered = rounded_coverage(*size, radius)
    assert np.allclose(covered, covered[::-1])
    assert np.allclose(covered, covered[:, ::-1])
    round_ = min(radius, size[0] / 2, size[1] / 2)
    area = size[0] * size[1] - (4 - np.pi) * round_**2
    assert abs(float(covered.sum()) - area) < 0.02 * area + 1.5


@pytest.mark.parametrize("size", [(200, 100), (200, 12), (12, 200), (9, 9), (20, 21), (1, 1)])
@pytest.mark.parametrize(("fill", "border"), [(BLUE, None), (BLUE, GREY), (None, GREY)])
def test_a_shape_put_together_from_corners_is_the_whole_shape(
    size: tuple[int, int], fill: tuple[int, int, int] | None, border: tuple[int, int, int] | None
) -> None:
    together = pygame.Surface(size, 0, 32)
    together.fill((255, 255, 255))
    Shapes().rounded(together, pygame.Rect((0, 0), size), 10, fill, border, 2)
    # The definition: the border's colour where the shape is, then the fill's where its inside is.
    expected: NDArray[np.float64] = np.full((*size, 3), 255.0)
    outer = rounded_coverage(*size, 10)[:, :, None]
    inner = rounded_coverage(*size, 10, 2)[:, :, None]
    if border is None:
        expected += (np.array(fill) - expected) * outer
    elif fill is None:
        expected += (np.array(border) - expected) * np.clip(outer - inner, 0, 1)
    else:
        colour = np.array(border) + (np.array(fill) - np.array(border)) * inner
        expected += (colour - expected) * outer
    assert np.abs(pygame.surfarray.array3d(together) - expected).max() <= 3


@pytest.mark.parametrize(("on", "colour"), [(True, BLUE), (False, GREY)])
def test_a_toggle_at_rest_has_exactly_the_required_colour(draft: Draft, on: bool, colour: tuple[int, int, int]) -> None:
    rect = pygame.Rect(0, 0, 44, 26)
    toggle(draft, rect, "t", "Name", ACTION, on=on, step=STEPS * on, enabled=True, colours=(GREY, BLUE))
    surface = drawn(draft, rect.size)
    away_from_knob = (8, 4) if on else (36, 4)
    assert surface.get_at(away_from_knob)[:3] == colour


def test_the_knob_moves_from_left_to_right_a_step_at_a_time(draft: Draft) -> None:
    rect = pygame.Rect(0, 0, 44, 26)
    places = []
    for step in range(0, STEPS + 1, 4):
        draft.marks.clear()
        toggle(draft, rect, "t", "Name", ACTION, on=True, step=step, enabled=True, colours=(GREY, GREY))
        row = pygame.surfarray.array3d(drawn(draft, rect.size))[3:41, 5].min(axis=1)  # above the glyphs
        places.append(3 + float(np.flatnonzero(row > 250).mean()))
    assert places == sorted(places)
    assert places[0] == pytest.approx(12.5, abs=0.6)
    assert places[-1] == pytest.approx(30.5, abs=0.6)


def test_a_bar_says_on_and_a_ring_says_off(draft: Draft) -> None:
    rect = pygame.Rect(0, 0, 44, 26)
    toggle(draft, rect, "t", "Name", ACTION, on=True, step=STEPS, enabled=True, colours=(GREY, BLUE))
    on = pygame.surfarray.array3d(drawn(draft, rect.size))
    draft.marks.clear()
    toggle(draft, rect, "t", "Name", ACTION, on=False, step=0, enabled=True, colours=(GREY, BLUE))
    off = pygame.surfarray.array3d(drawn(draft, rect.size))
    assert on[5:18, 13].min(axis=1).max() > 150  # white on the blue, left of the knob
    assert off[27:40, 13].min(axis=1).max() > 200
    assert off[32:34, 13].min() < 160  # the ring is hollow


def chart(draft: Draft, history: NDArray[np.float64], size: tuple[int, int] = (120, 50)) -> NDArray[np.uint8]:
    draft.marks.clear()
    sparkline(draft, pygame.Rect((0, 0), size), history, 100.0, BLUE, 0)
    return pygame.surfarray.array3d(drawn(draft, size))


def height_of_line(pixels: NDArray[np.uint8], column: int) -> float:
    """How high above the lower edge the line is in a column: where the colour is strongest."""
    strength = 255 - pixels[column, :, 0].astype(float)
    strength[strength < 120] = 0
    return float(pixels.shape[1] - (np.arange(len(strength)) * strength).sum() / strength.sum() - 0.5)


@pytest.mark.parametrize("value", [0.0, 25.0, 50.0, 100.0])
def test_the_line_is_as_high_as_the_value(draft: Draft, value: float) -> None:
    pixels = chart(draft, np.full(120, value))
    assert height_of_line(pixels, 60) == pytest.approx(0.75 + value / 100 * 48.5, abs=0.6)


def test_a_steep_line_is_not_broken(draft: Draft) -> None:
    history = np.zeros(120)
    history[60] = 100.0
    strong = (255 - chart(draft, history)[:, :, 0]) > 60
    assert strong[:, :].any(axis=1).all()
    assert strong.any(axis=0).all()  # the peak reaches from the lower to the upper edge without a hole


def test_values_over_the_maximum_are_drawn_at_the_edge(draft: Draft) -> None:
    assert np.array_equal(chart(draft, np.full(50, 100.0)), chart(draft, np.full(50, 500.0)))


def test_what_was_not_measured_is_a_gap(draft: Draft) -> None:
    history = np.full(120, 50.0)
    history[40:80] = np.nan
    pixels = chart(draft, history)
    assert (pixels[45:75] == np.array(LIGHT.card)).all()
    assert (pixels[10, 40] != np.array(LIGHT.card)).any()
    assert (pixels[110, 40] != np.array(LIGHT.card)).any()


@pytest.mark.parametrize(
    "history", [np.array([]), np.full(30, np.nan), np.array([50.0]), np.array([np.nan, 50.0, 60.0])]
)
def test_fewer_than_three_samples_draw_nothing(draft: Draft, history: NDArray[np.float64]) -> None:
    assert (chart(draft, history) == np.array(LIGHT.card)).all()


def test_three_samples_are_a_curve(draft: Draft) -> None:
    assert (chart(draft, np.array([np.nan, 50.0, 60.0, 50.0])) != np.array(LIGHT.card)).any()


def test_a_changed_history_is_another_picture(draft: Draft) -> None:
    history = np.full(120, 50.0)
    before = chart(draft, history)
    history[:] = 80.0  # in place, as a ring buffer is
    assert not np.array_equal(chart(draft, history), before)


def test_every_icon_can_be_drawn_and_an_unknown_name_gets_another() -> None:
    icons = Icons()
    for name in icon_code_points():
        surface = icons.surface(name, 18, (0, 0, 0))
        ink = surface.get_bounding_rect(min_alpha=64)
        assert ink.width >= 4 or ink.height >= 4, name
    for symmetric in ("x", "circle-check", "box", "plug"):
        ink = icons.surface(symmetric, 64, (0, 0, 0)).get_bounding_rect(min_alpha=64)
        assert abs(ink.left - (64 - ink.right)) <= 1, f"{symmetric} does not stand in its square's middle"
    unknown = pygame.image.tobytes(icons.surface("no-such-icon", 18, (0, 0, 0)), "RGBA")
    assert unknown == pygame.image.tobytes(icons.surface(FALLBACK, 18, (0, 0, 0)), "RGBA")
