"""The panel on a real host and a real registry: what installing would mean, the queue, a model that is needed."""

from __future__ import annotations

import pygame

from ecs_localai.components.preflight import DEFAULT_CONTEXT
from ecs_localai.components.requirements import RequiresModel
from tests.panel.test_panel_program_models import Program
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry


def connect(program: Program) -> None:
    """Run frames until the host is connected; it has no models."""
    program.until(lambda: program.view.host.status_text == "Connected")


def ask(program: Program, text: str) -> None:
    """Type names and press Enter, and wait for the card."""
    driver = program.driver
    driver.fill("install", text)
    driver.key(pygame.K_RETURN)
    program.hand_on()
    program.until(lambda: driver.has("preflight-install") and driver.node("preflight-install").enabled)


def test_a_name_is_looked_at_and_installed_with_a_second_enter(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("tiny:latest")
    with Program(fresh_ollama.port) as program:
        driver = program.driver
        connect(program)
        ask(program, name)
        assert fresh_ollama.model_names() == []
        card = program.view.preflight
        assert card is not None
        assert [row.problem for row in card.rows] == [""]
        assert card.rows[0].download_text in driver.texts()
        assert driver.focused() == "install"
        driver.key(pygame.K_RETURN)
        program.hand_on()
        program.until(lambda: program.model_row(name))
        assert not driver.has("preflight-card")
        assert driver.node("install").value == ""


def test_another_context_has_another_sum(fresh_ollama: OllamaServer, registry: Registry) -> None:
    with Program(fresh_ollama.port) as program:
        driver = program.driver
        connect(program)
        ask(program, registry.name_for("smollm2:135m"))
        card = program.view.preflight
        assert card is not None
        assert card.context_length == DEFAULT_CONTEXT
        before, other = card.rows[0].fit_text, card.contexts[-1]
        program.press(f"preflight-context:{other}")
        program.until(lambda: driver.node(f"preflight-context:{other}").value and driver.has("preflight-fit:0"))
        after = program.view.preflight
        assert after is not None
        assert after.rows[0].fit_text != before
        driver.key(pygame.K_ESCAPE)
        program.hand_on()
        program.until(lambda: program.view.preflight is None)


def test_of_two_names_the_one_that_there_is_is_installed(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name, missing = registry.name_for("tiny:latest"), registry.name_for("no-such-model:latest")
    with Program(fresh_ollama.port) as program:
        connect(program)
        ask(program, f"{missing}, {name}")
        card = program.view.preflight
        assert card is not None
        assert [bool(row.problem) for row in card.rows] == [True, False]
        assert card.rows[0].problem in program.driver.texts()
        program.press("preflight-install")
        program.until(lambda: program.model_row(name))
        assert fresh_ollama.model_names() == [name]


def test_what_is_no_name_is_refused_in_the_field(fresh_ollama: OllamaServer) -> None:
    with Program(fresh_ollama.port) as program:
        connect(program)
        program.driver.fill("install", "a/b/c/d:1")
        program.driver.key(pygame.K_RETURN)
        program.hand_on()
        error = program.until(lambda: program.view.install_error)
        assert error in program.driver.texts()
        assert program.driver.node("install").value == "a/b/c/d:1"
        assert not program.driver.has("preflight-card")


def test_an_installation_is_paused_and_resumed_by_its_row(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("middle:latest")
    registry.files.throttle(2e6)
    with Program(fresh_ollama.port) as program:
        driver = program.driver
        connect(program)
        ask(program, name)
        driver.key(pygame.K_RETURN)
        program.hand_on()
        program.until(lambda: bool(program.view.installations) and (program.view.installations[0].fraction or 0) > 0)
        one = program.view.installations[0].installation_id
        program.press(f"pause:{one}")
        program.until(lambda: driver.has(f"resume:{one}"))
        program.until(lambda: registry.files.open_transfers == 0)
        registry.files.clear()
        program.press(f"resume:{one}")
        program.until(lambda: program.model_row(name))


def test_a_model_that_is_needed_is_installed_from_its_row(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("tiny:latest")
    with Program(fresh_ollama.port) as program:
        connect(program)
        program.app.world.spawn(RequiresModel(name, who="The innkeeper"))
        rows = program.until(lambda: [row for row in program.view.requirements if row.can_install])
        assert rows[0].title in program.driver.texts()
        program.press(f"require:{rows[0].entities[0]}")
        program.until(lambda: program.model_row(name))
        program.until(lambda: not program.driver.has("requirements"))
