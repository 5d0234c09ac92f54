"""What a person has forgotten is gone from the world, from every byte of the folder, and does not come back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyrings.alt.file import PlaintextKeyring  # type: ignore[import-untyped]  # it has no annotations

from ecs_localai import (
    AddHostRequested,
    BrowserExtensionManager,
    BrowserType,
    DataForgotten,
    ForgetRequested,
    Forgettable,
    InstallationStatus,
    ModelInstallationCancelled,
    ModelSort,
    OllamaAuth,
    OllamaConfiguration,
    PanelSettings,
    PanelSettingsChanged,
    ThemeChoice,
    ToggleRequested,
    WindowPlace,
)
from ecs_localai.components.browser import ContentType, ContextRetentionPolicy, ExtensionPrivacySettings, TabContext
from ecs_localai.components.hosts import HostOrigin
from ecs_localai.components.models import ModelCapabilities, ModelPerformanceMetrics
from ecs_localai.components.panel_intents import HostSecret
from ecs_localai.components.panel_view import Tone
from ecs_localai.components.registry import RegistryEntry
from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.components.time_values import utc_now
from ecs_localai.store import ModelUsage, Store, StoredState, Table
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.paired_browsers import PairedBrowsers
from ecs_localai.systems.performance_monitoring import MeasurementHistory
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.preferences import Preferences
from ecs_localai.systems.settings_exchange import settings_of
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.systems.systems_parts import Driven

MARK = "zebra-7f1d"
"""In everything that a test keeps, so that it can be looked for in the bytes."""
CHOSEN = PanelSettings(ThemeChoice.DARK, 1.25, WindowPlace(801, 702, 10, 20), ModelSort.SIZE, True)


def files_with(mark: str, folder: Path) -> list[str]:
    """The files of the folder in which these bytes are."""
    return [file.name for file in sorted(folder.rglob("*")) if file.is_file() and mark.encode() in file.read_bytes()]


def fill(driven: Driven) -> None:
    """Do and keep something of every kind, each with the mark."""
    driven.update()
    for name in ("one", "two"):
        driven.write(AddHostRequested(f"http://127.0.0.1:{closed_port()}", f"{MARK}-{name}"))
    driven.write(ToggleRequested("custom_providers", on=True))
    driven.write(ToggleRequested("chat_branching", on=False))
    driven.write(PanelSettingsChanged(CHOSEN))
    driven.ask_for(f"localhost:{closed_port()}/library/{MARK}:latest")
    driven.until(lambda: any(MARK in one.model_name for one in driven.manager.installation_history))
    driven.update()
    preferences = driven.app.world.resource(Preferences)
    privacy = ExtensionPrivacySettings(
        domain_whitelist=[f"{MARK}.example"], retention_policy=ContextRetentionPolicy.MANUAL
    )
    preferences.set_privacy(privacy)
    saved = driven.app.world.resource(SavedState)
    saved.set_model_usage(f"http://127.0.0.1/{MARK}", ModelUsage(3, utc_now(), ModelPerformanceMetrics(12.0)))
    saved.set_capabilities(f"sha256:{MARK}", ModelCapabilities(model_architecture=MARK))
    saved.set_registry_entry(RegistryEntry(MARK, MARK, [], utc_now()))
    saved.add_measurements(utc_now(), {f"{MARK}_percent": 12.0})
    page = TabContext("https://example.org", MARK, ContentType.ARTICLE, MARK * 500, {}, utc_now())
    saved.add_context(MARK, page, privacy.retention_policy)
    assert saved.flush(20)


def forget(driven: Driven, what: Forgettable) -> DataForgotten:
    """Have something forgotten, and wait until that is told."""
    driven.write(ForgetRequested(what))
    return driven.until_event(DataForgotten)


def names(driven: Driven) -> list[str]:
    """The hosts of the list."""
    return [one.host.name for one in driven.app.world.resource(OllamaHosts).all()]


def test_everything_is_gone_from_the_world_the_bytes_and_the_next_start(tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path) as fresh:
        fresh.update()
        first_day = settings_of(fresh.app)
        rows_of_a_first_day = fresh.view.features
    folder = tmp_path / "used"
    with Driven.saved(folder) as driven:
        fill(driven)
        (folder / "ollama-serve.log").write_text(f"what an Ollama wrote, {MARK}\n")
        assert len(files_with(MARK, folder)) > 1
        told = forget(driven, Forgettable.EVERYTHING)
        assert told == DataForgotten(
            Forgettable.EVERYTHING, True, "Everything is forgotten, and no byte of it is left in the data folder."
        )
        assert files_with(MARK, folder) == []
        assert names(driven) == ["This computer"]
        host = driven.app.world.resource(OllamaHosts).all()[0]
        assert (host.config, host.is_default, host.host.origin) == (OllamaConfiguration(), True, HostOrigin.ADDED)
        now = settings_of(driven.app)
        assert now.features is None
        for name in ("panel", "privacy", "context_extraction", "experimental_preferences", "rollout"):
            assert now.section(name) == first_day.section(name), name
        assert driven.features.telemetry_collector.toggle_counts == {}
        assert driven.app.world.resource(BrowserExtensionManager).privacy_settings == ExtensionPrivacySettings()
        assert not driven.manager.installation_history
        assert not driven.installations
        driven.until(lambda: driven.view.hosts[0].name == "This computer" and len(driven.view.hosts) == 1)
        assert driven.view.installations == []
        assert driven.view.settings == PanelSettings()
        assert driven.view.features == rows_of_a_first_day
        assert (driven.view.data.forget_text, driven.view.data.forget_tone) == (told.message, Tone.OK)
        for _ in range(3):
            driven.update()
        assert driven.app.world.resource(SavedState).flush(20)
        assert files_with(MARK, folder) == []
    with Store.open(folder) as store:
        left = store.initial
    assert (left.flags, left.hosts, left.history, left.queue, left.settings) == ({}, {}, [], {}, {})
    assert left.model_usage == {}
    with Driven.saved(folder) as again:
        again.update()
        assert names(again) == ["This computer"]
        assert settings_of(again.app).features is None
        assert again.view.settings == PanelSettings()
        assert again.view.installations == []


def test_the_host_that_was_named_for_this_run_stays(tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path) as driven:
        fill(driven)
        named = driven.app.world.resource(OllamaHosts).all()[0]
        assert named.host.origin is HostOrigin.ENVIRONMENT
        forget(driven, Forgettable.EVERYTHING)
        hosts = driven.app.world.resource(OllamaHosts).all()
        assert [one.entity for one in hosts] == [named.entity]
        assert (hosts[0].host.origin, hosts[0].is_default) == (HostOrigin.ENVIRONMENT, True)
        assert files_with(MARK, tmp_path) == []
    with Store.open(tmp_path) as store:
        assert store.initial.hosts == {}


def test_the_only_host_with_another_name_and_settings_is_as_on_the_first_day(tmp_path: Path) -> None:
    with Driven.saved(tmp_path) as driven:
        driven.update()
        hosts = driven.app.world.resource(OllamaHosts)
        one = hosts.all()[0]
        slow = OllamaConfiguration(connection_timeout=timedelta(seconds=77), authentication=OllamaAuth.bearer(MARK))
        hosts.edit(one.entity, slow, f"{MARK} at home")
        other = hosts.add("127.0.0.1:9", "This computer")
        hosts.set_default(other)
        driven.update()
        forget(driven, Forgettable.EVERYTHING)
        assert names(driven) == ["This computer"]
        left = hosts.all()[0]
        assert (left.entity, left.config, left.is_default) == (one.entity, OllamaConfiguration(), True)
        assert left.manager.api_client.authentication is None
    with Store.open(tmp_path) as store:
        assert store.initial.hosts == {}


def test_what_was_set_afterwards_is_kept_as_ever(tmp_path: Path) -> None:
    with Driven.saved(tmp_path) as driven:
        fill(driven)
        forget(driven, Forgettable.EVERYTHING)
        driven.write(AddHostRequested("http://127.0.0.1:9", "afterwards"))
        driven.write(ToggleRequested("custom_providers", on=True))
        driven.until(lambda: names(driven) == ["This computer", "afterwards"])
        driven.update()
    with Driven.saved(tmp_path) as again:
        again.update()
        assert names(again) == ["This computer", "afterwards"]
        assert again.app.world.resource(SavedState).flags == {"custom_providers": True}


def test_installations_under_way_are_stopped_first(
    tmp_path: Path, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    running, waiting = registry.name_for("middle:latest"), [f"127.0.0.1:9/{MARK}/m{n}:latest" for n in range(3)]
    registry.files.throttle(500_000)
    try:
        with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
            driven.until(lambda: driven.view.host.status_text == "Connected")
            driven.ask_for(running)
            driven.until(lambda: driven.installation(running).status == InstallationStatus.DOWNLOADING)
            for name in waiting:
                driven.ask_for(name)
            driven.update()
            forget(driven, Forgettable.EVERYTHING)
            assert running in [event.model_name for event in driven.events(ModelInstallationCancelled)]
            assert not driven.manager.active_installations
            assert not driven.manager.download_queue
            assert not driven.manager.installation_history
            assert not driven.installations
            assert files_with(MARK, tmp_path) == []
            driven.until(lambda: driven.view.installations == [])
        with Store.open(tmp_path) as store:
            assert (store.initial.queue, store.initial.history) == ({}, [])
    finally:
        registry.files.clear()


def test_history_and_usage_go_and_what_was_set_stays(tmp_path: Path, ollama_server: OllamaServer) -> None:
    name = ollama_server.model_names()[0]
    with Store.open(tmp_path) as store:
        used = ModelUsage(7, utc_now(), ModelPerformanceMetrics(total_requests=4))
        store.set_model_usage(f"{ollama_server.base_url}/{name}", used)
        store.set_model_usage(f"http://127.0.0.1:9/{MARK}", used)
    with Driven(ollama_server.port, data_dir=tmp_path) as driven:
        driven.connect()
        driven.write(PanelSettingsChanged(CHOSEN))
        driven.write(ToggleRequested("custom_providers", on=True))
        driven.ask_for(f"localhost:{closed_port()}/library/{MARK}:latest")
        driven.until(lambda: bool(driven.manager.installation_history))
        model = driven.models.installed_models[name]
        assert model.usage_count == 7
        told = forget(driven, Forgettable.HISTORY_AND_USAGE)
        assert told.is_gone
        assert files_with(MARK, tmp_path) == []
        assert (model.usage_count, model.last_used, model.performance_metrics) == (0, None, ModelPerformanceMetrics())
        assert not driven.manager.installation_history
        driven.until(lambda: driven.view.installations == [])
        assert driven.view.settings == CHOSEN
        assert driven.features.feature_flags["custom_providers"].enabled
    with Driven(ollama_server.port, data_dir=tmp_path) as again:
        again.connect()
        assert again.models.installed_models[name].usage_count == 0
        assert not again.manager.installation_history
        assert again.view.settings == CHOSEN


def test_measurements_go_and_what_happened_stays(tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path) as driven:
        fill(driven)
        history = driven.app.world.resource(MeasurementHistory)
        driven.until(lambda: history.cpu.newest is not None)
        assert forget(driven, Forgettable.MEASUREMENTS).is_gone
        assert driven.manager.installation_history
        assert driven.view.settings == CHOSEN
        assert sum(1 for _ in history.memory.measured()) <= 1  # one may have come meanwhile
        assert any(MARK in name for name in names(driven))
    with closing(sqlite3.connect(tmp_path / "ecs-localai.sqlite3")) as store:
        for table in (Table.MEASUREMENTS, Table.MEASUREMENT_MINUTES, Table.MEASUREMENT_HOURS):
            found = store.execute(f"SELECT count(*) FROM {table} WHERE value LIKE '%{MARK}%'").fetchone()
            assert found == (0,), table


def test_several_wishes_are_done_one_after_the_other(tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path) as driven:
        fill(driven)
        for what in Forgettable:
            driven.write(ForgetRequested(what))
        driven.until_event(DataForgotten, 3)
        assert [event.what for event in driven.events(DataForgotten)] == list(Forgettable)
        assert all(event.is_gone for event in driven.events(DataForgotten))
        assert files_with(MARK, tmp_path) == []


def test_while_another_program_reads_the_file_it_is_said_that_traces_may_be_left(tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path) as driven:
        fill(driven)
        with closing(sqlite3.connect(tmp_path / "ecs-localai.sqlite3", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM history").fetchone()
            told = forget(driven, Forgettable.EVERYTHING)
            assert not told.is_gone
            assert "tried again" in told.message
            driven.until(lambda: driven.view.data.forget_tone is Tone.WARN)
            reader.execute("COMMIT")
        driven.until(lambda: files_with(MARK, tmp_path) == [], 30)


def test_a_file_of_a_newer_version_is_left_alone_and_that_is_said(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.set_setting("panel", {"theme": "dark"})
    file = tmp_path / "ecs-localai.sqlite3"
    with closing(sqlite3.connect(file)) as newer:
        newer.execute("PRAGMA user_version = 99")
    before = file.read_bytes()
    with Driven(data_dir=tmp_path) as driven:
        driven.update()
        notice = driven.view.data.notice
        assert notice is not None
        told = forget(driven, Forgettable.EVERYTHING)
        assert not told.is_gone
        assert notice in told.message
        assert driven.view.settings == PanelSettings()
    assert file.read_bytes() == before


def test_a_copy_beside_the_file_is_named_and_goes_with_everything(tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path) as driven:
        fill(driven)
        copy = tmp_path / "ecs-localai.schema-1.sqlite3"
        copy.write_bytes(MARK.encode())
        told = forget(driven, Forgettable.HISTORY_AND_USAGE)
        assert not told.is_gone
        assert str(copy) in told.message
        driven.write(ForgetRequested(Forgettable.EVERYTHING))
        assert driven.until_event(DataForgotten, 2).is_gone
        assert not copy.exists()


def test_a_program_without_a_data_folder_forgets_what_it_has_in_memory() -> None:
    with Driven() as driven:
        driven.update()
        driven.write(ToggleRequested("custom_providers", on=True))
        driven.write(AddHostRequested("http://127.0.0.1:9", MARK))
        driven.until(lambda: MARK in names(driven))
        assert forget(driven, Forgettable.EVERYTHING).message == "Everything is forgotten."
        assert MARK not in names(driven)
        assert not driven.features.feature_flags["custom_providers"].enabled


class FileKeyring(PlaintextKeyring):  # type: ignore[misc]  # it has no annotations
    """A real keyring, in a file of the test's own."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file_path = str(file)


