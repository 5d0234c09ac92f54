"""A host that is named for this run, by ``--host`` or ``OLLAMA_HOST`` stays, and the saved list stays as it is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec

from ecs_localai import App, HostChanged, LocalModelsPlugin, OllamaHosts
from ecs_localai.commands.host_book import change_hosts
from ecs_localai.store import Store, Table
from ecs_localai.systems.saved_hosts import SavedHost, read_saved_hosts
from tests.rig.odd_servers import closed_port
from tests.systems.systems_parts import Driven, config_for


def saved_hosts(folder: Path) -> dict[str, SavedHost]:
    with Store.open(folder) as store:
        hosts, problems = read_saved_hosts(store.initial.hosts, {})
    assert problems == []
    return {host.name: host for host in hosts}


def test_the_host_of_this_run_stays_whatever_is_done_to_the_list_elsewhere(tmp_path: Path) -> None:
    given, other = config_for(closed_port()), config_for(closed_port())
    with Store.open(tmp_path) as store:
        store.put(Table.HOSTS, "Other", SavedHost("Other", other, is_default=True))
    with Driven(given.port, data_dir=tmp_path) as driven:
        driven.update()
        hosts = driven.app.world.resource(OllamaHosts)
        here = hosts.require(given.base_url).entity
        change_hosts(tmp_path, lambda listed: [SavedHost("Other", other), SavedHost("Box", given, is_default=True)])
        driven.until(lambda: hosts.named("Box") is not None)
        assert hosts.require("Box").entity == here
        change_hosts(tmp_path, lambda _: [SavedHost("Other", other, is_default=True)])
        driven.until(lambda: list(saved_hosts(tmp_path)) == ["Other"] and driven.events(HostChanged))
        change_hosts(tmp_path, lambda listed: [*listed, SavedHost("Third", config_for(closed_port()))])
        driven.until(lambda: hosts.named("Third") is not None)
        default = hosts.default
        assert default is not None
        assert default.entity == here  # removed elsewhere, but named for this run
        hosts.move(hosts.require("Third").entity, -2)
        driven.update()
    assert {host.name: host.is_default for host in saved_hosts(tmp_path).values()} == {"Third": False, "Other": True}


def test_what_was_given_for_a_saved_host_in_this_run_is_not_saved(tmp_path: Path) -> None:
    config = config_for(closed_port())
    given = msgspec.structs.replace(config, connection_timeout=timedelta(seconds=2))
    with Store.open(tmp_path) as store:
        store.put(Table.HOSTS, "Box", SavedHost("Box", config, is_default=True))
    app = App("given-for-this-run")
    app.add_plugins(LocalModelsPlugin(given, data_dir=tmp_path))
    with app:
        app.update()
        hosts = app.world.resource(OllamaHosts)
        assert hosts.require("Box").config.connection_timeout == timedelta(seconds=2)
        hosts.add(config_for(closed_port()), "Other")
        app.update()
    assert saved_hosts(tmp_path)["Box"].config.connection_timeout == config.connection_timeout
