"""Taking settings over: hosts are merged and nobody is lost, and a store or a running app says what was planned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecs_localai import (
    BrowserExtensionManager,
    ConnectionPool,
    ExperimentalFeaturesManager,
    HostOrigin,
    OllamaAuth,
    OllamaConfiguration,
    OllamaHosts,
    RetryPolicy,
    SecretPlace,
    SecretSource,
)
from ecs_localai.components.browser import ContextRetentionPolicy, ExtensionPrivacySettings
from ecs_localai.components.features import RolloutConfiguration
from ecs_localai.components.panel import PanelSettings, ThemeChoice
from ecs_localai.store import Store
from ecs_localai.systems.preferences import Preferences
from ecs_localai.systems.saved_hosts import SavedHost, server_of
from ecs_localai.systems.settings_exchange import apply_settings, keep_settings, settings_of, stored_settings
from ecs_localai.systems.settings_file import SettingsFile, read_settings_file
from ecs_localai.systems.settings_hosts import merge_hosts
from ecs_localai.systems.settings_plan import plan_import
from tests.rig.odd_servers import closed_port
from tests.systems.systems_parts import Driven
from tests.systems.test_systems_settings_file import file_with, host, settings_files

SECRET = "s3cret-7f1d"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(settings_files())
def test_what_is_taken_over_into_nothing_is_what_the_file_says(given: SettingsFile) -> None:
    plan = plan_import(SettingsFile(), given)
    again = plan_import(
        SettingsFile(
            hosts=[one.host for one in plan.hosts] if plan.hosts is not None else None,
            features=plan.features,
            **plan.sections,  # type: ignore[arg-type]  # by name, of the sections' types
        ),
        given,
    )
    assert again.changes == []
    assert (again.hosts, again.features, again.sections) == (None, {}, {})


def crowded_lists() -> st.SearchStrategy[list[SavedHost]]:
    """Lists whose hosts get into each other's way: few names, few servers, some of them written in two ways."""
    made = st.builds(
        host,
        st.sampled_from("aAbBcd"),
        st.sampled_from(["localhost", "127.0.0.1", "x.example", "X.example.", "y.example", "z.example"]),
        origin=st.sampled_from([HostOrigin.ADDED, HostOrigin.ADDED, HostOrigin.ENVIRONMENT]),
    )
    lists = st.lists(made, max_size=5, unique_by=lambda one: one.name.casefold())
    return st.tuples(lists, st.integers(0, 4)).map(
        lambda drawn: [
            msgspec.structs.replace(one, is_default=number == drawn[1]) for number, one in enumerate(drawn[0])
        ]
    )


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(crowded_lists(), crowded_lists(), st.booleans())
def test_merged_lists_lose_nobody(current: list[SavedHost], wanted: list[SavedHost], replace: bool) -> None:
    merged = merge_hosts(current, wanted, replace=replace)
    names = [one.host.name.casefold() for one in merged.hosts]
    assert len(set(names)) == len(names)
    formers = [one.former for one in merged.hosts if one.former is not None]
    there = {host.name for host in current}
    assert {one.name for one in (*formers, *merged.removed)} == there
    assert len(formers) + len(merged.removed) == len(there)
    assert replace or not merged.removed
    if merged.hosts and wanted:
        assert [one.host.is_default for one in merged.hosts].count(True) == 1
    left = {one.host.name.casefold() for one in merged.left}
    assert {host.name.casefold() for host in wanted} <= {*names, *left}
    if len(set(map(server, current))) == len(current):
        servers = [server(one.host) for one in merged.hosts]
        assert len(set(servers)) == len(servers)
    again = merge_hosts([one.host for one in merged.hosts], wanted, replace=replace)
    assert again.removed == []
    assert [one.host for one in again.hosts] == [one.host for one in merged.hosts]


def server(one: SavedHost) -> str:
    """What is the same for all addresses of a server."""
    return server_of(one.config.base_url)


