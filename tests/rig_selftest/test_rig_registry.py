"""The rig's registry is a real one: models go in by push and come out by pull, through the file server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.model_files import create_model, write_gguf
from tests.rig.ollama_server import OllamaServer
from tests.rig.plain_http import JsonObject
from tests.rig.registry import Registry

pytestmark = [pytest.mark.ollama, pytest.mark.registry]


def pull(server: OllamaServer, name: str) -> list[JsonObject]:
    return server.call("POST", "/api/pull", {"model": name, "insecure": True}).json_lines()


def test_a_pushed_model_can_be_pulled_through_the_file_server(registry: Registry, fresh_ollama: OllamaServer) -> None:
    name = registry.name_for("tiny:latest")
    assert name == f"localhost:{registry.port}/library/tiny:latest"
    lines = pull(fresh_ollama, name)
    assert lines[-1] == {"status": "success"}
    assert fresh_ollama.model_names() == [name]
    weights = registry.layer_digests("tiny:latest")["model"]
    blob = registry.blob_path(weights)
    assert any(blob.parent.name in request.path for request in registry.files.requests)
    assert registry.files.bytes_served >= blob.stat().st_size


def test_the_middle_model_is_about_12_megabytes(registry: Registry) -> None:
    blob = registry.blob_path(registry.layer_digests("middle:latest")["model"])
    assert abs(blob.stat().st_size - 12_000_000) < 5_000


def test_corrupted_bytes_end_in_a_digest_mismatch(registry: Registry, fresh_ollama: OllamaServer) -> None:
    registry.files.corrupt()
    assert "digest mismatch" in str(pull(fresh_ollama, registry.name_for("tiny:latest"))[-1]["error"])
    assert fresh_ollama.model_names() == []


def test_a_tag_that_is_not_there_is_an_error(registry: Registry, fresh_ollama: OllamaServer) -> None:
    assert "file does not exist" in str(pull(fresh_ollama, registry.name_for("nothing:latest"))[-1]["error"])


def test_tags_move_and_go_and_the_registry_comes_back(ollama_server: OllamaServer, tmp_path: Path) -> None:
    with Registry() as registry:
        for seed in (1, 2):
            create_model(ollama_server, "moving", write_gguf(tmp_path / "moving.gguf", 400_000, seed=seed))
            registry.push(ollama_server, "moving", "team/moving:v1")
            if seed == 1:
                before = registry.manifest("team/moving:v1")
        ollama_server.delete("moving")
        assert registry.manifest("team/moving:v1") != before
        registry.put_manifest("team/moving:old", before)
        assert registry.manifest("team/moving:old") == before
        registry.halt()
        with pytest.raises(ConnectionRefusedError):
            registry.call("GET", "/v2/")
        registry.start()
        registry.delete_tag("team/moving:v1")
        with pytest.raises(KeyError):
            registry.manifest("team/moving:v1")
        assert not [name for name in ollama_server.model_names() if "localhost" in name]


def test_a_file_that_the_registry_took_from_another_model_can_still_be_pushed(
    fresh_ollama: OllamaServer, tmp_path: Path
) -> None:
    """Ollama 0.9.3 itself never sends such a file again."""
    with Registry() as registry:
        create_model(fresh_ollama, "plain:1", write_gguf(tmp_path / "plain.gguf", 400_000, seed=3))
        registry.push(fresh_ollama, "plain:1", "plain:1")
        made = {"model": "made:1", "from": "plain:1", "system": "Be brief."}
        assert fresh_ollama.call("POST", "/api/create", made).json_lines()[-1] == {"status": "success"}
        registry.push(fresh_ollama, "made:1", "made:1")
        name = registry.push(fresh_ollama, "plain:1", "elsewhere:1")
        assert pull(fresh_ollama, name)[-1] == {"status": "success"}
