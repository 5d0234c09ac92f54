"""What cannot be done with a model, or is broken off: told in sentences, on real hosts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecs_localai import (
    EditHostRequested,
    HostProtocol,
    LoadModelRequested,
    ModelAction,
    ModelActionFailed,
    ModelCopied,
    ModelLoaded,
    ModelUnloaded,
    RemoveHostRequested,
)
from tests.rig.model_files import create_model, write_gguf
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.systems.model_life_parts import REQUESTS, TINY, busy, emptied, hosts_of, the_failure
from tests.systems.systems_parts import Driven, assert_clear, config_for

each_action = pytest.mark.parametrize("action", list(ModelAction))


@pytest.fixture
def server(ollama_server: OllamaServer) -> Iterator[OllamaServer]:
    """The shared server with nothing loaded."""
    with emptied(ollama_server):
        yield ollama_server


@each_action
def test_nothing_is_done_to_a_model_that_is_not_there(server: OllamaServer, action: ModelAction) -> None:
    with Driven(server.port) as driven:
        driven.connect()
        driven.write(REQUESTS[action]("no-such-model", ""))
        failed = the_failure(driven, action, "no-such-model:latest")
        assert failed.error_message.startswith("There is no model no-such-model:latest on ")
        assert failed.host == server.base_url


@each_action
def test_nothing_is_done_where_nobody_listens(action: ModelAction) -> None:
    with Driven() as driven:
        driven.write(REQUESTS[action](TINY, ""))
        the_failure(driven, action)


@each_action
@pytest.mark.parametrize("name", ["", "two words", "tiny@sha256:00"])
def test_what_is_no_name_is_refused(server: OllamaServer, action: ModelAction, name: str) -> None:
    with Driven(server.port) as driven:
        driven.write(REQUESTS[action](name, ""))
        assert the_failure(driven, action, name).host == server.base_url


@each_action
def test_a_host_that_is_not_in_the_list_is_told(server: OllamaServer, action: ModelAction) -> None:
    with Driven(server.port) as driven:
        driven.write(REQUESTS[action](TINY, "elsewhere"))
        failed = driven.until_event(ModelActionFailed)
        assert (failed.action, failed.host) == (action, "")
        assert "no host called 'elsewhere'" in failed.error_message


@each_action
def test_a_host_that_is_no_ollama_manages_its_models_itself(server: OllamaServer, action: ModelAction) -> None:
    with Driven(server.port) as driven:
        hosts_of(driven).add(config_for(closed_port()), "Other", protocol=HostProtocol.OPENAI)
        driven.write(REQUESTS[action](TINY, "Other"))
        assert "Other is no Ollama" in the_failure(driven, action).error_message


def test_a_server_that_dies_while_it_loads_is_told_and_asked_at_once(
    fresh_ollama: OllamaServer, tmp_path: Path
) -> None:
    create_model(fresh_ollama, TINY, write_gguf(tmp_path / "tiny.gguf", 400_000))
    with Driven(fresh_ollama.port) as driven:
        driven.connect()
        fresh_ollama.pause()
        driven.write(LoadModelRequested(TINY))
        driven.update()
        fresh_ollama.kill()
        the_failure(driven, ModelAction.LOAD)
        driven.until(lambda: driven.view.host.status_text != "Connected")


@each_action
@pytest.mark.parametrize("how", ["removed", "changed"])
def test_what_is_under_way_on_a_host_that_is_removed_or_changed_is_told(
    server: OllamaServer, fresh_ollama: OllamaServer, tmp_path: Path, action: ModelAction, how: str
) -> None:
    create_model(fresh_ollama, TINY, write_gguf(tmp_path / "tiny.gguf", 400_000))
    with Driven(server.port) as driven:
        driven.connect()
        hosts = hosts_of(driven)
        hosts.add(config_for(fresh_ollama.port), "Going")
        driven.until(lambda: TINY in hosts.require("Going").models.installed)
        fresh_ollama.pause()
        try:
            driven.write(REQUESTS[action](TINY, "Going"))
            driven.until(lambda: " on Going" in busy(driven, TINY))
            if how == "removed":
                driven.write(RemoveHostRequested("Going"))
            else:
                driven.write(EditHostRequested("Going", f"127.0.0.1:{closed_port()}"))
            failed = driven.until_event(ModelActionFailed)
            assert (failed.action, failed.model_name, failed.host) == (action, TINY, fresh_ollama.base_url)
            assert_clear(failed.error_message)
            driven.until(lambda: busy(driven, TINY) == "")
        finally:
            fresh_ollama.unpause()
        assert [one for kind in (ModelLoaded, ModelUnloaded, ModelCopied) for one in driven.events(kind)] == []


def test_a_host_that_is_taken_away_and_made_again_goes_on(server: OllamaServer) -> None:
    """The only host cannot be removed, by a program neither."""
    with Driven(server.port) as driven:
        driven.connect()
        driven.write(LoadModelRequested(TINY))
        driven.update()
        driven.app.world.despawn(hosts_of(driven).require("").entity)
        driven.until_event(ModelLoaded)
        assert driven.events(ModelActionFailed) == []


def test_the_panel_says_on_which_host_what_is_being_done(server: OllamaServer, fresh_ollama: OllamaServer) -> None:
    with Driven(server.port) as driven:
        hosts = hosts_of(driven)
        first = hosts.require("").host.name
        driven.connect()
        hosts.add(config_for(fresh_ollama.port), "Second")
        driven.until(lambda: hosts.require("Second").models.synced)
        driven.write(LoadModelRequested(TINY))
        driven.update()
        assert busy(driven, TINY) == f"Loading on {first}"
        driven.until_event(ModelLoaded)


def test_ending_in_the_middle_leaves_nothing(server: OllamaServer) -> None:
    with Driven(server.port) as driven:
        driven.connect()
        for action, request in REQUESTS.items():
            driven.write(request("smollm2:135m" if action is ModelAction.LOAD else TINY, ""))
        driven.update()
