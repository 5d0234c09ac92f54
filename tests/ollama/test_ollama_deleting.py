"""What deleting a model frees: the files that no other model of the real server has, looked at before and after."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecs_localai.components.registry import RegistryEntry
from ecs_localai.ollama import OllamaClient, parse_model_name
from ecs_localai.ollama.deleting import delete_at, delete_model, freed_by_each, storage_of, would_free
from ecs_localai.ollama.errors import ModelNotFound
from ecs_localai.ollama.local_models import read_manifests
from ecs_localai.ollama.registry import entry_of
from tests.rig.model_files import TINY_PARAMETERS, create_model, tiny_gpt2, write_gguf
from tests.rig.ollama_server import OllamaServer

pytestmark = pytest.mark.ollama


def _fill(server: OllamaServer, folder: Path) -> None:
    """``alone`` has weights of its own, ``kin:a`` and ``kin:b`` share theirs and differ in their system prompts."""
    alone, kin = write_gguf(folder / "a.gguf", 500_000, seed=1), write_gguf(folder / "b.gguf", 600_000, seed=2)
    create_model(server, "alone:1", alone, parameters={"seed": 1})
    create_model(server, "kin:a", kin, system="You are a.")
    create_model(server, "kin:b", kin, system="You are b.")


def _blobs(server: OllamaServer) -> int:
    return sum(file.stat().st_size for file in (server.models_dir / "blobs").iterdir())


async def test_what_it_says_before_is_what_it_frees(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    _fill(fresh_ollama, tmp_path)
    async with OllamaClient(fresh_ollama.base_url) as client:
        for name in ("kin:a", "alone:1", "kin:b"):
            foretold = (await storage_of(client, {})).freed_by_name[name]
            before = _blobs(fresh_ollama)
            freed = await delete_model(client, name, {})
            assert freed.bytes == foretold == before - _blobs(fresh_ollama)
            assert freed.reason == ""
    assert _blobs(fresh_ollama) == 0


async def test_shared_weights_are_not_counted(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    _fill(fresh_ollama, tmp_path)
    async with OllamaClient(fresh_ollama.base_url) as client:
        freed = (await storage_of(client, {})).freed_by_name
        sizes = {entry.name: entry.size for entry in await client.tags()}
    assert freed["kin:a"] < 2000 < 600_000 < sizes["kin:a"]
    assert 490_000 < freed["alone:1"] <= sizes["alone:1"]


async def test_a_copy_frees_nothing(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    _fill(fresh_ollama, tmp_path)
    async with OllamaClient(fresh_ollama.base_url) as client:
        await client.copy("alone:1", "alone:2")
        assert (await storage_of(client, {})).freed_by_name["alone:1"] == 0
        assert (await delete_model(client, "alone:1", {})).bytes == 0
        assert ((await delete_model(client, "ALONE:2", {})).bytes or 0) > 490_000


async def test_what_several_would_free_together_counts_what_only_they_share(
    fresh_ollama: OllamaServer, tmp_path: Path
) -> None:
    _fill(fresh_ollama, tmp_path)
    async with OllamaClient(fresh_ollama.base_url) as client:
        foretold = await would_free(client, ["kin:a", "KIN:b", "nothing:1"], {})
        before = _blobs(fresh_ollama)
        for name in ("kin:a", "kin:b"):
            await delete_model(client, name, {})
        assert foretold == before - _blobs(fresh_ollama) > 590_000


async def test_a_model_that_is_not_there(fresh_ollama: OllamaServer) -> None:
    async with OllamaClient(fresh_ollama.base_url) as client:
        with pytest.raises(ModelNotFound):
            await delete_model(client, "nothing:1", {})


async def test_a_loaded_model_is_unloaded_first(fresh_ollama: OllamaServer) -> None:
    """It would stay in memory until it expires, and its file on the disk (0.9.3)."""
    create_model(fresh_ollama, "tiny:latest", tiny_gpt2(), parameters=TINY_PARAMETERS)
    async with OllamaClient(fresh_ollama.base_url) as client:
        await client.load("tiny:latest", -1)
        freed = await delete_model(client, "tiny:latest", {})
        assert (freed.bytes or 0) > 800_000
        unloaded = [line for line in fresh_ollama.log_text().splitlines() if '"/api/generate"' in line]
        assert len(unloaded) == 2, "one to load it, one to unload it"


async def test_layers_that_nobody_shares_are_counted_once() -> None:
    assert freed_by_each({"a": {"x": 5, "y": 7}, "b": {"y": 7}, "c": {"z": 1}}) == {"a": 5, "b": 0, "c": 1}


async def test_a_host_whose_files_are_elsewhere_is_asked_which_are_gone(
    fresh_ollama: OllamaServer, tmp_path: Path
) -> None:
    """As far as it is known what its models consist of, as it is of those that were installed by us."""
    _fill(fresh_ollama, tmp_path)
    manifests = read_manifests(fresh_ollama.models_dir)
    async with OllamaClient(fresh_ollama.base_url) as client:
        known: dict[str, RegistryEntry] = {}
        for entry in await client.tags():
            name = parse_model_name(entry.name)
            known[entry.digest] = entry_of(name, manifests[name.key])
        unknown = await delete_at(client, None, "kin:a", {})
        assert unknown.bytes is None
        assert unknown.reason.endswith(".")
        before = _blobs(fresh_ollama)
        freed = await delete_at(client, None, "kin:b", known)
        assert freed.bytes == before - _blobs(fresh_ollama) > 590_000
