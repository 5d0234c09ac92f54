"""Over a model that is there nothing is pulled unseen: Ollama 0.9.3 takes `200 {}` for one without files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from ecs_localai import (
    DownloadConfig,
    InstallationErrorKind,
    ModelInstallationCompleted,
    ModelInstallationFailed,
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


async def test_what_is_no_registry_is_refused_whatever_a_person_says(ollama_server: OllamaServer) -> None:
    with EmptyManifests() as odd:
        name = parse_model_name(f"localhost:{odd.port}/library/wip:latest")
        anyway = DownloadConfig(insecure=True, replaces_unread=True)
        async with OllamaClient(ollama_server.base_url) as client:
            with pytest.raises(PullFailed) as caught:
                await layers_before_pull(client, QUICKLY, name, anyway, lambda entry: None)
    assert caught.value.kind is PullFailure.NOT_A_REGISTRY


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
