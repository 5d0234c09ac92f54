"""Host programs that spawn, replace and delete hosts and their parts in every way, and load worlds with hosts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import esper
import msgspec
import pytest

from ecs_localai import (
    App,
    ConnectionPool,
    DefaultHost,
    HostAdded,
    HostChanged,
    HostHealthMonitor,
    HostModels,
    HostRemoved,
    LocalModelsPlugin,
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallRequest,
    OllamaAPIClient,
    OllamaConfiguration,
    OllamaHost,
    OllamaHostManager,
    OllamaHosts,
    Update,
    World,
)
from ecs_localai.runtime import Last, PreUpdate
from ecs_localai.systems.host_upkeep import HOST_COMPONENTS
from ecs_localai.systems.links import HostLink
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.systems.systems_parts import INSECURE, Driven, config_for

PARTS = (*HOST_COMPONENTS, DefaultHost)


def hosts_of(driven: Driven) -> OllamaHosts:
    return driven.app.world.resource(OllamaHosts)


def names(driven: Driven) -> list[str]:
    return [one.host.name for one in hosts_of(driven).all()]


def assert_whole(driven: Driven) -> None:
    """Every host has all its parts, which are the same objects as its manager's; exactly one is the default."""
    world = driven.app.world
    listed = hosts_of(driven).all()
    assert listed
    assert sum(one.is_default for one in listed) == 1
    assert len({one.host.name.casefold() for one in listed}) == len(listed)
    for one in listed:
        manager = one.manager
        assert world.get(one.entity, OllamaConfiguration) is manager.host_config
        assert world.get(one.entity, ConnectionPool) is manager.connection_pool
        assert world.get(one.entity, HostHealthMonitor) is manager.health_monitor
        assert world.get(one.entity, OllamaAPIClient) is manager.api_client
        assert one.link.config is manager.host_config
    default = hosts_of(driven).default
    assert default is not None
    assert driven.models.ollama_config is default.config
    assert driven.models.installed_models is default.models.installed


@pytest.fixture
def driven() -> Iterator[Driven]:
    """An app with three hosts where nothing listens."""
    with Driven() as app:
        for name in ("B", "C"):
            hosts_of(app).add(config_for(closed_port()), name)
        app.update()
        yield app


@pytest.mark.parametrize("kind", PARTS)
def test_any_part_may_be_taken_off(kind: type, driven: Driven) -> None:
    before = names(driven)
    with driven.app.world.active():
        for one in hosts_of(driven).all():
            if esper.has_component(one.entity, kind):
                esper.remove_component(one.entity, kind)
    driven.update()
    driven.update()
    assert names(driven) == before
    assert_whole(driven)
    assert driven.events(HostRemoved) == []


@pytest.mark.parametrize("kept", HOST_COMPONENTS)
def test_all_but_one_part_may_be_taken_off(kept: type, driven: Driven) -> None:
    """With its manager or its configuration left it is a host, else it is none, and nothing of it stays."""
    entity = hosts_of(driven).require("B").entity
    with driven.app.world.active():
        for kind in HOST_COMPONENTS:
            if kind is not kept:
                esper.remove_component(entity, kind)
    driven.update()
    driven.update()
    assert_whole(driven)
    assert ("B" in names(driven)) == (kept in {OllamaHostManager, OllamaConfiguration})
    if kept is HostLink:
        assert driven.app.world.components(entity) == ()


