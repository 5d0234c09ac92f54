"""Deleting in the world: what it frees is said before, and told after."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecs_localai import DeleteModelRequested, ModelDeleted
from ecs_localai.components.deleting import HostStorage
from tests.rig.model_files import create_model, write_gguf
from tests.rig.ollama_server import OllamaServer
from tests.systems.systems_parts import Driven

pytestmark = pytest.mark.ollama


def _fill(server: OllamaServer, folder: Path) -> None:
    kin = write_gguf(folder / "kin.gguf", 600_000, seed=2)
    create_model(server, "kin:a", kin, system="You are a.")
    create_model(server, "kin:b", kin, system="You are b.")


def _freed_text(driven: Driven, name: str) -> str:
    row = driven.model_row(name)
    return "" if row is None else row.freed_text


def test_what_deleting_frees_follows_the_other_models(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    _fill(fresh_ollama, tmp_path)
    with Driven(fresh_ollama.port) as driven:
        driven.until(lambda: _freed_text(driven, "kin:a"))
        (_, storage), *_ = driven.app.world.query(HostStorage)
        shared = storage.freed_by_name["kin:a"]
        assert shared < 2000, "the weights stay, because the other one has them, too"
        driven.write(DeleteModelRequested("kin:b"))
        deleted = driven.until_event(ModelDeleted)
        assert (deleted.model_name, deleted.unknown_reason) == ("kin:b", "")
        assert deleted.freed_bytes is not None
        assert deleted.freed_bytes < 2000
        driven.until(lambda: _freed_text(driven, "kin:a") == "Frees 600 KB", describe=lambda: str(driven.view.models))
        driven.write(DeleteModelRequested("kin:a"))
        last = driven.until_event(ModelDeleted, 2)
        assert last.freed_bytes is not None
        assert last.freed_bytes > 600_000


def test_a_copy_frees_nothing(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    _fill(fresh_ollama, tmp_path)
    fresh_ollama.call("POST", "/api/copy", {"source": "kin:a", "destination": "kin:c"})
    with Driven(fresh_ollama.port) as driven:
        wanted = "Frees nothing, because other models share its files"
        driven.until(lambda: _freed_text(driven, "kin:c") == wanted)
