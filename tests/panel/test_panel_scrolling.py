"""Scrolling: the wheel, the keys, the bar at the edge, and what happens when the page changes meanwhile."""

from __future__ import annotations

import pygame
import pytest

from ecs_localai.panel.scrolling import Scroller
from tests.panel.panel_driver import FRAME, Driver
from tests.panel.panel_samples import connected_view


def top_of(driver: Driver) -> int:
    """Where the first heading of the page is."""
    return driver.node("installing").rect.y


def low() -> Driver:
    """A window lower than its page, without anything that moves by itself."""
    view = connected_view()
    view.installations = [row for row in view.installations if row.fraction is not None]
    return Driver(view, (900, 600))


def test_the_wheel_scrolls_smoothly_and_comes_to_rest() -> None:
    driver = low()
    start = top_of(driver)
    assert driver.wheel(-1)
    places = []
    while driver.moves():
        driver.run(FRAME)
        places.append(top_of(driver))
    assert places[-1] == start - 84  # one notch
    assert places == sorted(places, reverse=True)
    assert len(set(places)) > 5
    assert driver.next_due() is None


def test_the_wheels_buttons_don_t_scroll_a_second_time() -> None:
    driver = low()
    start = top_of(driver)
    driver.press(300, 300, button=5)
    driver.release(300, 300, button=5)
    driver.run(1)
    assert top_of(driver) == start


def test_a_touchpads_small_steps_scroll_a_little() -> None:
    driver = low()
    start = top_of(driver)
    driver.wheel(-0.25)
    driver.run(1)
    assert top_of(driver) == start - 21


def test_a_flipped_wheel_goes_the_other_way() -> None:
    driver = low()
    start = top_of(driver)
    driver.panel.handle_event(pygame.event.Event(pygame.MOUSEWHEEL, x=0, y=1, precise_y=1.0, flipped=True))
    driver.run(1)
    assert top_of(driver) < start


def test_there_is_an_end_at_both_ends() -> None:
    driver = low()
    start = top_of(driver)
    assert not driver.wheel(3)
    driver.wheel(-100)
    driver.run(2)
    assert driver.node("toggle:ai_extensions_ollama").visible
    assert not driver.wheel(-1)
    driver.wheel(100)
    driver.run(2)
    assert top_of(driver) == start


@pytest.mark.parametrize(
    ("key", "distance"), [(pygame.K_DOWN, 60), (pygame.K_PAGEDOWN, (600 - 96) * 9 // 10)], ids=["down", "page down"]
)
def test_keys_scroll(key: int, distance: int) -> None:
    driver = low()
    start = top_of(driver)
    assert driver.key(key)
    driver.run(1)
    assert top_of(driver) == start - distance
    driver.key(pygame.K_UP if key == pygame.K_DOWN else pygame.K_PAGEUP)
    driver.run(1)
    assert top_of(driver) == start


def test_end_and_home_go_to_the_ends() -> None:
    driver = low()
    start = top_of(driver)
    driver.key(pygame.K_END)
    driver.run(2)
    assert driver.node("scroll-thumb").value == "100%"
    driver.key(pygame.K_HOME)
    driver.run(2)
    assert top_of(driver) == start
    assert driver.node("scroll-thumb").value == "0%"


def test_home_and_end_in_a_field_move_its_caret_instead() -> None:
    driver = low()
    driver.click("install")
    driver.type("llama")
    driver.key(pygame.K_HOME)
    driver.type("my-")
    driver.run(1)
    assert driver.node("install").value == "my-llama"
    assert driver.node("scroll-thumb").value == "0%"


def test_the_bar_can_be_dragged_to_the_end_and_back() -> None:
    driver = low()
    thumb = driver.node("scroll-thumb").rect
    driver.move(thumb.centerx, thumb.centery)
    driver.press(thumb.centerx, thumb.centery)
    driver.move(thumb.centerx - 200, 2000)  # held fast, even beside the strip
    assert driver.node("scroll-thumb").value == "100%"
    driver.move(thumb.centerx, thumb.centery)
    assert driver.node("scroll-thumb").value == "0%"
    driver.release(thumb.centerx, thumb.centery)
    driver.move(thumb.centerx, 2000)
    assert driver.node("scroll-thumb").value == "0%"


def test_a_click_beside_the_thumb_goes_there() -> None:
    driver = low()
    thumb = driver.node("scroll-thumb").rect
    driver.press(thumb.centerx, 590)
    driver.release(thumb.centerx, 590)
    assert driver.node("scroll-thumb").value == "100%"


def test_the_bar_is_wider_under_the_pointer() -> None:
    driver = low()
    thumb = driver.node("scroll-thumb").rect
    driver.move(thumb.centerx, thumb.centery)
    assert driver.node("scroll-thumb").rect.width > thumb.width


def test_no_bar_where_everything_fits() -> None:
    driver = Driver(connected_view(), (900, 1900))
    assert not driver.has("scroll-thumb")
    assert not driver.has("fade-top")
    assert not driver.has("fade-bottom")


def test_edges_fade_only_where_the_page_goes_on() -> None:
    driver = low()
    assert driver.has("fade-bottom")
    assert not driver.has("fade-top")
    driver.wheel(-2)
    driver.run(1)
    assert driver.has("fade-top")
    driver.key(pygame.K_END)
    driver.run(2)
    assert not driver.has("fade-bottom")


def test_what_is_under_the_pointer_follows_the_page() -> None:
    driver = low()
    at = driver.centre("cancel:i1")
    driver.move(*at)
    driver.wheel(-2)
    driver.run(1)
    driver.press(*at)
    driver.release(*at)
    assert driver.take_intents() == []


def test_a_page_that_becomes_shorter_is_not_scrolled_beyond_its_end() -> None:
    driver = low()
    driver.key(pygame.K_END)
    driver.run(2)
    driver.view.models.clear()
    driver.view.features.clear()
    driver.view.installations.clear()
    driver.changed()
    driver.run(1)
    assert driver.node("installing").visible


def test_a_smaller_window_keeps_working() -> None:
    driver = low()
    driver.key(pygame.K_END)
    driver.run(2)
    driver.panel.resize((480, 320))
    driver.surface = pygame.Surface((480, 320), 0, 32)
    driver.paint()
    assert driver.node("scroll-thumb").visible


def test_a_scroller_moves_on_at_the_same_speed_whatever_the_frame_rate() -> None:
    slow, fast = Scroller(), Scroller()
    for scroller in (slow, fast):
        scroller.limit(1000)
        scroller.glide_to(500)
        scroller.advance(0.0)
    slow.advance(0.1)
    for step in range(1, 11):
        fast.advance(step * 0.01)
    assert abs(slow.offset - fast.offset) <= 1
