"""The list of hosts: adding, changing, ordering, naming and removing them, by whatever way, and keeping it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import esper
import msgspec
import pytest

from ecs_localai import (
    AddHostRequested,
    App,
    ConnectionPool,
    DefaultHost,
    DefaultHostRequested,
    DeleteModelRequested,
    EditHostRequested,
    HostAdded,
    HostChanged,
    HostEdited,
    HostHealthMonitor,
    HostListError,
    HostModels,
    HostRemoved,
    InstallRequested,
    LocalModelsPanel,
    LocalModelsPlugin,
    ModelDeleted,
    ModelDeleteFailed,
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallRequest,
    MoveHostRequested,
    OllamaAPIClient,
    OllamaAuth,
    OllamaConfiguration,
    OllamaConnectionStatusChanged,
    OllamaHost,
    OllamaHostManager,
    OllamaHosts,
    RemoveHostRequested,
)
from ecs_localai.store import Store, Table
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.systems.systems_parts import INSECURE, Driven, assert_clear, config_for


def hosts_of(driven: Driven) -> OllamaHosts:
    return driven.app.world.resource(OllamaHosts)


def names(driven: Driven) -> list[str]:
    return [one.host.name for one in hosts_of(driven).all()]


def healthy(driven: Driven, text: str) -> bool:
    found = hosts_of(driven).find(text)
    return found is not None and found.health.is_healthy and found.models.synced


@pytest.fixture
def driven() -> Iterator[Driven]:
    """An app whose only host is one where nothing listens."""
    with Driven() as app:
        app.update()
        yield app


def test_the_first_host_is_the_default_and_has_every_component(driven: Driven) -> None:
    (one,) = hosts_of(driven).all()
    world = driven.app.world
    assert one.is_default
    assert one.host.position == 0
    for kind in (OllamaHost, OllamaConfiguration, ConnectionPool, HostHealthMonitor, OllamaAPIClient, HostModels):
        assert world.get(one.entity, kind) is not None
    manager = world.get(one.entity, OllamaHostManager)
    assert manager is not None
    assert world.get(one.entity, OllamaConfiguration) is manager.host_config
    assert world.get(one.entity, ConnectionPool) is manager.connection_pool
    assert world.get(one.entity, HostHealthMonitor) is manager.health_monitor
    assert world.get(one.entity, OllamaAPIClient) is manager.api_client


def test_spawning_a_configuration_adds_a_host(driven: Driven, ollama_server: OllamaServer) -> None:
    """A program that knows nothing of our list spawns one component, also with plain esper."""
    config = config_for(ollama_server.port)
    with driven.app.world.active():
        entity = esper.create_entity(config)
    driven.until(lambda: healthy(driven, ollama_server.base_url))
    found = hosts_of(driven).find(ollama_server.host_port)
    assert found is not None
    assert found.entity == entity
    assert not found.is_default
    assert "tiny:latest" in found.models.installed
    assert driven.events(HostAdded)[-1] == HostAdded(ollama_server.base_url, found.host.name)
    assert driven.models.installed_models == {}


def test_replacing_the_configuration_connects_anew(driven: Driven, ollama_server: OllamaServer) -> None:
    (one,) = hosts_of(driven).all()
    driven.app.world.insert(one.entity, config_for(ollama_server.port))
    driven.connect()
    assert driven.models.ollama_config.port == ollama_server.port
    assert one.manager.host_config.port == ollama_server.port
    assert one.manager.api_client.base_url == ollama_server.base_url
    assert driven.app.world.get(one.entity, HostHealthMonitor) is one.manager.health_monitor


def test_replacing_it_in_the_manager_does_the_same(driven: Driven, ollama_server: OllamaServer) -> None:
    (one,) = hosts_of(driven).all()
    one.manager.host_config = config_for(ollama_server.port)
    driven.app.wakeups.request_frame()
    driven.connect()
    config = driven.app.world.get(one.entity, OllamaConfiguration)
    assert config is one.manager.host_config


def test_hosts_are_added_from_what_people_type(driven: Driven) -> None:
    port = closed_port()
    for text in (
        f":{port}",
        f"http://127.0.0.1:{closed_port()}/ollama/",
        f"[::1]:{port}",
        "gpu-box",
        "https://x.example",
    ):
        driven.write(AddHostRequested(text))
    driven.update()
    urls = [one.base_url for one in hosts_of(driven).all()][1:]
    assert urls[0] == f"http://127.0.0.1:{port}"
    assert urls[1].endswith("/ollama")
    assert urls[2:] == [f"http://[::1]:{port}", "http://gpu-box:11434", "https://x.example:443"]
    assert names(driven)[1:] == [f"127.0.0.1:{port}", urls[1][7:], f"[::1]:{port}", "gpu-box:11434", "x.example"]
    assert [one.host for one in driven.events(HostAdded)[1:]] == urls


@pytest.mark.parametrize("text", ["", "http://", "a b", "127.0.0.1:99999", "ftp://x"])
def test_what_is_no_address_is_refused_in_the_form(text: str, driven: Driven) -> None:
    before = names(driven)
    driven.write(AddHostRequested(text or "http://"))
    driven.update()
    (panel,) = [panel for _, panel in driven.app.world.query(LocalModelsPanel)]
    assert_clear(panel.host_error)
    assert names(driven) == before


def test_the_same_address_or_name_twice_is_refused(driven: Driven) -> None:
    hosts = hosts_of(driven)
    hosts.add(config_for(closed_port()), "Box")
    with pytest.raises(HostListError, match="in the list already"):
        hosts.add(hosts.require("box").config)
    with pytest.raises(HostListError, match="called Box"):
        hosts.add(config_for(closed_port()), " bOX ")
    with pytest.raises(HostListError, match="no host called 'nobody'"):
        hosts.require("nobody")
    assert len(hosts.all()) == 2


def test_a_host_is_renamed_moved_and_chosen(driven: Driven) -> None:
    hosts = hosts_of(driven)
    first = names(driven)[0]
    for name in ("A", "B", "C"):
        hosts.add(config_for(closed_port()), name)
    driven.write(MoveHostRequested("C", -2))
    driven.update()
    assert names(driven) == [first, "C", "A", "B"]
    driven.write(MoveHostRequested("A", 99))
    driven.write(DefaultHostRequested("b"))
    driven.update()
    assert names(driven) == [first, "C", "B", "A"]
    default = hosts.default
    assert default is not None
    assert default.host.name == "B"
    assert driven.models.ollama_config is default.config
    assert len(driven.app.world.query(DefaultHost)) == 1
    driven.write(EditHostRequested("B", default.base_url, "Bee"))
    driven.update()
    assert names(driven) == [first, "C", "Bee", "A"]
    assert driven.events(HostChanged)[-1].name == "Bee"


def test_a_program_chooses_the_default_by_its_component(driven: Driven, ollama_server: OllamaServer) -> None:
    entity = hosts_of(driven).add(config_for(ollama_server.port))
    driven.app.world.insert(entity, DefaultHost())
    driven.connect()
    assert [one.is_default for one in hosts_of(driven).all()] == [False, True]
    driven.app.world.remove(entity, DefaultHost)
    driven.update()
    assert [one.is_default for one in hosts_of(driven).all()] == [True, False]


def test_a_removed_host_is_gone_and_the_only_one_stays(driven: Driven, ollama_server: OllamaServer) -> None:
    hosts = hosts_of(driven)
    hosts.add(config_for(ollama_server.port), "Real")
    driven.until(lambda: healthy(driven, "Real"))
    first = hosts.all()[0].host.name
    driven.write(RemoveHostRequested(first))
    driven.until_event(HostRemoved)
    assert names(driven) == ["Real"]
    assert hosts.all()[0].is_default
    driven.connect()
    driven.write(RemoveHostRequested("Real"))
    driven.until(driven.notices)
    assert "only host" in driven.notices()[0]
    assert names(driven) == ["Real"]


def test_despawning_one_of_several_removes_it_and_clearing_the_world_does_not(driven: Driven) -> None:
    hosts = hosts_of(driven)
    for name in ("A", "B"):
        hosts.add(config_for(closed_port()), name)
    hosts.set_default(hosts.require("B").entity)
    driven.update()
    driven.app.world.despawn(hosts.require("A").entity)
    driven.update()
    assert "A" not in names(driven)
    assert driven.events(HostRemoved)[-1].name == "A"
    before = names(driven)
    with driven.app.world.active():
        esper.clear_database()
    driven.update()
    assert names(driven) == before
    default = hosts.default
    assert default is not None
    assert default.host.name == "B"
    assert len(driven.events(HostRemoved)) == 1


def test_typing_a_known_host_into_the_host_field_chooses_it(driven: Driven, ollama_server: OllamaServer) -> None:
    hosts = hosts_of(driven)
    hosts.add(config_for(ollama_server.port), "Real")
    driven.write(HostEdited("real"))
    driven.connect()
    assert len(hosts.all()) == 2
    other = closed_port()
    driven.write(HostEdited(f"127.0.0.1:{other}"))
    driven.update()
    driven.update()
    assert len(hosts.all()) == 3
    assert driven.models.ollama_config.port == other


def test_another_address_for_the_only_host_takes_its_secret_away(driven: Driven) -> None:
    """A token for one address is not sent to another."""
    (one,) = hosts_of(driven).all()
    config = msgspec.structs.replace(one.config, authentication=OllamaAuth.bearer("for-this-host-alone"))
    hosts_of(driven).edit(one.entity, config)
    driven.update()
    assert one.manager.api_client.authentication is not None
    driven.write(HostEdited(f"127.0.0.1:{closed_port()}"))
    driven.update()
    assert one.manager.host_config.authentication is None
    assert one.manager.api_client.authentication is None


def test_the_list_is_kept_across_starts_without_secrets(tmp_path: Path, ollama_server: OllamaServer) -> None:
    secret = "a-very-secret-token"
    with Driven(ollama_server.port, data_dir=tmp_path) as driven:
        hosts = hosts_of(driven)
        config = msgspec.structs.replace(
            config_for(closed_port()), authentication=OllamaAuth.bearer(secret), base_path="/behind"
        )
        hosts.add(config, "Proxy")
        hosts.add(config_for(closed_port()), "Third")
        hosts.move(hosts.require("Third").entity, -1)
        hosts.set_default(hosts.require("Proxy").entity)
        driven.update()
    with Driven.saved(tmp_path) as driven:
        hosts = hosts_of(driven)
        # The host of the first start was given for that run alone.
        assert names(driven) == ["Third", "Proxy"]
        assert hosts.require("Proxy").is_default
        assert hosts.require("Proxy").config.base_path == "/behind"
        auth = hosts.require("Proxy").config.authentication
        assert auth is not None
        assert not auth.is_complete
        driven.update()
    for file in tmp_path.iterdir():
        assert secret.encode() not in file.read_bytes()


def test_the_host_of_one_run_is_its_default_and_not_kept(tmp_path: Path, ollama_server: OllamaServer) -> None:
    with Driven.saved(tmp_path) as driven:
        hosts_of(driven).add(config_for(closed_port()), "Mine")
        hosts_of(driven).set_default(hosts_of(driven).require("Mine").entity)
        driven.update()
    with Driven(ollama_server.port, data_dir=tmp_path) as driven:
        default = hosts_of(driven).default
        assert default is not None
        assert default.config.port == ollama_server.port
        hosts_of(driven).move(hosts_of(driven).require("Mine").entity, -1)
        driven.update()
    with Driven.saved(tmp_path) as driven:
        assert names(driven) == ["Mine", "This computer"]
        assert hosts_of(driven).require("Mine").is_default


def test_the_address_saved_before_there_were_several_is_the_only_host(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.set_setting("host", "http://old-box:11434")
    with Driven.saved(tmp_path) as driven:
        assert [one.base_url for one in hosts_of(driven).all()] == ["http://old-box:11434"]


def test_unreadable_entries_of_the_saved_list_are_left_out_and_said(tmp_path: Path) -> None:
    bad = {"name": "Bad", "config": {"host": "", "port": 0}}
    with Driven.saved(tmp_path) as driven:
        hosts_of(driven).add(config_for(closed_port()), "Good")
        driven.update()
    with Store.open(tmp_path) as store:
        store.put(Table.HOSTS, "Bad", bad, -1)
    with Driven.saved(tmp_path) as driven:
        driven.until(driven.notices)
        assert "Good" in names(driven)
        assert "unreadable" in driven.notices()[0]
        hosts_of(driven).add(config_for(closed_port()), "Another")
    with Store.open(tmp_path) as store:
        assert store.initial.hosts["Bad"] == bad  # saving the others has not lost it


def test_an_app_without_a_data_folder_keeps_nothing(tmp_path: Path) -> None:
    app = App("keeps-nothing")
    app.add_plugins(LocalModelsPlugin(config_for(closed_port())))
    with app:
        app.world.resource(OllamaHosts).add(config_for(closed_port()), "Other")
        app.update()
    assert list(tmp_path.iterdir()) == []


def test_models_are_installed_where_they_are_asked_for(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("tiny:latest")
    with Driven(ollama_server.port) as driven, OllamaServer() as third:
        hosts = hosts_of(driven)
        hosts.add(config_for(fresh_ollama.port), "Second")
        hosts.add(config_for(third.port), "Third")
        driven.app.world.spawn(ModelInstallRequest(name, INSECURE, "second"))
        driven.until_event(ModelInstallationCompleted)
        driven.until(lambda: name in hosts.require("Second").models.installed)
        assert name in fresh_ollama.model_names()
        assert name not in ollama_server.model_names()
        assert name not in driven.models.installed_models
        driven.write(InstallRequested(name, ["Second", "Third"]))
        driven.until_event(ModelInstallationCompleted, 3)
        assert name in third.model_names()
        driven.write(DeleteModelRequested(name, "Third"))
        assert driven.until_event(ModelDeleted).host == third.base_url
        assert name not in third.model_names()
        assert name in fresh_ollama.model_names()


def test_an_unknown_host_ends_an_installation_with_a_sentence(driven: Driven) -> None:
    entity = driven.app.world.spawn(ModelInstallRequest("tiny", INSECURE, "nowhere"))
    failed = driven.until_event(ModelInstallationFailed)
    assert_clear(failed.error_message)
    assert "nowhere" in failed.error_message
    assert driven.app.world.get(entity, ModelInstallRequest) is None
    driven.write(DeleteModelRequested("tiny", "nowhere"))
    assert "nowhere" in driven.until_event(ModelDeleteFailed).error_message


def test_removing_a_host_ends_what_is_being_installed_there(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    registry.files.throttle(2_000_000)
    with Driven(ollama_server.port) as driven:
        hosts_of(driven).add(config_for(fresh_ollama.port), "Going")
        driven.app.world.spawn(ModelInstallRequest(registry.name_for("smollm2:135m"), INSECURE, "Going"))
        driven.until(lambda: any(one.progress.bytes_downloaded for one in driven.installations))
        driven.write(RemoveHostRequested("Going"))
        driven.until_event(ModelInstallationCancelled)
        assert names(driven) == [names(driven)[0]]


def test_a_silent_host_makes_no_other_wait(ollama_server: OllamaServer, fresh_ollama: OllamaServer) -> None:
    fresh_ollama.pause()
    try:
        with Driven(fresh_ollama.port) as driven:
            hosts_of(driven).add(config_for(ollama_server.port), "Good")
            driven.until(lambda: healthy(driven, "Good"))
            silent = hosts_of(driven).default
            assert silent is not None
            assert silent.health.last_health_check is None  # it has not even been given up yet
    finally:
        fresh_ollama.unpause()


def test_every_change_of_each_host_is_told_with_its_address(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer
) -> None:
    with Driven(ollama_server.port) as driven:
        hosts_of(driven).add(config_for(fresh_ollama.port), "Second")
        driven.until(lambda: healthy(driven, "Second"))
        driven.connect()
        fresh_ollama.kill()
        driven.until(lambda: not hosts_of(driven).require("Second").health.is_healthy)
        changes = [one for one in driven.events(OllamaConnectionStatusChanged) if one.host == fresh_ollama.base_url]
        assert [(one.old_status, one.new_status) for one in changes] == [(False, True), (True, False)]
        assert driven.view.host.status_text == "Connected"
