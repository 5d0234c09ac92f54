"""Ollamas that programs of this machine run."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from ecs_localai.components.found_hosts import FoundBy
from ecs_localai.ollama.finding import Place, ThisMachine, find_local_hosts
from ecs_localai.ollama.finding.listening import listeners, listening_sockets, may_be_ollama
from ecs_localai.ollama.local_server import LocalServerProcess
from tests.finding.finding_parts import Found, foreign_servers, serving_environment, taken_places
from tests.rig.leaks import assert_nothing_new, holdings
from tests.rig.odd_servers import LooseJsonApi
from tests.rig.ollama_server import OllamaServer
from tests.rig.ports import free_port

pytestmark = [pytest.mark.ollama, pytest.mark.usefixtures("program")]


def search(skip: frozenset[Place], environment: dict[str, str] | None = None) -> tuple[Found, list[str]]:
    """A whole search in a loop of its own, after which nothing may be left."""
    found = Found()
    before = holdings()
    problems = asyncio.run(find_local_hosts(found.sighting, skip=skip, environment=environment or {}))
    assert_nothing_new(before)
    return found, problems


def test_every_server_is_found_and_nothing_else() -> None:
    others = taken_places()
    with ExitStack() as stack:
        foreign = stack.enter_context(foreign_servers())
        servers = [stack.enter_context(OllamaServer()) for _ in range(3)]
        found, problems = search(others)
        versions = {str(server.call("GET", "/api/version").json()["version"]) for server in servers}
    hosts = found.at(*(server.port for server in servers), *foreign.values())
    assert sorted(host.base_url for host in hosts) == sorted(server.base_url for server in servers)
    assert {host.found_by for host in hosts} == {FoundBy.LOCAL}
    assert {host.version for host in hosts} == versions
    assert problems == []


@pytest.mark.parametrize("everywhere", ["0.0.0.0", "[::]"])
def test_a_server_on_every_interface_is_found_once(everywhere: str) -> None:
    others, port = taken_places(), free_port()
    with OllamaServer(port=port, env={"OLLAMA_HOST": f"{everywhere}:{port}"}) as server:
        found, _ = search(others)
    assert [host.base_url for host in found.at(port)] == [server.base_url]
    machine = asyncio.run(ThisMachine.look())
    assert found.places[server.base_url] == machine.places("", port)
    assert {"127.0.0.1", "::1"} <= {place.host for place in found.places[server.base_url]}


def test_a_server_on_ipv6_alone_is_found_there(installed: Path, tmp_path: Path) -> None:
    others, port = taken_places(), free_port()
    server = LocalServerProcess(installed, environment=serving_environment(tmp_path))
    found = Found()

    async def start_and_search() -> None:
        await server.start(f"[::1]:{port}")
        try:
            await find_local_hosts(found.sighting, skip=others, environment={})
        finally:
            await server.stop()

    asyncio.run(start_and_search())
    assert [host.base_url for host in found.at(port)] == [f"http://[::1]:{port}"]


def test_a_runner_is_not_asked(ollama_server: OllamaServer) -> None:
    answer = ollama_server.call("POST", "/api/generate", {"model": "tiny", "stream": False, "keep_alive": 60})
    assert answer.status == 200
    runners = {child.pid for child in psutil.Process(ollama_server.pid).children(recursive=True)}
    running = [one for one in listeners(listening_sockets()) if one.pid in runners]
    assert running, "the loaded model has a runner, which listens"
    asked = may_be_ollama(listeners(listening_sockets()))
    assert not [one for one in asked if one.pid in runners]
    assert [one for one in asked if one.pid == ollama_server.pid]


def test_our_own_servers_are_not_asked() -> None:
    with LooseJsonApi() as server, OllamaServer() as ollama:
        assert isinstance(server, LooseJsonApi)
        own = Place("127.0.0.1", server.port)
        found, _ = search(taken_places() - {own, Place("127.0.0.1", ollama.port)})
        assert server.requests == []
    assert [host.base_url for host in found.at(server.port, ollama.port)] == [ollama.base_url]


def test_what_is_known_is_not_asked_and_all_its_places_are_told() -> None:
    others, port = taken_places(), free_port()
    told: list[frozenset[Place]] = []
    found = Found()
    with OllamaServer(port=port, env={"OLLAMA_HOST": f"0.0.0.0:{port}"}):
        known = others | {Place("127.0.0.1", port)}
        asyncio.run(find_local_hosts(found.sighting, skip=known, on_skipped=told.append, environment={}))
    assert found.at(port) == []
    machine = asyncio.run(ThisMachine.look())
    assert machine.places("", port) in told


def test_the_address_in_the_environment_is_asked() -> None:
    others = taken_places()
    with OllamaServer() as server:
        found, problems = search(others, {"OLLAMA_HOST": f"localhost:{server.port}"})
    assert [host.base_url for host in found.at(server.port)] == [server.base_url]
    assert problems == []


def test_an_address_in_the_environment_that_cannot_be_read_is_a_problem() -> None:
    _, problems = search(taken_places(), {"OLLAMA_HOST": "127.0.0.1:99999"})
    assert len(problems) == 1
    assert problems[0].startswith("OLLAMA_HOST can't be read: '99999'")
