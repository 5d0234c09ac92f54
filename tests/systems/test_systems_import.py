"""Importing local files into a world's host: looked at in the background, named, queued, made; or told why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecs_localai import (
    InstallationStatus,
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationProgress,
    ModelInstallRequest,
    OllamaHosts,
)
from ecs_localai.components.installation import InstallationPhase
from ecs_localai.components.panel_intents import CancelRequested, CreateModelRequested, ImportModelRequested
from ecs_localai.components.recipe import ModelRecipe
from tests.cli.cli_parts import Cli
from tests.rig.model_files import create_model, smollm2, tiny_gpt2, write_gguf
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.waiting import wait_until
from tests.systems.creating_parts import copy_of, shards_of
from tests.systems.systems_parts import Driven, assert_clear, config_for

pytestmark = pytest.mark.ollama


def connect(driven: Driven) -> None:
    """Run frames until the host's models are known, also where it has none."""
    default = driven.app.world.resource(OllamaHosts).default
    assert default is not None
    driven.until(lambda: default.models.synced)


def requests(driven: Driven) -> list[ModelInstallRequest]:
    """What is asked for in the world."""
    return [request for _, request in driven.app.world.query(ModelInstallRequest)]


def test_a_file_that_is_dropped_becomes_a_model_with_a_name_of_its_own(fresh_ollama: OllamaServer) -> None:
    with Driven(fresh_ollama.port) as driven:
        connect(driven)
        for number, name in enumerate(["tiny-gpt2:latest", "tiny-gpt2-2:latest"], 1):
            driven.write(ImportModelRequested([str(tiny_gpt2())]))
            done = driven.until_event(ModelInstallationCompleted, number)
            assert done.model.name == name
        assert set(fresh_ollama.model_names()) == {"tiny-gpt2-2:latest", "tiny-gpt2:latest"}
        assert driven.notices() == []
        assert all(event.progress.rolled_back_bytes == 0 for event in driven.events(ModelInstallationProgress))
        phases = [event.status.kind for event in driven.events(ModelInstallationProgress)]
        assert InstallationPhase.EXTRACTING in phases or InstallationPhase.INSTALLING in phases
        record = driven.manager.installation_history[0]
        assert record.status == InstallationStatus.COMPLETED
        assert record.files == [str(tiny_gpt2())]


def test_two_files_of_one_name_that_are_dropped_at_once_get_names_of_their_own(
    fresh_ollama: OllamaServer, tmp_path: Path
) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        write_gguf(tmp_path / folder / "mine.gguf", 500_000, seed=ord(folder))
    with Driven(fresh_ollama.port) as driven:
        connect(driven)
        for folder in "ab":
            driven.write(ImportModelRequested([str(tmp_path / folder / "mine.gguf")]))
        driven.until_event(ModelInstallationCompleted, 2)
    assert set(fresh_ollama.model_names()) == {"mine:latest", "mine-2:latest"}


