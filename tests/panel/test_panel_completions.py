"""Names below the install field while one is typed: which are offered, choosing and taking one."""

from __future__ import annotations

import pygame
import pytest

from ecs_localai.components.installing_view import CompletionRow
from ecs_localai.components.panel_intents import PreflightRequested
from ecs_localai.panel.completing import MOST_NAMES
from ecs_localai.panel.scene import Role, SceneNode
from tests.panel.install_samples import names, quiet_view
from tests.panel.panel_driver import Driver


def typing(text: str, *, size: tuple[int, int] = (900, 1000)) -> Driver:
    """A panel into whose install field this was typed."""
    driver = Driver(quiet_view(), size, reduced_motion=True)
    driver.click("install")
    driver.type(text)
    return driver


def offered(driver: Driver) -> list[SceneNode]:
    """The names that are shown."""
    return driver.panel.scene().with_role(Role.OPTION)


def offered_names(driver: Driver) -> list[str]:
    """Their names."""
    return [node.id.removeprefix("complete:") for node in offered(driver)]


def field_text(driver: Driver) -> str:
    """What the install field holds."""
    return driver.node("install").value


def test_names_that_begin_so_come_before_those_that_have_it_elsewhere() -> None:
    driver = typing("LLama")
    assert offered_names(driver) == [
        "llama3.2:1b", "llama3.2:3b", "llama3.3:70b", "llama3.1:8b", "llama-guard3:1b", "codellama:7b",
    ]  # fmt: skip
    assert len(offered(driver)) == MOST_NAMES
    assert offered(driver)[0].name == "llama3.2:1b, installed · 1.3 GB"
    driver.type("3.3")
    assert offered_names(driver) == ["llama3.3:70b"]


@pytest.mark.parametrize("text", ["", "zzz", "llama3.2:1b", "qwen3:8b "])
def test_nothing_is_offered_where_nothing_goes_on_from_it(text: str) -> None:
    driver = typing(text)
    assert offered(driver) == []
    assert not driver.has("completions")


def test_nothing_is_offered_before_something_is_typed_nor_elsewhere() -> None:
    driver = typing("qw")
    assert offered(driver)
    driver.key(pygame.K_TAB)
    assert not offered(driver)
    driver.key(pygame.K_TAB, pygame.KMOD_SHIFT)
    assert driver.focused() == "install"
    assert not offered(driver)
    driver.press(10, 900)
    assert not offered(driver)


def test_without_a_chosen_name_enter_is_about_what_was_typed() -> None:
    driver = typing("llama")
    assert offered(driver)
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [PreflightRequested("llama")]
    assert not offered(driver)


def test_the_arrow_keys_choose_one_and_enter_takes_it_without_asking_anything() -> None:
    driver = typing("llama")
    driver.key(pygame.K_DOWN)
    driver.key(pygame.K_DOWN)
    assert [node.value for node in offered(driver)][:3] == ["", "chosen", ""]
    driver.key(pygame.K_RETURN)
    assert (field_text(driver), driver.take_intents()) == ("llama3.2:3b", [])
    assert not offered(driver)
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [PreflightRequested("llama3.2:3b")]


def test_choosing_goes_round_by_way_of_what_was_typed() -> None:
    driver = typing("qw")
    driver.key(pygame.K_UP)
    assert offered(driver)[-1].value == "chosen"
    driver.key(pygame.K_DOWN)
    assert not any(node.value for node in offered(driver))
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [PreflightRequested("qw")]


def test_typing_on_chooses_nothing_any_more() -> None:
    driver = typing("lla")
    driver.key(pygame.K_DOWN)
    driver.type("m")
    assert offered(driver)
    assert not any(node.value for node in offered(driver))


def test_escape_closes_the_list_and_keeps_what_was_typed() -> None:
    driver = typing("lla")
    driver.key(pygame.K_ESCAPE)
    assert not offered(driver)
    assert (field_text(driver), driver.focused()) == ("lla", "install")
    driver.type("m")
    assert offered(driver)


def test_a_click_takes_a_name_and_the_field_keeps_the_focus() -> None:
    driver = typing("lla")
    driver.click("complete:llama3.1:8b")
    assert (field_text(driver), driver.focused()) == ("llama3.1:8b", "install")
    assert not offered(driver)
    assert driver.take_intents() == []


def test_one_of_several_names_is_completed_where_the_caret_is() -> None:
    driver = typing("qwen3:8b, tiny mistral:7b")
    for _ in range(len(" mistral:7b")):
        driver.key(pygame.K_LEFT)
    driver.type("l")
    assert offered_names(driver) == ["tinyllama:latest"]
    driver.key(pygame.K_DOWN)
    driver.key(pygame.K_RETURN)
    assert field_text(driver) == "qwen3:8b, tinyllama:latest mistral:7b"


def test_taking_a_name_can_be_undone() -> None:
    driver = typing("lla")
    driver.key(pygame.K_DOWN)
    driver.key(pygame.K_RETURN)
    driver.key(pygame.K_z, pygame.KMOD_CTRL)
    assert field_text(driver) == "lla"


def test_what_the_list_lies_over_cannot_be_pressed_through_it() -> None:
    driver = typing("lla")
    lowest = offered(driver)[-1]
    driver.click(lowest.id)
    assert driver.take_intents() == []
    assert field_text(driver) == "codellama:7b"


def test_with_the_list_open_nothing_below_it_moves() -> None:
    driver = typing("zz")
    before = driver.node("models").rect
    driver.key(pygame.K_a, pygame.KMOD_CTRL)
    driver.type("lla")
    assert offered(driver)
    assert driver.node("models").rect == before


def test_the_list_does_not_scroll_the_page_with_the_arrow_keys() -> None:
    driver = typing("lla", size=(900, 600))
    driver.run(1.0)
    top = driver.node("install").rect.y
    driver.key(pygame.K_DOWN)
    driver.run(1.0)
    assert driver.node("install").rect.y == top


@pytest.mark.parametrize("height", [420, 520, 640])
def test_a_list_below_the_windows_edge_is_scrolled_into_sight(height: int) -> None:
    driver = Driver(quiet_view(), (900, height))
    driver.tab_to("install")
    driver.type("lla")
    driver.run(1.0)
    assert all(node.visible for node in offered(driver))


@pytest.mark.parametrize("look", [(1.0, 1.0), (2.0, 1.0), (1.0, 2.0)])
@pytest.mark.parametrize("width", [400, 700, 1500])
def test_the_list_fits_the_window(width: int, look: tuple[float, float]) -> None:
    driver = Driver(quiet_view(), (width, 900), scale=look[0], font_scale=look[1], reduced_motion=True)
    driver.view.completions = [CompletionRow("llama-" + "x" * 200, "known · " + "y" * 100), *names()]
    driver.changed()
    driver.tab_to("install")
    driver.type("lla")
    block = driver.node("completions")
    assert block.role is Role.LIST_BOX
    assert driver.panel.scene().rect.width >= block.rect.right
    assert all(block.rect.contains(node.rect) for node in block.children)


def test_a_name_that_is_not_known_any_more_is_not_taken() -> None:
    driver = typing("llama-g")
    driver.key(pygame.K_DOWN)
    driver.view.completions = [row for row in names() if not row.name.startswith("llama-")]
    driver.changed()
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [PreflightRequested("llama-g")]
