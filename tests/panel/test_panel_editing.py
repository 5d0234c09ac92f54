"""Editing a line of text: caret, selection, clusters, words, undo, the clipboard, the mouse, an input method."""

from __future__ import annotations

import pygame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.panel.editing import LineEdit, single_line
from ecs_localai.panel.graphemes import boundaries, clusters
from tests.panel.panel_driver import Driver
from tests.panel.panel_samples import connected_view

CTRL, SHIFT, ALT = pygame.KMOD_CTRL, pygame.KMOD_SHIFT, pygame.KMOD_ALT
FAMILY, FLAG, THUMB, ACCENT = "👨‍👩‍👧", "🇩🇪", "👍🏽", "e\u0301"
LETTERS = st.sampled_from([*"ab é-:/ ", "模", "😀", "\u0301", "\u200d", "🇩", "🏽", "\ufe0f"])


def field(text: str = "") -> Driver:
    """A panel with the field for a model's name in focus, holding ``text``."""
    driver = Driver(connected_view(), (900, 1000))
    driver.click("install")
    if text:
        driver.panel.handle_event(pygame.event.Event(pygame.TEXTINPUT, text=text))
        driver.paint()
    return driver


def value(driver: Driver) -> str:
    """What the field holds."""
    return driver.node("install").value


# ---- the line itself


@pytest.mark.parametrize("cluster", [FAMILY, FLAG, THUMB, ACCENT, "模", "❤\ufe0f"])
def test_one_backspace_deletes_what_a_person_sees_as_one_character(cluster: str) -> None:
    edit = LineEdit("a" + cluster + "b")
    edit.move(-1)
    edit.delete(forward=False)
    assert edit.text == "ab"


def test_two_flags_are_two_characters() -> None:
    assert clusters(FLAG + "🇫🇷") == [FLAG, "🇫🇷"]


@given(st.text(LETTERS, max_size=12))
def test_clusters_are_the_text_in_pieces(text: str) -> None:
    assert "".join(clusters(text)) == text
    assert boundaries(text)[-1] == len(text)


@given(
    st.text(LETTERS, max_size=10),
    st.lists(
        st.sampled_from(["left", "right", "word left", "word right", "select", "type", "erase", "undo", "redo", "all"])
    ),
)
def test_any_editing_keeps_caret_and_selection_inside_the_text(text: str, actions: list[str]) -> None:
    edit = LineEdit(text)
    for action in actions:
        if action.endswith(("left", "right")):
            edit.move(-1 if action.endswith("left") else 1, word=action.startswith("word"))
        elif action == "select":
            edit.move(-1, select=True)
        elif action == "type":
            edit.insert("x模")
        elif action == "erase":
            edit.delete(forward=True)
        elif action == "all":
            edit.select_all()
        else:
            edit.undo() if action == "undo" else edit.redo()
        assert 0 <= edit.caret <= len(edit.text)
        assert 0 <= edit.anchor <= len(edit.text)
        assert edit.selected_text == edit.text[slice(*edit.selection)]


@given(st.text(LETTERS, max_size=10), st.lists(st.sampled_from(["ab", " ", "模"]), max_size=5))
def test_undoing_everything_brings_the_first_text_back_and_redoing_the_last(text: str, inserted: list[str]) -> None:
    edit = LineEdit(text)
    for part in inserted:
        edit.insert(part)
    last = edit.text
    for _ in inserted:
        edit.undo()
    assert edit.text == single_line(text)
    for _ in inserted:
        edit.redo()
    assert edit.text == last


def test_words_are_jumped_over_and_deleted_whole() -> None:
    edit = LineEdit("hf.co/unsloth/Qwen3 GGUF")
    edit.move(-1, word=True)
    assert edit.text[edit.caret :] == "GGUF"
    edit.delete(forward=False, word=True)
    assert edit.text == "hf.co/unsloth/GGUF"
    edit.place(0)
    edit.delete(forward=True, word=True)
    assert edit.text == ".co/unsloth/GGUF"


def test_moving_out_of_a_selection_goes_to_its_end() -> None:
    edit = LineEdit("abcdef")
    edit.place(1)
    edit.place(4, select=True)
    edit.move(-1)
    assert edit.caret == 1
    edit.place(4, select=True)
    edit.move(1)
    assert edit.caret == 4


def test_text_of_many_lines_becomes_one() -> None:
    assert single_line("a\nb\tc\r\nd\x00\x1b") == "a b c d"


def test_there_is_a_limit_to_what_is_pasted() -> None:
    edit = LineEdit("ab")
    edit.place(1)
    edit.insert("x" * 5000)
    assert len(edit.text) == 2048
    assert edit.text.endswith("b")


# ---- in the field


def test_typing_editing_and_moving_with_keys() -> None:
    driver = field()
    driver.type("lama3")
    driver.key(pygame.K_HOME)
    driver.key(pygame.K_RIGHT)
    driver.type("l")
    driver.key(pygame.K_END)
    driver.key(pygame.K_BACKSPACE)
    driver.type("2")
    driver.key(pygame.K_LEFT)
    driver.key(pygame.K_DELETE)
    assert value(driver) == "llama"


def test_unicode_is_typed_as_it_comes() -> None:
    driver = field()
    driver.type("modèle-模型-😀")
    assert value(driver) == "modèle-模型-😀"
    driver.key(pygame.K_BACKSPACE)
    assert value(driver) == "modèle-模型-"


