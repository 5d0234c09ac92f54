"""Models that are needed, on the panel: who waits, why, and the button that helps."""

from __future__ import annotations

import pytest

from ecs_localai.components.panel_intents import InstallRequiredRequested
from ecs_localai.components.panel_view import PanelView
from ecs_localai.panel.scene import Role
from tests.panel.install_samples import quiet_view, requirements
from tests.panel.panel_driver import Driver


def needing_view(count: int = 4) -> PanelView:
    """A view in which so many models are needed."""
    view = quiet_view()
    view.requirements = requirements()[:count]
    return view


def test_while_nobody_waits_nothing_is_said() -> None:
    driver = Driver(quiet_view())
    assert not driver.has("requirements")
    assert not driver.has("requirements-card")


def test_each_says_who_waits_for_what_and_why() -> None:
    driver = Driver(needing_view())
    texts = driver.texts()
    for row in driver.view.requirements:
        assert row.title in texts
        assert row.detail in texts
    rows = [node for node in driver.panel.scene().with_role(Role.LIST_ITEM) if node.id.startswith("requirement:")]
    assert [row.name for row in rows] == [row.title for row in driver.view.requirements]


def test_they_stand_above_everything_but_notices() -> None:
    driver = Driver(needing_view())
    assert driver.node("requirements").rect.y < driver.node("gauge-card:cpu").rect.y
    assert driver.node("requirements-card").rect.bottom <= driver.node("gauge-card:cpu").rect.y


def test_its_button_installs_what_is_needed() -> None:
    driver = Driver(needing_view())
    driver.click("require:4")
    driver.activate("require:7")
    driver.click("require-all")
    assert driver.take_intents() == [
        InstallRequiredRequested([4, 9]), InstallRequiredRequested([7]), InstallRequiredRequested(),
    ]  # fmt: skip
    assert not driver.has("require:5")
    assert not driver.has("require:6")


def test_with_one_to_install_there_is_no_button_for_all() -> None:
    driver = Driver(needing_view(3))
    assert driver.has("require:4")
    assert not driver.has("require-all")


def test_one_that_is_being_installed_says_how_far_it_is() -> None:
    driver = Driver(needing_view())
    bars = [node for node in driver.node("requirement:1").children if node.role is Role.PROGRESS_BAR]
    assert [bar.value for bar in bars] == ["31%"]
    driver.view.requirements[1].fraction = 0.5
    driver.changed()
    assert driver.node("requirement-bar:1").value == "50%"


@pytest.mark.parametrize("width", [400, 560, 900])
def test_a_long_reason_is_wrapped_and_not_cut(width: int) -> None:
    driver = Driver(needing_view(), (width, 900))
    assert not [node.name for node in driver.node("requirement:2").children if node.shown]
