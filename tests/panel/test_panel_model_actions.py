"""What a person does with an installed model: unfolding its row, loading, keeping, copying, renaming."""

from __future__ import annotations

from itertools import combinations

import pygame
import pytest

from ecs_localai.components.panel_intents import (
    CopyModelRequested,
    DeleteModelRequested,
    LoadModelRequested,
    UnloadModelRequested,
)
from ecs_localai.panel.scene import Cursor, Role
from tests.panel.life_samples import life_hosts_view, life_view
from tests.panel.panel_driver import Driver

LLAMA, QWEN, NOMIC, BUSY, CLOUD = (
    "llama3.2:1b", "qwen3:8b", "nomic-embed-text:latest", "gemma3:27b", "my-model",
)  # fmt: skip


def unfolded(name: str, *, hosts: bool = False) -> Driver:
    """A panel with one model's row unfolded by the keyboard."""
    driver = Driver(life_hosts_view() if hosts else life_view(), reduced_motion=True)
    driver.activate(f"model-more:{name}")
    return driver


def row_texts(driver: Driver, name: str) -> list[str]:
    """All that can be read in a model's row."""
    return [node.name for node in driver.node(f"model:{name}").children]


def name_field_text(driver: Driver) -> str:
    """What the field for another name holds."""
    return driver.node("new-name").value


# ---- unfolding


def test_a_click_on_the_name_unfolds_the_row_and_folds_it_again() -> None:
    driver = Driver(life_view(), (900, 1800), reduced_motion=True)
    row = driver.node(f"model:{LLAMA}")
    name = next(node for node in row.children if node.name == LLAMA)
    at = (name.rect.centerx, name.rect.centery)
    driver.move(*at)
    assert driver.cursor() is Cursor.HAND
    driver.press(*at)
    driver.release(*at)
    assert driver.has(f"unload:{LLAMA}")
    assert driver.node(f"model:{LLAMA}").rect.height > 2 * row.rect.height
    driver.press(*at)
    driver.release(*at)
    assert not driver.has(f"unload:{LLAMA}")
    assert driver.node(f"model:{LLAMA}").rect == row.rect


def test_a_click_beside_the_name_and_on_the_second_line_counts_too_but_not_one_on_the_size() -> None:
    driver = Driver(life_view(), (900, 1800), reduced_motion=True)
    row = driver.node(f"model:{NOMIC}").rect
    size = next(node for node in driver.node(f"model:{NOMIC}").children if node.name == "274 MB").rect
    for at, hits in (((row.x + 20, row.y + 36), True), ((row.x + 420, row.y + 26), True), (size.center, False)):
        before = driver.has(f"load:{NOMIC}")
        driver.press(*at)
        driver.release(*at)
        assert driver.has(f"load:{NOMIC}") is (before is not hits)


@pytest.mark.parametrize("key", [pygame.K_RETURN, pygame.K_SPACE])
def test_the_keyboard_unfolds_it_and_goes_on_to_what_is_in_it(key: int) -> None:
    driver = Driver(life_view(), reduced_motion=True)
    driver.tab_to(f"model-more:{LLAMA}")
    assert driver.node(f"model-more:{LLAMA}").name == f"Show more of {LLAMA}"
    driver.key(key)
    assert driver.focused() == f"model-more:{LLAMA}"
    assert driver.node(f"model-more:{LLAMA}").name == f"Show less of {LLAMA}"
    order = []
    for _ in range(5):
        driver.key(pygame.K_TAB)
        order.append(driver.focused())
    parts = ["unload", "copy", "rename", "edit-model", "stay"]
    assert order == [f"{part}:{LLAMA}" for part in parts]


def test_an_unfolded_row_says_what_is_known_of_the_model() -> None:
    driver = unfolded(LLAMA)
    texts = row_texts(driver, LLAMA)
    for one in driver.view.models[0].details:
        assert one.label in texts
        assert one.text in texts


# ---- loading


