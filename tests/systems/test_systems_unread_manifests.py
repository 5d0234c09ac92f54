"""Over a model that is there nothing is pulled unseen: Ollama 0.9.3 takes `200 {}` for one without files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from ecs_localai import (
    DownloadConfig,
    InstallationErrorKind,
    InstallationStatus,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallRequest,
    ResumeRequested,
)
from ecs_localai.components.hosts import RetryPolicy
from ecs_localai.ollama.client import OllamaClient
from ecs_localai.ollama.errors import PullFailed, PullFailure
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.systems.manifest_first import layers_before_pull
from ecs_localai.systems.preflight import preflight_of
from tests.rig.model_files import TINY_PARAMETERS, create_model, write_gguf
from tests.rig.odd_servers import OddServer
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.systems.systems_parts import (
    INSECURE,
    Driven,
    EmptyManifests,
    EmptyManifestsForOllama,
    LateEmptyManifests,
    PrivateRegistry,
    assert_clear,
)

pytestmark = [pytest.mark.ollama, pytest.mark.registry]
QUICKLY = RetryPolicy(initial_delay=timedelta(milliseconds=20))


def copied(server: OllamaServer, odd: OddServer) -> str:
    """The tiny model by a name that belongs to this registry."""
    name = f"localhost:{odd.port}/library/wip:latest"
    assert server.call("POST", "/api/copy", {"source": "tiny", "destination": name}).status == 200
    return name


def digest_of(server: OllamaServer, name: str) -> object:
    """Of the model as the host lists it; None where it does not."""
    listed = server.call("GET", "/api/tags").json()["models"]
    assert isinstance(listed, list)
    return next((one["digest"] for one in listed if one["name"] == name), None)


@pytest.mark.parametrize("kind", [LateEmptyManifests, EmptyManifestsForOllama])
def test_a_model_is_not_pulled_over_before_its_manifest_was_read(
    kind: type[EmptyManifests], ollama_server: OllamaServer
) -> None:
    with kind() as odd, Driven(ollama_server.port) as driven:
        name = copied(ollama_server, odd)
        try:
            before = digest_of(ollama_server, name)
            driven.ask_for(name, msgspec.structs.replace(INSECURE, max_retries=1))
            failed = driven.until_event(ModelInstallationFailed)
            assert_clear(failed.error_message)
            assert not any("POST" in one or "HEAD" in one for one in odd.requests)
            assert digest_of(ollama_server, name) == before
            if kind is EmptyManifestsForOllama:
                assert (failed.kind, failed.retryable) == (InstallationErrorKind.REGISTRY_UNREACHABLE, True)
                assert failed.error_message.startswith(f"{name} is there already and is left as it is")
                assert len(odd.requests) > 2, "it was tried again, beyond what the connection itself does"
        finally:
            ollama_server.delete(name)


def test_what_waited_in_the_queue_is_not_pulled_unseen_either(ollama_server: OllamaServer, tmp_path: Path) -> None:
    with EmptyManifestsForOllama() as odd:
        name = copied(ollama_server, odd)
        try:
            before = digest_of(ollama_server, name)
            with Driven(ollama_server.port, data_dir=tmp_path) as driven:
                once = msgspec.structs.replace(INSECURE, max_retries=0)
                driven.app.world.spawn(ModelInstallRequest(name, once, paused=True))
                driven.until(lambda: [one.status for one in driven.installations] == [InstallationStatus.PAUSED])
            with Driven(ollama_server.port, data_dir=tmp_path) as driven:
                driven.until(lambda: driven.installations)
                driven.write(ResumeRequested())
                failed = driven.until_event(ModelInstallationFailed)
            assert failed.error_message.startswith(f"{name} is there already and is left as it is")
            assert odd.requests
            assert all(one.startswith("GET /v2/library/wip/manifests/") for one in odd.requests)
            assert digest_of(ollama_server, name) == before
        finally:
            ollama_server.delete(name)


def test_a_first_installation_has_nothing_to_lose(ollama_server: OllamaServer, registry: Registry) -> None:
    with PrivateRegistry(registry) as door, Driven(ollama_server.port) as driven:
        name = f"localhost:{door.port}/library/tiny:latest"
        try:
            driven.ask_for(name)
            driven.until_event(ModelInstallationCompleted)
        finally:
            ollama_server.delete(name)


@pytest.fixture
def newer(ollama_server: OllamaServer, registry: Registry, tmp_path: Path) -> Iterator[str]:
    """The tag of a model that the registry has, and is not the tiny one."""
    file = write_gguf(tmp_path / "newer.gguf", 500_000, seed=91)
    create_model(ollama_server, "newer:latest", file, parameters=TINY_PARAMETERS)
    registry.push(ollama_server, "newer:latest", "wip:latest")
    ollama_server.delete("newer:latest")
    yield "wip:latest"
    registry.delete_tag("wip:latest")


def test_what_only_the_host_may_read_is_replaced_when_a_person_says_so(
    ollama_server: OllamaServer, registry: Registry, newer: str
) -> None:
    with PrivateRegistry(registry) as door, Driven(ollama_server.port) as driven:
        name = copied(ollama_server, door)
        try:
            before = digest_of(ollama_server, name)
            driven.ask_for(name)
            failed = driven.until_event(ModelInstallationFailed)
            assert (failed.kind, failed.retryable) == (InstallationErrorKind.UNAUTHORIZED, False)
            assert "without a log-in" in failed.error_message
            assert digest_of(ollama_server, name) == before
            driven.ask_for(name, DownloadConfig(insecure=True, replaces_unread=True))
            driven.until_event(ModelInstallationCompleted)
            assert digest_of(ollama_server, name) not in (None, before)
        finally:
            ollama_server.delete(name)


@pytest.mark.parametrize("kind", [EmptyManifests, LateEmptyManifests])
async def test_what_is_no_registry_is_refused_whatever_a_person_says(
    kind: type[EmptyManifests], ollama_server: OllamaServer
) -> None:
    with kind() as odd:
        name = copied(ollama_server, odd)
        anyway = DownloadConfig(insecure=True, replaces_unread=True)
        try:
            async with OllamaClient(ollama_server.base_url) as client:
                with pytest.raises(PullFailed) as caught:
                    await layers_before_pull(client, QUICKLY, parse_model_name(name), anyway, lambda entry: None)
        finally:
            ollama_server.delete(name)
    assert caught.value.kind is PullFailure.NOT_A_REGISTRY


class Answering(OddServer):
    """A registry that answers everything with the same status."""

    def __init__(self, status: int) -> None:
        self._status = status
        super().__init__()

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """Without a word."""
        writer.write(f"HTTP/1.1 {self._status} Sorry\r\nContent-Length: 0\r\n\r\n".encode())


@pytest.mark.parametrize(("status", "asked"), [(401, 1), (403, 1), (429, 2), (500, 2), (503, 2)])
async def test_a_registry_that_does_not_show_a_manifest_leaves_the_model_as_it_is(
    status: int, asked: int, ollama_server: OllamaServer
) -> None:
    """It is asked again where that may help; and what only the host may read, a person may have it replaced by."""
    with Answering(status) as odd:
        name = copied(ollama_server, odd)
        try:
            async with OllamaClient(ollama_server.base_url) as client:
                config = DownloadConfig(insecure=True, max_retries=1)
                with pytest.raises(PullFailed) as caught:
                    await layers_before_pull(client, QUICKLY, parse_model_name(name), config, lambda entry: None)
                assert len(odd.requests) == asked
                anyway = msgspec.structs.replace(config, replaces_unread=True)
                unread = await layers_before_pull(client, QUICKLY, parse_model_name(name), anyway, lambda entry: None)
                assert not unread
        finally:
            ollama_server.delete(name)
    assert_clear(caught.value.message)
    assert caught.value.message.startswith(f"{name} is there already and is left as it is")


async def test_it_is_said_before_and_can_be_done_anyway(ollama_server: OllamaServer, registry: Registry) -> None:
    with PrivateRegistry(registry) as door:
        name = copied(ollama_server, door)
        try:
            async with OllamaClient(ollama_server.base_url) as client:
                found = await preflight_of(client, parse_model_name(name))
            assert found.problem is not None
            assert_clear(found.problem)
            assert (found.lacks_only_look, found.lacks_only_room, found.can_go_anyway) == (True, False, True)
            assert found.notes == [], "the problem says it"
        finally:
            ollama_server.delete(name)


async def test_plain_http_that_nobody_allowed_is_said_before(ollama_server: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("tiny:latest").replace("localhost", "0.0.0.0")  # not the loopback interface by name
    async with OllamaClient(ollama_server.base_url) as client:
        found = await preflight_of(client, parse_model_name(name))
    assert found.problem is not None
    assert "insecure" in found.problem
    assert not found.can_go_anyway
