"""Files that a registry's manifest names and the registry does not have; and which registries get plain http."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from ecs_localai.components.registry import RegistryLayer
from ecs_localai.ollama import PullFailed, PullFailure, parse_model_name
from ecs_localai.ollama.plain_http import is_by_plain_http
from ecs_localai.ollama.registry import entry_of, manifest_from
from ecs_localai.ollama.registry_files import FILES_ASKED, files_missing, lacking_files
from ecs_localai.ollama.registry_http import RegistryCalls
from tests.ollama.ollama_parts import assert_one_clear_sentence
from tests.rig.odd_servers import OddServer, Silent
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry


@pytest.fixture
def own_registry(ollama_server: OllamaServer) -> Iterator[Registry]:
    """A registry of the test's own, with ``tiny:latest``: files may be taken away."""
    with Registry() as registry:
        registry.push(ollama_server, "tiny:latest", "tiny:latest")
        yield registry


async def lacking_in(registry: Registry) -> tuple[RegistryLayer, ...]:
    """What the registry lacks of ``tiny:latest``."""
    name = parse_model_name(registry.name_for("tiny:latest"))
    async with RegistryCalls(name, insecure=True) as calls:
        return await lacking_files(calls, entry_of(name, await manifest_from(calls, name)).layers)


@pytest.mark.registry
async def test_a_registry_is_asked_for_each_file_and_sends_none(own_registry: Registry) -> None:
    assert await lacking_in(own_registry) == ()
    assert own_registry.files.bytes_served == 0
    digests = own_registry.layer_digests("tiny:latest")
    own_registry.blob_path(digests["params"]).unlink()
    own_registry.blob_path(digests["model"]).unlink()
    assert [one.digest for one in await lacking_in(own_registry)] == [digests["model"], digests["params"]]
    assert own_registry.files.bytes_served == 0


@pytest.mark.registry
async def test_what_is_read_of_a_file_that_is_gone_says_so(own_registry: Registry) -> None:
    name = parse_model_name(own_registry.name_for("tiny:latest"))
    digest = own_registry.layer_digests("tiny:latest")["params"]
    own_registry.blob_path(digest).unlink()
    async with RegistryCalls(name, insecure=True) as calls:
        with pytest.raises(PullFailed) as failed:
            async with calls.get(f"blobs/{digest}", {}, 100):
                pass
    assert (failed.value.kind, failed.value.retryable) == (PullFailure.FILE_MISSING, False)
    assert_one_clear_sentence(failed.value)
    assert digest[7:19] in failed.value.message


class _Counting(OddServer):
    """A registry with a fault of its own, which counts what it is asked."""

    asked = 0

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """500, whatever was asked for."""
        self.asked += 1
        writer.write(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")


def layers(count: int) -> list[RegistryLayer]:
    """So many files, each a byte larger than the one before."""
    return [RegistryLayer(f"sha256:{number:064x}", number) for number in range(count)]


async def test_a_registry_that_says_neither_yes_nor_no_lacks_nothing() -> None:
    server = _Counting()
    with server:
        name = parse_model_name(f"localhost:{server.port}/library/x:1")
        async with RegistryCalls(name, insecure=True) as calls:
            assert await lacking_files(calls, layers(3 * FILES_ASKED)) == ()
            assert server.asked <= FILES_ASKED
    with Silent() as silent:
        name = parse_model_name(f"localhost:{silent.port}/library/x:1")
        async with RegistryCalls(name, insecure=True, timeout_s=0.3) as calls:
            assert await lacking_files(calls, layers(2)) == ()


@pytest.mark.parametrize("count", [1, 2, 3, 40])
def test_missing_files_are_told_in_one_sentence(count: int) -> None:
    kinds = ["model", "license", "params"]
    lacking = [
        RegistryLayer(f"sha256:{number:064x}", 1, f"application/vnd.ollama.image.{kinds[number % 3]}")
        for number in range(count)
    ]
    error = files_missing(parse_model_name("llama3.2:1b"), lacking)
    assert error.kind is PullFailure.FILE_MISSING
    assert_one_clear_sentence(error)
    assert "the weights (000000000000)" in error.message


def test_a_configuration_and_a_file_of_an_unknown_kind_have_names() -> None:
    name, digest = parse_model_name("x"), "sha256:" + "a" * 64
    config = RegistryLayer(digest, 1, "application/vnd.docker.container.image.v1+json")
    assert "the configuration (aaaaaaaaaaaa)" in files_missing(name, [config]).message
    assert "names, a file (aaaaaaaaaaaa)" in files_missing(name, [RegistryLayer(digest, 1)]).message


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("localhost:5000/library/x", True),
        ("LOCALHOST/library/x", True),
        ("127.0.0.1:5000/library/x", True),
        ("127.1.2.3/library/x", True),
        ("0.0.0.0:5000/library/x", False),
        ("192.168.0.2:5000/library/x", False),
        ("localhost.example.com/library/x", False),
        ("127.0.0.1.example.com/library/x", False),
        ("llama3.2:1b", False),
    ],
)
def test_plain_http_is_for_this_computer_alone(name: str, plain: bool) -> None:
    assert is_by_plain_http(parse_model_name(name)) is plain
