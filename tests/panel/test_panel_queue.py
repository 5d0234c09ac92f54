"""The queue on the panel: its head, pausing, resuming, moving, files, what is fetched again."""

from __future__ import annotations

import pygame
import pytest

from ecs_localai.components.panel_intents import (
    CancelRequested,
    DownloadLimitChanged,
    MoveInstallationRequested,
    PauseRequested,
    ResumeRequested,
)
from ecs_localai.components.panel_view import InstallationRow
from ecs_localai.panel.scene import Role
from tests.panel.install_samples import installing_view, layers
from tests.panel.panel_driver import Driver


def driven(size: tuple[int, int] = (900, 2600)) -> Driver:
    """A panel with a queue, all of it unfolded, and nothing else above it."""
    view = installing_view()
    view.preflight, view.requirements = None, []
    driver = Driver(view, size, reduced_motion=True)
    driver.activate("show-all")
    return driver


def row(driver: Driver, installation_id: str) -> InstallationRow:
    """One row of the view."""
    return next(one for one in driver.view.installations if one.installation_id == installation_id)


# ---- the head


def test_the_head_says_how_the_queue_stands_and_pauses_and_resumes_all() -> None:
    driver = driven()
    assert "2 running, 4 waiting · 31 GB left" in [node.name for node in driver.node("queue").with_role(Role.STATUS)]
    driver.click("pause-all")
    driver.click("resume-all")
    assert driver.take_intents() == [PauseRequested(), ResumeRequested()]


def test_only_what_can_be_done_is_offered() -> None:
    driver = driven()
    driver.view.queue.can_resume_all = False
    driver.changed()
    assert driver.has("pause-all")
    assert not driver.has("resume-all")


def test_a_queue_too_short_has_no_head() -> None:
    driver = driven()
    driver.view.queue.summary = ""
    driver.changed()
    assert not driver.has("queue")
    assert driver.has("installation:i1")


def test_how_many_run_at_once_is_chosen() -> None:
    driver = driven()
    assert [driver.node(f"at-once:{limit}").value for limit in (1, 2, 3, 4)] == ["", "chosen", "", ""]
    driver.click("at-once:4")
    driver.tab_to("at-once:2")
    driver.key(pygame.K_RIGHT)
    assert driver.focused() == "at-once:3"
    assert driver.take_intents() == [DownloadLimitChanged(4), DownloadLimitChanged(3)]


# ---- a row


def test_an_installation_is_paused_and_resumed() -> None:
    driver = driven()
    assert driver.node("pause:i1").name == "Pause qwen3:8b"
    driver.click("pause:i1")
    assert driver.node("resume:i8").name == "Resume mistral:7b"
    driver.click("resume:i8")
    assert driver.take_intents() == [PauseRequested("i1"), ResumeRequested("i8")]


def test_the_second_click_of_a_double_click_on_pause_does_not_resume() -> None:
    driver = driven()
    at = driver.centre("pause:i1")
    driver.press(*at)
    driver.release(*at)
    one = row(driver, "i1")
    one.can_pause, one.can_resume = False, True
    driver.changed()
    assert driver.centre("resume:i1") == at
    driver.press(*at)
    driver.release(*at)
    assert driver.take_intents() == [PauseRequested("i1")]
    driver.run(0.5)
    driver.press(*at)
    driver.release(*at)
    assert driver.take_intents() == [ResumeRequested("i1")]


def test_a_row_that_can_be_paused_or_unfolded_later_moves_nothing_when_it_can() -> None:
    driver = driven()
    one = row(driver, "i4")
    one.can_pause = False
    driver.changed()
    before = [driver.node(node).rect for node in ("cancel:i4", "bar:i4")]
    one.can_pause, one.layers = True, layers()
    driver.changed()
    assert driver.has("pause:i4")
    assert driver.has("installation-more:i4")
    assert [driver.node(node).rect for node in ("cancel:i4", "bar:i4")] == before


def test_a_row_unfolds_the_files_by_its_button_and_by_a_click_on_it() -> None:
    driver = driven()
    assert "Weights" not in driver.texts()
    driver.click("installation-more:i1")
    block = driver.node("installation:i1")
    assert {text for one in layers() for text in (one.label, one.text)} <= {node.name for node in block.children}
    assert driver.node("installation-more:i1").name == "Show less of installing qwen3:8b"
    driver.run(0.5)
    name = next(node for node in block.children if node.name == "qwen3:8b")
    driver.press(*name.rect.center)
    driver.release(*name.rect.center)
    assert "Weights" not in driver.texts()


def test_a_row_without_files_or_a_place_to_move_to_is_not_unfolded() -> None:
    driver = driven()
    assert not driver.has("installation-more:i4")
    assert not driver.has("installation-more:i6")


def test_a_waiting_one_is_moved_up_and_down() -> None:
    driver = driven()
    driver.activate("installation-more:i5")
    driver.activate("earlier:i5")
    driver.activate("later:i5")
    assert driver.take_intents() == [MoveInstallationRequested("i5", -1), MoveInstallationRequested("i5", 1)]
    assert driver.node("earlier:i5").name == "Install gemma3:12b earlier"


def test_where_it_cannot_move_further_the_button_stays_and_keeps_the_focus() -> None:
    driver = driven()
    driver.activate("installation-more:i5")
    driver.activate("earlier:i5")
    row(driver, "i5").can_move_up = False
    driver.changed()
    assert not driver.node("earlier:i5").enabled
    assert driver.focused() == "earlier:i5"
    driver.key(pygame.K_SPACE)
    assert driver.take_intents() == [MoveInstallationRequested("i5", -1)]


def test_after_moving_the_next_click_of_a_double_click_moves_no_other() -> None:
    driver = driven()
    for one in ("i5", "i8"):
        driver.activate(f"installation-more:{one}")
    at = driver.centre("earlier:i5")
    driver.press(*at)
    driver.release(*at)
    rows = driver.view.installations
    here, there = rows.index(row(driver, "i5")), rows.index(row(driver, "i8"))
    rows[here], rows[there] = rows[there], rows[here]
    driver.changed()
    driver.press(*at)
    driver.release(*at)
    assert driver.take_intents() == [MoveInstallationRequested("i5", -1)]


def test_what_is_fetched_again_stands_apart_from_how_far_it_is() -> None:
    driver = driven()
    block = driver.node("installation:i2")
    again = next(node for node in block.children if node.name == "fetching 40 MB again")
    assert again.role is Role.STATUS
    bar = driver.node("bar:i2")
    assert bar.value == "99%"
    assert again.rect.top >= bar.rect.bottom


@pytest.mark.parametrize("width", [400, 480, 900])
def test_the_keyboard_reaches_a_rows_buttons_from_left_to_right(width: int) -> None:
    driver = driven((width, 2600))
    driver.activate("installation-more:i8")
    driver.tab_to("resume:i8")
    order = []
    for _ in range(4):
        driver.key(pygame.K_TAB)
        order.append(driver.focused())
    assert order == ["cancel:i8", "installation-more:i8", "earlier:i8", "later:i8"]


def test_cancelling_stays_a_button_of_its_own() -> None:
    driver = driven()
    driver.click("cancel:i8")
    assert driver.take_intents() == [CancelRequested("i8")]