def test_a_loaded_model_is_unloaded_and_another_one_loaded() -> None:
    driver = unfolded(LLAMA)
    assert not driver.has(f"load:{LLAMA}")
    driver.activate(f"unload:{LLAMA}")
    driver.activate(f"model-more:{NOMIC}")
    assert not driver.has(f"unload:{NOMIC}")
    driver.activate(f"load:{NOMIC}")
    assert driver.take_intents() == [UnloadModelRequested(LLAMA), LoadModelRequested(NOMIC)]


def test_keep_loaded_is_a_switch_that_pins_and_releases() -> None:
    driver = unfolded(QWEN)
    assert (driver.node(f"stay:{QWEN}").role, driver.node(f"stay:{QWEN}").value) == (Role.SWITCH, "on")
    driver.activate(f"stay:{QWEN}")
    driver.activate(f"model-more:{NOMIC}")
    assert driver.node(f"stay:{NOMIC}").value == "off"
    driver.activate(f"stay:{NOMIC}")
    assert driver.take_intents() == [LoadModelRequested(QWEN), LoadModelRequested(NOMIC, pinned=True)]


def test_the_switch_is_where_the_view_says_and_its_words_can_be_clicked() -> None:
    driver = Driver(life_view(), (900, 2000), reduced_motion=True)
    driver.click(f"model-more:{NOMIC}")
    switch = driver.node(f"stay:{NOMIC}").rect
    words = (switch.right + 30, switch.centery)
    driver.press(*words)
    driver.release(*words)
    assert driver.take_intents() == [LoadModelRequested(NOMIC, pinned=True)]
    assert driver.node(f"stay:{NOMIC}").value == "off"  # not before it is so
    driver.view.models[4].pinned = True
    driver.changed()
    assert driver.node(f"stay:{NOMIC}").value == "on"


def test_while_something_is_being_done_nothing_else_can_be() -> None:
    driver = unfolded(BUSY)
    for what in ("load", "copy", "rename", "stay", "delete"):
        node = driver.node(f"{what}:{BUSY}")
        assert (node.enabled, node.focusable) == (False, False), what


def test_what_was_pressed_keeps_the_focus_while_it_is_at_work() -> None:
    driver = unfolded(LLAMA)
    driver.activate(f"unload:{LLAMA}")
    driver.take_intents()
    row = driver.view.models[0]
    row.busy = "Unloading"
    driver.changed()
    assert driver.focused() == f"unload:{LLAMA}"
    driver.key(pygame.K_SPACE)
    assert driver.take_intents() == []
    row.busy, row.status, row.loaded = "", "", False
    driver.changed()
    assert driver.focused() == f"copy:{LLAMA}"  # it is gone: the next one


def test_a_disabled_control_is_left_with_tab_for_the_next_one() -> None:
    driver = unfolded(LLAMA)
    driver.tab_to(f"copy:{LLAMA}")
    driver.view.models[0].busy = "Copying"
    driver.changed()
    driver.key(pygame.K_TAB)
    assert driver.focused() == f"delete:{QWEN}"


def test_a_model_in_the_cloud_is_not_loaded() -> None:
    driver = unfolded(CLOUD)
    assert not driver.has(f"load:{CLOUD}")
    assert not driver.has(f"stay:{CLOUD}")
    assert driver.has(f"copy:{CLOUD}")


def test_where_nothing_can_be_done_it_says_why() -> None:
    view = life_view()
    view.models[0].inert_reason = "It can be loaded, copied and renamed once its host is connected."
    driver = Driver(view, reduced_motion=True)
    driver.activate(f"model-more:{LLAMA}")
    assert view.models[0].inert_reason in row_texts(driver, LLAMA)
    for what in ("load", "unload", "copy", "rename", "stay"):
        assert not driver.has(f"{what}:{LLAMA}")


# ---- another name


def test_copying_begins_with_the_present_name_selected() -> None:
    driver = unfolded(LLAMA)
    driver.activate(f"copy:{LLAMA}")
    assert driver.focused() == "new-name"
    assert name_field_text(driver) == LLAMA
    driver.type("mine")
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [CopyModelRequested(LLAMA, "mine:latest")]
    assert not driver.has("new-name")
    assert driver.focused() == f"copy:{LLAMA}"


