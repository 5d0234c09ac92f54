"""An import outlives its server, whenever that is killed; and what was made before is known again as what it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecs_localai import (
    InstallationPhase,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationProgress,
    WaitReason,
)
from ecs_localai.components.panel_intents import CreateModelRequested, ImportModelRequested
from ecs_localai.components.recipe import ModelRecipe
from tests.cli.cli_parts import Cli
from tests.rig.model_files import create_model, tiny_gpt2, write_gguf
from tests.rig.ollama_server import OllamaServer
from tests.rig.relay import Relay
from tests.rig.waiting import wait_until
from tests.systems.queue_parts import orphan_blobs
from tests.systems.systems_parts import Driven

pytestmark = pytest.mark.ollama

SIZE = 14_000_000
SECONDS = 0.8
"""What a slow line takes each way: so long a model is there and nobody has heard of it."""
PHASES = {
    "hashing": InstallationPhase.VERIFYING,
    "uploading": InstallationPhase.EXTRACTING,
    "asking": InstallationPhase.INSTALLING,
    "before success": InstallationPhase.INSTALLING,
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes a moment to read and to send."""
    return write_gguf(tmp_path_factory.mktemp("weights") / "weights.gguf", SIZE, seed=7)


@pytest.fixture
def relay(fresh_ollama: OllamaServer) -> Iterator[Relay]:
    """The line to the server."""
    with Relay("127.0.0.1", fresh_ollama.port) as made:
        yield made


def is_there(server: OllamaServer, name: str) -> bool:
    """Whether a model's manifest is whole on the server's disk."""
    file = server.models_dir / "manifests/registry.ollama.ai/library" / name / "latest"
    return file.exists() and file.read_bytes().endswith(b"\n")


def end(server: OllamaServer, relay: Relay, how: str) -> None:
    """The server ends, and with it all that is still on its way. The line is well, and leads nowhere."""
    (server.kill if how == "SIGKILL" else server.terminate)()
    relay.cut()
    relay.resume()


def reach(moment: str, driven: Driven, server: OllamaServer, relay: Relay) -> None:
    """Run frames until the only installation is so far."""
    if PHASES[moment] is InstallationPhase.INSTALLING:
        driven.until(lambda: driven.installations and driven.installations[0].status.kind is PHASES["uploading"])
        relay.delay(SECONDS)  # the last pieces of the file, and all that is said afterwards
    driven.until(lambda: bool(driven.installations) and driven.installations[0].status.kind is PHASES[moment])
    if moment == "before success":
        driven.until(lambda: is_there(server, "mine"))


@pytest.mark.parametrize("moment", PHASES)
@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
def test_an_import_outlives_its_server(
    how: str, moment: str, fresh_ollama: OllamaServer, relay: Relay, weights: Path
) -> None:
    with Driven(relay.port) as driven:
        driven.until(lambda: driven.view.host.status_text == "Connected")
        driven.write(ImportModelRequested([str(weights)], "mine"))
        reach(moment, driven, fresh_ollama, relay)
        end(fresh_ollama, relay, how)
        driven.until(lambda: driven.installation("mine:latest").waits_for is WaitReason.HOST)
        assert driven.events(ModelInstallationCompleted) == []
        assert is_there(fresh_ollama, "mine") is (moment == "before success")
        fresh_ollama.restart()
        assert driven.until_event(ModelInstallationCompleted).model.name == "mine:latest"
        assert driven.events(ModelInstallationFailed) == []
        numbers = [event.progress.bytes_downloaded for event in driven.events(ModelInstallationProgress)]
        assert numbers == sorted(numbers)
    assert fresh_ollama.model_names() == ["mine:latest"]
    assert orphan_blobs(fresh_ollama) == set()


def test_a_model_of_another_recipe_that_came_meanwhile_is_refused(
    fresh_ollama: OllamaServer, relay: Relay, weights: Path
) -> None:
    """Its name was free when the host was asked; what is there afterwards is somebody else's all the same."""
    with Driven(relay.port) as driven:
        driven.until(lambda: driven.view.host.status_text == "Connected")
        driven.write(ImportModelRequested([str(weights)], "mine"))
        reach("asking", driven, fresh_ollama, relay)
        end(fresh_ollama, relay, "SIGKILL")
        driven.until(lambda: driven.installation("mine:latest").waits_for is WaitReason.HOST)
        relay.stall()
        fresh_ollama.restart()
        create_model(fresh_ollama, "mine", tiny_gpt2())
        there = fresh_ollama.call("GET", "/api/tags").body
        relay.resume()
        failed = driven.until_event(ModelInstallationFailed)
        assert failed.error_message == (
            "There is a model mine:latest already; choose another name, or remove it first."
        )
        assert fresh_ollama.call("GET", "/api/tags").body == there


