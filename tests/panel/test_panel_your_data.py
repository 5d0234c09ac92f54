"""The card of the data folder: where it lies, settings out of and into a file, and forgetting, with real events."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pygame
import pytest

from ecs_localai.components.forgetting import Forgettable
from ecs_localai.components.panel_intents import (
    ExportSettingsRequested,
    ForgetRequested,
    ImportSettingsAnswered,
    ImportSettingsRequested,
)
from ecs_localai.components.panel_view import DataView, PanelView, Tone
from ecs_localai.panel.scene import Role
from tests.panel.panel_driver import Driver
from tests.panel.panel_samples import connected_view, damaged_data, dropped_file
from tests.panel.test_panel_scene import LOOKS, SIZES, leaves

FOLDER = "/home/ada/.local/share/ecs-localai"
CHOICES = [f"forget:{what.value}" for what in Forgettable]


def view_with(data: DataView) -> PanelView:
    """Everything on the page, and this in the last card."""
    view = connected_view()
    view.data = data
    return view


def at_the_end(data: DataView | None = None, size: tuple[int, int] = (900, 1000)) -> Driver:
    """A panel whose page is scrolled to its end."""
    driver = Driver(view_with(DataView(FOLDER) if data is None else data), size, reduced_motion=True)
    driver.key(pygame.K_END)
    return driver


def drop(driver: Driver, path: str) -> bool:
    """A file is dropped on the window."""
    handled = driver.panel.handle_event(pygame.event.Event(pygame.DROPFILE, file=path))
    driver.paint()
    return handled


def show(driver: Driver, data: DataView) -> None:
    """The systems have come further."""
    driver.view.data = data
    driver.changed()


def test_the_folder_is_shown_and_its_path_can_be_copied() -> None:
    driver = at_the_end()
    assert FOLDER in driver.texts()
    driver.click("copy-folder")
    assert driver.clipboard.text == FOLDER
    assert driver.node("copy-folder").name == "Copied: path of the data folder"
    assert driver.take_intents() == []
    driver.click("import-settings")
    assert driver.node("copy-folder").name == "Copy: path of the data folder"


def test_a_long_path_is_shortened_in_its_middle_and_copied_in_full() -> None:
    long = "/srv/" + "a-long-name/" * 20 + "ecs-localai"
    driver = at_the_end(DataView(long))
    path = next(node for node in driver.panel.scene().walk() if node.name == long)
    assert path.shown.startswith("/srv/")
    assert path.shown.endswith("ecs-localai")
    assert "…" in path.shown
    driver.click("copy-folder")
    assert driver.clipboard.text == long


def test_a_guest_without_a_folder_reads_that_nothing_is_kept() -> None:
    driver = at_the_end(DataView())
    assert "Nothing is kept: this program was given no data folder." in driver.texts()
    assert not driver.has("copy-folder")
    assert driver.node("forget").enabled


def test_a_sentence_about_the_file_stands_below_the_folder_until_it_is_gone() -> None:
    driver = at_the_end()
    notice = "The folder cannot be written, so nothing is kept in this run."
    show(driver, DataView(FOLDER, notice=notice))
    assert notice in driver.texts()
    show(driver, DataView(FOLDER))
    assert notice not in driver.texts()


def test_export_asks_the_systems_and_says_where_the_file_lies() -> None:
    driver = at_the_end()
    driver.click("export-settings")
    assert driver.take_intents() == [ExportSettingsRequested()]
    show(driver, DataView(FOLDER, exchange_text="Writing the settings…"))
    assert driver.focused() == "export-settings"
    done = "The settings are in /home/ada/Documents/ecs-localai-settings-2026-11-23.json. Secrets are not in it."
    show(driver, DataView(FOLDER, exchange_text=done, exchange_tone=Tone.OK))
    assert any(node.role is Role.STATUS and node.name == done for node in driver.panel.scene().walk())


def test_import_says_that_a_file_is_to_be_dropped() -> None:
    driver = at_the_end()
    driver.click("import-settings")
    assert driver.take_intents() == []
    assert any(text.startswith("Drop a settings file onto this window") for text in driver.texts())
    driver.click("export-settings")
    assert not any(text.startswith("Drop a settings file") for text in driver.texts())


def test_a_dropped_file_is_read_wherever_the_page_is_and_the_answer_is_in_sight() -> None:
    driver = Driver(view_with(DataView(FOLDER)), reduced_motion=True)
    driver.tab_to("install")
    assert drop(driver, "/tmp/mine.json")
    assert driver.take_intents() == [ImportSettingsRequested("/tmp/mine.json")]
    driver.run(0.5)
    assert driver.node("import-settings").visible
    show(driver, DataView(FOLDER, question=dropped_file()))
    driver.run(0.5)
    assert driver.focused() == "import-leave"
    assert driver.node("import-agree").visible
    for line in (*dropped_file().changes, *dropped_file().notes):
        assert line in driver.texts()


@pytest.mark.parametrize(("answer", "agreed"), [("import-leave", False), ("import-agree", True)])
@pytest.mark.parametrize("by_keyboard", [False, True])
def test_the_question_about_a_file_is_answered(answer: str, agreed: bool, by_keyboard: bool) -> None:
    driver = at_the_end()
    show(driver, DataView(FOLDER, question=dropped_file()))
    driver.run(0.5)
    (driver.activate if by_keyboard else driver.click)(answer)
    assert driver.take_intents() == [ImportSettingsAnswered(agreed)]
    show(driver, DataView(FOLDER, exchange_text="Nothing was imported."))
    assert driver.focused() == "import-settings"
    assert not driver.has("import-leave")


def test_escape_leaves_the_settings_as_they_are() -> None:
    driver = at_the_end()
    show(driver, DataView(FOLDER, question=dropped_file()))
    driver.key(pygame.K_ESCAPE)
    assert driver.take_intents() == [ImportSettingsAnswered(agreed=False)]


def test_the_same_question_does_not_take_the_focus_again() -> None:
    driver = at_the_end()
    data = DataView(FOLDER, question=dropped_file())
    show(driver, data)
    driver.tab_to("theme:dark")
    show(driver, replace(data, notice="The folder cannot be written."))
    assert driver.focused() == "theme:dark"


@pytest.mark.parametrize("what", list(Forgettable))
@pytest.mark.parametrize("by_keyboard", [False, True])
def test_forgetting_is_asked_about_in_place(what: Forgettable, by_keyboard: bool) -> None:
    driver = at_the_end()
    (driver.activate if by_keyboard else driver.click)("forget")
    assert driver.take_intents() == []
    driver.run(0.5)
    assert driver.focused() == "forget-keep"
    assert all(driver.node(node_id).visible for node_id in ("forget-keep", *CHOICES))
    (driver.activate if by_keyboard else driver.click)(f"forget:{what.value}")
    assert driver.take_intents() == [ForgetRequested(what)]
    assert not any(driver.has(choice) for choice in CHOICES)
    assert driver.focused() == "forget"


@pytest.mark.parametrize("size", [(900, 1000), (480, 700)])
def test_the_second_click_of_a_double_click_forgets_nothing_wherever_it_lands(size: tuple[int, int]) -> None:
    driver = at_the_end(size=size)
    driver.click("forget")
    for choice in CHOICES:
        driver.click(choice)
    assert driver.take_intents() == []
    driver.run(0.5)
    driver.click(CHOICES[0])
    assert driver.take_intents() == [ForgetRequested(Forgettable.HISTORY_AND_USAGE)]


def test_escape_keeps_everything() -> None:
    driver = at_the_end()
    driver.activate("forget")
    driver.key(pygame.K_ESCAPE)
    assert driver.take_intents() == []
    assert driver.focused() == "forget"


def test_how_forgetting_goes_is_said_where_it_was_asked_for() -> None:
    driver = at_the_end()
    for text in ("Forgetting everything…", "Everything is forgotten, and no byte of it is left in the data folder."):
        show(driver, DataView(FOLDER, forget_text=text))
        assert any(node.role is Role.STATUS and node.name == text for node in driver.panel.scene().walk())


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"scale{look[0]}-font{look[1]}")
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}wide")
def test_nothing_overlaps_or_leaves_its_place(size: tuple[int, int], look: tuple[float, float]) -> None:
    driver = Driver(view_with(damaged_data()), size, scale=look[0], font_scale=look[1], reduced_motion=True)
    driver.activate("forget")
    root = driver.panel.scene()
    assert driver.has("forget-keep")
    ours = {"data-folder", "data-notice", "settings-file", "forget-row"}
    found = [(node, block) for node, block in leaves(root) if block.id in ours]
    assert {block.id for _, block in found} == ours
    for node, block in found:
        assert block.rect.contains(node.rect), f"{node.name!r} {node.rect} leaves {block.id} {block.rect}"
        assert root.rect.left <= node.rect.left < node.rect.right <= root.rect.right, node.name
    for (first, _), (second, _) in combinations(found, 2):
        overlap = first.rect.clip(second.rect)
        assert not overlap.width * overlap.height, f"{first.name!r} and {second.name!r} overlap"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_was_painted_bit_by_bit_is_what_is_painted_at_once(theme: str) -> None:
    driver = Driver(view_with(DataView(FOLDER)), theme=theme, reduced_motion=True)
    driver.key(pygame.K_END)
    driver.activate("forget")
    driver.key(pygame.K_ESCAPE)
    driver.activate("copy-folder")
    show(driver, damaged_data())
    drop(driver, "/tmp/other.json")
    show(driver, DataView(FOLDER, exchange_text="other.json cannot be read.", exchange_tone=Tone.DANGER))
    driver.run(0.3)
    painted = pygame.surfarray.array3d(driver.surface)
    assert (painted == pygame.surfarray.array3d(driver.panel.snapshot())).all()
