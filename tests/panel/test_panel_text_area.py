"""A field of several lines: its lines, its caret, its keys, the pointer in it."""

from __future__ import annotations

from itertools import pairwise

import pygame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.panel import metrics
from ecs_localai.panel.area_lines import TextLine, break_lines, line_of
from ecs_localai.panel.area_state import AreaState
from ecs_localai.panel.metrics import Metrics
from ecs_localai.panel.text import TextEngine
from ecs_localai.panel.text_editing import TextEdit, several_lines
from tests.panel.panel_driver import Driver
from tests.panel.test_panel_model_form import SYSTEM, opened

WIDTH = 200
LONG = "\n".join(f"line {number}" for number in range(30))


@pytest.fixture(scope="module")
def engine() -> TextEngine:
    """Measures text at the usual scale."""
    return TextEngine(Metrics(), 0.8)


def broken(engine: TextEngine, text: str) -> list[str]:
    """The lines as they are shown."""
    return [text[line.start : line.end] for line in break_lines(engine, text, metrics.BODY, WIDTH)]


# ---- lines


@given(text=st.text(st.sampled_from("ab 模é\U0001f600\u0301\n "), max_size=120))
def test_no_character_is_lost_and_every_line_fits(engine: TextEngine, text: str) -> None:
    lines = break_lines(engine, text, metrics.BODY, WIDTH)
    assert lines[0].start == 0
    assert lines[-1].end == len(text)
    for line, following in pairwise(lines):
        between = text[line.end : following.start]
        assert between in ("", "\n")
        assert "\n" not in text[line.start : line.end]
    for line in lines:
        shown = text[line.start : line.end].rstrip()
        assert engine.width(shown, metrics.BODY) <= WIDTH or len(shown) <= 3


def test_lines_are_broken_at_spaces_and_an_empty_text_has_one(engine: TextEngine) -> None:
    words = "these are some words that do not fit beside each other"
    lines = broken(engine, words)
    assert len(lines) > 1
    assert all(line.endswith(" ") for line in lines[:-1])
    assert "".join(lines) == words
    assert break_lines(engine, "", metrics.BODY, WIDTH) == [TextLine(0, 0)]
    assert broken(engine, "a\n\nb\n") == ["a", "", "b", ""]


def test_a_place_is_in_the_line_that_begins_last_before_it() -> None:
    lines = [TextLine(0, 5), TextLine(6, 6), TextLine(7, 9)]
    assert [line_of(lines, index) for index in (0, 5, 6, 7, 9, 99)] == [0, 0, 1, 2, 2, 2]


# ---- text


def test_line_breaks_stay_and_other_control_characters_go() -> None:
    assert several_lines("a\r\nb\rc\td\x00\x1be") == "a\nb\nc\tde"


def test_the_caret_passes_a_line_break_in_one_step_and_never_stands_inside_a_character() -> None:
    edit = TextEdit("e\u0301\n😀b")
    edit.place(0)
    places = []
    for _ in range(5):
        edit.move(1)
        places.append(edit.caret)
    assert places == [2, 3, 4, 5, 5]
    for _ in range(5):
        edit.move(-1)
    assert edit.caret == 0


def test_undo_takes_a_line_break_back() -> None:
    edit = TextEdit("ab")
    edit.insert("\n")
    assert edit.text == "ab\n"
    edit.undo()
    assert edit.text == "ab"


# ---- keys


def area_of(driver: Driver) -> AreaState:
    """What the field remembers."""
    form = driver.panel._state.model_form  # the caret is nowhere else to be seen
    assert form is not None
    area = form.fields[SYSTEM]
    assert isinstance(area, AreaState)
    return area


def with_text(text: str) -> tuple[Driver, AreaState]:
    """The form's field with this text, the focus in it, the caret at its beginning."""
    driver = opened()
    driver.fill(SYSTEM, text)
    driver.key(pygame.K_HOME, pygame.KMOD_CTRL)
    return driver, area_of(driver)


def test_up_and_down_keep_to_the_column_past_shorter_lines() -> None:
    driver, area = with_text("a long line\nab\nanother long line")
    for _ in range(7):
        driver.key(pygame.K_RIGHT)
    driver.key(pygame.K_DOWN)
    assert area.edit.caret == len("a long line\nab")
    driver.key(pygame.K_DOWN)
    there = area.edit.caret - len("a long line\nab\n")
    assert 5 <= there <= 9
    driver.key(pygame.K_UP)
    driver.key(pygame.K_UP)
    assert area.edit.caret == 7
    driver.key(pygame.K_UP)
    assert area.edit.caret == 0


