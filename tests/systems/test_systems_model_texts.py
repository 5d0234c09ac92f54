"""What models say of themselves: read from a real Ollama when somebody wants to see it, and then known."""

from __future__ import annotations

from pathlib import Path

from ecs_localai import ModelDetailsRequested
from ecs_localai.components.model_text import ModelText, ModelTextView
from ecs_localai.systems.model_texts import MOST_KNOWN, ModelTexts
from ecs_localai.systems.view_model_texts import model_text_view
from tests.rig.model_files import TINY_PARAMETERS, create_model, tiny_gpt2, write_gguf
from tests.rig.ollama_server import OllamaServer
from tests.systems.systems_parts import Driven, assert_clear

NAME = "wordy:latest"


def make(server: OllamaServer) -> None:
    """A model that says a lot of itself."""
    create_model(
        server, NAME, tiny_gpt2(), parameters={**TINY_PARAMETERS, "stop": ["</s>"]}, system="You are\nkind.",
        template="{{ .System }}\n{{ .Prompt }}", license=["# MIT License\n\nCopyright", "Another one"],
    )  # fmt: skip


def ask(driven: Driven, name: str = NAME) -> str:
    """Ask for the words of a model; returns its digest."""
    row = driven.until(lambda: driven.model_row(name))
    assert row is not None
    driven.write(ModelDetailsRequested(name, row.digest))
    return row.digest


def told(driven: Driven, digest: str) -> ModelTextView:
    """What the panel says of it, once it does."""
    driven.until(lambda: digest in driven.view.model_texts)
    return driven.view.model_texts[digest]


def test_what_was_asked_for_is_read_shown_and_known(fresh_ollama: OllamaServer) -> None:
    make(fresh_ollama)
    with Driven(fresh_ollama.port) as driven:
        driven.connect()
        digest = ask(driven)
        assert len(digest) == 64
        view = told(driven, digest)
        assert view.text == ModelText(
            license="# MIT License\n\nCopyright\nAnother one",
            template="{{ .System }}\n{{ .Prompt }}",
            system="You are\nkind.",
            parameters={"num_ctx": 512, "num_gpu": 0, "num_predict": 64, "stop": ["</s>"]},
        )
        assert view.details == {
            "Licence": "MIT License",
            "System prompt": "You are kind.",
            "Template": "{{ .System }} {{ .Prompt }}",
            "Settings": "num_ctx 512 · num_gpu 0 · num_predict 64 · stop </s>",
        }
        texts = driven.app.world.resource(ModelTexts)
        ask(driven)
        driven.update()
        assert not texts.reading


def test_a_host_that_has_gone_is_said_and_asked_again_when_it_is_back(fresh_ollama: OllamaServer) -> None:
    make(fresh_ollama)
    with Driven(fresh_ollama.port) as driven:
        driven.connect()
        fresh_ollama.kill()
        digest = ask(driven)
        view = told(driven, digest)
        assert_clear(view.text.error)
        assert view.details["Licence"].startswith("Not known: ")
        driven.until(lambda: driven.view.host.status_text != "Connected")
        ask(driven)
        driven.until(lambda: "No host that has it" in driven.view.model_texts[digest].text.error)
        fresh_ollama.restart()
        driven.until(lambda: driven.view.host.status_text == "Connected")
        ask(driven)
        driven.until(lambda: driven.view.model_texts[digest].text.system)


def test_what_a_model_does_not_have_is_said_too(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    create_model(fresh_ollama, NAME, write_gguf(tmp_path / "a.gguf", 400_000))
    with Driven(fresh_ollama.port) as driven:
        driven.connect()
        digest = ask(driven)
        details = told(driven, digest).details
        assert details["Licence"] == "None is named"
        assert details["System prompt"] == "None"
        assert details["Settings"] == "Those of Ollama"


def test_only_so_many_are_known_and_those_asked_for_last() -> None:
    texts = ModelTexts()
    for number in range(MOST_KNOWN + 3):
        texts.keep(str(number), ModelText(system=str(number)))
    assert len(texts.known) == MOST_KNOWN
    assert "2" not in texts.known
    assert "3" in texts.known


def test_a_long_text_is_shown_in_part() -> None:
    view = model_text_view(ModelText(template="word " * 10_000, license="\n\n ***\n" + "Apache " * 200))
    details = view.details
    assert details["Template"].endswith("…")
    assert len(details["Template"]) < 400
    assert details["Licence"].startswith("Apache Apache")
