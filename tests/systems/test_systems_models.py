"""The models of a real host: listed as it lists them, loaded and unloaded, made elsewhere, replaced and deleted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ecs_localai import (
    DeleteModelRequested,
    ImportModelRequested,
    InstalledModelsChanged,
    LoadedModelsChanged,
    ModelDeleted,
    ModelDeleteFailed,
    ModelInstallationCompleted,
    OllamaConnectionStatusChanged,
    RefreshRequested,
)
from ecs_localai.components.deleting import HostStorage
from ecs_localai.ollama import OllamaClient
from tests.rig.model_files import TINY_PARAMETERS, create_model, tiny_gpt2, upload_blob, write_gguf
from tests.rig.ollama_server import OllamaServer
from tests.rig.parts import PartMissing
from tests.rig.waiting import wait_until
from tests.systems.systems_parts import Driven, assert_clear


def load(server: OllamaServer, model: str, keep_alive: float | str = "5m") -> None:
    """Load a model as somebody else would, through a client of its own."""

    async def work() -> None:
        async with OllamaClient(server.base_url) as client:
            await client.load(model, keep_alive=keep_alive)

    asyncio.run(work())


def unload(server: OllamaServer, model: str) -> None:
    """Unload it again."""

    async def work() -> None:
        async with OllamaClient(server.base_url) as client:
            await client.unload(model)

    asyncio.run(work())


def listed(server: OllamaServer) -> dict[str, dict[str, object]]:
    """``/api/tags`` by name."""
    models = server.call("GET", "/api/tags").json()["models"]
    assert isinstance(models, list)
    return {str(model["name"]): model for model in models}


def test_installed_models_are_those_of_the_host(ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as driven:
        driven.connect()
        truth = listed(ollama_server)
        assert sorted(driven.models.installed_models) == sorted(truth)
        for name, model in driven.models.installed_models.items():
            details = truth[name]["details"]
            assert isinstance(details, dict)
            assert (model.size, model.digest) == (truth[name]["size"], truth[name]["digest"])
            assert (model.family, model.parameter_size) == (details["family"], details["parameter_size"])
            assert (model.usage_count, model.last_used) == (0, None)
            assert model.host == ollama_server.base_url
            assert not model.is_cloud
        smol = driven.models.installed_models["smollm2:135m"]
        assert (smol.version, smol.quantization) == ("135m", "Q4_1")
        shown = ollama_server.call("POST", "/api/show", {"model": "smollm2:135m"}).json()
        abilities = smol.capabilities
        assert abilities.capabilities == shown["capabilities"]
        assert (abilities.supports_streaming, abilities.supports_vision) == (True, False)
        assert (abilities.model_architecture, abilities.max_context_length) == ("llama", 8192)
        assert abilities.parameter_count is not None
        assert 134e6 < abilities.parameter_count < 135e6
        [change] = driven.events(InstalledModelsChanged)
        assert (change.added, change.removed) == (sorted(truth), [])


def test_the_panel_shows_size_quantisation_and_abilities(ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as driven:
        driven.connect()
        driven.until(lambda: driven.model_row("smollm2:135m"))
        row = driven.model_row("smollm2:135m")
        assert row is not None
        assert (row.quantization, row.size_text, row.status, row.busy) == ("Q4_1", "98 MB", "", "")
        assert row.subtitle == "llama · 134.52M parameters · 8,192 context"
        assert f"{len(driven.models.installed_models)} installed" in driven.view.summary


def test_abilities_are_asked_for_once(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    """A digest's abilities never change: later looks ask for the lists alone."""
    create_model(fresh_ollama, "small:latest", write_gguf(tmp_path / "small.gguf", 400_000))
    with Driven(fresh_ollama.port) as driven:
        driven.connect()
        for number in range(2, 5):
            driven.write(RefreshRequested())
            driven.until(lambda: fresh_ollama.log_text().count('"/api/tags"') >= number)  # noqa: B023 - called in the loop
        driven.until(lambda: [storage for _, storage in driven.app.world.query(HostStorage)])
    # It tells its abilities, and where its files lie, which is wanted when the models have changed.
    assert fresh_ollama.log_text().count('"/api/show"') == 1


