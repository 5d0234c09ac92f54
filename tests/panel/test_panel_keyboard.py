"""The keyboard: activating, leaving, typing into the fields, and which intents come out."""

from __future__ import annotations

import pygame

from ecs_localai.components.panel_intents import (
    CancelRequested,
    DeleteModelRequested,
    HostEdited,
    PreflightRequested,
    RefreshRequested,
    ToggleRequested,
)
from tests.panel.panel_driver import Driver
from tests.panel.panel_samples import connected_view, unreachable_view

CTRL, SHIFT, ALT = pygame.KMOD_CTRL, pygame.KMOD_SHIFT, pygame.KMOD_ALT


def test_space_switches_the_toggle_that_has_the_focus() -> None:
    driver = Driver(connected_view())
    driver.tab_to("toggle:chat_branching")
    driver.key(pygame.K_SPACE)
    assert driver.take_intents() == [ToggleRequested("chat_branching", False)]


def test_enter_presses_the_button_that_has_the_focus() -> None:
    driver = Driver(connected_view())
    driver.tab_to("cancel:i1")
    driver.key(pygame.K_RETURN)
    driver.key(pygame.K_KP_ENTER)
    assert driver.take_intents() == [CancelRequested("i1")] * 2


def test_shift_tab_goes_back() -> None:
    driver = Driver(connected_view())
    driver.key(pygame.K_TAB)
    first = driver.focused()
    driver.key(pygame.K_TAB)
    driver.key(pygame.K_TAB, SHIFT)
    assert driver.focused() == first
    driver.key(pygame.K_TAB, SHIFT)
    assert driver.focused() == "forget"  # the last control


def test_deleting_by_keyboard_begins_on_keep() -> None:
    driver = Driver(connected_view())
    driver.tab_to("delete:qwen3:8b")
    driver.key(pygame.K_RETURN)
    assert driver.focused() == "keep:qwen3:8b"
    driver.key(pygame.K_TAB, SHIFT)
    assert driver.focused() == "confirm:qwen3:8b"
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [DeleteModelRequested("qwen3:8b")]
    assert driver.focused() == "delete:qwen3:8b"


def test_escape_keeps_the_model_and_the_place() -> None:
    driver = Driver(connected_view())
    driver.tab_to("delete:qwen3:8b")
    driver.key(pygame.K_SPACE)
    driver.key(pygame.K_ESCAPE)
    assert driver.focused() == "delete:qwen3:8b"
    assert driver.take_intents() == []


def test_escape_leaves_the_focus_and_then_means_nothing() -> None:
    driver = Driver(connected_view())
    driver.key(pygame.K_TAB)
    assert driver.key(pygame.K_ESCAPE)
    assert driver.focused() is None
    assert not driver.key(pygame.K_ESCAPE)


def test_enter_and_space_without_focus_mean_nothing() -> None:
    driver = Driver(connected_view())
    assert not driver.key(pygame.K_RETURN)
    assert not driver.key(pygame.K_SPACE)
    assert not driver.panel.handle_event(pygame.event.Event(pygame.TEXTINPUT, text="x"))


def test_f5_and_ctrl_r_look_again() -> None:
    driver = Driver(connected_view())
    driver.key(pygame.K_F5)
    driver.key(pygame.K_r, CTRL)
    assert driver.take_intents() == [RefreshRequested()] * 2


def test_the_focus_moves_on_when_its_control_goes_away() -> None:
    driver = Driver(connected_view())
    driver.tab_to("cancel:i1")
    del driver.view.installations[0]
    driver.changed()
    assert driver.focused() == "cancel:i2"
    driver.view.installations.clear()
    driver.changed()
    assert driver.focused() is not None


# ---- the field for a model's name


def test_enter_asks_what_installing_would_mean_and_keeps_what_was_typed() -> None:
    driver = Driver(connected_view())
    driver.click("install")
    driver.type("  llama3.2:1b ")
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [PreflightRequested("llama3.2:1b")]
    assert driver.node("install").value == "  llama3.2:1b "
    assert driver.focused() == "install"


def test_enter_in_an_empty_field_asks_nothing() -> None:
    driver = Driver(connected_view())
    driver.click("install")
    driver.type("   ")
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == []


def test_a_refused_name_comes_back_with_the_reason_to_be_corrected() -> None:
    driver = Driver(connected_view())
    driver.click("install")
    driver.type("llama 3")
    driver.key(pygame.K_RETURN)
    driver.view.install_error = "A name has no spaces."
    driver.changed()
    assert driver.node("install").value == "llama 3"
    assert "A name has no spaces." in driver.texts()


def test_a_name_refused_twice_for_the_same_reason_comes_back_twice() -> None:
    driver = Driver(connected_view())
    driver.click("install")
    for _ in range(2):
        driver.key(pygame.K_a, CTRL)
        driver.type("llama 3")
        driver.key(pygame.K_RETURN)
        driver.view.install_error = "A name has no spaces."
        driver.changed()
        assert driver.node("install").value == "llama 3"
        assert "A name has no spaces." in driver.texts()


def test_the_reason_goes_away_when_the_name_is_changed() -> None:
    driver = Driver(unreachable_view())
    assert driver.view.install_error in driver.texts()
    driver.click("install")
    driver.type("l")
    assert driver.view.install_error not in driver.texts()


def test_what_is_being_typed_stays_when_the_view_changes() -> None:
    driver = Driver(connected_view())
    driver.click("install")
    driver.type("qwen")
    driver.view.summary = "8 installed"
    driver.changed()
    assert driver.node("install").value == "qwen"
    assert driver.focused() == "install"


# ---- the field for the host


def test_enter_confirms_another_host() -> None:
    driver = Driver(connected_view())
    driver.tab_to("host")
    driver.type("192.168.1.20")  # Tab selected the old one, so typing replaces it
    assert driver.has("connect")
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [HostEdited("192.168.1.20")]


def test_the_button_in_the_field_confirms_too() -> None:
    driver = Driver(connected_view())
    driver.tab_to("host")
    driver.type("example.org")
    driver.click("connect")
    assert driver.take_intents() == [HostEdited("example.org")]


def test_the_views_address_replaces_what_was_typed_once_it_changes() -> None:
    driver = Driver(connected_view())
    driver.tab_to("host")
    driver.type("example.org")
    driver.key(pygame.K_RETURN)
    driver.changed()
    assert driver.node("host").value == "example.org"  # not taken over yet: it may be refused
    driver.view.host.address = "http://example.org:11434"
    driver.changed()
    assert driver.node("host").value == "http://example.org:11434"
    assert not driver.has("connect")


def test_escape_and_leaving_bring_the_real_address_back() -> None:
    driver = Driver(connected_view())
    driver.tab_to("host")
    driver.type("x")
    driver.key(pygame.K_ESCAPE)
    assert driver.node("host").value == "http://127.0.0.1:11434"
    assert driver.focused() == "host"
    driver.type("y")
    driver.key(pygame.K_TAB)
    assert driver.node("host").value == "http://127.0.0.1:11434"
    assert driver.take_intents() == []


def test_a_host_that_changes_by_itself_is_shown() -> None:
    driver = Driver(connected_view())
    driver.view.host.address = "http://[::1]:11434"
    driver.changed()
    assert driver.node("host").value == "http://[::1]:11434"


def test_text_input_is_wanted_only_in_a_field() -> None:
    driver = Driver(connected_view())
    assert driver.text_input() is None
    driver.click("install")
    assert driver.text_input() == driver.node("install").rect
    driver.key(pygame.K_TAB)
    assert driver.text_input() is None
