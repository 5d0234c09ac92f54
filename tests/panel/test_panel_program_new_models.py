"""The panel on a real host: another model is made of one with other words and settings, and files are dropped."""

from __future__ import annotations

from pathlib import Path

import pygame

from tests.panel.test_panel_program_models import Program
from tests.rig.model_files import TINY_PARAMETERS, create_model, tiny_gpt2, write_gguf
from tests.rig.ollama_server import OllamaServer

NAME = "base:latest"
TEMPLATE = "{{ .System }}\n{{ .Prompt }}"


def make_base(server: OllamaServer) -> None:
    """A model with words and settings of its own."""
    create_model(
        server, NAME, tiny_gpt2(), parameters={**TINY_PARAMETERS, "stop": ["</s>"]}, system="You are stern.",
        template=TEMPLATE, license=["MIT License"],
    )  # fmt: skip


def shown(server: OllamaServer, name: str) -> dict[str, object]:
    """What the host says of a model."""
    return server.call("POST", "/api/show", {"model": name}).json()


def test_a_new_model_is_made_with_what_was_typed(fresh_ollama: OllamaServer) -> None:
    make_base(fresh_ollama)
    with Program(fresh_ollama.port) as program:
        driver = program.driver
        program.connect()
        program.until(lambda: program.model_row(NAME))
        program.update()
        program.press(f"model-more:{NAME}")
        program.until(lambda: "MIT License" in driver.texts())
        program.press(f"edit-model:{NAME}")
        assert driver.node("model-form:name").value == "my-base"
        assert driver.node("model-form:system").value == "You are stern."
        assert driver.node("model-form:settings").value == "num_ctx 512\nnum_gpu 0\nnum_predict 64\nstop </s>"
        driver.fill("model-form:system", "You are kind.\nYou are brief.")
        driver.fill("model-form:settings", "num_ctx 256\nnum_gpu 0\nnum_predict 64\ntemperature 0.1")
        program.press("model-form:submit")
        program.until(lambda: program.model_row("my-base:latest"))
        program.until(lambda: not driver.has("model-form:name"))
        assert not program.notices()
    made = shown(fresh_ollama, "my-base")
    assert made["system"] == "You are kind.\nYou are brief."
    assert made["template"] == TEMPLATE
    assert "0.1" in str(made["parameters"])
    assert "256" in str(made["parameters"])
    assert "stop" not in str(made["parameters"])
    assert shown(fresh_ollama, NAME)["system"] == "You are stern."


def test_a_template_that_ollama_refuses_is_said_in_the_form_and_can_be_corrected(fresh_ollama: OllamaServer) -> None:
    make_base(fresh_ollama)
    with Program(fresh_ollama.port) as program:
        driver = program.driver
        program.connect()
        program.until(lambda: program.model_row(NAME))
        program.update()
        program.press(f"model-more:{NAME}")
        program.until(lambda: "MIT License" in driver.texts())
        program.press(f"edit-model:{NAME}")
        program.press("model-form:more")
        driver.fill("model-form:template", "{{ .Prompt")
        program.press("model-form:submit")
        form = driver.panel._state.model_form
        assert form is not None
        program.until(lambda: form.error)
        assert driver.node("model-form:template").value == "{{ .Prompt"
        driver.fill("model-form:template", "{{ .Prompt }}!")
        program.press("model-form:submit")
        program.until(lambda: program.model_row("my-base:latest"))
        program.until(lambda: not driver.has("model-form:name"))
    assert shown(fresh_ollama, "my-base")["template"] == "{{ .Prompt }}!"


def test_a_dropped_gguf_and_a_dropped_recipe_become_models(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    make_base(fresh_ollama)
    file, recipe = write_gguf(tmp_path / "Dropped.gguf", 400_000, seed=5), tmp_path / "recipe.txt"
    recipe.write_text(f"# of the other one\nFROM {NAME}\nSYSTEM You are new.\n")
    with Program(fresh_ollama.port) as program:
        program.connect()
        for path in (file, recipe):
            before = set(fresh_ollama.model_names())
            for kind, parts in (
                (pygame.DROPBEGIN, {}), (pygame.DROPFILE, {"file": str(path)}), (pygame.DROPCOMPLETE, {}),
            ):  # fmt: skip
                program.driver.panel.handle_event(pygame.event.Event(kind, parts))
            program.hand_on()
            program.until(lambda: set(fresh_ollama.model_names()) - before)  # noqa: B023 - called in this round
            (made,) = set(fresh_ollama.model_names()) - before
            program.until(lambda: program.model_row(made))  # noqa: B023 - called in this round
        assert shown(fresh_ollama, made)["system"] == "You are new."
        assert not program.notices()
