"""What a person chooses in the panel: its colours, how large it is drawn, the order of the models."""

from __future__ import annotations

from dataclasses import replace

import pygame
import pytest

from ecs_localai.components.panel import ModelSort, PanelSettings, ThemeChoice
from ecs_localai.components.panel_intents import PanelSettingsChanged
from ecs_localai.panel.appearance import Appearance
from ecs_localai.panel.panel import MIN_WIDTH, Panel
from ecs_localai.panel.scene import Role
from tests.panel.host_samples import few_hosts_view
from tests.panel.panel_driver import Driver
from tests.panel.panel_samples import connected_view

CHOICES = [f"theme:{one.value}" for one in ThemeChoice]
SCALES = ["scale:system", "scale:100", "scale:125", "scale:150", "scale:200"]
ORDERS = [f"sort:{one.value}" for one in ModelSort]


def changes(driver: Driver) -> list[PanelSettings]:
    """What was asked to be kept since the last time."""
    return [intent.settings for intent in driver.take_intents() if isinstance(intent, PanelSettingsChanged)]


def chosen(driver: Driver, ids: list[str]) -> list[str]:
    """Which of these choices are chosen."""
    return [one for one in ids if driver.node(one).value == "chosen"]


def at_the_end(theme: str = "light", size: tuple[int, int] = (900, 1000)) -> Driver:
    """A panel whose page is scrolled to its end."""
    driver = Driver(connected_view(), size, theme=theme, reduced_motion=True)
    driver.key(pygame.K_END)
    return driver


def test_a_theme_is_chosen_with_the_pointer_and_shows_at_once() -> None:
    driver = at_the_end()
    driver.click("theme:dark")
    assert driver.panel.theme_name == "dark"
    assert driver.surface.get_at((2, 2))[:3] == (0x1C, 0x1C, 0x1E)
    assert chosen(driver, CHOICES) == ["theme:dark"]
    assert changes(driver) == [PanelSettings(theme=ThemeChoice.DARK)]


def test_a_theme_is_chosen_with_the_keyboard() -> None:
    driver = at_the_end()
    driver.tab_to("theme:light")
    driver.key(pygame.K_RIGHT)
    assert driver.focused() == "theme:dark"
    assert driver.panel.theme_name == "dark"
    driver.key(pygame.K_LEFT)
    assert driver.panel.theme_name == "light"
    driver.activate("theme:dark")
    assert [one.theme for one in changes(driver)] == [ThemeChoice.DARK, ThemeChoice.LIGHT, ThemeChoice.DARK]


def test_what_was_chosen_before_is_how_it_looks() -> None:
    view = connected_view()
    view.settings = PanelSettings(ThemeChoice.DARK, 1.5, model_sort=ModelSort.SIZE, sort_reversed=True)
    panel = Panel((900, 1000))
    panel.show(view)
    surface = pygame.Surface((900, 1000), 0, 32)
    panel.paint(surface)
    assert (panel.theme_name, panel.scale) == ("dark", 1.5)
    scene = panel.scene()
    assert [one for one in (*CHOICES, *SCALES, *ORDERS) if (node := scene.find(one)) and node.value == "chosen"] == [
        "theme:dark", "scale:150", "sort:Size",
    ]  # fmt: skip


def test_a_theme_given_for_this_run_holds_until_the_person_chooses() -> None:
    driver = at_the_end("dark")
    driver.view.settings = PanelSettings(ThemeChoice.LIGHT)
    driver.changed()
    assert driver.panel.theme_name == "dark"
    assert chosen(driver, CHOICES) == ["theme:dark"]
    driver.click("scale:125")
    assert changes(driver) == [PanelSettings(ThemeChoice.LIGHT, 1.25)]
    assert driver.panel.theme_name == "dark"
    driver.activate("theme:light")
    assert driver.panel.theme_name == "light"


def test_a_theme_that_another_program_kept_is_taken_over() -> None:
    view = connected_view()
    panel = Panel((900, 1000), appearance=Appearance())
    panel.show(view)
    view.settings = PanelSettings(ThemeChoice.DARK)
    view.revision += 1
    panel.show(view)
    panel.paint(pygame.Surface((900, 1000), 0, 32))
    assert panel.theme_name == "dark"


def test_a_choice_is_not_undone_by_news_from_before_it_was_kept() -> None:
    driver = at_the_end()
    driver.click("theme:dark")
    driver.changed()
    assert driver.panel.theme_name == "dark"
    assert chosen(driver, CHOICES) == ["theme:dark"]


