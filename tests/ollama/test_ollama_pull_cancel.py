"""Leaving a pull: at once where that is safe, and never so that the server comes to harm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ecs_localai.ollama import OllamaClient, PullFailed, PullFailure, PullPhase, PullProgress, PullSummary
from ecs_localai.ollama.errors import ClientClosed
from tests.ollama.ollama_parts import ProgressLog
from tests.rig.odd_servers import Silent
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.relay import Relay
from tests.rig.waiting import wait_until_async

pytestmark = [pytest.mark.ollama, pytest.mark.registry]


async def _cancel_when(client: OllamaClient, name: str, condition: Callable[[PullProgress], bool]) -> ProgressLog:
    """Pull, and cancel at the first progress that meets the condition."""
    log = ProgressLog()
    pull = asyncio.create_task(client.pull(name, insecure=True, on_progress=log))

    def look(progress: PullProgress) -> None:
        if condition(progress):
            pull.cancel()

    log.on_next = look
    with pytest.raises(asyncio.CancelledError):
        await pull
    return log


async def _pull_again(client: OllamaClient, name: str) -> tuple[PullSummary, ProgressLog]:
    """Pull what was cancelled just now: Ollama may still be busy with stopping, which is worth trying again."""
    while True:
        log = ProgressLog()
        try:
            return await client.pull(name, insecure=True, on_progress=log), log
        except PullFailed as error:
            if not (error.retryable and "context canceled" in error.detail):
                raise


async def test_cancelling_stops_the_transfer_and_the_next_pull_goes_on(
    fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    registry.files.throttle(6e6)
    async with OllamaClient(fresh_ollama.base_url) as client:
        log = await _cancel_when(client, name, lambda progress: progress.bytes_downloaded > 3_000_000)
        await wait_until_async(lambda: registry.files.open_transfers == 0, 5, "the transfer to stop")
        assert registry.files.bytes_served < 12_000_000
        _, again = await _pull_again(client, name)
        assert again.entries[-1].bytes_present >= log.last.bytes_downloaded // 2
        assert [entry.name for entry in await client.tags()] == [name]
    assert registry.files.bytes_served < 12_000_000 * 1.5


async def test_pulling_again_at_once_after_cancelling(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("tiny:latest")
    async with OllamaClient(fresh_ollama.base_url) as client:
        for _ in range(3):
            await _cancel_when(client, name, lambda progress: True)
        summary, _ = await _pull_again(client, name)
        assert summary.model == name


async def test_cancelling_at_any_early_moment_leaves_the_server_alive(
    fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    registry.files.throttle(2e6)
    for delay in (0.0, 0.0, 0.0003, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.12):
        async with OllamaClient(fresh_ollama.base_url) as client:
            pull = asyncio.create_task(client.pull(name, insecure=True))
            await asyncio.sleep(delay)
            pull.cancel()
            (result,) = await asyncio.gather(pull, return_exceptions=True)
            # Joining the transfer that the round before has just left, Ollama may say that it was cancelled.
            stopped_just_then = isinstance(result, PullFailed) and result.kind is PullFailure.CUT and result.retryable
            assert isinstance(result, asyncio.CancelledError) or stopped_just_then
        assert fresh_ollama.call("GET", "/api/version").status == 200
    assert fresh_ollama.running


class _SharedPull:
    """Two clients pull one model at once; one asks for the size, the other joins it and sees no total yet."""

    def __init__(self, server: OllamaServer, name: str, leaver: str) -> None:
        self._clients = [OllamaClient(server.base_url), OllamaClient(server.base_url)]
        self._leaver = leaver
        self.left: int | None = None
        self.pulls = [asyncio.create_task(self._pull(index, name)) for index in (0, 1)]

    async def _pull(self, index: int, name: str) -> str:
        summary = await self._clients[index].pull(
            name, insecure=True, on_progress=lambda progress: self._look(index, progress)
        )
        return summary.model

    def _look(self, index: int, progress: PullProgress) -> None:
        joined = progress.phase is PullPhase.DOWNLOADING and progress.total_bytes == 0
        if joined and self.left is None:
            self.left = index if self._leaver == "joiner" else 1 - index
            self.pulls[self.left].cancel()

    async def close(self) -> None:
        """Close both clients."""
        for client in self._clients:
            await client.aclose()


@pytest.mark.parametrize("leaver", ["joiner", "first"])
async def test_leaving_before_the_size_is_known_harms_neither_the_server_nor_the_other_client(
    fresh_ollama: OllamaServer, registry: Registry, leaver: str
) -> None:
    """The trap of Ollama 0.9.3 and later (PR 17370): closing here makes the server exit, or the other wait for ever."""
    with Relay("localhost", registry.port) as slow:
        slow.delay(0.25)
        shared = _SharedPull(fresh_ollama, f"localhost:{slow.port}/library/tiny:latest", leaver)
        try:
            results = await asyncio.gather(*shared.pulls, return_exceptions=True)
        finally:
            await shared.close()
    assert shared.left is not None, "neither of the two had to wait for a size"
    assert isinstance(results[shared.left], asyncio.CancelledError)
    assert results[1 - shared.left] == f"localhost:{slow.port}/library/tiny:latest"
    assert fresh_ollama.running


async def test_a_pull_given_up_by_time(fresh_ollama: OllamaServer, registry: Registry) -> None:
    registry.files.throttle(1e6)
    async with OllamaClient(fresh_ollama.base_url) as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.pull(registry.name_for("middle:latest"), insecure=True), 1.5)
        await wait_until_async(lambda: registry.files.open_transfers == 0, 5, "the transfer to stop")


async def test_closing_the_client_ends_its_pulls(fresh_ollama: OllamaServer, registry: Registry) -> None:
    registry.files.throttle(1e6)
    client = OllamaClient(fresh_ollama.base_url)
    started = asyncio.Event()
    pulls = [
        asyncio.create_task(
            client.pull(registry.name_for(model), insecure=True, on_progress=lambda progress: started.set())
        )
        for model in ("middle:latest", "middle:latest", "smollm2:135m")
    ]
    await asyncio.wait_for(started.wait(), 10)
    await client.aclose()
    for pull in pulls:
        with pytest.raises(ClientClosed):
            await pull
    await wait_until_async(lambda: registry.files.open_transfers == 0, 5, "the transfers to stop")
    assert fresh_ollama.call("GET", "/api/version").status == 200


async def test_closing_does_not_wait_for_a_pull_that_was_never_sent() -> None:
    """A host that swallows connections: nothing was asked of it yet, so there is nothing to be careful about."""
    client = OllamaClient("192.0.2.1", connect_timeout=30)  # RFC 5737: nobody has this address
    pull = asyncio.create_task(client.pull("x"))
    await asyncio.sleep(0.05)
    await asyncio.wait_for(client.aclose(), 2)
    (result,) = await asyncio.gather(pull, return_exceptions=True)
    assert isinstance(result, Exception)


async def test_closing_waits_ten_seconds_at_most_for_a_server_that_never_answers() -> None:
    with Silent() as server:
        client = OllamaClient(server.base_url)
        pull = asyncio.create_task(client.pull("x"))
        await wait_until_async(lambda: server.requests)
        pull.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pull
        began = asyncio.get_running_loop().time()
        await asyncio.wait_for(client.aclose(), 20)
        assert asyncio.get_running_loop().time() - began > 5, "it left before it was safe"