def test_home_and_end_are_of_the_line_and_with_ctrl_of_the_text() -> None:
    driver, area = with_text("first\nsecond")
    driver.key(pygame.K_END)
    assert area.edit.caret == 5
    driver.key(pygame.K_END, pygame.KMOD_CTRL)
    assert area.edit.caret == 12
    driver.key(pygame.K_HOME)
    assert area.edit.caret == 6
    driver.key(pygame.K_HOME, pygame.KMOD_CTRL | pygame.KMOD_SHIFT)
    assert area.edit.selected_text == "first\n"


def test_shift_selects_over_lines_and_copying_and_pasting_keep_them() -> None:
    driver, area = with_text("first\nsecond\n")
    driver.key(pygame.K_DOWN, pygame.KMOD_SHIFT)
    assert area.edit.selected_text == "first\n"
    driver.key(pygame.K_c, pygame.KMOD_CTRL)
    assert driver.clipboard.text == "first\n"
    driver.key(pygame.K_END, pygame.KMOD_CTRL)
    driver.key(pygame.K_v, pygame.KMOD_CTRL)
    assert area.edit.text == "first\nsecond\nfirst\n"


def test_tab_leaves_the_field_and_coming_back_selects_nothing() -> None:
    driver, area = with_text("first\nsecond")
    driver.key(pygame.K_TAB)
    assert driver.focused() == "model-form:settings"
    driver.key(pygame.K_TAB, pygame.KMOD_SHIFT)
    assert driver.focused() == SYSTEM
    assert area.edit.selected_text == ""


def test_the_caret_stays_in_sight_in_a_long_text_and_the_page_does_not_scroll() -> None:
    driver, area = with_text(LONG)
    assert driver.node(SYSTEM).rect.height < 300
    before = driver.node("header").rect if driver.has("header") else None
    driver.key(pygame.K_PAGEDOWN)
    driver.key(pygame.K_PAGEDOWN)
    assert area.top > 0
    driver.key(pygame.K_END, pygame.KMOD_CTRL)
    assert area.top == area.lowest
    driver.key(pygame.K_HOME, pygame.KMOD_CTRL)
    assert area.top == 0
    assert before is None or driver.node("header").rect == before


# ---- the pointer


def test_a_click_places_the_caret_in_its_line_and_dragging_selects() -> None:
    driver, area = with_text("first\nsecond\nthird")
    rect = driver.node(SYSTEM).rect
    step = area.step
    at = (rect.x + 11, rect.y + 10 + step + step // 2)
    driver.move(*at)
    driver.press(*at)
    assert area.edit.caret == 6
    driver.move(rect.right - 20, rect.y + 10 + 2 * step + step // 2)
    driver.release(rect.right - 20, rect.y + 10 + 2 * step + step // 2)
    assert area.edit.selected_text == "second\nthird"


def test_the_wheel_scrolls_the_field_that_is_being_typed_in_and_then_the_page() -> None:
    driver, area = with_text(LONG)
    x, y = driver.centre(SYSTEM)
    driver.move(x, y)
    caret = area.edit.caret
    for _ in range(40):
        driver.wheel(-1)
        if area.top == area.lowest:
            break
    assert area.top == area.lowest
    assert area.edit.caret == caret
    driver.type("x")
    assert area.top == 0  # what is typed is in sight


def test_the_wheel_over_a_field_without_the_focus_scrolls_the_page() -> None:
    driver, area = with_text(LONG)
    driver.key(pygame.K_TAB)
    driver.move(*driver.centre(SYSTEM))
    driver.wheel(-1)
    assert area.top == 0


# ---- input methods


def test_what_is_being_composed_stands_at_the_caret_and_belongs_to_no_text_yet() -> None:
    driver, area = with_text("first\nsecond")
    driver.key(pygame.K_END)
    driver.compose("かな")
    assert area.shown_text() == "firstかな\nsecond"
    assert driver.node(SYSTEM).value == "first\nsecond"
    driver.key(pygame.K_RETURN)  # belongs to the input method
    assert driver.node(SYSTEM).value == "first\nsecond"
    driver.compose("")
    driver.type("仮")
    assert driver.node(SYSTEM).value == "first仮\nsecond"
