"""What another process saves, the command for one, is seen by a running app; neither overwrites the other's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from ecs_localai import (
    ConnectionPool,
    ExperimentalFeaturesManager,
    FeatureFlag,
    FeatureFlagToggled,
    HostAdded,
    HostChanged,
    HostOrigin,
    HostRemoved,
    ModelInstallationManager,
    OllamaConfiguration,
    OllamaHosts,
    ToggleRequested,
)
from ecs_localai.commands.host_book import change_hosts
from ecs_localai.components.browser import BrowserType, PairedBrowser
from ecs_localai.components.codec import encode, to_builtins
from ecs_localai.components.installation import InstallationRecord, InstallationStatus
from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.store import Store, Table
from ecs_localai.store.opening import FILE_NAME
from ecs_localai.systems.paired_browsers import PairedBrowsers
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.saved_hosts import SavedHost, read_saved_hosts
from tests.rig.odd_servers import closed_port
from tests.systems.systems_parts import Driven, config_for

def hosts_of(driven: Driven) -> OllamaHosts:
    return driven.app.world.resource(OllamaHosts)


def names(driven: Driven) -> list[str]:
    return [one.host.name for one in hosts_of(driven).all()]


def swap_names(hosts: list[SavedHost]) -> list[SavedHost]:
    """The first two change names, as a person does in three steps within a second."""
    first, second, *others = hosts
    return [
        msgspec.structs.replace(first, name=second.name),
        msgspec.structs.replace(second, name=first.name),
        *others,
    ]


def saved_hosts(folder: Path) -> dict[str, SavedHost]:
    with Store.open(folder) as store:
        hosts, problems = read_saved_hosts(store.initial.hosts, {})
    assert problems == []
    return {host.name: host for host in hosts}


def flags_in(folder: Path) -> dict[str, bool]:
    with Store.open(folder) as store:
        return store.initial.flags


def saved_names(folder: Path) -> list[str]:
    with Store.open(folder) as store:
        return list(store.initial.hosts)


@pytest.fixture
def driven(tmp_path: Path) -> Iterator[Driven]:
    """An app whose list has two hosts, "First", which is the default one, and "Second"."""
    with Store.open(tmp_path) as store:
        for position, name in enumerate(("First", "Second")):
            host = SavedHost(name, config_for(closed_port()), is_default=position == 0)
            store.put(Table.HOSTS, name, host, position)
    with Driven.saved(tmp_path) as app:
        app.update()
        yield app


def test_a_host_that_the_command_adds_comes_into_the_running_panel(driven: Driven, tmp_path: Path) -> None:
    other = SavedHost("Third", config_for(closed_port()))
    change_hosts(tmp_path, lambda hosts: [*hosts, other])
    driven.until(lambda: names(driven) == ["First", "Second", "Third"])
    assert hosts_of(driven).require("Third").config == other.config
    assert driven.events(HostAdded)[-1].name == "Third"
    hosts_of(driven).add(config_for(closed_port()), "Fourth")
    driven.update()
    assert driven.app.world.resource(SavedState).close()
    assert saved_names(tmp_path) == ["First", "Second", "Third", "Fourth"]


def test_what_is_changed_in_both_at_once_is_all_kept(driven: Driven, tmp_path: Path) -> None:
    hosts_of(driven).add(config_for(closed_port()), "Mine")
    change_hosts(tmp_path, lambda hosts: [*hosts, SavedHost("Theirs", config_for(closed_port()))])
    driven.until(lambda: {"Mine", "Theirs"} <= set(names(driven)))
    driven.update()
    assert driven.app.world.resource(SavedState).close()
    assert set(saved_names(tmp_path)) == {"First", "Second", "Mine", "Theirs"}


def test_a_host_removed_elsewhere_goes_and_its_events_are_told(driven: Driven, tmp_path: Path) -> None:
    change_hosts(tmp_path, lambda hosts: [host for host in hosts if host.name != "Second"])
    driven.until(lambda: names(driven) == ["First"])
    driven.until(lambda: bool(driven.events(HostRemoved)))
    assert driven.events(HostRemoved)[0].name == "Second"


def test_a_host_renamed_moved_and_made_the_default_elsewhere_is_the_same_entity(driven: Driven, tmp_path: Path) -> None:
    entity = hosts_of(driven).require("Second").entity

    def change(hosts: list[SavedHost]) -> list[SavedHost]:
        first, second = hosts
        renamed = SavedHost("Box", second.config, is_default=True)
        return [renamed, SavedHost(first.name, first.config)]

    change_hosts(tmp_path, change)
    driven.until(lambda: names(driven) == ["Box", "First"])
    box = hosts_of(driven).require("Box")
    assert box.entity == entity
    driven.until(lambda: hosts_of(driven).require("Box").is_default)
    assert not driven.events(HostRemoved)
    assert {change.name for change in driven.events(HostChanged)} >= {"Box"}


def test_an_address_changed_elsewhere_is_connected_to(driven: Driven, tmp_path: Path) -> None:
    port = closed_port()

    def change(hosts: list[SavedHost]) -> list[SavedHost]:
        return [hosts[0], SavedHost("Second", OllamaConfiguration(host="127.0.0.1", port=port))]

    change_hosts(tmp_path, change)
    driven.until(lambda: hosts_of(driven).require("Second").config.port == port)


def test_following_writes_nothing_back(driven: Driven, tmp_path: Path) -> None:
    """Two panels would otherwise answer each other for ever."""
    other = SavedHost("Third", config_for(closed_port()))
    change_hosts(tmp_path, lambda hosts: [*hosts, other])
    driven.until(lambda: "Third" in names(driven))
    driven.update()
    with Store.open(tmp_path) as store:
        before = store.initial.hosts
    assert driven.app.world.resource(SavedState).close()
    with Store.open(tmp_path) as store:
        assert store.initial.hosts == before
        hosts, problems = read_saved_hosts(store.initial.hosts, {})
    assert problems == []
    assert [host.is_default for host in hosts] == [True, False, False]


def test_a_flag_switched_elsewhere_is_switched_here(driven: Driven, tmp_path: Path) -> None:
    features = driven.app.world.resource(ExperimentalFeaturesManager)
    assert not features.feature_flags["custom_providers"].enabled
    with Store.open(tmp_path) as store:
        store.set_flag("custom_providers", True)
    driven.until(lambda: features.feature_flags["custom_providers"].enabled)
    assert driven.events(FeatureFlagToggled)[-1].user_initiated is False
    driven.write(ToggleRequested("custom_providers", False))
    driven.until(lambda: not features.feature_flags["custom_providers"].enabled)
    assert driven.app.world.resource(SavedState).close()
    with Store.open(tmp_path) as store:
        assert store.initial.flags == {"custom_providers": False}


def test_an_installation_that_ended_elsewhere_is_in_the_history(driven: Driven, tmp_path: Path) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    record = InstallationRecord("abc", "tiny:latest", InstallationStatus.COMPLETED, at, at, timedelta(seconds=1))
    with Store.open(tmp_path) as store:
        store.add_history("abc", at, encode(record))
    manager = driven.app.world.resource(ModelInstallationManager)
    driven.until(lambda: record in manager.installation_history)
    assert list(manager.installation_history).count(record) == 1


def test_names_that_were_exchanged_elsewhere_are_exchanged_here(driven: Driven, tmp_path: Path) -> None:
    hosts = hosts_of(driven)
    first, second = hosts.require("First").entity, hosts.require("Second").entity
    change_hosts(tmp_path, swap_names)
    driven.until(lambda: hosts.require("Second").entity == first)
    assert hosts.require("First").entity == second
    assert not driven.events(HostRemoved)
    before = saved_hosts(tmp_path)
    hosts.add(config_for(closed_port()), "Third")
    assert driven.app.world.resource(SavedState).close()
    after = saved_hosts(tmp_path)
    assert {name: after[name] for name in before} == before


def test_what_a_name_does_not_show_is_followed_and_not_undone(driven: Driven, tmp_path: Path) -> None:
    pool = ConnectionPool(max_connections=3)

    def change(hosts: list[SavedHost]) -> list[SavedHost]:
        return [msgspec.structs.replace(hosts[0], pool=pool), *hosts[1:]]

    change_hosts(tmp_path, change)
    hosts = hosts_of(driven)
    driven.until(lambda: hosts.require("First").manager.connection_pool == pool)
    hosts.edit(hosts.require("Second").entity, name="Other")
    assert driven.app.world.resource(SavedState).close()
    assert saved_hosts(tmp_path)["First"].pool == pool


def test_two_panels_that_saw_different_versions_do_not_answer_each_other(driven: Driven, tmp_path: Path) -> None:
    hosts, link = hosts_of(driven), hosts_of(driven).require("First").link
    known = link.config

    first = saved_hosts(tmp_path)["First"]
    config = msgspec.structs.replace(first.config, api_version="9.9.9")
    with Store.open(tmp_path) as store:
        store.put(Table.HOSTS, "First", msgspec.structs.replace(first, config=config))
        store.put(Table.HOSTS, "Third", SavedHost("Third", config_for(closed_port())), 2)
    driven.until(lambda: "Third" in names(driven))
    assert hosts.require("First").link.config is known  # it was not connected to anew
    assert driven.app.world.resource(SavedState).close()
    assert saved_hosts(tmp_path)["First"].config.api_version == "9.9.9"


def test_a_host_that_could_not_be_taken_into_the_list_stays_in_the_file(driven: Driven, tmp_path: Path) -> None:
    hosts_of(driven).add(config_for(closed_port()), "Box", origin=HostOrigin.STARTED)  # which is kept in no file
    driven.update()
    change_hosts(tmp_path, lambda hosts: [*hosts, SavedHost("Box", config_for(closed_port()))])
    change_hosts(tmp_path, lambda hosts: [*hosts, SavedHost("Last", config_for(closed_port()))])
    driven.until(lambda: "Last" in names(driven))
    hosts_of(driven).move(hosts_of(driven).require("Last").entity, -3)
    driven.update()
    assert driven.app.world.resource(SavedState).close()
    assert set(saved_names(tmp_path)) == {"First", "Second", "Box", "Last"}


def test_flags_that_need_each_other_are_switched_whatever_their_order_in_the_file(
    driven: Driven, tmp_path: Path
) -> None:
    features = driven.features
    features.feature_flags |= {
        "base": FeatureFlag("base", "Base", "For the test."),
        "above": FeatureFlag("above", "Above", "For the test.", prerequisites=["base"]),
    }
    with Store.open(tmp_path) as store:
        store.set_flag("above", True)
        store.set_flag("base", True)
    driven.until(lambda: features.feature_flags["above"].enabled)
    with Store.open(tmp_path) as store:
        store.set_flag("base", False)
        store.set_flag("above", False)
    driven.until(lambda: not features.feature_flags["above"].enabled)
    assert not features.feature_flags["base"].enabled


def test_a_switch_is_counted_once_also_if_two_programs_see_it(driven: Driven, tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path, world="second", given=False) as second:
        second.update()
        second.write(ToggleRequested("custom_providers", True))
        second.until(lambda: second.features.feature_flags["custom_providers"].enabled)
        driven.until(lambda: driven.features.feature_flags["custom_providers"].enabled)
        driven.until(lambda: driven.features.telemetry_collector.toggle_counts == {"custom_providers": 1})
        driven.update()
        driven.update()
        assert driven.features.telemetry_collector.toggle_counts == {"custom_providers": 1}
        assert driven.features.user_preferences.overrides == {"custom_providers": True}


def test_a_file_that_is_taken_away_is_made_anew_with_what_it_had(driven: Driven, tmp_path: Path) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    saved = driven.app.world.resource(SavedState)
    saved.add_history(
        InstallationRecord("abc", "tiny:latest", InstallationStatus.COMPLETED, at, at, timedelta(seconds=1))
    )
    saved.set_flag("custom_providers", True)
    assert saved.flush(10)
    for file in tmp_path.iterdir():
        file.unlink()
    saved.set_setting("chosen", 1)
    driven.until(lambda: len(saved_names(tmp_path)) == 2)
    assert names(driven) == ["First", "Second"]
    with Store.open(tmp_path) as store:
        assert store.initial.flags == {"custom_providers": True}
        assert store.initial.settings["chosen"] == 1
        assert [row.installation_id for row in store.initial.history] == ["abc"]


def test_a_file_that_is_found_damaged_in_use_keeps_what_the_program_knows(tmp_path: Path) -> None:
    config = config_for(closed_port())
    with Store.open(tmp_path) as store:
        store.put(Table.HOSTS, "First", SavedHost("First", config, is_default=True))
        for number in range(400):  # so that the table's pages are its own
            store.put(Table.REGISTRY, f"m{number}", "x" * 200)
            store.add_history(f"id-{number}", datetime.now(UTC), b'{"filler":"' + b"y" * 200 + b'"}')
    with Driven.saved(tmp_path) as driven:
        driven.update()
        hosts = hosts_of(driven)
        hosts.add(config_for(closed_port()), "Second")
        saved = driven.app.world.resource(SavedState)
        saved.set_flag("custom_providers", True)
        assert saved.flush(10)
        with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
            connection.execute("PRAGMA wal_checkpoint(FULL)")
            size = connection.execute("PRAGMA page_size").fetchone()[0]
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
        with (tmp_path / FILE_NAME).open("r+b") as file:
            for page in range(2, pages):
                file.seek(page * size)
                file.write(b"\xff" * 64)
        with Store.open(tmp_path) as other:  # which sets it aside
            assert other.notice is not None
        saved.set_setting("chosen", 1)  # which is when the app notices
        driven.until(lambda: "custom_providers" in flags_in(tmp_path))
        assert names(driven) == ["First", "Second"]
        hosts.move(hosts.require("Second").entity, -1)
    assert saved_names(tmp_path) == ["Second", "First"]


def test_what_is_forgotten_elsewhere_is_forgotten_here_and_does_not_come_back(driven: Driven, tmp_path: Path) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    record = InstallationRecord("abc", "tiny:latest", InstallationStatus.COMPLETED, at, at, timedelta(seconds=1))
    saved, history = driven.app.world.resource(SavedState), driven.manager.installation_history
    history.append(record)
    saved.add_history(record)
    driven.write(ToggleRequested("custom_providers", True))
    driven.until(lambda: driven.features.feature_flags["custom_providers"].enabled)
    assert saved.flush(10)
    with Store.open(tmp_path) as store:
        store.forget_everything()
        assert store.flush()
    driven.until(lambda: not history)
    driven.until(lambda: not driven.features.feature_flags["custom_providers"].enabled)
    assert not driven.features.telemetry_collector.toggle_counts
    assert names(driven) == ["This computer"]
    driven.update()
    assert saved.close()
    with Store.open(tmp_path) as store:
        assert store.initial.history == []
        assert store.initial.flags == {}
        assert store.initial.settings == {}
        assert set(store.initial.hosts) <= {"This computer"}


def test_browsers_that_are_paired_and_forgotten_elsewhere_are_so_here(driven: Driven, tmp_path: Path) -> None:
    browsers = driven.app.world.resource(PairedBrowsers)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    key = SecretSource(SecretPlace.KEYRING, "browser one")
    browser = PairedBrowser("one", BrowserType.FIREFOX, "moz-extension://one", key, at)
    with Store.open(tmp_path) as store:
        store.put(Table.BROWSERS, "one", to_builtins(browser))
    driven.until(lambda: browsers.find("one") == browser)
    with Store.open(tmp_path) as store:
        store.remove(Table.BROWSERS, "one")
    driven.until(lambda: browsers.find("one") is None)
