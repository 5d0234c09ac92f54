"""The connections to hosts: which are closed when a host is changed or removed, and what goes on meanwhile."""

from __future__ import annotations

import psutil
import pytest

from ecs_localai import (
    DeleteModelRequested,
    EditHostRequested,
    HostListError,
    InstallationPhase,
    ModelDeleteFailed,
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallRequest,
    OllamaAuth,
    OllamaConfiguration,
    OllamaConnectionStatusChanged,
    OllamaHosts,
    RemoveHostRequested,
)
from ecs_localai.systems.host_clients import HostClients
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.systems.systems_parts import INSECURE, Driven, assert_clear, config_for


def hosts_of(driven: Driven) -> OllamaHosts:
    return driven.app.world.resource(OllamaHosts)


def connections_to(port: int) -> int:
    """How many open connections of this process there are to this port."""
    there = psutil.Process().net_connections("tcp")
    return sum(bool(one.raddr) and one.raddr.port == port and one.status == "ESTABLISHED" for one in there)


def test_a_host_that_gets_another_address_leaves_no_connection(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer
) -> None:
    with Driven(ollama_server.port) as driven:
        hosts = hosts_of(driven)
        entity = hosts.add(config_for(fresh_ollama.port), "Moving")
        driven.until(lambda: hosts.require("Moving").models.synced)
        assert connections_to(fresh_ollama.port)
        hosts.edit(entity, config_for(closed_port()))
        driven.until(lambda: not connections_to(fresh_ollama.port))


@pytest.mark.parametrize("times", [1, 5])
def test_a_host_that_is_changed_in_every_frame_leaves_no_connection(
    times: int, ollama_server: OllamaServer, fresh_ollama: OllamaServer
) -> None:
    """Also while the client of a former configuration is only being made."""
    with Driven(ollama_server.port) as driven:
        hosts = hosts_of(driven)
        entity = hosts.add(config_for(fresh_ollama.port), "Restless")
        for number in range(times):
            driven.update()
            hosts.edit(entity, config_for(closed_port()) if number % 2 else config_for(fresh_ollama.port))
            driven.update()
            hosts.edit(entity, OllamaConfiguration(port=fresh_ollama.port, authentication=OllamaAuth.bearer("x")))
        driven.until(lambda: hosts.require("Restless").models.synced)
        hosts.remove(entity)
        driven.until(lambda: not connections_to(fresh_ollama.port))