def test_one_part_of_a_split_model_is_enough(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    parts = shards_of(tiny_gpt2(), tmp_path, 3)
    with Driven(fresh_ollama.port) as driven:
        connect(driven)
        driven.write(ImportModelRequested([str(parts[2])], "My/Split:1"))
        assert driven.until_event(ModelInstallationCompleted).model.name == "My/Split:1"


def test_a_modelfile_that_is_dropped_is_made(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    copy_of(tiny_gpt2(), tmp_path, "weights.gguf")
    path = tmp_path / "Mario.modelfile"
    path.write_text('FROM ./weights.gguf\nSYSTEM """You are\nMario."""\nPARAMETER mirostat 1\n')
    with Driven(fresh_ollama.port) as driven:
        connect(driven)
        driven.write(ImportModelRequested([str(path)]))
        driven.until_event(ModelInstallationCompleted)
        (note,) = driven.notices()
        assert_clear(note)
        assert "mirostat" in note
    (name,) = fresh_ollama.model_names()
    assert fresh_ollama.call("POST", "/api/show", {"model": name}).json()["system"] == "You are\nMario."


def test_what_is_no_model_is_told_in_a_notice_and_nothing_is_begun(ollama_server: OllamaServer, tmp_path: Path) -> None:
    page = tmp_path / "model.gguf"
    page.write_text("<html>")
    modelfile = tmp_path / "Modelfile"
    modelfile.write_text("FROM ./nothing.gguf\n")
    wrong: dict[str, ImportModelRequested] = {
        "model.gguf is a web page": ImportModelRequested([str(page)]),
        "Line 1: there is no file": ImportModelRequested([str(modelfile)]),
        "No file is named": ImportModelRequested([]),
        "goes alone": ImportModelRequested([str(modelfile), str(tiny_gpt2())]),
        "has a space in it": ImportModelRequested([str(tiny_gpt2())], "a b"),
        "There is a model tiny:latest already": ImportModelRequested([str(tiny_gpt2())], "TINY"),
        "no host": ImportModelRequested([str(tiny_gpt2())], "x", "nowhere"),
    }
    with Driven(ollama_server.port) as driven:
        driven.connect()
        for words, request in wrong.items():
            former = driven.notices()
            driven.write(request)
            driven.until(lambda former=former: driven.notices() != former)  # type: ignore[misc]  # mypy can't infer it
            notice = driven.notices()[-1]
            assert words.lower() in notice.lower()
            assert_clear(notice)
        assert requests(driven) == []
        assert driven.installations == []


def test_another_model_s_settings_make_a_new_model(fresh_ollama: OllamaServer) -> None:
    create_model(fresh_ollama, "base:latest", tiny_gpt2())
    with Driven(fresh_ollama.port) as driven:
        connect(driven)
        driven.write(CreateModelRequested("base", ModelRecipe(source="base", system="New")))
        driven.until(lambda: bool(driven.notices()))
        assert driven.notices() == ["There is a model base:latest already; choose another name, or remove it first."]
        driven.write(CreateModelRequested("derived:1", ModelRecipe(source="base", system="New")))
        assert driven.until_event(ModelInstallationCompleted).model.name == "derived:1"
        driven.write(CreateModelRequested("base", ModelRecipe(source="base", system="Newer", replace=True)))
        driven.until_event(ModelInstallationCompleted, 2)
    shown = {
        name: fresh_ollama.call("POST", "/api/show", {"model": name}).json()["system"] for name in ("base", "derived:1")
    }
    assert shown == {"base": "Newer", "derived:1": "New"}


def test_a_failure_of_ollama_ends_the_installation_with_a_sentence(fresh_ollama: OllamaServer) -> None:
    with Driven(fresh_ollama.port) as driven:
        connect(driven)
        driven.write(CreateModelRequested("derived", ModelRecipe(source="nothing:1")))
        failed = driven.until_event(ModelInstallationFailed)
        assert failed.error_message == "nothing:1 is not installed on this host; install it first, then try again."
    assert fresh_ollama.model_names() == []


def test_an_import_is_cancelled_while_it_is_sent(fresh_ollama: OllamaServer) -> None:
    with Driven(fresh_ollama.port) as driven:
        connect(driven)
        driven.write(ImportModelRequested([str(smollm2())], "smol"))
        driven.until(lambda: bool(driven.installations) and driven.installations[0].status.is_running)
        driven.write(CancelRequested(driven.installations[0].installation_id))
        driven.until_event(ModelInstallationCancelled)
    assert fresh_ollama.model_names() == []


def test_an_import_on_another_host_is_asked_for_by_its_name(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer
) -> None:
    with Driven(ollama_server.port) as driven:
        hosts = driven.app.world.resource(OllamaHosts)
        hosts.add(config_for(fresh_ollama.port), "Second")
        driven.until(lambda: hosts.require("Second").models.synced)
        driven.write(ImportModelRequested([str(tiny_gpt2())], "tiny", "second"))
        assert driven.until_event(ModelInstallationCompleted).model.host == fresh_ollama.base_url
    assert fresh_ollama.model_names() == ["tiny:latest"]


def test_an_import_waits_in_the_queue_of_a_host_that_is_not_there(tmp_path: Path) -> None:
    with Driven(closed_port(), data_dir=tmp_path) as driven:
        driven.write(ImportModelRequested([str(tiny_gpt2())]))
        driven.until(lambda: bool(driven.installations))
        installation = driven.installations[0]
        assert installation.model_name == "tiny-gpt2:latest"
        assert installation.recipe == ModelRecipe(files=[str(tiny_gpt2())])


@pytest.mark.parametrize("phase", ["Verifying", "Extracting"])
def test_an_import_goes_on_in_the_next_program_when_one_was_killed(
    fresh_ollama: OllamaServer, tmp_path: Path, phase: str
) -> None:
    big = write_gguf(tmp_path / "big.gguf", 300_000_000)
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    cli = Cli(data_dir)
    with cli.start("import", str(big), "--name", "mine:1", "--json", "--host", fresh_ollama.host_port) as running:

        def reached() -> bool:
            assert running.process.poll() is None, running.out
            return any(phase in str(one.get("status")) for one in running.objects)

        wait_until(reached, 40.0, lambda: f"{phase} in {running.out}{running.err}")
        running.process.kill()
        running.process.wait()
    with Driven(fresh_ollama.port, data_dir=data_dir) as driven:
        done = driven.until_event(ModelInstallationCompleted)
        assert done.model.name == "mine:1"
    assert fresh_ollama.model_names() == ["mine:1"]
