"""Ollamas that are announced in the network; the network of these tests is the loopback interface."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from ecs_localai.components.found_hosts import FoundBy, FoundHost
from ecs_localai.ollama.finding import Place, find_lan_hosts
from tests.finding.announcing import LOOPBACK, announced
from tests.finding.finding_parts import Found, foreign_servers
from tests.rig.leaks import assert_nothing_new, holdings
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer

pytestmark = [pytest.mark.ollama, pytest.mark.usefixtures("program")]


async def searched_for(port: int, found: Found) -> list[str]:
    """Search until what listens on this port is found: a busy machine may answer after a search has ended."""
    problems: list[str] = []
    for _ in range(10):
        problems = await find_lan_hosts(found.sighting, seconds=2.0, interfaces=LOOPBACK)
        if found.at(port):
            break
    return problems


def test_an_announced_ollama_is_found_under_its_name(fresh_ollama: OllamaServer) -> None:
    found = Found()

    async def search() -> list[str]:
        async with announced("Big Box", fresh_ollama.port):
            return await searched_for(fresh_ollama.port, found)

    before = holdings()
    problems = asyncio.run(search())
    assert_nothing_new(before)
    version = str(fresh_ollama.call("GET", "/api/version").json()["version"])
    assert found.at(fresh_ollama.port) == [FoundHost(fresh_ollama.base_url, version, FoundBy.LAN, "Big Box")]
    assert Place("big-box.local", fresh_ollama.port) in found.places[fresh_ollama.base_url]
    assert problems == []


def test_only_what_answers_as_an_ollama_is_found(fresh_ollama: OllamaServer) -> None:
    found = Found()

    async def search(web: dict[str, int]) -> list[str]:
        async with AsyncExitStack() as stack:
            kind = "_http._tcp.local."
            await stack.enter_async_context(announced("Printer", web["CaptivePortal"], kind))
            await stack.enter_async_context(announced("Chat", web["VersionedWebApp"], kind))
            await stack.enter_async_context(announced("Switched off", closed_port()))
            await stack.enter_async_context(announced("Web Ollama", fresh_ollama.port, kind))
            return await searched_for(fresh_ollama.port, found)

    with foreign_servers() as web:
        problems = asyncio.run(search(web))
    assert [host.name for host in found.at(fresh_ollama.port, *web.values())] == ["Web Ollama"]
    assert problems == []


def test_a_server_of_two_services_is_found_once(fresh_ollama: OllamaServer) -> None:
    found = Found()

    async def search() -> None:
        async with (
            announced("Twin", fresh_ollama.port, server="twin.local."),
            announced("Twin", fresh_ollama.port, "_http._tcp.local.", server="twin.local."),
        ):
            await searched_for(fresh_ollama.port, found)

    asyncio.run(search())
    assert len(found.at(fresh_ollama.port)) == 1


def test_a_base_path_is_asked_as_announced(fresh_ollama: OllamaServer) -> None:
    found = Found()

    async def search() -> None:
        async with announced("Below", fresh_ollama.port, properties={"path": "/not-there/"}):
            await find_lan_hosts(found.sighting, seconds=2.0, interfaces=LOOPBACK)

    asyncio.run(search())
    assert found.at(fresh_ollama.port) == [], "this Ollama has no such path"


def test_what_is_known_is_not_found(fresh_ollama: OllamaServer) -> None:
    found = Found()

    async def search() -> None:
        async with announced("Known Box", fresh_ollama.port):
            skip = {Place("known-box.local", fresh_ollama.port)}
            await find_lan_hosts(found.sighting, seconds=2.0, skip=skip, interfaces=LOOPBACK)

    asyncio.run(search())
    assert found.at(fresh_ollama.port) == []


def test_a_cancelled_search_leaves_nothing(fresh_ollama: OllamaServer) -> None:
    async def search() -> None:
        heard = asyncio.Event()
        async with announced("Brief", fresh_ollama.port):
            task = asyncio.create_task(find_lan_hosts(lambda _: heard.set(), seconds=60.0, interfaces=LOOPBACK))
            async with asyncio.timeout(20):
                await heard.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    before = holdings()
    asyncio.run(search())
    assert_nothing_new(before)


def test_an_interface_that_is_not_ours_is_a_problem() -> None:
    before = holdings()
    problems = asyncio.run(find_lan_hosts(Found().sighting, seconds=0.1, interfaces=["203.0.113.77"]))
    assert_nothing_new(before)
    assert len(problems) == 1
    assert problems[0].startswith("The local network could not be searched")
