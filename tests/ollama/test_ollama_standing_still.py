"""Streams have no bound but progress: what stands still ends where that was asked for, and what moves goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from ecs_localai.ollama import OllamaClient, PullFailed, PullFailure
from ecs_localai.ollama.errors import ErrorKind, HostUnreachable
from ecs_localai.ollama.managing import WorkProgress
from ecs_localai.ollama.watchdog import Watchdog
from ecs_localai.ollama.wire_generation import Message
from tests.ollama.ollama_parts import assert_one_clear_sentence
from tests.ollama.recorded_answers import LoopServer, read_request
from tests.rig.odd_servers import Silent
from tests.rig.ollama_server import OllamaServer

BLOB = "sha256:" + "1" * 64


async def _endless() -> AsyncIterator[bytes]:
    yield b"x"
    await asyncio.Event().wait()


STREAMS: dict[str, Callable[[OllamaClient], Awaitable[object]]] = {
    "generate": lambda client: client.generate("tiny", "Hello", stall_timeout=0.2),
    "chat": lambda client: client.chat("tiny", [Message("user", "Hello")], stall_timeout=0.2),
    "load": lambda client: client.load("tiny", stall_timeout=0.2),
    "embed": lambda client: client.embed("tiny", "x", stall_timeout=0.2),
    "embeddings": lambda client: client.embeddings("tiny", "x", stall_timeout=0.2),
    "create": lambda client: client.create("made:1", source="tiny", stall_timeout=0.2),
    "push": lambda client: client.push("tiny", stall_timeout=0.2),
    "web_search": lambda client: client.web_search("x", stall_timeout=0.2),
}


@pytest.mark.parametrize("name", STREAMS)
async def test_a_server_that_never_answers(name: str) -> None:
    with Silent() as server:
        async with OllamaClient(server.base_url) as client:
            with pytest.raises(HostUnreachable) as caught:
                await STREAMS[name](client)
    assert caught.value.kind is ErrorKind.TIMED_OUT
    assert caught.value.retryable
    assert "0.2 s" in caught.value.message
    assert_one_clear_sentence(caught.value)


@pytest.mark.ollama
async def test_an_upload_whose_source_stands_still(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        with pytest.raises(HostUnreachable) as caught:
            await client.upload_blob(_endless(), BLOB, stall_timeout=0.2)
    assert caught.value.kind is ErrorKind.TIMED_OUT
    assert_one_clear_sentence(caught.value)


class Repeating(LoopServer):
    """Answers every POST by one line of progress, said again and again until the client leaves."""

    def __init__(self, line: bytes) -> None:
        super().__init__()
        self._line = line
        self.lines = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One answer."""
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(self._line + b"\n")
            await writer.drain()
            self.lines += 1
            await asyncio.sleep(0.02)


async def test_bytes_without_progress_are_standing_still() -> None:
    """As a push does whose registry takes nothing more: its lines go on, sixteen a second."""
    steps: list[WorkProgress] = []
    line = b'{"status":"pushing 0123456789ab","digest":"sha256:0123","total":100,"completed":40}'
    async with Repeating(line) as server, OllamaClient(server.base_url) as client:
        with pytest.raises(HostUnreachable) as caught:
            await client.push("tiny", on_progress=steps.append, stall_timeout=0.4)
        assert server.lines > 5
    assert caught.value.kind is ErrorKind.TIMED_OUT
    assert [step.completed for step in steps] == [40]


async def test_a_pull_that_checks_for_ever() -> None:
    """Hashing what has come is silent, and long on a slow disk: it gets more patience, but not for ever."""
    async with Repeating(b'{"status":"verifying sha256 digest"}') as server, OllamaClient(server.base_url) as client:
        with pytest.raises(PullFailed) as caught:
            await client.pull("tiny", stall_timeout=0.1)
    assert caught.value.kind is PullFailure.STALLED
    assert "0.4 s" in caught.value.message
    assert_one_clear_sentence(caught.value)


async def test_lines_without_text_are_no_progress_of_an_answer() -> None:
    async with Repeating(b'{"model":"tiny","response":"","done":false}') as server:
        async with OllamaClient(server.base_url) as client:
            with pytest.raises(HostUnreachable):
                await client.generate("tiny", "Hello", stall_timeout=0.4)
        assert server.lines > 5


async def test_what_moves_goes_on_for_longer_than_the_patience() -> None:
    told: list[str] = []
    async with (
        Repeating(b'{"model":"tiny","response":"x","done":false}') as server,
        OllamaClient(server.base_url, timeout=0.2) as client,
    ):
        answering = asyncio.create_task(client.generate("tiny", "Hello", on_token=told.append, stall_timeout=0.5))
        while len(told) < 60:  # more than a second
            await asyncio.sleep(0.05)
            assert not answering.done()
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        assert answering.cancelled()


async def test_a_watchdog_without_patience_waits_for_ever() -> None:
    async with Watchdog(None) as watch:
        watch.moved()
        await asyncio.sleep(0.01)
    assert not watch.bit


async def test_a_timeout_of_somebody_else_is_theirs() -> None:
    watch = Watchdog(60)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01), watch:
            await asyncio.sleep(5)
    assert not watch.bit