def test_what_an_installation_was_told_of_its_model_is_not_asked_for_again(
    fresh_ollama: OllamaServer, tmp_path: Path
) -> None:
    file = write_gguf(tmp_path / "own.gguf", 400_000)
    with Driven(fresh_ollama.port, data_dir=tmp_path / "data") as driven:
        driven.until(lambda: driven.view.host.status_text == "Connected")
        driven.write(ImportModelRequested([str(file)], "mine"))
        done = driven.until_event(ModelInstallationCompleted)
        driven.until(lambda: "mine:latest" in driven.models.installed_models)
        driven.until(lambda: [storage for _, storage in driven.app.world.query(HostStorage)])
        assert done.model.capabilities.capabilities
        assert driven.models.installed_models["mine:latest"].capabilities == done.model.capabilities
    assert fresh_ollama.log_text().count('"/api/show"') == 1


def test_loading_and_unloading_are_seen_and_counted(ollama_server: OllamaServer) -> None:
    """Loaded by somebody else: seen without being told, shown, counted as a use; then unloaded by somebody else."""
    unload(ollama_server, "tiny:latest")
    with Driven(ollama_server.port) as driven:
        driven.connect()
        driven.until(lambda: not driven.models.loaded_models)
        load(ollama_server, "tiny:latest")
        seen = driven.until_event(LoadedModelsChanged)
        assert (seen.added, seen.removed) == (["tiny:latest"], [])
        model = driven.models.installed_models["tiny:latest"]
        assert model.usage_count == 1
        assert model.last_used is not None
        loaded = driven.models.loaded_models["tiny:latest"]
        assert loaded.size > 0
        assert not loaded.pinned
        assert loaded.expires_at is not None
        row = driven.view.models[0]
        assert row.name == "tiny:latest"
        assert row.status.startswith("Loaded · CPU · ")
        unload(ollama_server, "tiny:latest")
        wait_until(lambda: not ollama_server.call("GET", "/api/ps").json()["models"], poll=0.2)
        driven.write(RefreshRequested())
        gone = driven.until_event(LoadedModelsChanged, 2)
        assert (gone.added, gone.removed) == ([], ["tiny:latest"])
        assert driven.models.loaded_models == {}
        shown = driven.model_row("tiny:latest")
        assert shown is not None
        assert shown.status == ""
        assert driven.models.installed_models["tiny:latest"].usage_count == 1


def test_a_pinned_model_is_said_to_stay_loaded(fresh_ollama: OllamaServer) -> None:
    try:
        create_model(fresh_ollama, "tiny:latest", tiny_gpt2(), parameters=TINY_PARAMETERS)
    except PartMissing as missing:
        pytest.skip(str(missing))
    load(fresh_ollama, "tiny:latest", keep_alive=-1)
    with Driven(fresh_ollama.port) as driven:
        driven.until_event(LoadedModelsChanged)
        loaded = driven.models.loaded_models["tiny:latest"]
        assert (loaded.pinned, loaded.expires_at) == (True, None)
        assert driven.view.models[0].status == "Loaded · CPU · stays loaded"
        fresh_ollama.kill()
        driven.write(RefreshRequested())
        driven.until(lambda: len(driven.events(OllamaConnectionStatusChanged)) == 2)
        assert driven.models.loaded_models == {}
        assert driven.events(LoadedModelsChanged)[-1].removed == ["tiny:latest"]


def test_a_model_made_elsewhere_appears_and_is_deleted_on_request(ollama_server: OllamaServer) -> None:
    name = "copied-elsewhere:latest"
    try:
        with Driven(ollama_server.port) as driven:
            driven.connect()
            assert ollama_server.call("POST", "/api/copy", {"source": "tiny", "destination": name}).status == 200
            change = driven.until_event(InstalledModelsChanged, 2)
            assert (change.added, change.removed) == ([name], [])
            assert driven.model_row(name) is not None
            driven.clock_stands = True
            driven.write(DeleteModelRequested(name))
            driven.write(DeleteModelRequested(name))
            driven.update()
            row = driven.model_row(name)
            assert row is not None
            assert row.busy == "Deleting"
            deleted = driven.until_event(ModelDeleted)
            assert (deleted.model_name, deleted.freed_bytes) == (name, 0), "all its files are those of tiny, too"
            assert name not in ollama_server.model_names()
            change = driven.until_event(InstalledModelsChanged, 3)
            assert (change.added, change.removed) == ([], [name])
            assert driven.model_row(name) is None
            assert len(driven.events(ModelDeleted)) == 1
            assert driven.events(ModelDeleteFailed) == []
    finally:
        ollama_server.delete(name)