def test_a_larger_scale_is_drawn_at_once_and_what_was_pressed_stays_in_sight() -> None:
    driver = at_the_end()
    before = driver.node("header").rect
    driver.click("scale:150")
    driver.run(0.5)
    assert driver.panel.scale == 1.5
    assert driver.node("header").rect.height > before.height
    assert driver.node("scale:150").visible
    assert chosen(driver, SCALES) == ["scale:150"]
    driver.click("scale:system")  # positions are still the host's
    assert driver.panel.scale == 1.0
    assert [one.scale for one in changes(driver)] == [1.5, None]


def test_a_scale_grows_no_larger_than_the_surface_has_room_for() -> None:
    driver = at_the_end(size=(600, 700))
    driver.activate("scale:200")
    assert driver.panel.scale == 600 / MIN_WIDTH
    assert chosen(driver, SCALES) == ["scale:200"]


def test_a_scale_that_is_none_of_the_offered_ones_is_shown_among_them() -> None:
    driver = Driver(connected_view())
    driver.view.settings = PanelSettings(scale=1.75)
    driver.changed()
    assert driver.node("scale:175").value == "chosen"
    assert driver.panel.scale == 1.75


def test_a_window_that_scales_by_itself_is_only_told() -> None:
    view = connected_view()
    view.settings = PanelSettings(scale=2.0)
    panel = Panel((900, 1000), own_scale=False)
    panel.show(view)
    panel.paint(pygame.Surface((900, 1000), 0, 32))
    assert (panel.scale, panel.chosen_scale) == (1.0, 2.0)
    panel.resize((450, 500), 2.0)
    panel.paint(pygame.Surface((900, 1000), 0, 32))
    assert panel.scale == 2.0


@pytest.mark.parametrize("by", list(ModelSort))
def test_an_order_is_chosen_and_turned_round_by_choosing_it_again(by: ModelSort) -> None:
    driver = Driver(connected_view(), (900, 1600))
    other = ModelSort.NAME if by is not ModelSort.NAME else ModelSort.SIZE
    driver.click(f"sort:{other.value}")
    driver.take_intents()
    for _ in range(3):
        driver.click(f"sort:{by.value}")
    assert [(one.model_sort, one.sort_reversed) for one in changes(driver)] == [(by, False), (by, True), (by, False)]
    assert chosen(driver, ORDERS) == [f"sort:{by.value}"]


def test_an_order_says_which_way_round_it_is() -> None:
    driver = Driver(connected_view(), (900, 1600))
    driver.activate("sort:Size")
    assert driver.node("sort:Size").name == "Sort by size: largest first; again: smallest first"
    driver.key(pygame.K_SPACE)
    assert driver.node("sort:Size").name == "Sort by size: smallest first; again: largest first"
    driver.key(pygame.K_LEFT)
    assert driver.focused() == "sort:Name"
    assert chosen(driver, ORDERS) == ["sort:Name"]


def test_fewer_than_two_models_have_no_order() -> None:
    view = connected_view()
    del view.models[1:]
    driver = Driver(view)
    assert not any(driver.has(one) for one in ORDERS)
    view.models.clear()
    view.models_empty_text = "No models yet."
    driver.changed()
    assert not any(driver.has(one) for one in ORDERS)


@pytest.mark.parametrize("width", [480, 560, 900, 1600])
@pytest.mark.parametrize("font_scale", [0.8, 1.0, 1.5, 2.0])
def test_the_choices_lie_beside_each_other_at_any_width(width: int, font_scale: float) -> None:
    view = replace(few_hosts_view(), settings=PanelSettings(scale=1.75))
    driver = Driver(view, (width, 900), font_scale=font_scale)
    driver.panel.resize((width, driver.panel.page_height))
    scene = driver.panel.scene()
    for block in ("models", "appearance:theme", "appearance:scale"):
        found = scene.find(block)
        assert found is not None
        for number, node in enumerate(found.children):
            assert found.rect.contains(node.rect), f"{node.name} sticks out of {block}"
            assert node.shown == ""
            assert not any(node.rect.colliderect(other.rect) for other in found.children[number + 1 :]), node.name


def test_every_choice_is_one_of_a_group() -> None:
    driver = Driver(connected_view())
    for one in (*CHOICES, *SCALES, *ORDERS):
        assert driver.node(one).role is Role.RADIO
    for ids in (CHOICES, SCALES, ORDERS):
        assert len(chosen(driver, ids)) == 1


def test_a_theme_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no theme named 'blue'"):
        Panel((900, 1000), theme="blue")
