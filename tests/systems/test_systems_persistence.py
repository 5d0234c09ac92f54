"""What is kept across starts with a data folder, and that nothing is written without one."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from ecs_localai import (
    InstallationPhase,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    RefreshRequested,
    ToggleRequested,
)
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.systems.systems_parts import Driven, size_in_registry


def files_under(folder: Path) -> dict[Path, int]:
    """Every file with the moment of its last change."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_the_history_of_installations_is_kept(ollama_server: OllamaServer, registry: Registry, tmp_path: Path) -> None:
    name = registry.name_for("tiny:latest")
    try:
        with Driven(ollama_server.port, data_dir=tmp_path) as driven:
            driven.ask_for(name)
            driven.until_event(ModelInstallationCompleted)
            driven.ask_for("not a name")
            driven.until_event(ModelInstallationFailed)
            history = list(driven.manager.installation_history)
        assert [one.status.kind for one in history] == [InstallationPhase.COMPLETED, InstallationPhase.FAILED]
        assert history[0].duration > timedelta(0)
        assert history[0].total_bytes > 0
        with Driven(data_dir=tmp_path) as driven:
            assert list(driven.manager.installation_history) == history
            driven.update()
            assert driven.view.installations == []  # they are history, not what goes on
    finally:
        ollama_server.delete(name)


def test_how_often_a_model_was_used_is_kept(ollama_server: OllamaServer, tmp_path: Path) -> None:
    name = "tiny:latest"
    ollama_server.call("POST", "/api/generate", {"model": name, "keep_alive": 0, "stream": False})
    with Driven(ollama_server.port, data_dir=tmp_path) as driven:
        driven.connect()
        driven.until(lambda: name in driven.models.installed_models and name not in driven.models.loaded_models)
        ollama_server.call("POST", "/api/generate", {"model": name, "keep_alive": "1m", "stream": False})
        driven.write(RefreshRequested())
        driven.until(lambda: name in driven.models.loaded_models)
        first = driven.models.installed_models[name]
        assert first.usage_count == 1
    try:
        with Driven(ollama_server.port, data_dir=tmp_path) as driven:
            driven.connect()
            driven.until(lambda: name in driven.models.loaded_models)
            again = driven.models.installed_models[name]
            assert again.usage_count == 1, "a model that was loaded before we looked is not used once more"
            assert again.last_used == first.last_used
    finally:
        ollama_server.call("POST", "/api/generate", {"model": name, "keep_alive": 0, "stream": False})


def test_nothing_is_written_without_a_data_folder(ollama_server: OllamaServer, registry: Registry) -> None:
    """Not in HOME (the tests' own), where all of a person's folders are, and not where the program was started."""
    name = registry.name_for("tiny:latest")
    places = [Path(os.environ["HOME"]), Path.cwd() / "ecs_localai"]
    before = [files_under(place) for place in places]
    try:
        with Driven(ollama_server.port) as driven:
            driven.connect()
            driven.ask_for(name)
            driven.write(ToggleRequested("custom_providers", True))
            driven.until_event(ModelInstallationCompleted)
            driven.write(RefreshRequested())
            driven.until(lambda: name in driven.models.installed_models)
        with Driven() as driven:
            driven.update()
            assert not driven.features.feature_flags["custom_providers"].enabled
            assert list(driven.manager.installation_history) == []
        after = [files_under(place) for place in places]
        assert [{path for path in now if path.suffix != ".pyc"} for now in after] == [
            {path for path in then if path.suffix != ".pyc"} for then in before
        ]
    finally:
        ollama_server.delete(name)


def test_a_data_folder_that_cannot_be_used_is_a_notice_and_no_more(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    with Driven(closed_port(), data_dir=file / "data") as driven:
        driven.update()
        [notice] = driven.notices()
        assert str(file) in notice
        driven.write(ToggleRequested("custom_providers", True))
        driven.until(lambda: driven.features.feature_flags["custom_providers"].enabled)
    assert file.read_text() == "not a folder"


def test_what_a_registry_says_of_a_model_is_known_at_the_next_start(
    tmp_path: Path, ollama_server: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("tiny:latest")
    with Driven(ollama_server.port, data_dir=tmp_path) as driven:
        driven.connect()
        driven.ask_for(name)
        driven.until_event(ModelInstallationCompleted)
        driven.update()
        entries = dict(driven.models.model_registry.cache.entries)
        driven.until(lambda: driven.models.model_registry.capabilities_by_digest)
        capabilities = dict(driven.models.model_registry.capabilities_by_digest)
    ollama_server.delete(name)
    assert sum(layer.size for layer in entries[name].layers) == size_in_registry(registry, "tiny:latest")
    with Driven(data_dir=tmp_path) as driven:
        assert driven.models.model_registry.cache.entries == entries
        assert driven.models.model_registry.capabilities_by_digest.items() >= capabilities.items()
