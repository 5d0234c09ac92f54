"""Where a window opens: where it was, but never off the screens, and never larger than one."""

from __future__ import annotations

import pygame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.components.panel import WindowPlace
from ecs_localai.panel.window_place import opening_for

SCREEN = pygame.Rect(0, 0, 1920, 1080)
RIGHT = pygame.Rect(1920, 0, 1280, 1024)
SIZE = (900, 1000)


def test_a_window_that_was_never_moved_has_its_usual_size() -> None:
    opening = opening_for(None, SIZE, 1.0, [pygame.Rect(0, 0, 2560, 1440)])
    assert opening == ((900, 1000), None, False)
    assert opening_for(None, SIZE, 2.0, [pygame.Rect(0, 0, 3840, 2160)]).size == (1800, 1944)
    assert opening_for(None, SIZE, 1.0, [SCREEN]).size == (900, 972)
    assert opening_for(None, SIZE, 1.0, []).size == SIZE


def test_a_window_opens_where_it_was() -> None:
    place = WindowPlace(800, 700, 300, 150)
    assert opening_for(place, SIZE, 1.0, [SCREEN]) == ((800, 700), (300, 150), False)
    assert opening_for(place, SIZE, 1.25, [SCREEN]) == ((1000, 875), (300, 150), False)


def test_a_window_opens_on_the_screen_that_it_was_on() -> None:
    place = WindowPlace(800, 700, 2000, 150)
    assert opening_for(place, SIZE, 1.0, [SCREEN, RIGHT]) == ((800, 700), (2000, 150), False)


def test_a_window_on_a_screen_that_is_gone_is_left_to_the_system() -> None:
    place = WindowPlace(800, 700, 2000, 150)
    assert opening_for(place, SIZE, 1.0, [SCREEN]) == ((800, 700), None, False)
    assert opening_for(WindowPlace(800, 700, -5000, 10), SIZE, 1.0, [SCREEN, RIGHT]).position is None


def test_a_window_that_hangs_off_its_screen_is_brought_in() -> None:
    opening = opening_for(WindowPlace(800, 700, 1500, 600), SIZE, 1.0, [SCREEN])
    assert opening == ((800, 700), (1120, 380), False)
    assert opening_for(WindowPlace(800, 700, 100, -90), SIZE, 1.0, [SCREEN]).position == (100, 40)


def test_a_maximised_window_is_maximised_again_and_knows_what_it_was() -> None:
    place = WindowPlace(800, 700, 300, 150, maximized=True)
    assert opening_for(place, SIZE, 1.0, [SCREEN]) == ((800, 700), (300, 150), True)


def test_where_the_system_tells_no_position_the_size_is_restored() -> None:
    assert opening_for(WindowPlace(800, 700), SIZE, 1.0, [SCREEN]) == ((800, 700), None, False)
    assert opening_for(WindowPlace(800, 700, 1, 1), SIZE, 1.0, []) == ((800, 700), None, False)


_PLACES = st.integers(-20_000, 20_000)
_SIDES = st.integers(1, 20_000)


@given(
    place=st.builds(WindowPlace, _SIDES, _SIDES, _PLACES, _PLACES, st.booleans()),
    scale=st.floats(0.5, 6.0),
    screens=st.lists(
        st.builds(pygame.Rect, _PLACES, _PLACES, st.integers(320, 8000), st.integers(240, 8000)), min_size=1, max_size=4
    ),
)
def test_no_window_opens_off_the_screens(place: WindowPlace, scale: float, screens: list[pygame.Rect]) -> None:
    opening = opening_for(place, SIZE, scale, screens)
    if opening.position is None:
        assert opening.size[0] <= screens[0].width
        assert opening.size[1] <= screens[0].height
    else:
        window = pygame.Rect(opening.position, opening.size)
        assert any(screen.contains(window) for screen in screens)


@pytest.mark.parametrize(
    ("height", "x", "y", "words"),
    [
        (0, None, None, "5 by 0"),
        (200_000, None, None, "5 by 200000"),
        (5, 1, None, "both its x and its y"),
        (5, 1, 2_000_000, "No screen reaches"),
    ],
)
def test_a_place_that_no_window_has_is_refused(height: int, x: int | None, y: int | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        WindowPlace(5, height, x, y)