@pytest.mark.parametrize("schedule", [PreUpdate, Update, Last])
def test_hosts_come_and_go_in_the_middle_of_frames(schedule: object, ollama_server: OllamaServer) -> None:
    """A guest's system deletes, spawns and replaces whatever it finds, in every frame."""
    turns = itertools.count()

    def mischief(world: World) -> None:
        turn = next(turns)
        with world.active():
            there = [entity for entity, _ in esper.get_component(OllamaConfiguration)]
            last = there[-1] if there else None
            if turn % 5 == 0:
                esper.create_entity(config_for(closed_port()))
            elif turn % 5 == 1 and last is not None:
                esper.add_component(last, config_for(closed_port()))
            elif turn % 5 == 2 and last is not None:
                esper.delete_entity(last)
            elif turn % 5 == 3 and last is not None:
                esper.add_component(last, DefaultHost())
            elif last is not None:
                kinds = [kind for kind in PARTS if esper.has_component(last, kind)]
                esper.remove_component(last, kinds[turn % len(kinds)])

    with Driven(ollama_server.port) as driven:
        driven.app.add_systems(schedule, mischief)  # type: ignore[arg-type]  # the schedules' labels are of one type
        for _ in range(120):
            driven.app.wakeups.request_frame()
            driven.update()
        real = hosts_of(driven).find(ollama_server.base_url)
        if real is not None:
            driven.until(lambda: real.health.is_healthy)


def test_a_replaced_configuration_is_told_and_kept(tmp_path: Path) -> None:
    port, other, edited = closed_port(), closed_port(), closed_port()
    with Driven.saved(tmp_path) as driven:
        entity = hosts_of(driven).add(config_for(port), "Box")
        driven.update()
        driven.app.world.insert(entity, config_for(other))
        driven.update()
        told = driven.events(HostChanged)[-1]
        assert (told.host, told.former_host) == (config_for(other).base_url, config_for(port).base_url)
    with Driven.saved(tmp_path) as driven:
        box = hosts_of(driven).require("Box")
        assert box.config.port == other
        hosts_of(driven).edit(box.entity, config_for(edited))
        assert hosts_of(driven).require("Box").config.port == edited  # at once, not with the next frame
        driven.update()
        driven.update()
        assert len(driven.events(HostChanged)) == 1
    with Driven.saved(tmp_path) as driven:
        assert hosts_of(driven).require("Box").config.port == edited


def notices(driven: Driven) -> list[str]:
    return [notice.text for notice in driven.view.notices]


@pytest.mark.parametrize("how", ["component", "manager", "new manager"])
def test_a_host_that_is_given_the_address_of_another_one_keeps_its_own(how: str, driven: Driven) -> None:
    hosts = hosts_of(driven)
    one, former, other = hosts.require("B"), hosts.require("B").config, hosts.require("C").config
    wanted = msgspec.structs.replace(other, host="localhost")
    with driven.app.world.active():
        if how == "component":
            esper.add_component(one.entity, wanted)
        elif how == "manager":
            one.manager.host_config = wanted
        else:
            esper.add_component(one.entity, OllamaHostManager(wanted))
    driven.app.wakeups.request_frame()
    driven.update()
    driven.update()
    assert hosts.require("B").config == former
    assert hosts.require("B").manager.api_client.base_url == former.base_url
    assert len({there.base_url for there in hosts.all()}) == 3
    assert_whole(driven)
    (told,) = notices(driven)
    assert told == (
        f"B stays at {former.base_url}. {wanted.base_url} is the same as {other.base_url}: in the list already, as C."
    )
    assert driven.events(HostChanged) == []


def test_two_hosts_may_change_their_addresses_with_each_other(driven: Driven) -> None:
    hosts = hosts_of(driven)
    one, other = hosts.require("B"), hosts.require("C")
    configs = one.config, other.config
    with driven.app.world.active():
        esper.add_component(one.entity, msgspec.structs.replace(configs[1]))
        esper.add_component(other.entity, msgspec.structs.replace(configs[0]))
    driven.update()
    assert (hosts.require("B").config, hosts.require("C").config) == (configs[1], configs[0])
    assert notices(driven) == []
    assert_whole(driven)