def test_copy_cut_and_paste() -> None:
    driver = field("qwen3:8b")
    driver.key(pygame.K_a, CTRL)
    driver.key(pygame.K_c, CTRL)
    assert driver.clipboard.text == "qwen3:8b"
    driver.key(pygame.K_x, CTRL)
    assert value(driver) == ""
    driver.key(pygame.K_v, CTRL)
    driver.key(pygame.K_v, CTRL)
    assert value(driver) == "qwen3:8bqwen3:8b"


def test_the_apple_key_does_the_same() -> None:
    driver = field("qwen3")
    driver.key(pygame.K_a, pygame.KMOD_META)
    driver.key(pygame.K_x, pygame.KMOD_META)
    assert (value(driver), driver.clipboard.text) == ("", "qwen3")


def test_copying_nothing_leaves_the_clipboard_alone() -> None:
    driver = field("qwen3")
    driver.clipboard.text = "before"
    driver.key(pygame.K_c, CTRL)
    assert driver.clipboard.text == "before"


def test_pasted_lines_become_one_line() -> None:
    driver = field()
    driver.clipboard.text = "  llama3.2:1b\n"
    driver.key(pygame.K_v, CTRL)
    assert value(driver) == "llama3.2:1b"


def test_altgr_types_and_commands_nothing() -> None:
    driver = field("abc")
    driver.key(pygame.K_a, CTRL | ALT)
    driver.type("@")
    assert value(driver) == "abc@"


def test_undo_and_redo_by_keys() -> None:
    driver = field("abc")
    driver.key(pygame.K_a, CTRL)
    driver.key(pygame.K_BACKSPACE)
    driver.key(pygame.K_z, CTRL)
    assert value(driver) == "abc"
    driver.key(pygame.K_z, CTRL | SHIFT)
    assert value(driver) == ""
    driver.key(pygame.K_z, CTRL)
    driver.key(pygame.K_y, CTRL)
    assert value(driver) == ""


def test_shift_selects_and_typing_replaces() -> None:
    driver = field("llama3")
    driver.key(pygame.K_LEFT, SHIFT)
    driver.type("4")
    assert value(driver) == "llama4"
    driver.key(pygame.K_HOME, SHIFT)
    driver.type("x")
    assert value(driver) == "x"


def test_the_mouse_places_the_caret_and_drags_a_selection() -> None:
    driver = field("abcdefgh")
    box = driver.node("install").rect
    y = box.centery
    driver.press(box.left + 30, y)  # before the first letter
    driver.release(box.left + 30, y)
    driver.type("<")
    driver.press(box.right - 50, y)  # far behind the last
    driver.release(box.right - 50, y)
    driver.type(">")
    assert value(driver) == "<abcdefgh>"
    driver.now += 1
    driver.press(box.left + 30, y)
    driver.move(box.right - 50, y + 40)
    driver.release(box.right - 50, y + 40)
    driver.type("all")
    assert value(driver) == "all"


def test_a_double_click_selects_a_word_and_a_triple_click_everything() -> None:
    driver = field("first second")
    box = driver.node("install").rect
    at = (box.left + 45, box.centery)
    driver.now += 1
    for _ in range(2):
        driver.press(*at)
        driver.release(*at)
    driver.key(pygame.K_x, CTRL)
    assert driver.clipboard.text == "first"
    driver.key(pygame.K_z, CTRL)
    driver.now += 1
    for _ in range(3):
        driver.press(*at)
        driver.release(*at)
    driver.key(pygame.K_x, CTRL)
    assert driver.clipboard.text == "first second"


def test_an_input_method_composes_before_it_types() -> None:
    driver = field("a")
    driver.compose("ni")
    assert value(driver) == "a"
    assert driver.key(pygame.K_RETURN)  # the input method's own
    assert driver.take_intents() == []
    driver.panel.handle_event(pygame.event.Event(pygame.TEXTINPUT, text="你"))
    driver.paint()
    assert value(driver) == "a你"
    driver.compose("hao")
    driver.key(pygame.K_ESCAPE)
    driver.compose("")
    assert value(driver) == "a你"
    assert driver.focused() == "install"


def test_composing_replaces_the_selection() -> None:
    driver = field("old")
    driver.key(pygame.K_a, CTRL)
    driver.compose("ni")
    assert value(driver) == ""


def test_the_caret_blinks_for_a_while_and_then_rests() -> None:
    view = connected_view()
    view.installations.clear()
    driver = Driver(view)
    driver.click("install")
    due = driver.next_due()
    assert due is not None
    assert 0 < due - driver.now <= 0.531
    assert not driver.moves()
    driver.now = due
    caret = driver.paint()
    assert len(caret) == 1
    assert caret[0].width <= 3
    driver.run(11)
    assert driver.next_due() is None
    driver.type("x")
    assert driver.next_due() is not None
    driver.panel.handle_event(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    driver.paint()
    assert driver.next_due() is None


def test_a_text_longer_than_its_field_follows_the_caret() -> None:
    driver = field("x" * 300)
    box = driver.node("install").rect
    caret_at_end = pygame.image.tobytes(driver.surface.subsurface(box), "RGB")
    driver.key(pygame.K_HOME)
    assert pygame.image.tobytes(driver.surface.subsurface(box), "RGB") != caret_at_end
    driver.type("start")
    assert value(driver).startswith("start")
    driver.key(pygame.K_TAB)
    driver.tab_to("install")
    driver.type("short")
    assert value(driver) == "short"