def test_an_installation_goes_on_while_its_host_gets_another_log_in(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    registry.files.throttle(4_000_000)
    name, waiting = registry.name_for("middle:latest"), registry.name_for("tiny:latest")
    with Driven(ollama_server.port) as driven:
        hosts = hosts_of(driven)
        entity = hosts.add(config_for(fresh_ollama.port), "Edited")
        for model in (name, registry.name_for("smollm2:135m"), waiting):
            driven.app.world.spawn(ModelInstallRequest(model, INSECURE, "Edited"))
        driven.until(lambda: driven.installation(name).progress.bytes_downloaded)
        assert driven.installation(waiting).status.kind is InstallationPhase.QUEUED
        config = OllamaConfiguration(port=fresh_ollama.port, authentication=OllamaAuth.bearer("new"))
        hosts.edit(entity, config, "Renamed")
        driven.update()
        assert hosts.require("Renamed").manager.api_client.authentication is not None
        driven.until_event(ModelInstallationCompleted)
        registry.files.clear()
        driven.until_event(ModelInstallationCompleted, 3)
        assert driven.events(ModelInstallationFailed) == []
        assert set(fresh_ollama.model_names()) >= {name, waiting}
        hosts.remove(entity)
        driven.until(lambda: not connections_to(fresh_ollama.port))


def test_what_is_being_installed_on_a_removed_host_is_cancelled_not_failed(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    registry.files.throttle(1_000_000)
    with Driven(ollama_server.port) as driven:
        for turn in range(3):
            hosts_of(driven).add(config_for(fresh_ollama.port), "Going")
            driven.app.world.spawn(ModelInstallRequest(registry.name_for("smollm2:135m"), INSECURE, "Going"))
            driven.until(
                lambda: any(one.status.is_running and one.progress.bytes_downloaded for one in driven.installations)
            )
            driven.write(RemoveHostRequested("Going"))
            driven.until_event(ModelInstallationCancelled, turn + 1)
        assert driven.events(ModelInstallationFailed) == []
        driven.until(lambda: not connections_to(fresh_ollama.port))


def test_a_host_that_fails_a_deletion_is_asked_at_once(ollama_server: OllamaServer, fresh_ollama: OllamaServer) -> None:
    with Driven(ollama_server.port) as driven:
        hosts = hosts_of(driven)
        hosts.add(config_for(fresh_ollama.port), "Dying")
        driven.until(lambda: hosts.require("Dying").models.synced)
        fresh_ollama.kill()
        hosts.require("Dying").link.probe_timer.stop()  # nothing else asks it
        driven.write(DeleteModelRequested("tiny", "Dying"))
        assert_clear(driven.until_event(ModelDeleteFailed).error_message)
        driven.until(lambda: not hosts.require("Dying").health.is_healthy)
        changes = [one for one in driven.events(OllamaConnectionStatusChanged) if one.host == fresh_ollama.base_url]
        assert [one.new_status for one in changes] == [True, False]


def test_a_deletion_under_way_on_a_host_that_is_removed_is_told(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer
) -> None:
    with Driven(ollama_server.port) as driven:
        hosts = hosts_of(driven)
        hosts.add(config_for(fresh_ollama.port), "Going")
        driven.until(lambda: hosts.require("Going").models.synced)
        fresh_ollama.pause()
        try:
            driven.write(DeleteModelRequested("tiny", "Going"))
            driven.until(lambda: hosts.require("Going").link.deletions)
            driven.write(RemoveHostRequested("Going"))
            failed = driven.until_event(ModelDeleteFailed)
            assert_clear(failed.error_message)
            assert failed.host == fresh_ollama.base_url
        finally:
            fresh_ollama.unpause()


@pytest.mark.parametrize("spelling", ["localhost:{}", "http://LOCALHOST:{}/", "0.0.0.0:{}", "127.0.0.1:{}"])
def test_the_same_server_by_another_spelling_is_refused(spelling: str, ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as driven:
        hosts = hosts_of(driven)
        with pytest.raises(HostListError, match="in the list already"):
            hosts.add(spelling.format(ollama_server.port))
        found = hosts.find(spelling.format(ollama_server.port))
        assert found is not None
        assert found.base_url == ollama_server.base_url


def test_a_host_called_by_its_address_is_called_by_the_next_one_too() -> None:
    """Else its name would be another host's address."""
    with Driven() as driven:
        hosts = hosts_of(driven)
        first, second = closed_port(), closed_port()
        hosts.add(config_for(first))
        hosts.add(config_for(second), "Given by hand")
        for name, port in ((f"127.0.0.1:{first}", closed_port()), ("Given by hand", closed_port())):
            driven.write(EditHostRequested(name, f"127.0.0.1:{port}", name))
            driven.update()
        assert [one.host.name for one in hosts.all()[1:]] == [
            f"127.0.0.1:{hosts.all()[1].config.port}",
            "Given by hand",
        ]
        assert hosts.find(f"127.0.0.1:{first}") is None


def test_a_probe_that_was_cancelled_is_made_again(ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as driven:
        driven.update()
        (one,) = hosts_of(driven).all()
        assert one.link.probe is not None
        one.link.probe.cancel()
        driven.connect()


def test_no_client_is_kept_for_what_no_host_has_any_more(ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as driven:
        clients = driven.app.world.resource(HostClients)
        entity = hosts_of(driven).all()[0].entity
        driven.connect()
        for number in range(5):
            auth = OllamaAuth.bearer(f"token-{number}")
            driven.app.world.insert(entity, OllamaConfiguration(port=ollama_server.port, authentication=auth))
            driven.update()
            driven.connect()
        driven.until(lambda: len(clients._clients) == 1)