def test_deleting_a_model_that_is_not_there_says_so(ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as driven:
        driven.connect()
        driven.write(DeleteModelRequested("no-such-model:latest"))
        failed = driven.until_event(ModelDeleteFailed)
        assert failed.model_name == "no-such-model:latest"
        assert_clear(failed.error_message)
        assert any("There is no model no-such-model:latest" in text for text in driven.notices())
        assert driven.events(ModelDeleted) == []


def test_deleting_without_a_host_says_so() -> None:
    with Driven() as driven:
        driven.write(DeleteModelRequested("tiny:latest"))
        assert_clear(driven.until_event(ModelDeleteFailed).error_message)


def test_a_replaced_model_is_told_as_gone_and_come(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    create_model(fresh_ollama, "small:latest", write_gguf(tmp_path / "one.gguf", 400_000, seed=1))
    with Driven(fresh_ollama.port) as driven:
        driven.connect()
        first = driven.models.installed_models["small:latest"].digest
        create_model(fresh_ollama, "small:latest", write_gguf(tmp_path / "two.gguf", 450_000, seed=2))
        driven.write(RefreshRequested())
        change = driven.until_event(InstalledModelsChanged, 2)
        assert (change.added, change.removed) == (["small:latest"], ["small:latest"])
        assert driven.models.installed_models["small:latest"].digest != first


def test_a_model_whose_weights_are_gone_is_still_listed(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    """``/api/tags`` lists it and ``/api/show`` is a 404 (Ollama 0.9.3): its abilities are unknown."""
    file = write_gguf(tmp_path / "small.gguf", 400_000)
    create_model(fresh_ollama, "small:latest", file)
    digest = upload_blob(fresh_ollama, file).removeprefix("sha256:")
    (fresh_ollama.models_dir / "blobs" / f"sha256-{digest}").unlink()
    with Driven(fresh_ollama.port) as driven:
        driven.connect()
        abilities = driven.models.installed_models["small:latest"].capabilities
        assert (abilities.max_context_length, abilities.supports_vision) == (None, None)
        driven.write(DeleteModelRequested("small:latest"))
        driven.until_event(ModelDeleted)
        assert fresh_ollama.model_names() == []


def create_many(server: OllamaServer, folder: Path, count: int) -> None:
    """Makes models ``small-0`` and so on, no two alike."""
    for number in range(count):
        file = write_gguf(folder / f"{number}.gguf", 400_000, seed=number)
        create_model(server, f"small-{number}:latest", file)


def test_what_is_deleted_during_a_look_at_the_models_does_not_stay(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    """The look had seen the model before; another one follows at once."""
    create_many(fresh_ollama, tmp_path, 15)
    with Driven(fresh_ollama.port) as driven:
        driven.clock_stands = True
        driven.until(lambda: driven.view.host.status_text == "Connected")
        driven.write(DeleteModelRequested("small-0:latest"))
        driven.until_event(ModelDeleted)
        driven.until(lambda: len(driven.models.installed_models) == 14)
        assert "small-0:latest" not in driven.models.installed_models


def test_more_models_than_are_described_at_once_are_all_described(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    """A long list is shown before everything is known of it, and then completed without waiting for the next look."""
    create_many(fresh_ollama, tmp_path, 30)
    with Driven(fresh_ollama.port) as driven:
        driven.clock_stands = True
        driven.connect()
        assert len(driven.models.installed_models) == 30

        def all_described() -> bool:
            models = driven.models.installed_models.values()
            return all(model.capabilities.model_architecture == "gpt2" for model in models)

        driven.until(all_described)
