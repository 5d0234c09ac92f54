"""Models with several hosts: where each is, bringing it to others, deleting it from one, installing here or there."""

from __future__ import annotations

import pygame

from ecs_localai.components.panel_intents import DeleteModelRequested, InstallRequested, PreflightRequested
from ecs_localai.components.panel_view import Tone
from tests.panel.host_samples import few_hosts_view, many_hosts_view, single_view
from tests.panel.panel_driver import Driver


def row_texts(driver: Driver, name: str) -> list[str]:
    """All that can be read in a model's row."""
    return [node.name for node in driver.node(f"model:{name}").children]


def install(driver: Driver, name: str) -> None:
    """Type a name into the install field and confirm it."""
    driver.tab_to("install")
    driver.type(name)
    driver.key(pygame.K_RETURN)


def test_each_model_says_where_it_is_and_what_is_older_in_words() -> None:
    driver = Driver(few_hosts_view())
    assert "On all 4 hosts" in row_texts(driver, "llama3.2:1b")
    texts = row_texts(driver, "qwen3:8b")
    assert [text for text in texts if text in ("On", "here", "team", "older on attic", "not on laptop")] == [
        "On", "here", "team", "older on attic", "not on laptop",
    ]  # fmt: skip


def test_many_hosts_are_counted() -> None:
    texts = row_texts(Driver(many_hosts_view()), "qwen3:8b")
    assert "not on node-21, node-22, node-23 and 27 more" in texts
    rest = next(text for text in texts if text.startswith("node-") and "," in text)
    assert rest.endswith("node-20")


def test_with_one_host_nothing_of_this_is_there() -> None:
    driver = Driver(single_view())
    assert not driver.has("models-difference")
    assert not driver.has("install-places")
    driver.activate("delete:qwen3:8b")
    driver.activate("confirm:qwen3:8b")
    install(driver, "phi4")
    assert driver.take_intents() == [DeleteModelRequested("qwen3:8b"), PreflightRequested("phi4")]


def test_deleting_asks_from_which_host() -> None:
    driver = Driver(few_hosts_view())
    driver.activate("delete:qwen3:8b")
    assert driver.focused() == "keep:qwen3:8b"
    assert "Delete qwen3:8b from which host?" in driver.texts()
    driver.activate("confirm:qwen3:8b:team")
    assert driver.take_intents() == [DeleteModelRequested("qwen3:8b", "team")]
    assert driver.focused() == "delete:qwen3:8b"
    driver.key(pygame.K_SPACE)
    driver.activate("confirm:qwen3:8b")
    assert driver.take_intents() == [DeleteModelRequested("qwen3:8b", host) for host in ("here", "team", "attic")]


def test_a_model_on_one_of_several_hosts_is_deleted_there() -> None:
    driver = Driver(few_hosts_view())
    name = driver.view.models[2].name
    driver.activate(f"delete:{name}")
    driver.activate(f"confirm:{name}")
    assert driver.take_intents() == [DeleteModelRequested(name, "team")]


def test_a_missing_model_is_installed_on_one_host_or_all() -> None:
    driver = Driver(few_hosts_view())
    driver.activate("install-missing:qwen3:8b")
    assert driver.focused() == "leave:qwen3:8b"
    driver.activate("install-here:qwen3:8b:laptop")
    driver.activate("install-missing:qwen3:8b")
    driver.activate("install-all:qwen3:8b")
    assert driver.take_intents() == [
        InstallRequested("qwen3:8b", ["laptop"]),
        InstallRequested("qwen3:8b", ["laptop", "attic"]),
    ]


def test_with_one_host_to_install_on_there_is_no_question() -> None:
    view = few_hosts_view()
    row = view.models[1]
    row.installable_on, row.install_label = ["laptop"], "Install on laptop"
    driver = Driver(view)
    driver.activate("install-missing:qwen3:8b")
    assert driver.take_intents() == [InstallRequested("qwen3:8b", ["laptop"])]


def test_the_differences_are_told_and_settled_after_a_question() -> None:
    driver = Driver(few_hosts_view())
    difference = driver.view.difference
    assert difference is not None
    assert difference.text in driver.texts()
    driver.activate("difference-install")
    assert difference.question in driver.texts()
    assert driver.focused() == "difference-leave"
    assert driver.take_intents() == []
    driver.activate("difference-confirm")
    assert driver.take_intents() == [InstallRequested(name, [*hosts]) for name, hosts in difference.installs]


def test_the_install_field_asks_for_where_one_chose() -> None:
    driver = Driver(few_hosts_view())
    assert driver.node("install-on:").value == "chosen"
    install(driver, "phi4")
    driver.activate("install-on:team")
    install(driver, "phi4")
    driver.activate("install-on:*")
    install(driver, "phi4")
    assert driver.take_intents() == [
        PreflightRequested("phi4"),
        PreflightRequested("phi4", ["team"]),
        PreflightRequested("phi4", ["here", "laptop", "team", "attic"]),
    ]


def test_a_chosen_host_that_goes_is_chosen_no_more() -> None:
    driver = Driver(few_hosts_view())
    driver.activate("install-on:attic")
    del driver.view.hosts[3]
    driver.changed()
    assert driver.node("install-on:").value == "chosen"
    install(driver, "phi4")
    assert driver.take_intents() == [PreflightRequested("phi4")]


def test_of_many_hosts_to_install_on_the_chosen_one_stays_in_sight() -> None:
    driver = Driver(many_hosts_view(), reduced_motion=True)
    assert not driver.has("install-on:node-40")
    driver.activate("install-on-more")
    driver.activate("install-on:node-40")
    driver.activate("install-on-more")
    assert driver.node("install-on:node-40").value == "chosen"
    assert not driver.has("install-on:node-30")


def test_an_installation_says_on_which_host_it_is() -> None:
    driver = Driver(few_hosts_view())
    assert "on team" in [node.name for node in driver.node("installation:i1").children]


def test_a_long_host_name_is_shortened_and_not_drawn_over() -> None:
    view = few_hosts_view()
    row = view.models[2]
    row.places[0].text = "a-host-with-a-name-that-nobody-would-want-to-type-" * 3
    row.places[0].tone = Tone.WARN
    driver = Driver(view, (480, 800))
    nodes = driver.node(f"model:{row.name}").children
    badge = next(node for node in nodes if node.name == row.places[0].text)
    assert "…" in badge.shown
    assert not any(badge.rect.colliderect(node.rect) for node in nodes if node is not badge)
