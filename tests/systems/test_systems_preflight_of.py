"""A preflight without a world: what stands in the way, as a real registry and a real Ollama tell it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from ecs_localai.components.preflight import Fit
from ecs_localai.components.registry import ModelRegistryCache, RegistryEntry
from ecs_localai.ollama.client import OllamaClient
from ecs_localai.ollama.errors import PullFailed, PullFailure
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.ollama.pull import PullProgress
from ecs_localai.ollama.registry import fetch_manifest
from ecs_localai.systems.machine_memory import FreeMemory
from ecs_localai.systems.models_room import room_for_models, taken_already
from ecs_localai.systems.preflight import preflight_of
from tests.rig.model_files import create_model, tiny_gpt2
from tests.rig.odd_servers import OddServer, closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.plain_http import JsonObject
from tests.rig.registry import MANIFEST_TYPE, Registry
from tests.systems.systems_parts import assert_clear

pytestmark = pytest.mark.registry
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"


def put_blob(registry: Registry, content: bytes) -> JsonObject:
    """Uploads a file to ``library/made`` as `docker push` does; returns it as a manifest names it."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    begun = registry.call("POST", "/v2/library/made/blobs/uploads/")
    assert begun.status == 202, begun
    path = begun.headers["location"]
    path = path[path.index("/v2/") :]
    done = registry.call("PUT", f"{path}&digest={digest}", content)
    assert done.status == 201, done
    return {"mediaType": CONFIG_TYPE, "digest": digest, "size": len(content)}


def put_model(registry: Registry, tag: str, config: JsonObject, layers: list[JsonObject]) -> str:
    """A model whose configuration says this; returns its full name."""
    manifest: JsonObject = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": put_blob(registry, json.dumps(config).encode()),
        "layers": list(layers),
    }
    registry.put_manifest(f"made:{tag}", manifest)
    return registry.name_for(f"made:{tag}")


async def test_a_model_that_needs_a_newer_ollama(ollama_server: OllamaServer, registry: Registry) -> None:
    weights = put_blob(registry, b"GGUF and so on") | {"mediaType": "application/vnd.ollama.image.model"}
    name = parse_model_name(put_model(registry, "newer", {"model_family": "next", "requires": "99.1.0"}, [weights]))
    async with OllamaClient(ollama_server.base_url) as client:
        found = await preflight_of(client, name)
    assert_clear(found.problem)
    assert "99.1.0" in (found.problem or "")
    assert found.need.cache is None
    assert found.need.reason
    assert found.verdict.fit is Fit.UNKNOWN


async def test_a_model_that_runs_in_the_cloud(ollama_server: OllamaServer, registry: Registry) -> None:
    config: JsonObject = {"remote_host": "https://ollama.com:443", "remote_model": "big:1t", "context_length": 131072}
    name = parse_model_name(put_model(registry, "cloud", config, []))
    async with OllamaClient(ollama_server.base_url) as client:
        found = await preflight_of(client, name)
    assert found.problem is None
    assert any("cloud" in note for note in found.notes)
    assert (found.need.total, found.verdict.fit) == (0, Fit.FITS)
    assert found.max_context_length == 131072
    assert found.total_bytes is not None
    assert found.total_bytes < 1000


async def test_what_is_free_is_judged_only_where_the_host_runs(ollama_server: OllamaServer, registry: Registry) -> None:
    name = parse_model_name(registry.name_for("smollm2:135m"))
    async with OllamaClient(ollama_server.base_url) as client:
        small = await preflight_of(client, name, 8192, FreeMemory(ram=200_000_000))
        with_room = await preflight_of(client, name, 8192, FreeMemory(ram=200_000_000), unloadable=300_000_000)
        large = await preflight_of(client, name, 8192, FreeMemory(ram=64 * 10**9, vram=24 * 10**9))
    assert [one.verdict.fit for one in (small, with_room, large)] == [Fit.WONT_RUN, Fit.TIGHT, Fit.FITS]
    assert "of 200 MB free" in small.verdict.text
    assert large.verdict.vram_free == 24 * 10**9


async def test_the_disk_of_another_computer_is_not_ours_to_see() -> None:
    async with OllamaClient("http://192.0.2.1:11434") as client:  # an address that is nobody's (RFC 5737)
        room = await room_for_models(client)
    assert room.free is None
    assert_clear(room.reason)