def test_of_a_chain_of_moves_each_is_refused_that_has_no_place(driven: Driven) -> None:
    """The second wants the place of the first, which has to stay, as its new one is taken."""
    hosts = hosts_of(driven)
    first, second, third = hosts.all()
    before = [one.base_url for one in hosts.all()]
    with driven.app.world.active():
        esper.add_component(first.entity, msgspec.structs.replace(third.config))
        esper.add_component(second.entity, msgspec.structs.replace(first.config))
    driven.update()
    assert [one.base_url for one in hosts.all()] == before
    assert len(notices(driven)) == 2
    assert_whole(driven)


def test_a_second_host_for_one_server_is_told_and_not_saved(tmp_path: Path) -> None:
    config = config_for(closed_port())
    with Driven.saved(tmp_path) as driven:
        hosts_of(driven).add(config, "Box")
        driven.update()
        twin = driven.app.world.spawn(msgspec.structs.replace(config, host="localhost"))
        driven.update()
        driven.update()
        assert len(hosts_of(driven).all()) == 3
        told = [text for text in notices(driven) if "second host" in text]
        assert told == [
            f"http://localhost:{config.port} is the same as {config.base_url}: in the list already, as Box. "
            f"localhost:{config.port} is a second host for it, added by a program; it is not saved."
        ]
        driven.app.world.despawn(twin)
        driven.update()
        driven.app.world.spawn(config_for(closed_port()))
        driven.update()
    with Driven.saved(tmp_path) as driven:
        assert [one.config.port for one in hosts_of(driven).all()][:2] == [11434, config.port]
        assert len(hosts_of(driven).all()) == 3


def test_another_default_is_told_whoever_chose_it(driven: Driven) -> None:
    hosts = hosts_of(driven)
    driven.app.world.insert(hosts.require("B").entity, DefaultHost())
    driven.update()
    told = [one for one in driven.events(HostChanged) if one.is_default]
    assert [one.name for one in told] == ["B"]
    hosts.remove(hosts.require("B").entity)
    driven.update()
    told = [one for one in driven.events(HostChanged) if one.is_default]
    assert [one.name for one in told] == ["B", names(driven)[0]]


def test_a_link_that_was_taken_off_a_connected_host_is_made_again(driven: Driven, ollama_server: OllamaServer) -> None:
    """And what is on the host is looked at again."""
    hosts = hosts_of(driven)
    entity = hosts.add(config_for(ollama_server.port), "Real")
    driven.until(lambda: hosts.require("Real").models.synced)
    with driven.app.world.active():
        esper.remove_component(entity, HostLink)
        esper.remove_component(entity, HostModels)
    driven.until(lambda: "tiny:latest" in hosts.require("Real").models.installed)
    assert_whole(driven)


def test_one_of_two_hosts_at_one_address_may_go(driven: Driven, fresh_ollama: OllamaServer, registry: Registry) -> None:
    """The other one goes on, and so does what is being installed there."""
    registry.files.throttle(2_000_000)
    config = config_for(fresh_ollama.port)
    one, other = driven.app.world.spawn(config), driven.app.world.spawn(msgspec.structs.replace(config))
    driven.until(lambda: all(there.health.is_healthy for there in hosts_of(driven).all()[3:]))
    assert_whole(driven)
    name = registry.name_for("middle:latest")
    driven.app.world.spawn(ModelInstallRequest(name, INSECURE, fresh_ollama.base_url))
    driven.until(lambda: any(install.progress.bytes_downloaded for install in driven.installations))
    driven.app.world.despawn(one)
    driven.until_event(ModelInstallationCompleted)
    assert driven.events(ModelInstallationCancelled) == []
    assert driven.events(HostRemoved) == []
    driven.app.world.despawn(other)
    driven.until_event(HostRemoved)


