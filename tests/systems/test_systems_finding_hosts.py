"""Looking for hosts, and starting and stopping the Ollama of this machine, as a person asks for it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from ecs_localai import (
    AddHostRequested,
    FindHostsRequested,
    FoundBy,
    HostOrigin,
    HostSearch,
    HostsFound,
    LocalServer,
    LocalServerChanged,
    LocalServerState,
    OllamaConfiguration,
    OllamaHosts,
    StartLocalServerRequested,
    StopLocalServerRequested,
)
from tests.rig.ollama_program import find_ollama
from tests.rig.ollama_server import OllamaServer
from tests.rig.ports import free_port
from tests.rig.waiting import wait_until
from tests.systems.systems_parts import Driven, assert_clear


@contextmanager
def environment(**changes: str) -> Iterator[None]:
    """The environment of this process with these variables, for as long as the block runs."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Path]:
    """A machine on which ``ollama`` is installed: a script on the PATH that runs the real one."""
    program = find_ollama()
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "ollama"
    lines = [f"export {name}='{value}'" for name, value in program.environment.items()]
    script.write_text("\n".join(["#!/bin/sh", *lines, f"exec '{program.path}' \"$@\"", ""]))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    with environment(PATH=path, OLLAMA_MODELS=str(tmp_path / "models"), OLLAMA_BIN=str(script)):
        yield script


def server_of(driven: Driven) -> LocalServer:
    return driven.app.world.resource(LocalServer)


def test_servers_of_this_machine_are_found_and_can_be_added(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer
) -> None:
    with Driven(ollama_server.port) as driven:
        driven.connect()
        search = driven.app.world.resource(HostSearch)
        driven.write(FindHostsRequested())
        driven.update()
        assert search.is_running
        driven.until(lambda: not search.is_running)
        found = {host.base_url: host for host in search.found}
        assert fresh_ollama.base_url in found
        assert ollama_server.base_url not in found  # it is in the list already
        assert found[fresh_ollama.base_url].found_by is FoundBy.LOCAL
        assert found[fresh_ollama.base_url].version
        last = driven.events(HostsFound)[-1]
        assert (last.finished, last.count) == (True, len(search.found))
        driven.write(AddHostRequested(fresh_ollama.base_url))
        hosts = driven.app.world.resource(OllamaHosts)
        driven.until(lambda: hosts.require(fresh_ollama.base_url).health.is_healthy)