async def test_a_host_of_our_own_shows_its_disk(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        room = await room_for_models(client)
    assert room.free is not None
    assert room.reason == ""
    assert room.folder == str(ollama_server.models_dir)
    async with OllamaClient(f"http://127.0.0.1:{closed_port()}") as client:
        room = await room_for_models(client)
    assert room.free is None
    assert_clear(room.reason)


async def test_what_has_arrived_of_a_file_takes_no_room_once_more(
    fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = parse_model_name(registry.name_for("middle:latest"))
    manifest = await fetch_manifest(name, insecure=True)
    weights = max(manifest.layers, key=lambda layer: layer.size)
    sizes = {weights.digest: weights.size}
    assert taken_already(fresh_ollama.models_dir, sizes) == 0
    registry.files.throttle(4e6)
    arrived = asyncio.Event()

    def enough(progress: PullProgress) -> None:
        if progress.bytes_downloaded > 3_000_000:
            arrived.set()

    async with OllamaClient(fresh_ollama.base_url) as client:
        pulling = asyncio.ensure_future(client.pull(name, insecure=True, on_progress=enough))
        await asyncio.wait_for(arrived.wait(), 60)
        pulling.cancel()
        await asyncio.wait({pulling})
        taken = taken_already(fresh_ollama.models_dir, sizes)
        assert 1_000_000 < taken < weights.size, "the holes of the file were counted"
        found = await preflight_of(client, name)
    assert found.download_bytes is not None
    assert found.download_bytes >= weights.size


async def test_the_files_of_another_spelling_are_the_same_model(fresh_ollama: OllamaServer, registry: Registry) -> None:
    """Ollama before 0.19 writes a manifest anew, so that the digest that it lists is another one."""
    name = parse_model_name(registry.name_for("tiny:latest"))
    manifest = registry.manifest("tiny:latest")
    registry.put_manifest("tiny:respelled", json.dumps(manifest, indent=4).encode())
    respelled = parse_model_name(registry.name_for("tiny:respelled"))
    async with OllamaClient(fresh_ollama.base_url) as client:
        await client.pull(respelled, insecure=True)
        await client.pull(name, insecure=True)
        found = await preflight_of(client, respelled)
        assert found.is_current
        assert found.download_bytes == 0
        assert_clear(found.replaces)
    registry.delete_tag("tiny:respelled")


async def test_a_registry_is_asked_once_for_what_it_said(ollama_server: OllamaServer, registry: Registry) -> None:
    name, cache = parse_model_name(registry.name_for("tiny:latest")), ModelRegistryCache()
    kept: list[RegistryEntry] = []
    async with OllamaClient(ollama_server.base_url) as client:
        await preflight_of(client, name, cache=cache, remember=kept.append)
        registry.files.reset_counts()
        asked = registry.log_text().count("/manifests/latest")
        await preflight_of(client, name, cache=cache, remember=kept.append)
        assert registry.log_text().count("/manifests/latest") == asked
        assert registry.files.requests == []
        (entry,) = kept
        assert entry.facts is not None
        cache.entries[name.short] = RegistryEntry(name.short, entry.digest, entry.layers, entry.fetched_at)
        again = await preflight_of(client, name, cache=cache)  # somebody else has kept it without its facts
        assert again.family == "gpt2"
        assert registry.files.requests == []
        cache.lifetime = timedelta(0)
        await preflight_of(client, name, cache=cache, remember=kept.append)
        assert registry.log_text().count("/manifests/latest") > asked
        asked_for = {one.method for one in registry.files.requests}
        assert asked_for == {"HEAD"}, "whether the files are there is asked, and they are the same"


async def test_what_is_remembered_of_a_registry_makes_nothing_current(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer
) -> None:
    with Registry() as registry:
        name, cache = parse_model_name(registry.push(ollama_server, "tiny:latest", "moving:1")), ModelRegistryCache()
        async with OllamaClient(fresh_ollama.base_url) as client:
            await client.pull(name, insecure=True)
            first = await preflight_of(client, name, cache=cache)
            assert (first.is_current, first.was_current, first.is_remembered) == (True, False, False)
            assert first.replaces.endswith(" and is exactly what the registry has now.")
            create_model(ollama_server, "other:1", tiny_gpt2(), template="{{ .Prompt }} of another kind")
            registry.push(ollama_server, "other:1", "moving:1")
            ollama_server.delete("other:1")
            second = await preflight_of(client, name, cache=cache)
            assert (second.is_current, second.was_current, second.is_remembered) == (False, True, True)
            assert second.replaces.endswith(" and is exactly what the registry had a moment ago.")
            cache.lifetime = timedelta(0)
            third = await preflight_of(client, name, cache=cache)
            assert (third.is_current, third.was_current, third.is_remembered) == (False, False, False)
            assert third.replaces.startswith("It replaces the version of ")
            assert third.total_bytes != first.total_bytes
            registry.halt()
            fourth = await preflight_of(client, name, cache=cache)
            assert (fourth.is_current, fourth.was_current, fourth.is_old) == (False, False, True)
            assert "the registry had another one a moment ago" in fourth.replaces
            for one in (first, second, third, fourth):
                assert_clear(one.replaces)


async def test_without_a_word_of_the_registry_nothing_is_said_to_be_replaced(ollama_server: OllamaServer) -> None:
    name = f"localhost:{closed_port()}/library/tiny:latest"
    assert ollama_server.call("POST", "/api/copy", {"source": "tiny:latest", "destination": name}).status == 200
    async with OllamaClient(ollama_server.base_url) as client:
        found = await preflight_of(client, parse_model_name(name))
    ollama_server.delete(name)
    assert_clear(found.replaces)
    assert found.replaces.endswith("whether the registry has another one is not known.")
    assert not found.was_current


@pytest.fixture
def incomplete(ollama_server: OllamaServer) -> Iterator[Registry]:
    """A registry of the test's own, with ``tiny:latest``, of which files may be taken away."""
    with Registry() as registry:
        registry.push(ollama_server, "tiny:latest", "tiny:latest")
        yield registry


@pytest.mark.parametrize(("end", "called"), [("params", "the parameters"), ("model", "the weights")])
async def test_a_file_that_the_registry_lacks_is_told_before_any_byte_moves(
    fresh_ollama: OllamaServer, incomplete: Registry, end: str, called: str
) -> None:
    digest = incomplete.layer_digests("tiny:latest")[end]
    incomplete.blob_path(digest).unlink()
    name = parse_model_name(incomplete.name_for("tiny:latest"))
    async with OllamaClient(fresh_ollama.base_url) as client:
        found = await preflight_of(client, name)
        assert_clear(found.problem)
        assert f"lacks a file that it names, {called} ({digest[7:19]})" in (found.problem or "")
        assert (found.lacks_only_room, found.notes) == (False, [])
        with pytest.raises(PullFailed) as failed:  # what Ollama itself makes of it
            await client.pull(name, insecure=True)
    assert (failed.value.kind, failed.value.detail) == (PullFailure.FILE_MISSING, "file does not exist")
    assert_clear(failed.value.message)


async def test_a_missing_file_is_told_also_where_all_of_them_have_been_read_before(
    fresh_ollama: OllamaServer, incomplete: Registry
) -> None:
    name, cache = parse_model_name(incomplete.name_for("tiny:latest")), ModelRegistryCache(lifetime=timedelta(0))
    config = incomplete.manifest("tiny:latest")["config"]
    assert isinstance(config, dict)
    async with OllamaClient(fresh_ollama.base_url) as client:
        assert (await preflight_of(client, name, cache=cache)).problem is None
        incomplete.blob_path(str(config["digest"])).unlink()
        found = await preflight_of(client, name, cache=cache)
        assert "the configuration (" in (found.problem or "")
        assert found.family == "gpt2"


async def test_a_file_that_the_host_has_need_not_be_in_the_registry(
    ollama_server: OllamaServer, incomplete: Registry
) -> None:
    incomplete.blob_path(incomplete.layer_digests("tiny:latest")["params"]).unlink()
    name = parse_model_name(incomplete.name_for("tiny:latest"))
    async with OllamaClient(ollama_server.base_url) as client:
        found = await preflight_of(client, name)
        assert (found.problem, found.download_bytes) == (None, 0)
        (note,) = found.notes
        assert note == f"The parameters of {name} could not be read: its registry lacks that file."
        await client.pull(name, insecure=True)
    ollama_server.delete(name.short)


async def test_what_could_not_be_read_is_read_the_next_time(ollama_server: OllamaServer, registry: Registry) -> None:
    name, cache = parse_model_name(registry.name_for("tiny:latest")), ModelRegistryCache()
    async with OllamaClient(ollama_server.base_url) as client:
        registry.files.refuse(500)
        first = await preflight_of(client, name, cache=cache)
        assert first.family == ""
        assert first.notes
        assert first.need.weights, "that is in the manifest"
        registry.files.clear()
        second = await preflight_of(client, name, cache=cache)
        assert second.family == "gpt2"
        assert second.notes == []


class _Refusing(OddServer):
    """A registry that wants a log-in."""

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """401, whatever was asked for."""
        writer.write(b"HTTP/1.1 401 X\r\nContent-Length: 13\r\n\r\n" + b'{"errors":[]}')


async def test_a_registry_that_wants_a_log_in_may_have_it_from_the_host(ollama_server: OllamaServer) -> None:
    with _Refusing() as server:
        async with OllamaClient(ollama_server.base_url) as client:
            found = await preflight_of(client, parse_model_name(f"localhost:{server.port}/library/secret:1"))
    assert found.problem is None, "the host may be logged in"
    (note,) = found.notes
    assert_clear(note)
    assert "log" in note
