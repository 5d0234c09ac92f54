"""Past installations on the panel: a quiet line, what it unfolds, installing again."""

from __future__ import annotations

import pygame
import pytest

from ecs_localai.components.panel_intents import InstallRequested
from ecs_localai.panel.scene import Role, SceneNode
from tests.panel.life_samples import LOST, life_hosts_view, life_view
from tests.panel.panel_driver import Driver
from tests.panel.panel_samples import connected_view


def rows(driver: Driver) -> list[SceneNode]:
    """The rows of past installations."""
    return [node for node in driver.panel.scene().with_role(Role.LIST_ITEM) if node.id.startswith("history:")]


def test_without_any_there_is_no_line() -> None:
    assert not Driver(connected_view()).has("history-more")


def test_the_line_says_how_many_there_are_and_unfolds_them() -> None:
    driver = Driver(life_view(), (900, 1600))
    assert driver.node("history-more").name == "Show 57 past installations"
    assert not rows(driver)
    driver.click("history-more")
    assert [row.name for row in rows(driver)] == [row.name for row in driver.view.history]
    assert driver.node("history-more").name == "Hide 57 past installations"
    driver.click("history-more")
    assert not rows(driver)


@pytest.mark.parametrize("key", [pygame.K_RETURN, pygame.K_SPACE])
def test_the_keyboard_unfolds_them(key: int) -> None:
    driver = Driver(life_view())
    driver.tab_to("history-more")
    driver.key(key)
    assert rows(driver)
    driver.key(pygame.K_TAB)
    assert driver.focused() == "again:h1"


def test_one_is_told_in_the_singular() -> None:
    view = life_view()
    view.history, view.history_count = view.history[:1], 1
    driver = Driver(view)
    assert driver.node("history-more").name == "Show 1 past installation"


def test_the_line_is_there_while_nothing_is_being_installed() -> None:
    view = life_view()
    view.installations = []
    assert Driver(view).has("history-more")


def test_a_row_says_when_how_long_how_much_and_how_it_ended() -> None:
    driver = Driver(life_view(), (900, 1600))
    driver.click("history-more")
    texts = [node.name for node in rows(driver)[0].children]
    assert {"smollm3:3b", driver.view.history[0].detail, "Failed", LOST} <= set(texts)
    assert driver.node("outcome:h2").name == "Installed"


def test_where_there_are_more_it_says_where_to_find_them() -> None:
    driver = Driver(life_view(), (900, 1600))
    driver.click("history-more")
    assert "The newest 5 of 57. The command “history” lists them all." in driver.texts()
    hosts = Driver(life_hosts_view(), (900, 2000))
    hosts.click("history-more")
    assert not hosts.has("history-rest")


def test_what_failed_or_was_cancelled_can_be_installed_again() -> None:
    driver = Driver(life_view())
    driver.activate("history-more")
    driver.activate("again:h1")
    driver.activate("again:h4")
    assert not driver.has("again:h2")
    assert not driver.has("again:h5")
    assert driver.take_intents() == [InstallRequested("smollm3:3b"), InstallRequested("granite3.3:8b")]


def test_with_several_hosts_a_row_says_on_which_and_repeats_it_there() -> None:
    driver = Driver(life_hosts_view())
    driver.activate("history-more")
    assert "on team" in [node.name for node in rows(driver)[0].children]
    driver.activate("again:h4")
    assert driver.take_intents() == [InstallRequested("granite3.3:8b", ["laptop"])]
