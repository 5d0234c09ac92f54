"""Real faults in the middle of real pulls: typed errors, no hang, and the next pull goes on."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecs_localai.ollama import OllamaClient, PullFailed, PullFailure, PullPhase, PullProgress
from ecs_localai.ollama.errors import ErrorKind, HostUnreachable
from tests.ollama.ollama_parts import ProgressLog, assert_one_clear_sentence
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.relay import Relay

pytestmark = [pytest.mark.ollama, pytest.mark.registry]


async def _pull_again(client: OllamaClient, name: str) -> ProgressLog:
    """Pull; Ollama 0.9.3 ends a pull together with the one before it that is still being stopped, so try again then."""
    for _ in range(10):
        log = ProgressLog()
        try:
            await client.pull(name, insecure=True, on_progress=log)
        except PullFailed as error:
            if "context canceled" not in error.detail:
                raise
        else:
            return log
    pytest.fail("ten pulls in a row were ended with the one before them")


async def _fail_midway(client: OllamaClient, name: str, act: object, stall_timeout: float = 45.0) -> PullFailed:
    """Pull, call ``act`` once bytes arrive, and give the failure."""
    log = ProgressLog()
    acted: list[bool] = []

    def act_once(progress: PullProgress) -> None:
        if not acted and progress.bytes_downloaded > progress.bytes_present and callable(act):
            acted.append(True)
            act()

    log.on_next = act_once
    for _ in range(10):
        with pytest.raises(PullFailed) as caught:
            await asyncio.wait_for(
                client.pull(name, insecure=True, on_progress=log, stall_timeout=stall_timeout), timeout=30
            )
        if acted or "context canceled" not in caught.value.detail:
            break  # otherwise a pull before this one was still being ended, and Ollama 0.9.3 ends this one with it
    assert acted, caught.value.detail
    assert_one_clear_sentence(caught.value)
    return caught.value


async def test_wrong_bytes_are_found_and_the_next_pull_is_right(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("tiny:latest")
    registry.files.corrupt()
    log = ProgressLog()
    # Only the first layer is spoilt: Ollama 0.9.3 removes one bad blob and takes the others for good ever after.
    log.on_next = lambda progress: registry.files.clear() if progress.layers_done else None
    async with OllamaClient(fresh_ollama.base_url) as client:
        with pytest.raises(PullFailed) as caught:
            await client.pull(name, insecure=True, on_progress=log)
        assert caught.value.kind is PullFailure.DIGEST_MISMATCH
        assert caught.value.retryable
        assert "digest mismatch" in caught.value.detail
        assert_one_clear_sentence(caught.value)
        assert await client.tags() == []
        registry.files.clear()
        await client.pull(name, insecure=True)
        assert [entry.name for entry in await client.tags()] == [name]


async def test_a_connection_that_is_cut_and_the_pull_after_it(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("middle:latest")
    registry.files.throttle(6e6)
    with Relay("127.0.0.1", fresh_ollama.port) as relay:
        async with OllamaClient(relay.base_url) as client:
            for how in ("rst", "fin"):
                cut = lambda: asyncio.get_running_loop().run_in_executor(None, relay.cut, how)  # noqa: B023,E731
                error = await _fail_midway(client, name, cut)
                assert error.kind is PullFailure.CUT
                assert error.retryable
            assert await client.version()
            registry.files.clear()
            log = await _pull_again(client, name)
            assert log.last.bytes_present > 0, "what had arrived was fetched again"
            assert [entry.name for entry in await client.tags()] == [name]


async def test_a_server_killed_in_the_middle(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("middle:latest")
    registry.files.throttle(4e6)
    async with OllamaClient(fresh_ollama.base_url) as client:
        error = await _fail_midway(client, name, lambda: os.kill(fresh_ollama.pid, 9))
        assert error.kind is PullFailure.CUT
        assert error.retryable
        fresh_ollama.kill()  # waits for its end
        with pytest.raises(HostUnreachable) as caught:
            await client.pull(name, insecure=True)
        assert caught.value.kind is ErrorKind.REFUSED
        registry.files.clear()
        fresh_ollama.restart()
        assert (await client.pull(name, insecure=True)).model == name


async def test_a_download_that_stands_still(fresh_ollama: OllamaServer, registry: Registry) -> None:
    """The server's lines go on in a stall, sixteen a second: only the sum of bytes tells."""
    name = registry.name_for("middle:latest")
    registry.files.stall_after(3_000_000)
    async with OllamaClient(fresh_ollama.base_url) as client:
        log = ProgressLog()
        with pytest.raises(PullFailed) as caught:
            await client.pull(name, insecure=True, on_progress=log, stall_timeout=1.0)
        assert caught.value.kind is PullFailure.STALLED
        assert caught.value.retryable
        assert_one_clear_sentence(caught.value)
        assert log.last.bytes_downloaded == 3_000_000
        registry.files.clear()
        again = ProgressLog()
        await client.pull(name, insecure=True, on_progress=again)
        assert again.last.bytes_present >= 3_000_000


async def test_a_server_that_falls_silent(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("middle:latest")
    registry.files.throttle(4e6)
    async with OllamaClient(fresh_ollama.base_url, timeout=1) as client:
        error = await _fail_midway(client, name, fresh_ollama.pause, stall_timeout=0.7)
        assert error.kind is PullFailure.STALLED
        with pytest.raises(HostUnreachable) as caught:
            await client.version()
        assert caught.value.kind is ErrorKind.TIMED_OUT
        fresh_ollama.unpause()
        assert await client.version()


async def test_a_part_that_is_thrown_away_never_shows_as_going_back(
    fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    registry.files.throttle(10e6)
    registry.files.cut_after(6_000_000, "rst", times=1)
    log = ProgressLog()  # asserts that nothing goes back
    async with OllamaClient(fresh_ollama.base_url) as client:
        await client.pull(name, insecure=True, on_progress=log)
    assert max(entry.rolled_back_bytes for entry in log.entries) > 1_000_000
    assert log.last.rolled_back_bytes == 0
    assert log.last.phase is PullPhase.DONE


async def test_a_layer_missing_from_the_registry(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("tiny:latest")
    blob = registry.blob_path(registry.layer_digests("tiny:latest")["model"])
    aside = blob.with_name("aside")
    blob.rename(aside)
    try:
        async with OllamaClient(fresh_ollama.base_url) as client:
            with pytest.raises(PullFailed) as caught:
                await client.pull(name, insecure=True)
    finally:
        aside.rename(blob)
    assert caught.value.kind is PullFailure.FILE_MISSING
    assert_one_clear_sentence(caught.value)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system may be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_full_disk(small_disk: Path, registry: Registry) -> None:
    with OllamaServer(models_dir=small_disk) as server:
        async with OllamaClient(server.base_url) as client:
            with pytest.raises(PullFailed) as caught:
                await client.pull(registry.name_for("middle:latest"), insecure=True)
    assert caught.value.kind is PullFailure.DISK_FULL
    assert not caught.value.retryable
    assert "no space left" in caught.value.detail
    assert_one_clear_sentence(caught.value)
