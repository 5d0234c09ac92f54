"""Installing models from a real registry into a real Ollama."""

from __future__ import annotations

import asyncio

import pytest

from ecs_localai.ollama import (
    OllamaClient,
    PullFailed,
    PullFailure,
    PullPhase,
    PullProgress,
    fetch_manifest,
    parse_model_name,
)
from tests.ollama.ollama_parts import ProgressLog, assert_one_clear_sentence, void
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry

pytestmark = [pytest.mark.ollama, pytest.mark.registry]


def pulls_in_log(server: OllamaServer) -> int:
    """How many pull requests the server has finished."""
    return server.log_text().count('POST     "/api/pull"')


async def test_a_pull_installs_the_model(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = parse_model_name(registry.name_for("middle:latest"))
    manifest = await fetch_manifest(name, insecure=True)
    registry.files.throttle(8e6)
    log = ProgressLog()
    async with OllamaClient(fresh_ollama.base_url) as client:
        summary = await client.pull(name, insecure=True, on_progress=log, expected_layers=manifest.expected_layers)
        (entry,) = await client.tags()
        for layer in manifest.expected_layers:
            assert await client.blob_exists(layer)
    assert entry.name == name.short
    assert entry.size == manifest.total_size == summary.total_bytes
    assert log.phases[-1] is PullPhase.DONE
    assert PullPhase.DOWNLOADING in log.phases
    assert {progress.total_bytes for progress in log.entries} == {manifest.total_size}
    assert log.last.fraction == 1.0
    assert log.last.bytes_downloaded == manifest.total_size
    assert len({progress.bytes_downloaded for progress in log.entries}) > 10
    assert summary.model == name.short
    assert summary.layers == tuple(manifest.expected_layers)
    assert 1 < summary.duration_s < 60
    assert 0 < summary.bytes_transferred <= summary.total_bytes
    assert registry.files.bytes_served >= manifest.total_size - manifest.config.size


async def test_pulling_what_is_there_is_quick_and_transfers_nothing(
    ollama_server: OllamaServer, registry: Registry
) -> None:
    name = registry.push(ollama_server, "tiny:latest", "tiny:latest")
    served = registry.files.bytes_served
    log = ProgressLog()
    async with OllamaClient(ollama_server.base_url) as client:
        summary = await client.pull(name, insecure=True, on_progress=log)
        assert name in [entry.name for entry in await client.tags()]
        await client.delete(name)
    assert registry.files.bytes_served == served
    assert summary.bytes_transferred == 0
    assert log.last.bytes_present == log.last.total_bytes


async def test_two_models_at_once_over_one_client(fresh_ollama: OllamaServer, registry: Registry) -> None:
    names = [registry.name_for("middle:latest"), registry.name_for("tiny:latest")]
    logs = [ProgressLog(), ProgressLog()]
    registry.files.throttle(6e6)
    async with OllamaClient(fresh_ollama.base_url) as client:
        pulls = [client.pull(name, insecure=True, on_progress=log) for name, log in zip(names, logs, strict=True)]
        summaries = await asyncio.gather(*pulls)
        assert sorted(entry.name for entry in await client.tags()) == sorted(names)
    assert [summary.model for summary in summaries] == names
    assert all(log.last.phase is PullPhase.DONE for log in logs)


async def _failure(server: OllamaServer, model: str, *, insecure: bool = True) -> PullFailed:
    async with OllamaClient(server.base_url) as client:
        with pytest.raises(PullFailed) as caught:
            await client.pull(model, insecure=insecure)
    assert_one_clear_sentence(caught.value)
    return caught.value


async def test_a_model_that_the_registry_does_not_have(ollama_server: OllamaServer, registry: Registry) -> None:
    for name in (registry.name_for("nothing:latest"), registry.name_for("tiny:other")):
        error = await _failure(ollama_server, name)
        assert error.kind is PullFailure.NOT_FOUND
        assert not error.retryable
        assert name in error.message
        assert "file does not exist" in error.detail


@pytest.mark.parametrize("name", ["a b", "localhost:5000/x", "x@sha256:1", ""])
async def test_a_name_that_is_none(ollama_server: OllamaServer, name: str) -> None:
    error = await _failure(ollama_server, name)
    assert error.kind is PullFailure.INVALID_NAME
    assert not error.retryable


async def test_a_registry_that_is_down(ollama_server: OllamaServer) -> None:
    name = f"localhost:{closed_port()}/library/x:1"
    error = await _failure(ollama_server, name)
    assert error.kind is PullFailure.REGISTRY_UNREACHABLE
    assert error.retryable
    assert "localhost:" in error.message


async def test_a_registry_whose_name_nobody_knows(ollama_server: OllamaServer) -> None:
    error = await _failure(ollama_server, "nobody-has-this-name.invalid/library/x:1")
    assert error.kind is PullFailure.REGISTRY_UNREACHABLE
    assert "nobody-has-this-name.invalid" in error.message


async def test_a_plain_registry_without_insecure(ollama_server: OllamaServer, registry: Registry) -> None:
    error = await _failure(ollama_server, registry.name_for("tiny:latest"), insecure=False)
    assert error.kind is PullFailure.PLAIN_HTTP
    assert "insecure" in error.message
    assert not error.retryable


async def test_two_pulls_of_one_name_are_one_request(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("tiny:latest")
    first, second = ProgressLog(), ProgressLog()
    async with OllamaClient(fresh_ollama.base_url) as client:
        joined: list[asyncio.Task[object]] = []

        def join(progress: PullProgress) -> None:
            if not joined:
                joined.append(asyncio.create_task(client.pull(name.upper(), insecure=True, on_progress=second)))

        first.on_next = join
        summary = await client.pull(name, insecure=True, on_progress=first)
        assert await joined[0] == summary
    assert second.last == first.last
    assert pulls_in_log(fresh_ollama) == 1


async def test_one_of_two_callers_may_leave(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("tiny:latest")
    log = ProgressLog()
    async with OllamaClient(fresh_ollama.base_url) as client:
        leaver = asyncio.create_task(client.pull(name, insecure=True))
        stayer = asyncio.create_task(client.pull(name, insecure=True, on_progress=log))
        log.on_next = lambda progress: void(leaver.cancel())
        assert (await stayer).model == name
        assert leaver.cancelled()
    assert pulls_in_log(fresh_ollama) == 1


async def test_a_callback_that_fails_ends_its_own_callers_pull_only(
    fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("tiny:latest")

    def fail(progress: PullProgress) -> None:
        raise KeyError("mine")

    async with OllamaClient(fresh_ollama.base_url) as client:
        good, bad = await asyncio.gather(
            client.pull(name, insecure=True),
            client.pull(name, insecure=True, on_progress=fail),
            return_exceptions=True,
        )
    assert isinstance(bad, KeyError)
    assert not isinstance(good, BaseException)
    assert pulls_in_log(fresh_ollama) == 1
