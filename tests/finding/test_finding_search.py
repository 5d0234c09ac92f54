"""Looking everywhere at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from ecs_localai.components.found_hosts import FoundBy, FoundHost
from ecs_localai.ollama.address import parse_host
from ecs_localai.ollama.finding import find_hosts
from tests.finding.announcing import LOOPBACK, announced
from tests.finding.finding_parts import foreign_servers, taken_urls
from tests.rig.leaks import assert_nothing_new, holdings
from tests.rig.ollama_server import OllamaServer
from tests.rig.parts import ROOT
from tests.rig.ports import free_port
from tests.rig.waiting import wait_until_async

pytestmark = [pytest.mark.ollama, pytest.mark.usefixtures("program")]


def at(hosts: list[FoundHost], *ports: int) -> list[FoundHost]:
    """Those at one of these ports; others of this machine may have started an Ollama meanwhile."""
    return [host for host in hosts if parse_host(host.base_url).port in ports]


def test_a_server_of_this_machine_that_is_announced_too_is_reported_once_as_local() -> None:
    others, port = taken_urls(), free_port()
    hosts: list[FoundHost] = []

    async def search() -> list[str]:
        async with announced("This Box", port):
            return await find_hosts(
                lan=True, known=others, on_found=hosts.append, lan_interfaces=LOOPBACK, environment={}
            )

    with OllamaServer(port=port, env={"OLLAMA_HOST": f"0.0.0.0:{port}"}), foreign_servers() as foreign:
        before = holdings()
        problems = asyncio.run(search())
        assert_nothing_new(before)
    (host,) = at(hosts, port, *foreign.values())
    assert host.found_by is FoundBy.LOCAL
    assert problems == []


@pytest.mark.parametrize("as_known", ["127.0.0.1:{port}", "http://localhost:{port}/", ":{port}", "[::1]:{port}"])
def test_a_known_server_is_not_reported_however_it_is_written(as_known: str) -> None:
    others, port = taken_urls(), free_port()
    hosts: list[FoundHost] = []
    with OllamaServer(port=port, env={"OLLAMA_HOST": f"0.0.0.0:{port}"}):
        known = [*others, as_known.format(port=port), "not an address"]
        asyncio.run(find_hosts(lan=False, known=known, on_found=hosts.append, environment={}))
    assert at(hosts, port) == []


def test_the_network_is_left_alone_unless_it_is_asked_for() -> None:
    """In a fresh process without ``lan``, nothing of zeroconf is even imported."""
    code = (
        "import asyncio, sys\n"
        "from ecs_localai.ollama.finding import find_hosts\n"
        "loaded = [name for name in ('aiohttp', 'psutil', 'zeroconf') if name in sys.modules]\n"
        f"known = {taken_urls()!r}\n"
        "asyncio.run(find_hosts(lan=False, known=known, on_found=lambda host: None, environment={}))\n"
        "print(loaded, 'zeroconf' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split("\n")[0] == "[] False"


def test_a_cancelled_search_leaves_nothing() -> None:
    others = taken_urls()
    hosts: list[FoundHost] = []

    async def search(port: int) -> None:
        task = asyncio.create_task(
            find_hosts(lan=True, known=others, on_found=hosts.append, lan_interfaces=LOOPBACK, environment={})
        )
        await wait_until_async(lambda: at(hosts, port), 20.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with OllamaServer() as server:
        before = holdings()
        asyncio.run(search(server.port))
        assert_nothing_new(before)


@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("turns", range(10))
def test_a_search_can_be_cancelled_at_every_moment_of_its_beginning(turns: int, again: bool) -> None:
    others = taken_urls()

    async def search() -> None:
        task = asyncio.create_task(
            find_hosts(lan=True, known=others, on_found=lambda _: None, lan_interfaces=LOOPBACK, environment={})
        )
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        if again:
            await asyncio.sleep(0)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    before = holdings()
    asyncio.run(search())
    assert_nothing_new(before)


def test_a_search_out_of_time_says_so_and_keeps_what_it_found() -> None:
    others = taken_urls()
    hosts: list[FoundHost] = []
    with OllamaServer() as server:
        problems = asyncio.run(
            find_hosts(
                lan=True, known=others, on_found=hosts.append, within=2.5, lan_interfaces=LOOPBACK, environment={}
            )
        )
    assert len(at(hosts, server.port)) == 1
    assert problems == ["Not all of the local network could be looked at within 2.5 seconds; try again."]