def test_a_saved_world_replaces_the_hosts(ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as driven:
        hosts = hosts_of(driven)
        hosts.add(config_for(closed_port()), "B")
        driven.connect()
        data = driven.app.save().data
        hosts.add(config_for(closed_port()), "Later")
        driven.update()
        added = len(driven.events(HostAdded))
        driven.app.load(data, replace=True)
        driven.connect()
        assert [one.name for one in driven.events(HostRemoved)] == ["Later"]
        assert len(driven.events(HostAdded)) == added
        assert len(hosts.all()) == 2
        assert hosts.all()[0].is_default
        assert_whole(driven)


def test_a_saved_world_that_comes_in_addition_brings_no_host_twice(ollama_server: OllamaServer) -> None:
    only_saved = closed_port()
    with Driven(ollama_server.port) as driven:
        hosts = hosts_of(driven)
        entity = hosts.add(config_for(only_saved), "Only saved")
        driven.connect()
        data = driven.app.save().data
        hosts.remove(entity)
        driven.update()
        before = names(driven)
        driven.app.load(data)
        driven.update()
        driven.update()
        assert names(driven) == [*before, "Only saved"]
        assert driven.events(HostAdded)[-1].name == "Only saved"
        assert_whole(driven)
        driven.connect()


def test_a_saved_world_is_loaded_into_a_fresh_app(ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as driven:
        hosts_of(driven).add(config_for(closed_port()), "Gone by then")
        driven.connect()
        data = driven.app.save().data
    with Driven() as driven:
        driven.app.load(data, replace=True)
        driven.until(lambda: hosts_of(driven).require(ollama_server.base_url).models.synced)
        assert len(hosts_of(driven).all()) == 2
        assert_whole(driven)
        gone = hosts_of(driven).require("Gone by then")
        driven.until(lambda: gone.health.last_error)
        assert not gone.health.is_healthy


def test_two_apps_in_one_process_have_lists_of_their_own(ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port, world="one") as one, Driven(world="other") as other:
        hosts_of(one).add(config_for(closed_port()), "Mine")
        one.connect()
        other.update()
        assert len(hosts_of(other).all()) == 1
        with other.app.world.active():
            esper.clear_database()
        other.update()
        one.update()
        assert len(hosts_of(one).all()) == 2
        assert_whole(one)
        assert_whole(other)


def test_clearing_the_world_keeps_the_default_of_later_starts(tmp_path: Path) -> None:
    with Driven.saved(tmp_path) as driven:
        hosts_of(driven).set_default(hosts_of(driven).add(config_for(closed_port()), "Mine"))
        driven.update()
    with Driven(data_dir=tmp_path) as driven:  # another one is given for this run
        with driven.app.world.active():
            esper.clear_database()
        driven.update()
        assert not hosts_of(driven).require("Mine").is_default
        hosts_of(driven).move(hosts_of(driven).require("Mine").entity, 1)
    with Driven.saved(tmp_path) as driven:
        assert hosts_of(driven).require("Mine").is_default


def test_names_that_a_program_gives_twice_are_told_apart(driven: Driven) -> None:
    for text in ("Same", "same", "  "):
        driven.app.world.spawn(config_for(closed_port()), OllamaHost(text, 9))
    driven.update()
    assert names(driven)[3:5] == ["Same", "same 2"]
    assert names(driven)[5].strip()
    assert_whole(driven)


def test_a_given_log_in_counts_for_a_host_that_is_saved(tmp_path: Path) -> None:
    from ecs_localai import OllamaAuth

    config = config_for(closed_port())
    with Driven.saved(tmp_path) as driven:
        hosts_of(driven).add(msgspec.structs.replace(config, authentication=OllamaAuth.bearer("typed")), "Proxy")
        driven.update()
    app = App("given")
    app.add_plugins(
        LocalModelsPlugin(msgspec.structs.replace(config, authentication=OllamaAuth.bearer("given")), data_dir=tmp_path)
    )
    with app:
        app.update()
        default = app.world.resource(OllamaHosts).default
        assert default is not None
        assert default.host.name == "Proxy"
        assert default.manager.api_client.authentication == OllamaAuth.bearer("given")