@pytest.fixture
def own_keyring(tmp_path: Path) -> Iterator[KeyringBackend]:
    """The keyring of this process, until the end of the test."""
    before = keyring.get_keyring()
    chosen = FileKeyring(tmp_path / "keyring.cfg")
    keyring.set_keyring(chosen)
    yield chosen
    keyring.set_keyring(before)


def test_secrets_that_were_typed_go_with_their_hosts(tmp_path: Path, own_keyring: KeyringBackend) -> None:
    entry = "127.0.0.1:9 1a2b3c4d"
    auth = OllamaAuth.bearer(source=SecretSource(SecretPlace.KEYRING, entry))
    with Driven(data_dir=tmp_path / "data") as driven:
        driven.update()
        config = OllamaConfiguration(authentication=auth)
        driven.write(AddHostRequested("http://127.0.0.1:9", MARK, config, secret=HostSecret(entry, "s3cret")))
        driven.until(lambda: own_keyring.get_password("ecs-localai", entry) == "s3cret")
        forget(driven, Forgettable.EVERYTHING)
        driven.until(lambda: own_keyring.get_password("ecs-localai", entry) is None)
        assert MARK not in names(driven)


def test_an_app_that_ends_at_once_has_forgotten_all_the_same(tmp_path: Path) -> None:
    with Driven.saved(tmp_path) as driven:
        fill(driven)
        driven.write(ForgetRequested(Forgettable.EVERYTHING))
        driven.update()
    assert files_with(MARK, tmp_path) == []
    with Driven.saved(tmp_path) as again:
        again.update()
        assert names(again) == ["This computer"]
        assert again.view.settings == PanelSettings()


def test_paired_browsers_and_their_keys_are_gone(tmp_path: Path, own_keyring: KeyringBackend) -> None:
    with Driven(data_dir=tmp_path / "data") as driven:
        driven.update()
        browsers = driven.app.world.resource(PairedBrowsers)
        paired = driven.app.tasks.spawn(
            browsers.pair("b-1", BrowserType.FIREFOX, "moz-extension://x", MARK.encode()), "pair a browser"
        )
        driven.until(paired.is_finished)
        entry = browsers.all()[0].key.name
        assert own_keyring.get_password("ecs-localai", entry) is not None
        assert forget(driven, Forgettable.EVERYTHING).is_gone
        assert browsers.all() == []
        assert own_keyring.get_password("ecs-localai", entry) is None
    with Driven(data_dir=tmp_path / "data") as again:
        assert again.app.world.resource(PairedBrowsers).all() == []


def test_a_store_in_which_nothing_is_left_says_so(tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path) as driven:
        fill(driven)
        forget(driven, Forgettable.EVERYTHING)
    with Store.open(tmp_path) as store:
        assert store.initial == StoredState()
