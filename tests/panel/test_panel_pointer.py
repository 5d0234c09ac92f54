"""The mouse: what it does, and which intents come out."""

from __future__ import annotations

import pygame
import pytest

from ecs_localai.components.panel_intents import (
    CancelRequested,
    DeleteModelRequested,
    DismissRequested,
    NoticeDismissed,
    PreflightRequested,
    RefreshRequested,
    RetryRequested,
    ToggleRequested,
)
from ecs_localai.panel.scene import Cursor
from tests.panel.panel_driver import Driver
from tests.panel.panel_samples import connected_view, unreachable_view


def tall() -> Driver:
    """A panel so high that nothing has to be scrolled."""
    return Driver(connected_view(), (900, 1900))


def pixels(driver: Driver, node_id: str) -> bytes:
    """How a node looks now."""
    return pygame.image.tobytes(driver.surface.subsurface(driver.node(node_id).rect), "RGB")


@pytest.mark.parametrize(
    ("node_id", "intent"),
    [
        ("cancel:i1", CancelRequested("i1")),
        ("retry:i3", RetryRequested("i3")),
        ("dismiss:i3", DismissRequested("i3")),
        ("toggle:auto_models", ToggleRequested("auto_models", False)),
        ("toggle:custom_providers", ToggleRequested("custom_providers", True)),
    ],
)
def test_a_click_emits_the_controls_intent_once(node_id: str, intent: object) -> None:
    driver = tall()
    driver.click(node_id)
    assert driver.take_intents() == [intent]


def test_a_click_on_check_again_asks_to_look_again() -> None:
    driver = Driver(unreachable_view())
    driver.click("check-again")
    assert driver.take_intents() == [RefreshRequested()]


def test_a_notice_can_be_closed() -> None:
    driver = Driver(unreachable_view())
    driver.click("notice:2")
    assert driver.take_intents() == [NoticeDismissed(2)]


def test_the_panel_shows_the_view_not_its_own_wish() -> None:
    driver = tall()
    driver.click("toggle:auto_models")
    assert driver.node("toggle:auto_models").value == "on"
    driver.view.features[0].toggles[0].on = False
    driver.changed()
    assert driver.node("toggle:auto_models").value == "off"


def test_a_press_dragged_away_does_nothing() -> None:
    driver = tall()
    at = driver.centre("cancel:i1")
    driver.move(*at)
    driver.press(*at)
    driver.move(at[0], at[1] + 100)
    driver.release(at[0], at[1] + 100)
    assert driver.take_intents() == []


def test_a_press_elsewhere_released_on_a_button_does_nothing() -> None:
    driver = tall()
    at = driver.centre("cancel:i1")
    driver.press(at[0] - 300, at[1])
    driver.release(*at)
    assert driver.take_intents() == []


def test_other_buttons_of_the_mouse_do_nothing() -> None:
    driver = tall()
    at = driver.centre("cancel:i1")
    for button in (2, 3, 4, 5):
        driver.press(*at, button=button)
        driver.release(*at, button=button)
    assert driver.take_intents() == []


def test_disabled_controls_ignore_clicks() -> None:
    driver = tall()
    driver.click("toggle:ai_extensions_ollama")
    driver.click("delete:gemma3:27b")
    assert driver.take_intents() == []
    assert not driver.has("confirm:gemma3:27b")


def test_delete_asks_first_and_then_deletes() -> None:
    driver = tall()
    driver.click("delete:qwen3:8b")
    assert driver.take_intents() == []
    assert "Delete?" in driver.texts()
    driver.click("confirm:qwen3:8b")
    assert driver.take_intents() == [DeleteModelRequested("qwen3:8b")]
    assert driver.has("delete:qwen3:8b")


def test_keep_keeps() -> None:
    driver = tall()
    driver.click("delete:qwen3:8b")
    driver.click("keep:qwen3:8b")
    assert driver.take_intents() == []
    assert driver.has("delete:qwen3:8b")


def test_a_double_click_on_delete_deletes_nothing() -> None:
    driver = tall()
    at = driver.centre("delete:qwen3:8b")
    driver.move(*at)
    for _ in range(2):
        driver.press(*at)
        driver.release(*at)
    assert driver.take_intents() == []


def test_only_one_model_is_asked_about_at_a_time() -> None:
    driver = tall()
    driver.click("delete:qwen3:8b")
    driver.click("delete:llama3.2:1b")
    assert driver.has("confirm:llama3.2:1b")
    assert not driver.has("confirm:qwen3:8b")


def test_a_question_about_a_model_that_becomes_busy_goes_away() -> None:
    driver = tall()
    driver.click("delete:qwen3:8b")
    driver.view.models[1].busy = "Deleting"
    driver.changed()
    assert not driver.has("confirm:qwen3:8b")


def test_hovering_and_pressing_can_be_seen_and_end() -> None:
    driver = tall()
    at = driver.centre("cancel:i1")
    driver.move(5, 300)
    plain = pixels(driver, "cancel:i1")
    driver.move(*at)
    hovered = pixels(driver, "cancel:i1")
    driver.press(*at)
    pressed = pixels(driver, "cancel:i1")
    assert len({plain, hovered, pressed}) == 3
    driver.move(5, 300)
    driver.release(5, 300)
    assert pixels(driver, "cancel:i1") == plain
    driver.move(*at)
    driver.panel.handle_event(pygame.event.Event(pygame.WINDOWLEAVE))
    driver.paint()
    assert pixels(driver, "cancel:i1") == plain


def test_the_row_under_the_pointer_is_lit() -> None:
    driver = tall()
    row = driver.node("model:my-model").rect
    at = (row.left + 300, row.centery)
    before = driver.surface.get_at(at)
    driver.move(*at)
    assert driver.surface.get_at(at) != before


def test_no_ring_after_the_mouse() -> None:
    driver = tall()
    driver.click("cancel:i1")
    assert not driver.has("focus-ring")
    driver.key(pygame.K_TAB)
    assert driver.has("focus-ring")
    driver.click("cancel:i1")
    assert not driver.has("focus-ring")


def test_the_pointers_shape_says_what_is_under_it() -> None:
    driver = tall()
    assert driver.cursor() is Cursor.ARROW
    driver.move(*driver.centre("install"))
    assert driver.cursor() is Cursor.TEXT
    driver.move(*driver.centre("cancel:i1"))
    assert driver.cursor() is Cursor.HAND
    driver.move(*driver.centre("delete:gemma3:27b"))
    assert driver.cursor() is Cursor.ARROW
    driver.move(5, 500)
    assert driver.cursor() is Cursor.ARROW


def test_the_install_button_takes_what_was_typed() -> None:
    driver = tall()
    driver.click("install")
    driver.type("qwen3:4b")
    driver.click("install-button")
    assert driver.take_intents() == [PreflightRequested("qwen3:4b")]
    assert driver.focused() == "install"


def test_the_install_button_with_nothing_typed_shows_where_to_type() -> None:
    driver = tall()
    driver.click("install-button")
    assert driver.take_intents() == []
    assert driver.focused() == "install"


def test_a_click_beside_everything_takes_the_focus_away() -> None:
    driver = tall()
    driver.click("install")
    driver.press(10, 600)
    driver.release(10, 600)
    assert driver.focused() is None


def test_positions_are_logical_pixels_at_any_scale() -> None:
    driver = Driver(connected_view(), (900, 1900), scale=2.0)
    driver.click("cancel:i1")
    assert driver.take_intents() == [CancelRequested("i1")]