def test_a_host_of_the_same_name_takes_the_others_place_and_new_ones_come_behind() -> None:
    current = [host("a", "a.example", is_default=True), host("b", "b.example")]
    plan = plan_import(
        SettingsFile(hosts=current), SettingsFile(hosts=[host("n", "n.example"), host("A", "x.example")])
    )
    assert plan.hosts is not None
    assert [(one.host.name, one.host.config.host) for one in plan.hosts] == [
        ("A", "x.example"),
        ("b", "b.example"),
        ("n", "n.example"),
    ]
    assert [change.text for change in plan.changes] == [
        "A is changed: it was called a; it is at http://x.example:11434, and was at http://a.example:11434",
        "n is added, at http://n.example:11434",
    ]


def test_names_are_the_same_however_they_are_written() -> None:
    read = read_settings_file(file_with(hosts=[{"name": " big   GPU ", "config": {"host": "a.example"}}]))
    assert read.hosts is not None
    assert read.hosts[0].name == "big GPU"
    current = [host("BIG  gpu", "a.example", is_default=True)]
    plan = plan_import(SettingsFile(hosts=current), read)
    assert plan.hosts is not None
    assert [change.text for change in plan.changes] == ["big GPU is changed: it was called BIG  gpu"]


def test_a_server_that_is_there_under_another_name_is_left_and_said() -> None:
    current = [host("a", "localhost", is_default=True), host("b", "b.example")]
    wanted = [host("mine", "127.0.0.1"), host("b", "localhost")]
    plan = plan_import(SettingsFile(hosts=current), SettingsFile(hosts=wanted))
    assert (plan.hosts, plan.changes) == (None, [])
    assert plan.notes == [
        "b at http://localhost:11434 is left out: that server is in the list as a.",
        "mine at http://127.0.0.1:11434 is left out: that server is in the list as a.",
    ]


def test_replacing_takes_others_off_and_renames_the_same_server() -> None:
    current = [host("a", "a.example", is_default=True), host("b", "b.example"), host("c", "c.example")]
    wanted = [host("c", "c.example"), host("z", "a.example", is_default=True)]
    plan = plan_import(SettingsFile(hosts=current), SettingsFile(hosts=wanted), replace_hosts=True)
    assert plan.hosts is not None
    assert [(one.host.name, one.former and one.former.name) for one in plan.hosts] == [("c", "c"), ("z", "a")]
    assert [one.name for one in plan.removed_hosts] == ["b"]
    none = plan_import(SettingsFile(hosts=current), SettingsFile(hosts=[]), replace_hosts=True)
    assert (none.hosts, none.notes) == (None, ["The file lists no hosts, so the list of hosts stays as it is."])


def test_the_default_host_stays_the_default_under_another_name() -> None:
    current = [host("a", "a.example"), host("b", "b.example", is_default=True)]
    plan = plan_import(
        SettingsFile(hosts=current),
        SettingsFile(hosts=[host("x", "a.example"), host("y", "b.example")]),
        replace_hosts=True,
    )
    assert plan.hosts is not None
    assert [(one.host.name, one.host.is_default) for one in plan.hosts] == [("x", False), ("y", True)]
    assert [change.text for change in plan.changes] == [
        "x is changed: it was called a",
        "y is changed: it was called b",
    ]


def test_names_that_differ_by_blanks_alone_lose_nobody() -> None:
    current = [host("a  b", "a.example", is_default=True), host("a b", "b.example"), host("A B", "c.example")]
    wanted = [host("a b", "d.example")]
    merged = merge_hosts(current, wanted, replace=False)
    assert [one.host.config.host for one in merged.hosts] == ["d.example", "b.example", "c.example"]
    merged = merge_hosts(current, wanted, replace=True)
    assert [one.host.config.host for one in merged.hosts] == ["d.example"]
    assert [one.config.host for one in merged.removed] == ["b.example", "c.example"]


def test_a_feature_does_not_stay_on_without_what_it_needs() -> None:
    plan = plan_import(SettingsFile(), SettingsFile(features={"ai_extensions_ollama": True, "auto_models": False}))
    assert plan.features == {"auto_models": False, "ai_extensions_ollama": False}
    assert plan.notes == ["AI extensions with Ollama models is off: it needs Auto models, which is off."]
    plan = plan_import(
        SettingsFile(features=plan.features), SettingsFile(features={"ai_extensions_ollama": True, "auto_models": True})
    )
    assert list(plan.features) == ["auto_models", "ai_extensions_ollama"]  # what others need comes first


