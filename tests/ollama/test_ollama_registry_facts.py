"""What a model is, read from its registry without downloading it: from a real one, and with faults on the way."""

from __future__ import annotations

import asyncio
import os

import pytest

from ecs_localai.components.model_facts import CacheNeed, ModelFacts
from ecs_localai.ollama.names import ModelName, parse_model_name
from ecs_localai.ollama.registry import Manifest, manifest_from
from ecs_localai.ollama.registry_facts import HEAD_LIMIT, facts_from
from ecs_localai.ollama.registry_http import RegistryCalls
from tests.rig.model_files import create_model, tiny_gpt2
from tests.rig.odd_servers import OddServer
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry

pytestmark = pytest.mark.registry
SIGNED = "X-Amz-Credential=a%2Fb%2fs3&X-Amz-Signature=c%2Bd%3D"
SMOLLM2_CACHE = CacheNeed(30 * 3 * (64 + 64) * 2)
"""Of 30 layers with 3 heads for keys and values, each 64 wide."""


async def _read(text: str, *, timeout_s: float = 15.0) -> tuple[Manifest, ModelFacts]:
    name = parse_model_name(text)
    async with RegistryCalls(name, insecure=True, timeout_s=timeout_s) as calls:
        manifest = await manifest_from(calls, name)
        return manifest, await facts_from(calls, name, manifest)


async def test_what_a_model_is_costs_a_few_kilobytes(registry: Registry) -> None:
    _, facts = await _read(registry.name_for("smollm2:135m"))
    assert (facts.family, facts.parameter_size, facts.quantization) == ("llama", "134.52M", "Q4_1")
    assert facts.max_context_length == 8192
    assert facts.cache == SMOLLM2_CACHE
    assert facts.parameters == {"stop": "<|im_start|>, <|im_end|>"}
    assert (facts.license, facts.requires, facts.remote_host) == ("", "", "")
    assert (facts.cache_reason, facts.missing) == ("", "")
    assert registry.files.bytes_served < 100_000


async def test_the_first_line_of_the_licence_and_the_parameters(
    ollama_server: OllamaServer, registry: Registry
) -> None:
    text = "\n\n  Test Community  License\nVersion 2\n" + "All rights are yours. " * 1000
    parameters = {"temperature": 0.25, "num_ctx": 256, "stop": ["<a>", "<b>"], "use_mmap": False}
    create_model(ollama_server, "licensed:latest", tiny_gpt2(), license=[text], parameters=parameters)
    try:
        registry.push(ollama_server, "licensed:latest", "licensed:latest")
        registry.files.reset_counts()
        _, facts = await _read(registry.name_for("licensed:latest"))
    finally:
        ollama_server.delete("licensed:latest")
    assert facts.license == "Test Community License"
    assert facts.parameters == {"temperature": "0.25", "num_ctx": "256", "stop": "<a>, <b>", "use_mmap": "false"}
    asked = {request.range for request in registry.files.requests if request.range}
    assert "bytes=0-4095" in asked, "the whole licence was fetched"


@pytest.mark.parametrize("status", [403, 500])
async def test_files_that_are_refused_leave_everything_unknown(registry: Registry, status: int) -> None:
    registry.files.refuse(status)
    _, facts = await _read(registry.name_for("smollm2:135m"))
    assert facts.cache is None
    assert facts.family == ""
    assert facts.missing
    assert facts.cache_reason
    assert facts.missing.endswith(".")


@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_files_that_are_cut_leave_the_cache_unknown(registry: Registry, how: str) -> None:
    registry.files.cut_after(10, "rst" if how == "rst" else "fin")
    _, facts = await _read(registry.name_for("smollm2:135m"))
    assert facts.cache is None
    assert facts.missing


async def test_files_that_stand_still_are_given_up(registry: Registry) -> None:
    registry.files.stall_after(1000)
    _, facts = await _read(registry.name_for("smollm2:135m"), timeout_s=1.5)
    assert facts.family == "llama", "what is shorter than that has come"
    assert facts.cache is None
    assert "in time" in facts.missing


async def test_damaged_files_are_not_believed(registry: Registry) -> None:
    registry.files.corrupt()
    _, facts = await _read(registry.name_for("smollm2:135m"))
    assert facts.family == ""
    assert facts.parameters == {}
    assert facts.cache is None
    assert facts.missing


class _NoRange(OddServer):
    """A registry that serves a real one's files itself, and whole ones whatever Range asks for."""

    def __init__(self, registry: Registry, manifest: bytes) -> None:
        self._registry, self._manifest = registry, manifest
        self.sent = 0
        super().__init__()

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """The manifest, or a file, piece by piece as the reader takes it."""
        if "/manifests/" in path:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(self._manifest) + self._manifest)
            return
        with self._registry.blob_path(path.rpartition("/")[2]).open("rb") as opened:
            size = os.fstat(opened.fileno()).st_size
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            while piece := opened.read(65536):
                writer.write(piece)
                await writer.drain()
                self.sent += len(piece)


async def test_who_ignores_range_is_not_read_to_the_end(registry: Registry) -> None:
    answer = registry.call(
        "GET",
        "/v2/library/smollm2/manifests/135m",
        headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
    )
    server = _NoRange(registry, answer.body)
    with server:
        _, facts = await _read(f"localhost:{server.port}/library/smollm2:135m")
        assert facts.cache == SMOLLM2_CACHE
        assert facts.missing == ""
        assert server.sent < 4 * HEAD_LIMIT, "as much as the buffers of the connection take, of 98 MB"


class _Signed(OddServer):
    """Sends whoever asks for a file on to a signed address, and that is refused."""

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """A redirect, or 404."""
        head = "404 X" if "Signature" in path else f"307 X\r\nLocation: http://127.0.0.1:{self.port}/x?{SIGNED}"
        writer.write(f"HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n".encode())


async def test_a_signed_address_is_asked_for_as_it_is_spelled(registry: Registry) -> None:
    manifest, _ = await _read(registry.name_for("tiny:latest"))
    with _Signed() as server:
        name = ModelName(f"localhost:{server.port}", "library", "tiny", "latest")
        async with RegistryCalls(name, insecure=True) as calls:
            await facts_from(calls, name, manifest)
        assert f"GET /x?{SIGNED}" in server.requests


class _Elsewhere(OddServer):
    """Sends whoever asks for a file to a place that there is not."""

    def __init__(self, location: bytes) -> None:
        self._location = location
        super().__init__()

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """A redirect."""
        writer.write(b"HTTP/1.1 307 X\r\nLocation: " + self._location + b"\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("location", [b"ftp://127.0.0.1/x", b"http://[", b"http://[::1/x", b"http://a:99999/x"])
async def test_a_redirect_to_nowhere_is_not_followed(registry: Registry, location: bytes) -> None:
    manifest, _ = await _read(registry.name_for("tiny:latest"))
    with _Elsewhere(location) as server:
        name = ModelName(f"localhost:{server.port}", "library", "tiny", "latest")
        async with RegistryCalls(name, insecure=True) as calls:
            facts = await facts_from(calls, name, manifest)
    assert facts.cache is None
    assert "localhost" in facts.missing