def test_a_model_made_of_another_one_outlives_its_server(fresh_ollama: OllamaServer, relay: Relay) -> None:
    create_model(fresh_ollama, "base", tiny_gpt2(), system="Old", parameters={"seed": 1})
    recipe = ModelRecipe(source="base", system="New", parameters={"temperature": 0.25, "stop": ["a", "b"], "seed": 2})
    with Driven(relay.port) as driven:
        driven.connect()
        relay.delay(SECONDS)
        driven.write(CreateModelRequested("mine", recipe))
        driven.until(lambda: is_there(fresh_ollama, "mine"))
        end(fresh_ollama, relay, "SIGKILL")
        driven.until(lambda: driven.installation("mine:latest").waits_for is WaitReason.HOST)
        fresh_ollama.restart()
        assert driven.until_event(ModelInstallationCompleted).model.name == "mine:latest"
        assert driven.events(ModelInstallationFailed) == []


def test_a_line_that_is_cut_while_the_server_goes_on_loses_nothing(
    fresh_ollama: OllamaServer, relay: Relay, weights: Path
) -> None:
    with Driven(relay.port) as driven:
        driven.until(lambda: driven.view.host.status_text == "Connected")
        driven.write(ImportModelRequested([str(weights)], "mine"))
        reach("before success", driven, fresh_ollama, relay)
        relay.cut()
        relay.resume()
        assert driven.until_event(ModelInstallationCompleted).model.name == "mine:latest"
        assert driven.events(ModelInstallationFailed) == []


@pytest.mark.parametrize("moment", ["uploading", "asking", "before success"])
def test_an_import_goes_on_in_the_next_program_when_one_was_killed(
    fresh_ollama: OllamaServer, relay: Relay, weights: Path, tmp_path: Path, moment: str
) -> None:
    """The file is not needed any more where the model is there: what it was is kept with the queue."""
    own = tmp_path / "own.gguf"
    own.write_bytes(weights.read_bytes())
    cli = Cli(tmp_path / "data")
    cli.data_dir.mkdir()
    kill_at(moment, cli, relay, fresh_ollama, "import", str(own), "--name", "mine")
    if moment == "before success":
        own.unlink()
    with Driven(relay.port, data_dir=cli.data_dir) as driven:
        assert driven.until_event(ModelInstallationCompleted).model.name == "mine:latest"
        assert driven.events(ModelInstallationFailed) == []
    assert fresh_ollama.model_names() == ["mine:latest"]


@pytest.mark.parametrize("moment", ["uploading", "before success"])
def test_the_same_command_goes_on_where_it_was_killed(
    fresh_ollama: OllamaServer, relay: Relay, weights: Path, tmp_path: Path, moment: str
) -> None:
    cli = Cli(tmp_path)
    arguments = ("import", str(weights), "--name", "mine")
    kill_at(moment, cli, relay, fresh_ollama, *arguments)
    (left,) = cli.run("queue", "--json").objects
    ended = cli.run(*arguments, "--json", "--host", f"127.0.0.1:{relay.port}")
    assert (ended.code, ended.err) == (0, "")
    assert (ended.objects[-1]["event"], ended.objects[-1]["installation_id"]) == (
        "ModelInstallationCompleted", left["installation_id"],
    )  # fmt: skip
    assert cli.run("queue", "--json").objects == []
    assert fresh_ollama.model_names() == ["mine:latest"]


def kill_at(moment: str, cli: Cli, relay: Relay, server: OllamaServer, *arguments: str) -> None:
    """Run a command that makes a model ``mine``, and kill it when it is so far."""
    with cli.start(*arguments, "--json", "--host", f"127.0.0.1:{relay.port}") as running:

        def has_told(phase: InstallationPhase) -> bool:
            assert running.process.poll() is None, running.out
            return any(phase in str(one.get("status")) for one in running.objects)

        wait_until(lambda: has_told(InstallationPhase.EXTRACTING), 40.0, lambda: f"{running.out}{running.err}")
        if moment != "uploading":
            relay.delay(SECONDS)
            wait_until(lambda: has_told(InstallationPhase.INSTALLING), 40.0, lambda: f"{running.out}{running.err}")
        if moment == "before success":
            wait_until(lambda: is_there(server, "mine"), 40.0)
        running.process.kill()
        running.process.wait()
    relay.cut()
    relay.resume()