def test_secrets_that_a_person_has_to_see_to_are_said() -> None:
    kept = OllamaAuth.bearer(source=SecretSource(SecretPlace.ENVIRONMENT, "TOKEN"))
    lost = OllamaAuth.bearer(SECRET).without_secrets()
    hosts = [
        SavedHost("a", OllamaConfiguration(host="a.example", authentication=kept)),
        SavedHost("b", OllamaConfiguration(host="b.example", authentication=lost)),
    ]
    assert plan_import(SettingsFile(), SettingsFile(hosts=hosts)).notes == [
        "a logs in with a secret that is not in the file: it is looked for in the environment variable TOKEN.",
        "b has a log-in whose secret was never saved: give it again.",
    ]


def test_text_from_browsers_that_goes_is_said() -> None:
    short, long = (ExtensionPrivacySettings(retention_policy=ContextRetentionPolicy.days(days)) for days in (1, 9))
    said = ["Text from browsers that may not be kept so long any more is deleted."]
    assert plan_import(SettingsFile(privacy=long), SettingsFile(privacy=short)).notes == said
    assert plan_import(SettingsFile(privacy=short), SettingsFile(privacy=long)).notes == []


def test_a_store_says_what_was_planned_and_keeps_its_seed(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.set_setting("rollout", {"seed": "mine", "respect_percentages": True})
        store.put_context("page", b"{}", datetime.now(UTC) - timedelta(hours=2), None)
        assert store.flush()
    wanted = SettingsFile(
        hosts=[host("a", "a.example", is_default=True)],
        features={"chat_branching": False},
        panel=PanelSettings(ThemeChoice.DARK),
        privacy=ExtensionPrivacySettings(retention_policy=ContextRetentionPolicy.hours(1)),
        rollout=RolloutConfiguration(respect_percentages=False),
    )
    with Store.open(tmp_path) as store:
        current, problems = stored_settings(store.initial)
        assert problems == []
        assert current.rollout == RolloutConfiguration()
        keep_settings(store, plan_import(current, wanted))
        assert store.flush()
    with Store.open(tmp_path) as store:
        now, problems = stored_settings(store.initial)
        assert problems == []
        assert msgspec.structs.replace(now, exported_at=None) == wanted
        assert store.initial.settings["rollout"] == {"seed": "mine", "respect_percentages": False}


def test_what_makes_no_sense_in_a_store_is_said_and_left_out(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.set_setting("panel", {"theme": "pink"})
        assert store.flush()
    with Store.open(tmp_path) as store:
        found, problems = stored_settings(store.initial)
    assert found.panel is None
    assert len(problems) == 1
    assert "'panel' is unreadable" in problems[0]


def comparable(driven: Driven) -> SettingsFile:
    """What is set in an app, but for when it was looked at."""
    return msgspec.structs.replace(settings_of(driven.app), exported_at=None)


def test_a_running_app_takes_a_file_over_and_keeps_it(tmp_path: Path) -> None:
    wanted = SettingsFile(
        hosts=[
            host("b", "127.0.0.1", is_default=True),
            host("c", "c.example", pool=ConnectionPool(3), retry_policy=RetryPolicy(max_attempts=1)),
        ],
        features={"auto_models": False, "ai_extensions_ollama": False, "later_feature": True},
        panel=PanelSettings(ThemeChoice.DARK, scale=2.0),
        privacy=ExtensionPrivacySettings(domain_whitelist=["example.org"]),
        rollout=RolloutConfiguration(respect_percentages=False),
    )
    with Driven.saved(tmp_path) as driven:
        driven.update()
        before = comparable(driven)
        plan = apply_settings(driven.app, wanted, replace_hosts=True)
        assert plan.changes
        features = driven.app.world.resource(ExperimentalFeaturesManager)
        driven.until(lambda: not features.feature_flags["ai_extensions_ollama"].enabled)
        assert driven.app.world.resource(Preferences).panel == wanted.panel
        assert driven.app.world.resource(BrowserExtensionManager).privacy_settings == wanted.privacy
        now = comparable(driven)
        assert now != before
        assert now.features == wanted.features
        for name in ("panel", "privacy", "rollout"):
            assert now.section(name) == wanted.section(name)
        assert apply_settings(driven.app, wanted, replace_hosts=True).changes == []
    with Driven.saved(tmp_path) as driven:
        driven.update()
        again = comparable(driven)
        assert [without_version(one) for one in again.hosts or ()] == wanted.hosts
        assert (again.features, again.panel, again.rollout) == (wanted.features, wanted.panel, wanted.rollout)
        assert not driven.app.world.resource(ExperimentalFeaturesManager).feature_flags["auto_models"].enabled


def without_version(saved: SavedHost) -> SavedHost:
    """The host, without what its server said of itself."""
    return msgspec.structs.replace(saved, config=msgspec.structs.replace(saved.config, api_version=""))


@pytest.mark.parametrize("replace", [False, True])
def test_hosts_that_change_places_do_so_in_a_running_app(tmp_path: Path, replace: bool) -> None:
    one, other = closed_port(), closed_port()

    def at(name: str, port: int) -> SavedHost:
        return SavedHost(name, OllamaConfiguration(port=port))

    with Driven.saved(tmp_path) as driven:
        hosts = driven.app.world.resource(OllamaHosts)
        apply_settings(driven.app, SettingsFile(hosts=[at("a", one), at("b", other)]), replace_hosts=True)
        driven.update()
        plan = apply_settings(driven.app, SettingsFile(hosts=[at("a", other), at("b", one)]), replace_hosts=replace)
        assert plan.notes == []
        driven.update()
        assert [(listed.host.name, listed.config.port) for listed in hosts.all()] == [("a", other), ("b", one)]
        assert [listed.is_default for listed in hosts.all()].count(True) == 1


@pytest.mark.parametrize("is_default", [False, True])
def test_a_host_that_cannot_be_what_a_file_says_stays_what_it_was(tmp_path: Path, is_default: bool) -> None:
    """Its new address reads as the name of another host."""
    with Driven.saved(tmp_path) as driven:
        hosts = driven.app.world.resource(OllamaHosts)
        entity = hosts.add("10.0.0.1", "a")
        hosts.add("10.0.0.2", "gpu")
        if is_default:
            hosts.set_default(entity)
        driven.update()
        wanted = SettingsFile(hosts=[host("a", "gpu"), host("new", "10.0.0.3")])
        plan = apply_settings(driven.app, wanted, replace_hosts=False)
        driven.update()
        assert any("is called gpu: give that one another name first." in note for note in plan.notes)
        there = {one.host.name: one.config.host for one in hosts.all()}
        assert there == {"This computer": "127.0.0.1", "a": "10.0.0.1", "gpu": "10.0.0.2", "new": "10.0.0.3"}
        assert hosts.require("a").is_default == is_default


def test_an_app_with_a_host_of_this_run_keeps_it(tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path) as driven:
        given = driven.app.world.resource(OllamaHosts).all()[0]
        assert settings_of(driven.app).hosts is None
        apply_settings(driven.app, SettingsFile(hosts=[host("a", "a.example")]), replace_hosts=True)
        names = [one.host.name for one in driven.app.world.resource(OllamaHosts).all()]
        assert names == ["a", given.host.name]


def test_what_a_command_imports_arrives_in_a_running_app(tmp_path: Path) -> None:
    with Driven.saved(tmp_path) as driven:
        driven.update()
        wanted = SettingsFile(
            hosts=[host("n", "n.example")],
            features={"chat_branching": False},
            privacy=ExtensionPrivacySettings(max_context_size=7),
        )
        with Store.open(tmp_path) as store:
            keep_settings(store, plan_import(stored_settings(store.initial)[0], wanted))
            assert store.flush()
        hosts = driven.app.world.resource(OllamaHosts)
        features = driven.app.world.resource(ExperimentalFeaturesManager)
        driven.until(lambda: hosts.named("n") is not None and not features.feature_flags["chat_branching"].enabled)
        browser = driven.app.world.resource(BrowserExtensionManager)
        assert browser.privacy_settings.max_context_size == 7
