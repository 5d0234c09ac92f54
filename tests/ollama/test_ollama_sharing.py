"""Equal reads at the same time are one request, and nobody is hurt by another one's leaving."""

from __future__ import annotations

import asyncio

import pytest

from ecs_localai.ollama import OllamaClient
from ecs_localai.ollama.errors import ModelNotFound
from tests.rig.ollama_server import OllamaServer
from tests.rig.relay import Relay
from tests.rig.waiting import wait_until_async

pytestmark = pytest.mark.ollama


def _requests(server: OllamaServer, path: str) -> int:
    return server.log_text().count(f'"{path}"')


async def test_equal_reads_are_one_request(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        await client.version()
        before = _requests(ollama_server, "/api/tags"), _requests(ollama_server, "/api/show")
        lists = await asyncio.gather(*(client.tags() for _ in range(10)))
        shown = await asyncio.gather(client.show("tiny"), client.show("tiny"), client.show("smollm2:135m"))
        assert len(await client.tags()) == len(lists[0])
        await client.version()
    assert all(found == lists[0] for found in lists)
    assert len({id(found) for found in lists}) == 10, "a list of everybody's own"
    assert shown[0] == shown[1] != shown[2]
    await wait_until_async(lambda: _requests(ollama_server, "/api/tags") >= before[0] + 2)
    assert _requests(ollama_server, "/api/tags") == before[0] + 2
    assert _requests(ollama_server, "/api/show") == before[1] + 2


async def test_one_who_leaves_does_not_hurt_the_others(ollama_server: OllamaServer) -> None:
    with Relay("127.0.0.1", ollama_server.port) as relay:
        async with OllamaClient(relay.base_url) as client:
            await client.version()
            relay.stall()
            first, second, third = (asyncio.create_task(client.tags()) for _ in range(3))
            await asyncio.sleep(0.02)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            assert first.cancelled()
            relay.resume()
            assert await second == await third
            assert relay.accepted_connections == 1


async def test_when_the_last_one_leaves_the_request_ends(ollama_server: OllamaServer) -> None:
    with Relay("127.0.0.1", ollama_server.port) as relay:
        async with OllamaClient(relay.base_url) as client:
            await client.version()
            relay.stall()
            callers = [asyncio.create_task(client.tags()) for _ in range(3)]
            await asyncio.sleep(0.02)
            for caller in callers:
                caller.cancel()
            await asyncio.gather(*callers, return_exceptions=True)
            relay.resume()
            await wait_until_async(lambda: relay.open_connections == 0)
            assert len(await client.tags()) >= 2


async def test_a_failure_is_everybodys(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        results = await asyncio.gather(*(client.show("nope") for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, ModelNotFound) for result in results)


async def test_a_read_after_a_change_sees_it(ollama_server: OllamaServer) -> None:
    """A read that began before the change must not answer one that began after it."""
    with Relay("127.0.0.1", ollama_server.port) as relay:
        async with OllamaClient(relay.base_url) as client, OllamaClient(ollama_server.base_url) as direct:
            await client.copy("tiny", "copied:8")
            relay.delay(0.3)
            old = asyncio.create_task(client.tags())
            await asyncio.sleep(0.02)
            await client.delete("copied:8")
            new = await client.tags()
            await old
            names = sorted(entry.name for entry in new)
            assert "copied:8" not in names
            assert names == sorted(entry.name for entry in await direct.tags())