def test_an_app_that_ends_in_the_middle_of_looking_leaves_nothing(ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as driven:
        driven.write(FindHostsRequested())
        driven.update()
        assert driven.app.world.resource(HostSearch).is_running


def test_the_local_ollama_is_started_used_and_stopped(installed: Path) -> None:
    port = free_port()
    with Driven(port) as driven:
        server = server_of(driven)
        driven.until(lambda: server.program)
        assert server.program == str(installed)
        assert server.state is LocalServerState.STOPPED
        driven.until(lambda: driven.view.host.status_text == "Not connected")
        driven.write(StartLocalServerRequested())
        driven.until(lambda: server.state is LocalServerState.RUNNING)
        driven.until(lambda: driven.view.host.status_text == "Connected")
        assert server.base_url == f"http://127.0.0.1:{port}"
        pid = server.pid
        assert pid is not None
        driven.write(StopLocalServerRequested())
        driven.until(lambda: server.state is LocalServerState.STOPPED)
        driven.until(lambda: driven.view.host.status_text == "Not connected")
        assert not psutil.pid_exists(pid)
        states = [event.state for event in driven.events(LocalServerChanged)]
        assert [state for state in states if state != "stopped"] == ["starting", "running", "stopping"]


def test_what_we_started_ends_with_the_app(installed: Path) -> None:
    with Driven(free_port()) as driven:
        server = server_of(driven)
        driven.until(lambda: server.program)
        driven.write(StartLocalServerRequested())
        driven.until(lambda: server.state is LocalServerState.RUNNING)
        pid = server.pid
        assert pid is not None
    wait_until(lambda: not psutil.pid_exists(pid))


def test_a_server_that_dies_by_itself_is_said_and_can_be_started_again(installed: Path) -> None:
    with Driven(free_port()) as driven:
        server = server_of(driven)
        driven.until(lambda: server.program)
        driven.write(StartLocalServerRequested())
        driven.until(lambda: server.state is LocalServerState.RUNNING)
        assert server.pid is not None
        psutil.Process(server.pid).kill()
        driven.until(lambda: server.state is LocalServerState.FAILED)
        assert_clear(server.message)
        driven.write(StartLocalServerRequested())
        driven.until(lambda: server.state is LocalServerState.RUNNING)


def test_an_ollama_that_is_there_already_is_used_and_not_stopped(installed: Path, fresh_ollama: OllamaServer) -> None:
    with Driven(fresh_ollama.port) as driven:
        server = server_of(driven)
        driven.until(lambda: server.program)
        driven.write(StartLocalServerRequested())
        driven.until(lambda: server.message)
        assert server.state is LocalServerState.STOPPED
        assert server.pid is None
    assert fresh_ollama.running


def test_a_host_elsewhere_starts_the_local_one_as_a_host_of_its_own(installed: Path, tmp_path: Path) -> None:
    """Ollama's own address is taken on some machines; then there is one already, which is as good."""
    with Driven(data_dir=tmp_path / "data") as driven:
        hosts = driven.app.world.resource(OllamaHosts)
        elsewhere = hosts.all()[0]
        hosts.edit(elsewhere.entity, OllamaConfiguration(host="ollama.invalid"))
        driven.until(lambda: server_of(driven).program)
        driven.write(StartLocalServerRequested())
        driven.until(lambda: len(hosts.all()) == 2)
        started = hosts.all()[1]
        assert started.config.port == 11434
        assert started.host.origin is HostOrigin.STARTED
        driven.until(lambda: started.health.is_healthy)


def test_it_may_be_started_before_its_program_has_been_looked_for(installed: Path) -> None:
    with Driven(free_port()) as driven:
        driven.write(StartLocalServerRequested())
        driven.until(lambda: server_of(driven).state is LocalServerState.RUNNING)
        assert server_of(driven).message is None


def test_stopping_what_only_starts_stops_it_once_it_has_started(installed: Path) -> None:
    with Driven(free_port()) as driven:
        server = server_of(driven)
        driven.write(StartLocalServerRequested())
        driven.until(lambda: server.state is LocalServerState.STARTING)
        driven.write(StopLocalServerRequested())
        driven.until(lambda: server.state is LocalServerState.STOPPED and server.pid is None, timeout=60)
        states = [event.state for event in driven.events(LocalServerChanged)]
        assert states[-2:] == ["stopping", "stopped"]


def test_an_ollama_that_is_installed_later_is_found_when_it_is_to_be_started(installed: Path) -> None:
    away = installed.with_name("away")
    with environment(PATH=str(away), OLLAMA_BIN=""), Driven(free_port()) as driven:
        server = server_of(driven)
        driven.write(StartLocalServerRequested())
        driven.until(lambda: server.message or server.program)
        if server.program is not None:
            pytest.skip("Ollama is installed on this machine where its installers put it")
        assert_clear(server.message)
        with environment(OLLAMA_BIN=str(installed)):
            driven.write(StartLocalServerRequested())
            driven.until(lambda: server.state is LocalServerState.RUNNING)


def test_a_server_that_came_by_being_started_goes_by_being_stopped(installed: Path, tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path / "data") as driven:
        hosts = driven.app.world.resource(OllamaHosts)
        hosts.edit(hosts.all()[0].entity, OllamaConfiguration(host="ollama.invalid"))
        server = server_of(driven)
        driven.write(StartLocalServerRequested())
        driven.until(lambda: len(hosts.all()) == 2)
        if server.pid is None:
            pytest.skip("an Ollama of this machine was there already")
        driven.write(StopLocalServerRequested())
        driven.until(lambda: server.state is LocalServerState.STOPPED)
        driven.until(lambda: len(hosts.all()) == 1)
