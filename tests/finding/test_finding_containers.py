"""Ollamas in containers, found through the API of a real Podman; and sockets that give no such answer."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecs_localai.components.found_hosts import FoundBy, FoundHost
from ecs_localai.ollama.finding import ThisMachine, find_container_hosts, find_hosts
from ecs_localai.ollama.finding.container_sockets import container_sockets
from tests.finding.finding_parts import Found, taken_places, taken_urls
from tests.finding.podman_rig import PodmanRig
from tests.rig import orphan_guard
from tests.rig.leaks import assert_nothing_new, holdings
from tests.rig.ollama_program import OllamaProgram
from tests.rig.parts import ROOT, PartMissing
from tests.rig.plain_http import call
from tests.rig.ports import free_port
from tests.rig.waiting import wait_until


@pytest.fixture(scope="module")
def podman() -> Iterator[PodmanRig]:
    """A real Podman with its API; the tests are skipped where containers can't be run."""
    try:
        rig = PodmanRig().start()
    except PartMissing as missing:
        pytest.skip(str(missing))
    try:
        yield rig
    finally:
        rig.stop()


@pytest.fixture
def socket_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a unix socket."""
    folder = orphan_guard.temporary_folder("sock")
    yield folder
    orphan_guard.remove_folder(folder)


def environment_of(path: Path) -> dict[str, str]:
    """One in which the socket is the only one of a person's own."""
    return {"DOCKER_HOST": f"unix://{path}", "HOME": os.environ["HOME"]}


def run_or_skip(podman: PodmanRig, name: str, program: OllamaProgram, publish: list[str]) -> None:
    try:
        podman.run_ollama(name, program, publish)
    except PartMissing as missing:
        pytest.skip(str(missing))


def answers(port: int) -> bool:
    """Whether an Ollama answers there."""
    try:
        return call(port, "GET", "/api/version", timeout=2.0).status == 200
    except OSError:
        return False


def problems_of(environment: dict[str, str]) -> list[str]:
    """What a search says that finds nothing and leaves nothing."""
    found = Found()
    before = holdings()
    problems = asyncio.run(find_container_hosts(found.sighting, environment=environment))
    assert_nothing_new(before)
    return problems


@pytest.mark.ollama
def test_published_ollamas_are_found_with_their_containers_names(podman: PodmanRig, program: OllamaProgram) -> None:
    narrow, wide, twice, web = (free_port() for _ in range(4))
    run_or_skip(podman, "ollama-narrow", program, [f"127.0.0.1:{narrow}:11434"])
    run_or_skip(podman, "ollama-wide", program, [f"{wide}:11434", f"127.0.0.1:{twice}:11434"])
    server = ["/usr/bin/env", "python3", "-m", "http.server", "8000"]
    podman.run("a-web-server", server, [f"127.0.0.1:{web}:8000"])
    wait_until(lambda: answers(narrow) and answers(wide), 30.0, "the containers to answer")
    found = Found()
    before = holdings()
    problems = asyncio.run(find_container_hosts(found.sighting, environment=environment_of(podman.socket)))
    assert_nothing_new(before)
    assert {(host.name, host.found_by) for host in found.hosts} == {
        ("ollama-narrow", FoundBy.CONTAINER),
        ("ollama-wide", FoundBy.CONTAINER),
    }
    assert len(found.hosts) == 2, "one that is published twice is one server"
    assert {host.base_url for host in found.at(narrow)} == {f"http://127.0.0.1:{narrow}"}
    (wide_host,) = found.at(wide, twice)
    machine = asyncio.run(ThisMachine.look())
    assert machine.places("", wide) <= found.places[wide_host.base_url]
    assert all(str(podman.socket) not in problem for problem in problems)


@pytest.mark.ollama
def test_a_published_port_is_reported_once_and_as_the_container(podman: PodmanRig, program: OllamaProgram) -> None:
    others, port = taken_urls(), free_port()
    run_or_skip(podman, "ollama-both", program, [f"{port}:11434"])
    wait_until(lambda: answers(port), 30.0, "the container to answer")
    hosts: list[FoundHost] = []
    asyncio.run(find_hosts(lan=False, known=others, on_found=hosts.append, environment=environment_of(podman.socket)))
    (host,) = [host for host in hosts if host.base_url.endswith(f":{port}")]
    assert (host.name, host.found_by) == ("ollama-both", FoundBy.CONTAINER)


def test_an_api_without_containers_is_no_problem(podman: PodmanRig) -> None:
    found = Found()
    skip = taken_places()
    environment = environment_of(podman.socket)
    problems = asyncio.run(find_container_hosts(found.sighting, skip=skip, environment=environment))
    assert all(str(podman.socket) not in problem for problem in problems)


def test_a_named_socket_that_is_not_there_is_no_problem(socket_folder: Path) -> None:
    sockets, problems = container_sockets(environment_of(socket_folder / "missing.sock"))
    assert str(socket_folder / "missing.sock") not in [one.path for one in sockets]
    assert problems == []


def test_one_socket_under_two_names_is_asked_once(socket_folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(socket_folder / "one.sock"))
        (socket_folder / "docker.sock").symlink_to(socket_folder / "one.sock")
        environment = {**environment_of(socket_folder / "one.sock"), "XDG_RUNTIME_DIR": str(socket_folder)}
        sockets, _ = container_sockets(environment)
    assert [one.path for one in sockets if str(socket_folder) in one.path] == [str(socket_folder / "one.sock")]


def test_a_socket_that_nobody_serves_is_a_problem_with_a_remedy(socket_folder: Path) -> None:
    path = socket_folder / "left.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    problems = problems_of(environment_of(path))
    assert f"Nothing answers at {path}, so its containers were not looked at; start Docker or Podman." in problems


def test_a_socket_that_is_silent_is_a_problem(socket_folder: Path) -> None:
    path = socket_folder / "silent.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        problems = problems_of(environment_of(path))
    assert any(problem.startswith(f"{path} gave no answer within 3 seconds") for problem in problems)


def test_something_else_behind_the_socket_is_a_problem(socket_folder: Path) -> None:
    path = socket_folder / "other.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def refuse() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        problems = asyncio.run(find_container_hosts(Found().sighting, environment=environment_of(path)))
        thread.join(10)
    assert any(problem.startswith(f"{path} doesn't answer as Docker or Podman does") for problem in problems)


@pytest.mark.parametrize("address", ["tcp://192.0.2.1:2375", "ssh://me@example.com"])
def test_containers_of_another_machine_are_not_looked_for(address: str) -> None:
    _, problems = container_sockets({"DOCKER_HOST": address, "HOME": os.environ["HOME"]})
    (problem,) = problems
    assert f"names a {address.split(':')[0]}:// address" in problem
    assert "me@" not in problem


_AS_NOBODY = """
import asyncio, os, sys
from ecs_localai.ollama.finding import find_container_hosts
environment = {"DOCKER_HOST": "unix://" + sys.argv[1], "HOME": "/nonexistent"}
for first in (True, False):  # the first search imports what it needs, as long as we may read it
    problems = asyncio.run(find_container_hosts(print, environment=environment))
    if first:
        os.setgid(65534)
        os.setuid(65534)
print("\\n".join(problems))
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else")
def test_a_socket_that_we_may_not_use_is_a_problem_with_a_remedy(socket_folder: Path) -> None:
    path = socket_folder / "mine.sock"
    socket_folder.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        path.chmod(0o600)
        done = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY, str(path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert f"You may not use {path}, so its containers were not looked at" in done.stdout, done.stderr
