"""The pool of a host's connections: short calls share a few, streams have their own, unused ones are closed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from ecs_localai.components.hosts import ConnectionPool
from ecs_localai.ollama import ErrorKind, OllamaClient
from ecs_localai.ollama.errors import HostUnreachable
from tests.ollama.ollama_parts import assert_one_clear_sentence
from tests.rig.odd_servers import Silent
from tests.rig.ollama_server import OllamaServer
from tests.rig.relay import Relay
from tests.rig.waiting import wait_until


@pytest.mark.ollama
async def test_long_streams_do_not_starve_short_calls(ollama_server: OllamaServer) -> None:
    """The pool has one connection, and three generations run for the whole time."""
    pool = ConnectionPool(max_connections=1)
    async with OllamaClient(ollama_server.base_url, pool=pool, timeout=20) as client:
        begun = asyncio.Event()
        options = {"num_predict": 40, "num_gpu": 0}
        streams = [
            asyncio.create_task(client.generate("tiny", "a", options=options, on_token=lambda _: begun.set()))
            for _ in range(3)
        ]
        await asyncio.wait_for(begun.wait(), 30)
        answers = await asyncio.gather(*(client.version() for _ in range(8)))
        assert len(set(answers)) == 1
        assert not all(stream.done() for stream in streams)
        await asyncio.gather(*streams)


async def test_short_calls_wait_for_a_connection_within_their_own_limit() -> None:
    with Silent() as server:
        async with OllamaClient(server.base_url, pool=ConnectionPool(max_connections=1), timeout=0.4) as client:
            # Different calls: equal ones may share one request. Many: the end of the first may be in time for another.
            calls = [client.version(), *(client.show(f"model-{number}") for number in range(12))]
            failures = await asyncio.gather(*calls, return_exceptions=True)
    messages = sorted(str(failure) for failure in failures)
    for failure in failures:
        assert isinstance(failure, HostUnreachable)
        assert failure.kind is ErrorKind.TIMED_OUT
        assert_one_clear_sentence(failure)
    assert any("No free connection" in message for message in messages)


@pytest.mark.ollama
async def test_many_short_calls_share_the_connections_there_are(ollama_server: OllamaServer) -> None:
    with Relay("127.0.0.1", ollama_server.port) as relay:
        async with OllamaClient(relay.base_url, pool=ConnectionPool(max_connections=3)) as client:
            digests = [f"sha256:{number:064x}" for number in range(30)]
            assert not any(await asyncio.gather(*(client.blob_exists(digest) for digest in digests)))
            assert 1 <= relay.accepted_connections <= 3


@pytest.mark.ollama
@pytest.mark.parametrize("seconds", [0.0, 0.3])
async def test_an_unused_connection_is_closed_after_its_time(ollama_server: OllamaServer, seconds: float) -> None:
    pool = ConnectionPool(keep_alive=timedelta(seconds=seconds))
    with Relay("127.0.0.1", ollama_server.port) as relay:
        async with OllamaClient(relay.base_url, pool=pool) as client:
            assert await client.version()
            await asyncio.to_thread(wait_until, lambda: relay.open_connections == 0, 10)
            assert await client.version()
            assert relay.accepted_connections == 2
        async with OllamaClient(relay.base_url, pool=ConnectionPool(keep_alive=timedelta.max)) as client:
            assert await client.version()
            assert (await client.show("tiny")).modelfile
            assert relay.accepted_connections == 3