def test_renaming_by_its_button() -> None:
    driver = unfolded(LLAMA)
    driver.activate(f"rename:{LLAMA}")
    driver.fill("new-name", "team/mine:v2")
    driver.activate("new-name-submit")
    assert driver.take_intents() == [CopyModelRequested(LLAMA, "team/mine:v2", move=True)]


@pytest.mark.parametrize("by", ["escape", "cancel", "fold"])
def test_leaving_the_field_changes_nothing(by: str) -> None:
    driver = unfolded(LLAMA)
    driver.activate(f"rename:{LLAMA}")
    driver.type("other")
    if by == "escape":
        driver.key(pygame.K_ESCAPE)
        assert driver.focused() == f"rename:{LLAMA}"
    else:
        driver.activate("new-name-cancel" if by == "cancel" else f"model-more:{LLAMA}")
    assert not driver.has("new-name")
    assert driver.take_intents() == []


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("two words", "has a space"),
        (LLAMA.upper(), "its name already"),
        ("QWEN3:8B", "is a model qwen3:8b"),
        ("", "Type"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_the_reason(text: str, part: str) -> None:
    driver = unfolded(LLAMA)
    driver.activate(f"copy:{LLAMA}")
    if text:
        driver.fill("new-name", text)
    else:
        driver.key(pygame.K_BACKSPACE)
    driver.key(pygame.K_RETURN)
    alerts = [node.name for node in driver.node(f"model:{LLAMA}").children if node.role is Role.ALERT]
    assert len(alerts) == 1
    assert part in alerts[0]
    assert driver.focused() == "new-name"
    assert driver.take_intents() == []
    driver.type("x")
    assert not [node for node in driver.node(f"model:{LLAMA}").children if node.role is Role.ALERT]


def test_the_field_goes_with_its_model_and_when_something_is_being_done_to_it() -> None:
    driver = unfolded(LLAMA)
    driver.activate(f"copy:{LLAMA}")
    driver.view.models[0].busy = "Loading"
    driver.changed()
    assert not driver.has("new-name")
    assert driver.focused() == f"copy:{LLAMA}"
    driver.view.models[0].busy = ""
    driver.changed()
    driver.activate(f"copy:{LLAMA}")
    del driver.view.models[0]
    driver.changed()
    assert not driver.has("new-name")
    assert driver.focused() is not None


def test_a_question_elsewhere_takes_the_field_away() -> None:
    driver = unfolded(LLAMA)
    driver.activate(f"copy:{LLAMA}")
    driver.activate(f"delete:{QWEN}")
    assert not driver.has("new-name")
    driver.activate(f"confirm:{QWEN}")
    assert driver.take_intents() == [DeleteModelRequested(QWEN)]


@pytest.mark.parametrize("look", [(1.0, 1.0), (2.0, 1.0), (1.0, 1.5), (1.5, 2.0)])
@pytest.mark.parametrize("width", [400, 480, 700, 900, 1500])
@pytest.mark.parametrize("text", ["", "no good name " * 6])
def test_the_field_and_its_error_overlap_nothing(width: int, look: tuple[float, float], text: str) -> None:
    driver = Driver(life_hosts_view(), (width, 800), scale=look[0], font_scale=look[1], reduced_motion=True)
    driver.activate(f"model-more:{QWEN}")
    driver.activate(f"rename:{QWEN}")
    driver.activate(f"rename-all:{QWEN}")
    if text:
        driver.fill("new-name", text)
        driver.key(pygame.K_RETURN)
    row = driver.node(f"model:{QWEN}")
    assert any(node.id == "new-name-submit" for node in row.children)
    for node in row.children:
        assert row.rect.contains(node.rect), node.name
    for first, second in combinations(row.children, 2):
        overlap = first.rect.clip(second.rect)
        assert not overlap.width * overlap.height, f"{first.name!r} and {second.name!r}"


# ---- several hosts


def test_what_fits_one_host_only_is_done_there_at_once() -> None:
    driver = unfolded(QWEN, hosts=True)
    assert driver.node(f"unload:{QWEN}").name == f"Unload on team: {QWEN}"
    driver.activate(f"unload:{QWEN}")
    assert driver.take_intents() == [UnloadModelRequested(QWEN, "team")]


def test_a_model_on_one_of_several_hosts_is_loaded_copied_and_kept_there() -> None:
    driver = unfolded(NOMIC, hosts=True)
    driver.activate(f"load:{NOMIC}")
    driver.activate(f"stay:{NOMIC}")
    driver.activate(f"copy:{NOMIC}")
    driver.fill("new-name", "embed")
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [
        LoadModelRequested(NOMIC, "here"),
        LoadModelRequested(NOMIC, "here", pinned=True),
        CopyModelRequested(NOMIC, "embed:latest", "here"),
    ]


def test_loading_asks_on_which_host() -> None:
    driver = unfolded(QWEN, hosts=True)
    driver.activate(f"load:{QWEN}")
    assert driver.focused() == f"leave:{QWEN}"
    assert f"Load {QWEN} on which host?" in driver.texts()
    driver.key(pygame.K_SPACE)
    assert driver.focused() == f"load:{QWEN}"
    driver.key(pygame.K_SPACE)
    driver.activate(f"load-here:{QWEN}:attic")
    driver.activate(f"load:{QWEN}")
    driver.activate(f"load-all:{QWEN}")
    assert driver.take_intents() == [LoadModelRequested(QWEN, host) for host in ("attic", "here", "attic")]


def test_keeping_and_releasing_are_about_the_hosts_that_they_fit() -> None:
    driver = unfolded(LLAMA, hosts=True)
    driver.activate(f"go:{LLAMA}")
    driver.activate(f"stay:{LLAMA}")
    assert not driver.has(f"stay-here:{LLAMA}:here")
    driver.activate(f"stay-here:{LLAMA}:team")
    assert driver.take_intents() == [LoadModelRequested(LLAMA, "here"), LoadModelRequested(LLAMA, "team", pinned=True)]


def test_renaming_asks_on_which_host_and_then_for_the_name() -> None:
    driver = unfolded(QWEN, hosts=True)
    driver.activate(f"rename:{QWEN}")
    driver.activate(f"rename-here:{QWEN}:team")
    assert f"Rename {QWEN} on team to" in row_texts(driver, QWEN)
    driver.type("mine")
    driver.key(pygame.K_RETURN)
    driver.activate(f"rename:{QWEN}")
    driver.activate(f"rename-all:{QWEN}")
    assert f"Rename {QWEN} on 3 hosts to" in row_texts(driver, QWEN)
    driver.type("mine")
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [
        CopyModelRequested(QWEN, "mine:latest", host, move=True) for host in ("team", "here", "team", "attic")
    ]


def test_a_name_is_taken_only_where_it_is() -> None:
    driver = unfolded(NOMIC, hosts=True)
    driver.activate(f"copy:{NOMIC}")
    driver.fill("new-name", QWEN)
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == []
    driver.view.models[1].hosts = ["team"]
    driver.changed()
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [CopyModelRequested(NOMIC, QWEN, "here")]


def test_the_second_click_of_a_double_click_answers_nothing() -> None:
    view = life_hosts_view()
    view.models[1].able_on = view.models[1].hosts = ["a", "b", "c", "d"]
    driver = Driver(view, (900, 2400), reduced_motion=True)
    driver.click(f"model-more:{QWEN}")
    driver.click(f"load:{QWEN}")
    assert f"Load {QWEN} on which host?" in driver.texts()
    for host in ("a", "b", "c", "d"):
        driver.click(f"load-here:{QWEN}:{host}")
    assert driver.take_intents() == []
    driver.run(0.5)
    driver.click(f"load-here:{QWEN}:b")
    assert driver.take_intents() == [LoadModelRequested(QWEN, "b")]
