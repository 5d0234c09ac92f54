"""The shapes that users rely on: the brief's own test, the issue's example, and a host's world with plain esper."""

from __future__ import annotations

from dataclasses import dataclass

import esper
import pytest

from ecs_localai import (
    App,
    DownloadConfig,
    FeatureToggle,
    FeatureToggleGroup,
    HostConnection,
    InstallationTracking,
    LocalModelsPanel,
    LocalModelsPlugin,
    ModelInstallation,
    ModelInstallationCompleted,
    ModelInstallationTask,
    ModelInstallRequest,
    ModelManagement,
    OllamaConfiguration,
    OllamaHostManager,
    PerformanceMonitoring,
    SystemFailed,
    UIUpdate,
)
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.waiting import run_frames_until
from tests.systems.systems_parts import INSECURE, Driven

SETS = [HostConnection, ModelManagement, InstallationTracking, PerformanceMonitoring, UIUpdate]


@dataclass
class Player:
    """A component of the host's own."""

    name: str


def local_name(port: int) -> str:
    """A name in a registry where nobody listens: no test asks anybody on the internet."""
    return f"localhost:{port}/library/llama3.2:1b"


def test_one_request_and_one_update_make_exactly_one_task() -> None:
    with App() as app:
        app.add_plugins(LocalModelsPlugin(OllamaConfiguration(port=closed_port())))
        app.world.spawn(ModelInstallRequest(local_name(closed_port())))
        app.update()
        assert app.events(SystemFailed).reader().read() == []
        tasks = app.world.query(ModelInstallationTask)
        assert len(tasks) == 1
        assert tasks[0][1].model_name == app.world.query(ModelInstallRequest)[0][1].model_name


def test_a_second_update_makes_no_second_task() -> None:
    with Driven() as driven:
        driven.ask_for(local_name(closed_port()))
        driven.update()
        driven.update()
        assert len(driven.app.world.query(ModelInstallationTask)) == 1


def test_the_example_of_the_documentation_installs_a_model(ollama_server: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("tiny:latest")
    try:
        with App() as app:
            config = OllamaConfiguration(host="127.0.0.1", port=ollama_server.port)
            app.add_plugins(LocalModelsPlugin(config))
            app.world.spawn(ModelInstallRequest(name, DownloadConfig(insecure=True)))
            done = app.events(ModelInstallationCompleted).reader()
            failed = app.events(SystemFailed).reader()
            finished = run_frames_until(app, done.read, 30)
            assert failed.read() == []
        assert [event.model.name for event in finished] == [name]
        assert name in ollama_server.model_names()
    finally:
        ollama_server.delete(name)


@pytest.mark.parametrize("by_esper", [False, True])
def test_a_request_in_a_hosts_own_world(by_esper: bool, ollama_server: OllamaServer, registry: Registry) -> None:
    """The host's entity stays with its other components; only the request goes, and the host's world stays active."""
    name = registry.name_for("tiny:latest")
    before = esper.current_world
    try:
        with Driven(ollama_server.port, world="my-game") as driven:
            esper.switch_world("my-game")
            if by_esper:
                entity = esper.create_entity(Player("Ada"), ModelInstallRequest(name, INSECURE))
            else:
                entity = driven.app.world.spawn(Player("Ada"), ModelInstallRequest(name, INSECURE))
            driven.until_event(ModelInstallationCompleted)
            assert esper.current_world == "my-game"
            driven.until(lambda: not esper.has_component(entity, ModelInstallRequest))
            assert esper.components_for_entity(entity) == (Player("Ada"),)
        assert esper.component_for_entity(entity, Player).name == "Ada"
    finally:
        ollama_server.delete(name)
        esper.switch_world(before)
        esper.delete_world("my-game")


def test_a_request_entity_that_was_nothing_else_goes_with_its_request() -> None:
    with Driven() as driven:
        entity = driven.app.world.spawn(ModelInstallRequest("not a name"))
        driven.update()
        assert not driven.app.world.exists(entity)


def test_plain_esper_shows_the_five_sets_in_their_order() -> None:
    with Driven() as driven, driven.app.world.active():
        driven.update()
        found = [esper.get_processor(kind) for kind in SETS]
        assert [type(one) for one in found] == SETS
        priorities = [one.priority for one in found if one is not None]
        assert priorities == sorted(priorities, reverse=True)
        assert len(set(priorities)) == len(SETS)


def test_the_hosts_own_process_call_runs_the_frames(ollama_server: OllamaServer) -> None:
    """A game that calls esper.process in its world needs no update of ours."""
    before = esper.current_world
    try:
        with Driven(ollama_server.port, world="my-game-processed") as driven:

            class Host:
                @staticmethod
                def update(dt: float | None = None) -> None:
                    esper.process()

            esper.switch_world("my-game-processed")
            run_frames_until(Host(), lambda: driven.view.host.status_text == "Connected", 30)
            run_frames_until(Host(), lambda: "tiny:latest" in driven.models.installed_models, 30)
    finally:
        esper.switch_world(before)
        esper.delete_world("my-game-processed")


def test_a_hosts_world_is_left_as_it_was_for_the_next_app(ollama_server: OllamaServer) -> None:
    """What the systems put into a host's world goes with them, so that another app can take their place."""
    before = esper.current_world
    try:
        esper.switch_world("my-game-again")
        own = esper.create_entity(Player("Ada"))
        for _ in range(2):
            with Driven(ollama_server.port, world="my-game-again") as driven:
                driven.until(lambda: driven.view.host.status_text == "Connected")
                assert len(driven.view.features) == 1
                assert len(driven.app.world.query(OllamaHostManager)) == 1
                driven.ask_for("not a name")
                driven.until(lambda: driven.view.installations)
            assert esper.components_for_entity(own) == (Player("Ada"),)
            for kind in (OllamaHostManager, LocalModelsPanel, FeatureToggle, FeatureToggleGroup, ModelInstallation):
                assert esper.get_component(kind) == []
            assert [esper.get_processor(kind) for kind in SETS] == [None] * 5
    finally:
        esper.switch_world(before)
        esper.delete_world("my-game-again")
