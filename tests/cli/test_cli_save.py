"""``ecs-localai save``: the world as a file, what is in such a file, and that it is loaded into a fresh app."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from ecs_localai import LocalModelsPlugin, OllamaAuth, OllamaConfiguration
from ecs_localai.commands.save import SavedFile
from ecs_localai.components.features import ExperimentalFeaturesManager, FeatureToggle
from ecs_localai.components.hosts import OllamaHostManager
from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.panel import LocalModelsPanel
from ecs_localai.components.panel_intents import ToggleRequested
from ecs_localai.runtime import App, SystemFailed
from ecs_localai.runtime.saving.loading import load_world
from ecs_localai.runtime.saving.writing import save_world
from ecs_localai.systems.links import HostLink
from tests.cli.cli_parts import Cli
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.waiting import run_frames_until


def _told(text: str) -> SavedFile:
    return msgspec.json.decode(text, type=SavedFile)


def test_it_saves_the_world_and_says_what_was_saved_and_left_out(cli: Cli, tmp_path: Path) -> None:
    host = f"127.0.0.1:{closed_port()}"
    ended = cli.run("save", "world.json", "--frames", "3", "--host", host)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[0].startswith("world.json: a saved world, version 1, ")
    assert "  1 with ecs_localai.components.hosts.OllamaHostManager" in ended.lines
    assert "  ecs_localai.components.models.LocalModelManager" in ended.lines
    left_out = ended.lines[ended.lines.index("Left out") :]
    assert any(line.startswith("  ecs_localai.systems.links.HostLink (1): It is work under way") for line in left_out)
    assert json.loads((tmp_path / "world.json").read_bytes())["format"] == "ecs-localai world"
    assert [one.name for one in tmp_path.glob("*.part")] == []


def test_json_says_the_same_and_show_reads_it_again(cli: Cli) -> None:
    host = f"127.0.0.1:{closed_port()}"
    ended = cli.run("save", "world.json", "--json", "--host", host)
    assert (ended.code, ended.err) == (0, "")
    saved = _told(ended.out)
    assert saved.skipped is not None
    assert {one.place for one in saved.skipped} == {"component", "resource"}
    shown = cli.run("save", "world.json", "--show", "--json")
    assert (shown.code, shown.err) == (0, "")
    assert _told(shown.out) == msgspec.convert(msgspec.to_builtins(saved) | {"skipped": None}, SavedFile)
    text = cli.run("save", "--show", "world.json")
    assert "2 entities" in text.lines
    assert "Left out" not in text.lines


def test_a_file_that_is_there_is_replaced_only_when_asked(cli: Cli, tmp_path: Path) -> None:
    host = f"127.0.0.1:{closed_port()}"
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    refused = cli.run("save", "notes.txt", "--frames", "1", "--host", host)
    assert refused.error == "notes.txt is there already. Choose another name, or give --force to replace it."
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert cli.run("save", "notes.txt", "--force", "--frames", "1", "--host", host).code == 0
    assert cli.run("save", "notes.txt", "--show").code == 0


def test_files_that_cannot_be_read_or_written_are_errors(cli: Cli, tmp_path: Path) -> None:
    host = f"127.0.0.1:{closed_port()}"
    assert cli.run("save", "--show", "none.json").error == "none.json cannot be read: No such file or directory."
    (tmp_path / "notes.json").write_text('{"a": 1}', encoding="utf-8")
    assert cli.run("save", "--show", "notes.json").error.startswith("notes.json: This is no saved world")
    nowhere = cli.run("save", "none/world.json", "--frames", "1", "--host", host)
    assert nowhere.error == "none/world.json cannot be written: No such file or directory."
    assert cli.run("save", "world.json", "--host", "not an address").error
    folder = cli.run("save", ".", "--force", "--frames", "1", "--host", host)
    assert folder.error == ". is a folder. Give the name of a file in it."
    long = cli.run("save", "x" * 300, "--frames", "1", "--host", host)
    assert long.error.endswith("cannot be written: File name too long.")


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_names_that_cannot_be_printed_are_an_error(cli: Cli, tmp_path: Path, options: tuple[str, ...]) -> None:
    damaged = {"format": "ecs-localai world", "version": 1, "resources": {"\ud800": 1}, "states": {}, "entities": {}}
    (tmp_path / "odd.json").write_text(json.dumps(damaged), encoding="utf-8")
    shown = cli.run("save", "--show", "odd.json", *options)
    assert shown.error == "odd.json: resources: a name that can be printed belongs here, not '\\ud800'."


def test_show_goes_with_no_option_for_saving(cli: Cli) -> None:
    for option in (("--force",), ("--frames", "3"), ("--host", "127.0.0.1")):
        ended = cli.run("save", "--show", "world.json", *option)
        assert ended.code == 2
        assert "does not go with --show" in ended.err


@pytest.fixture
def failures() -> list[SystemFailed]:
    """What went wrong in a frame."""
    return []


def _app(config: OllamaConfiguration, failures: list[SystemFailed]) -> App:
    return App().set_error_handler(failures.append).add_plugins(LocalModelsPlugin(config))


def _has_looked(app: App) -> bool:
    """Whether all hosts have been asked whether they are there."""
    return all(host.health_monitor.last_health_check is not None for _, host in app.world.query(OllamaHostManager))


def test_a_saved_world_is_loaded_into_a_fresh_app_and_goes_on(failures: list[SystemFailed]) -> None:
    former = OllamaConfiguration(port=closed_port())
    with _app(former, failures) as app:
        app.update()
        app.send_event(ToggleRequested("chat_branching", False))
        run_frames_until(app, lambda: _has_looked(app))
        app.world.resource(LocalModelManager).model_registry.base_url = "https://models.example"
        saved = save_world(app)
    with _app(OllamaConfiguration(port=closed_port()), failures) as app:
        loaded = load_world(app, saved.data, replace=True)
        ((entity, (host, link)),) = app.world.query(OllamaHostManager, HostLink)
        assert entity in loaded.entities.values()
        assert host.host_config == former
        assert len(app.world.query(LocalModelsPanel)) == 1
        checked = host.health_monitor.last_health_check
        assert host.health_monitor.error_count == 1  # the saved one
        run_frames_until(app, lambda: host.health_monitor.last_health_check not in (None, checked))
        assert host.health_monitor.error_count == 1  # the new one: how it was then says nothing of how it is now
        assert app.world.resource(LocalModelManager).model_registry.base_url == "https://models.example"
        assert link.probe is None or not link.probe.is_finished()
        flags = app.world.resource(ExperimentalFeaturesManager).feature_flags
        assert not flags["chat_branching"].enabled
        toggles = {toggle.feature_id: toggle.current_state for _, toggle in app.world.query(FeatureToggle)}
        assert toggles == {name: flag.enabled for name, flag in flags.items()}
    assert failures == []


def test_a_saved_world_without_replacing_comes_to_what_is_there(failures: list[SystemFailed]) -> None:
    config = OllamaConfiguration(port=closed_port())
    with _app(config, failures) as app:
        app.update()
        data = save_world(app).data
    with _app(config, failures) as app:
        app.update()
        load_world(app, data)
        run_frames_until(app, lambda: _has_looked(app))
        assert len(app.world.query(OllamaHostManager, HostLink)) == 1  # it was in the list already
        assert len(app.world.query(FeatureToggle)) == 5
    assert failures == []


def test_credentials_are_saved_without_their_secret() -> None:
    config = OllamaConfiguration(port=closed_port(), authentication=OllamaAuth.bearer("t0k3n-for-all"))
    with App() as app:
        app.add_plugins(LocalModelsPlugin(config))
        data = save_world(app).data
    assert b"Bearer" in data
    assert b"t0k3n" not in data


@pytest.mark.ollama
def test_the_models_of_a_server_come_back(ollama_server: OllamaServer, failures: list[SystemFailed]) -> None:
    host, _, port = ollama_server.host_port.rpartition(":")
    config = OllamaConfiguration(host=host, port=int(port))
    with _app(config, failures) as app:
        run_frames_until(app, lambda: bool(app.world.resource(LocalModelManager).installed_models))
        run_frames_until(app, lambda: not app.tasks.pending)
        models = app.world.resource(LocalModelManager).installed_models
        saved = save_world(app)
        with _app(config, failures) as fresh:
            load_world(fresh, saved.data, replace=True)
            assert fresh.world.resource(LocalModelManager).installed_models == models
            assert "tiny:latest" in models
            fresh.update()
            run_frames_until(fresh, lambda: _has_looked(fresh))
    assert failures == []
