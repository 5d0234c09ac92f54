"""Files dropped on the panel: models, settings, and what has to be looked at first."""

from __future__ import annotations

import pygame
import pytest

from ecs_localai.components.panel_intents import FilesDropped, ImportModelRequested, ImportSettingsRequested
from tests.panel.host_samples import few_hosts_view, single_view
from tests.panel.panel_driver import Driver


def drop(driver: Driver, *paths: str, told: bool = True) -> list[object]:
    """Drop files as SDL tells it, or, not ``told`` of beginning and end, each alone; returns what comes of it."""
    kinds: list[tuple[int, dict[str, object]]] = [(pygame.DROPFILE, {"file": path}) for path in paths]
    if told:
        kinds = [(pygame.DROPBEGIN, {}), *kinds, (pygame.DROPCOMPLETE, {})]
    for kind, parts in kinds:
        assert driver.panel.handle_event(pygame.event.Event(kind, parts))
    driver.paint()
    return driver.take_intents()


@pytest.mark.parametrize("name", ["Model.gguf", "model-00001-of-00003.GGUF", "Modelfile", "modelfile", "my.Modelfile"])
def test_one_file_of_a_model_is_imported(name: str) -> None:
    driver = Driver(single_view(), reduced_motion=True)
    assert drop(driver, f"/models/{name}") == [ImportModelRequested([f"/models/{name}"])]


def test_several_gguf_files_make_up_one_model() -> None:
    driver = Driver(single_view(), reduced_motion=True)
    paths = ["/models/a-00001-of-00002.gguf", "/models/a-00002-of-00002.gguf"]
    assert drop(driver, *paths) == [ImportModelRequested(paths)]


def test_a_settings_file_is_one_as_before() -> None:
    driver = Driver(single_view(), reduced_motion=True)
    assert drop(driver, "/home/ada/settings.json") == [ImportSettingsRequested("/home/ada/settings.json")]


@pytest.mark.parametrize(
    "paths", [("/home/ada/notes.txt",), ("/m/a.gguf", "/m/settings.json"), ("/m/Modelfile", "/m/a.gguf"), ("/m",)]
)
def test_what_names_do_not_tell_is_handed_on_to_be_looked_at(paths: tuple[str, ...]) -> None:
    driver = Driver(single_view(), reduced_motion=True)
    assert drop(driver, *paths) == [FilesDropped([*paths])]


def test_a_host_program_may_hand_on_the_files_alone() -> None:
    driver = Driver(single_view(), reduced_motion=True)
    assert drop(driver, "/m/a.gguf", told=False) == [ImportModelRequested(["/m/a.gguf"])]


def test_the_end_of_a_drop_of_no_file_is_nothing() -> None:
    driver = Driver(single_view(), reduced_motion=True)
    assert drop(driver) == []


def test_a_model_goes_to_the_hosts_that_are_chosen_to_install_on() -> None:
    driver = Driver(few_hosts_view(), (900, 1600), reduced_motion=True)
    driver.activate("install-on:team")
    driver.take_intents()
    assert drop(driver, "/m/a.gguf") == [ImportModelRequested(["/m/a.gguf"], "", "team")]
    assert drop(driver, "/m/unknown") == [FilesDropped(["/m/unknown"], ["team"])]
