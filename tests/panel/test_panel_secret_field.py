"""A secret that is typed: dots on the screen, and in nothing that describes the panel or leaves it but the intent."""

from __future__ import annotations

import pygame

from ecs_localai.components.panel_intents import AddHostRequested
from tests.panel.host_samples import few_hosts_view
from tests.panel.panel_driver import Driver

CTRL = pygame.KMOD_CTRL
SECRET = "hunter2 never-shown"


def typed(secret: str) -> Driver:
    """A panel with the form for a new host, and a secret typed into it."""
    driver = Driver(few_hosts_view(), (900, 1000), reduced_motion=True)
    driver.activate("add-host")
    driver.fill("form:address", "gpu-box")
    driver.activate("form:login:Bearer")
    driver.fill("form:secret", secret)
    return driver


def handed_over(driver: Driver) -> str:
    """The secret in the one intent that came out."""
    (intent,) = driver.take_intents()
    assert isinstance(intent, AddHostRequested)
    assert intent.secret is not None
    return intent.secret.value


def test_a_secret_is_not_in_what_describes_the_panel() -> None:
    driver = typed(SECRET)
    scene = driver.panel.scene()
    assert SECRET not in scene.dump()
    assert not any(SECRET in text for node in scene.walk() for text in (node.name, node.value, node.shown))
    assert SECRET not in repr(driver.panel.scene())


def test_a_secret_does_not_reach_the_clipboard() -> None:
    driver = typed(SECRET)
    driver.clipboard.text = "before"
    driver.key(pygame.K_a, CTRL)
    driver.key(pygame.K_c, CTRL)
    assert driver.clipboard.text == "before"
    driver.key(pygame.K_x, CTRL)
    assert driver.clipboard.text == "before"
    driver.clipboard.text = "pasted"
    driver.key(pygame.K_v, CTRL)
    driver.key(pygame.K_RETURN)
    assert handed_over(driver) == "pasted"


def test_a_secret_looks_the_same_whatever_its_letters_are() -> None:
    pictures = []
    for secret in ("aaaa bbb", "WWWWWWWW"):
        driver = typed(secret)
        driver.key(pygame.K_LEFT, CTRL)
        pictures.append(pygame.image.tobytes(driver.surface, "RGB"))
    assert pictures[0] == pictures[1]


def test_an_input_method_shows_dots_too() -> None:
    driver = typed(SECRET)
    driver.compose("ni")
    first = pygame.image.tobytes(driver.surface, "RGB")
    driver.compose("mu")
    assert pygame.image.tobytes(driver.surface, "RGB") == first


def test_no_word_of_a_secret_is_selected_by_a_double_click() -> None:
    driver = typed(SECRET)
    at = driver.centre("form:secret")
    for _ in range(2):
        driver.press(*at)
        driver.release(*at)
    driver.type("x")
    driver.activate("form:submit")
    assert handed_over(driver) == "x"


def test_a_closed_form_leaves_nothing_of_a_secret_behind() -> None:
    driver = typed(SECRET)
    driver.key(pygame.K_ESCAPE)
    driver.activate("add-host")
    driver.activate("form:login:Bearer")
    driver.tab_to("form:secret")
    driver.key(pygame.K_z, CTRL)
    driver.fill("form:address", "gpu-box")
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == []
    assert "Type the token: it goes into the system’s keyring." in driver.texts()
