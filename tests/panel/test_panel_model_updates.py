"""Newer versions of installed models: what the list says of them, and updating one or all."""

from __future__ import annotations

import pygame
import pytest

from ecs_localai.components.panel_intents import CheckUpdatesRequested, UpdateModelsRequested
from ecs_localai.components.panel_view import Tone
from ecs_localai.panel.scene import Role
from tests.panel.panel_driver import Driver
from tests.panel.word_samples import words_view

LLAMA, QWEN = "llama3.2:1b", "qwen3:8b"
LONG_NAME = "hf.co/bartowski/Meta-Llama-3.1-70B-Instruct-abliterated-GGUF:Q4_K_M"


def panel(*, hosts: bool = False, size: tuple[int, int] = (900, 1700)) -> Driver:
    """A panel with two outdated models and one that may be."""
    return Driver(words_view(hosts=hosts), size, reduced_motion=True)


@pytest.mark.parametrize("width", [480, 900])
def test_a_row_says_in_words_that_there_is_a_newer_version(width: int) -> None:
    driver = panel(size=(width, 1700))
    names = [node.name for node in driver.node(f"model:{LLAMA}").children]
    assert "Update available" in names
    assert "Possibly outdated" in [node.name for node in driver.node(f"model:{LONG_NAME}").children]


def test_what_is_known_is_said_and_can_be_looked_at_anew() -> None:
    driver = panel()
    status = [node.name for node in driver.panel.scene().with_role(Role.STATUS)]
    assert "2 updates · checked 5 min ago" in status
    driver.activate("check-updates")
    assert driver.take_intents() == [CheckUpdatesRequested()]
    driver.view.updates_running = True
    driver.changed()
    node = driver.node("check-updates")
    assert (node.enabled, node.name) == (False, "Checking for updates")
    assert driver.focused() == "check-updates"


def test_one_model_is_updated_from_its_unfolded_row() -> None:
    driver = panel()
    driver.activate(f"model-more:{QWEN}")
    driver.take_intents()
    driver.activate(f"update:{QWEN}")
    assert driver.take_intents() == [UpdateModelsRequested([QWEN], driver.view.hosts[0].base_url)]


def test_with_several_hosts_it_is_asked_where() -> None:
    driver = panel(hosts=True)
    driver.activate(f"model-more:{LLAMA}")
    driver.take_intents()
    driver.activate(f"update:{LLAMA}")
    assert driver.focused() == f"leave:{LLAMA}"
    driver.activate(f"update-here:{LLAMA}:team")
    assert driver.take_intents() == [UpdateModelsRequested([LLAMA], "team")]
    driver.activate(f"update:{LLAMA}")
    driver.activate(f"update-all:{LLAMA}")
    assert {intent.host for intent in driver.take_intents() if isinstance(intent, UpdateModelsRequested)} == set(
        driver.view.models[0].hosts
    )


@pytest.mark.parametrize("size", [(900, 1700), (480, 1700)])
def test_all_are_updated_once_it_was_agreed_to_what_they_are(size: tuple[int, int]) -> None:
    driver = panel(size=size)
    driver.activate("update-all")
    assert driver.focused() == "update-all-leave"
    (question,) = [
        node.name for node in driver.panel.scene().with_role(Role.ALERT) if node.name.startswith("Update these")
    ]
    assert LLAMA in question
    assert QWEN in question
    assert LONG_NAME not in question  # that it is outdated is not sure
    driver.activate("update-all-confirm")
    url = driver.view.hosts[0].base_url
    assert driver.take_intents() == [UpdateModelsRequested([], url)]
    assert driver.focused() == "update-all"


@pytest.mark.parametrize("by", ["escape", "leave"])
def test_nothing_is_updated_where_that_was_declined(by: str) -> None:
    driver = panel()
    driver.activate("update-all")
    if by == "escape":
        driver.key(pygame.K_ESCAPE)
    else:
        driver.activate("update-all-leave")
    assert driver.take_intents() == []
    assert driver.focused() == "update-all"


@pytest.mark.parametrize("size", [(900, 1700), (480, 1700)])
def test_a_double_click_updates_nothing(size: tuple[int, int]) -> None:
    driver = panel(size=size)
    at = driver.centre("update-all")
    driver.move(*at)
    for _ in range(2):
        driver.press(*at)
        driver.release(*at)
        driver.now += 0.1
    assert driver.take_intents() == []


def test_what_is_installed_on_several_hosts_is_updated_host_by_host() -> None:
    driver = panel(hosts=True)
    driver.activate("update-all")
    driver.activate("update-all-confirm")
    hosts = [one.host for one in driver.take_intents() if isinstance(one, UpdateModelsRequested)]
    assert len(hosts) > 1
    assert len(hosts) == len(set(hosts))
    assert set(hosts) == {url for row in driver.view.models[:2] for url in row.update_on}


def test_without_anything_to_update_there_is_no_such_button() -> None:
    view = words_view()
    view.can_update_all, view.updates_text = False, ""
    driver = Driver(view, (900, 1700), reduced_motion=True)
    assert driver.has("check-updates")
    assert not driver.has("update-all")


def test_the_question_before_deleting_says_what_it_frees_and_claims_nothing_else() -> None:
    driver = panel()
    driver.click(f"delete:{LLAMA}")
    assert "Delete? Frees 1.1 GB" in driver.texts()
    driver.key(pygame.K_ESCAPE)
    driver.view.models[0].freed_text = ""
    driver.changed()
    driver.click(f"delete:{LLAMA}")
    assert "Delete?" in driver.texts()


def test_in_a_small_window_what_it_frees_stands_below_the_name() -> None:
    driver = panel(size=(480, 1900))
    driver.click(f"delete:{LLAMA}")
    assert "Frees 1.1 GB" in driver.texts()


def test_with_several_hosts_the_question_before_deleting_says_it_too() -> None:
    driver = panel(hosts=True)
    driver.click(f"delete:{LLAMA}")
    assert f"Delete {LLAMA} from which host? Frees 1.1 GB." in driver.texts()


def test_a_busy_row_cannot_be_updated() -> None:
    driver = panel()
    driver.activate(f"model-more:{QWEN}")
    driver.view.models[1].busy = "Loading"
    driver.view.models[1].tone = Tone.NEUTRAL
    driver.changed()
    assert not driver.node(f"update:{QWEN}").enabled
