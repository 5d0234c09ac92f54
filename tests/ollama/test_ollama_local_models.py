"""The models folder of a real Ollama of this machine, and the manifests in it."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from psutil._ntuples import snicaddr

from ecs_localai.ollama import OllamaClient, parse_model_name
from ecs_localai.ollama.local_models import blob_file, manifest_file, models_folder, read_manifests
from tests.rig.ollama_server import OllamaServer
from tests.rig.ports import free_port


@contextmanager
def _chosen(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("OLLAMA_MODELS", str(folder))
        yield


@pytest.mark.ollama
async def test_the_folder_of_a_server_with_models(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        assert await models_folder(client) == ollama_server.models_dir


@pytest.mark.ollama
async def test_the_folder_of_a_server_without_models(fresh_ollama: OllamaServer) -> None:
    async with OllamaClient(fresh_ollama.base_url) as client:
        assert await models_folder(client) == fresh_ollama.models_dir


@pytest.mark.ollama
async def test_another_servers_folder_is_not_taken_for_this_ones(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _chosen(monkeypatch, ollama_server.models_dir):
        async with OllamaClient(fresh_ollama.base_url) as client:
            assert await models_folder(client) == fresh_ollama.models_dir


@pytest.mark.ollama
async def test_the_folder_of_a_server_that_is_asked_by_this_machines_other_address() -> None:
    outside = [one.address for all_of_it in psutil.net_if_addrs().values() for one in all_of_it if _is_outside(one)]
    if not outside:
        pytest.skip("this machine has no address but the loopback's")
    port = free_port()
    with OllamaServer(env={"OLLAMA_HOST": f"0.0.0.0:{port}"}, port=port) as server:
        async with OllamaClient(f"http://{outside[0]}:{port}") as client:
            assert await models_folder(client) == server.models_dir


def _is_outside(one: snicaddr) -> bool:
    return one.family is socket.AF_INET and not one.address.startswith("127.")


@pytest.mark.ollama
async def test_the_manifests_say_what_the_server_lists(ollama_server: OllamaServer) -> None:
    manifests = read_manifests(ollama_server.models_dir)
    async with OllamaClient(ollama_server.base_url) as client:
        entries = await client.tags()
        for entry in entries:
            manifest = manifests[parse_model_name(entry.name).key]
            assert manifest.digest == entry.digest
            assert manifest.total_size == entry.size
            for digest, size in manifest.expected_layers.items():
                assert blob_file(ollama_server.models_dir, digest).stat().st_size == size
    assert len(manifests) == len(entries)


@pytest.mark.ollama
def test_what_is_no_manifest_is_left_out(ollama_server: OllamaServer, tmp_path: Path) -> None:
    shutil.copytree(ollama_server.models_dir / "manifests", tmp_path / "manifests")
    there = read_manifests(tmp_path)
    broken = manifest_file(tmp_path, parse_model_name("broken:1"))
    broken.parent.mkdir(parents=True)
    broken.write_text("{", encoding="utf-8")
    manifest_file(tmp_path, parse_model_name("empty:1")).parent.mkdir(parents=True)
    (tmp_path / "manifests" / "a file").write_text("no folder", encoding="utf-8")
    assert read_manifests(tmp_path) == there
    assert read_manifests(tmp_path / "nothing") == {}
